"""The residual-stream sweep beside the reference: in turn, in one run, with the same threads."""

import random
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lensgui.circuits.questions import LogitDifference
from lensgui.circuits.sweeps import sweep_residual
from tests.bench.figures import Spread, gigaflops, reference_flop, useful_flop
from tests.bench.peer import Peer

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
ROUNDS, CELLS = 8, 5  # the reference's cells in all: 40
BARS = {("ioi", 1): 35.0, ("ioi", 2): 60.0}
AGREES = 1e-4  # logits


@dataclass(frozen=True)
class Pair:
    """A stored prompt pair: token ids, [position]."""

    name: str
    clean: torch.Tensor
    corrupted: torch.Tensor
    metric: LogitDifference

    @classmethod
    def stored(cls, name: str) -> "Pair":
        kept = np.load(FIXTURES / f"{name}.npz")
        clean, corrupted = (torch.tensor(kept[key]) for key in ("clean_ids", "corrupted_ids"))
        answer, distractor = int(kept["answer"]), int(kept["distractor"])
        return cls(name, clean, corrupted, LogitDifference((answer,), (distractor,)))


def sweep(model, pair: Pair):
    """The whole sweep, its seconds, and the seconds to its first cell that took work."""
    start, first = time.perf_counter(), None
    for result in sweep_residual(model, pair.clean, pair.corrupted, pair.metric):
        known = ~result.values.isnan() & ~result.unchanged
        if first is None and bool(known.any()):
            first = time.perf_counter() - start
    return result, time.perf_counter() - start, first


def interleaved(model, peer: Peer | None, pair: Pair):
    """Our sweeps and the reference's cells in turn; its cells are drawn at random."""
    draw, ours, theirs, firsts, apart = random.Random(0), [], [], [], []
    result, _, _ = sweep(model, pair)
    if peer:
        ids = {"clean": pair.clean.tolist(), "corrupted": pair.corrupted.tolist()}
        (answer,), (distractor,) = pair.metric.answer, pair.metric.distractor
        peer.ask(**ids, answer=answer, distractor=distractor)
        peer.ask(layer=0, position=0)
    for _ in range(ROUNDS):
        for _ in range(CELLS if peer else 0):
            layer, position = (draw.randrange(size) for size in result.values.shape)
            cell = peer.ask(layer=layer, position=position)
            theirs.append(cell["seconds"])
            mine = float(result.values[layer, position]) + result.corrupted
            apart.append(abs(mine - cell["metric"]))
        result, seconds, first = sweep(model, pair)
        ours.append(seconds)
        firsts.append(first)
    return result, ours, theirs, firsts, apart


def compare(model, peer: Peer | None, pair: Pair, threads: int, quiet: bool) -> tuple[str, bool]:
    """One row of the README's table, printed with its details, and whether its bar holds.

    Args:
        model: Ours.
        peer: The reference; None where it can't be had.
        pair: The prompts.
        threads: For both sides.
        quiet: Whether the machine had that many cores to itself just before.
    """
    before = gigaflops(threads)
    torch.set_num_threads(threads)
    if peer:
        peer.ask(threads=threads)
    result, ours, theirs, firsts, apart = interleaved(model, peer, pair)
    after = gigaflops(threads)
    mine, cells = Spread.of(ours), result.values.numel()
    useful = useful_flop(model, result.unchanged)
    share = useful / reference_flop(model, cells, result.values.shape[1])
    print(f"\n{pair.name}: resid_pre, {cells} cells, {threads} thread{'s' * (threads > 1)}")
    print(f"  lensgui    {mine}; first computed cells after {Spread.of(firsts).median:.4f} s")
    rate = useful / mine.median / 1e9
    print(f"  useful work 1/{1 / share:.0f} of the reference's, at {rate:.1f} GFLOP/s;", end=" ")
    print(f"the machine's rate {before:.1f} before, {after:.1f} after")
    row = f"| {pair.name}: resid_pre, {cells} cells | {threads} | {mine.median:.3f} s"
    if not peer:
        return f"{row} | – | – | – |", True
    reference = Spread.of(theirs)
    whole, worst = reference.median * cells, max(apart)
    ratio, bar = whole / mine.median, BARS.get((pair.name, threads))
    holds = worst <= AGREES and (bar is None or not quiet or ratio >= bar)
    kept = "holds" if ratio >= (bar or 0) else "MISSED" if quiet else "not held"
    verdict = "" if bar is None else f" (bar {bar:.0f}×: {kept})"
    busy = "" if quiet else " (busy)"
    print(f"  reference  {reference} a cell, of {len(theirs)} drawn: {whole:.1f} s in all")
    print(f"  {ratio:.1f}×{verdict}{busy}; max-abs {worst:.1e} (bar {AGREES:g})")
    return f"{row} | {whole:.1f} s | {ratio:.0f}×{busy} | {worst:.1e} |", holds
