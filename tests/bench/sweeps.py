"""Sweeps beside the reference: in turn, in one run, with the same threads."""

import random
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.kinds import SweepKind as SweepKind  # probe.py takes it from here
from lensgui.terms.metrics import LogitDifference
from lensgui.transformer.hooks.names import get_act_name
from tests.bench.figures import Spread, gigaflops, reference_flop, useful_flop
from tests.bench.peer import Peer

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
ROUNDS, CELLS = 5, 8  # the reference's cells in all: 40
AGREES = 1e-4  # logits


@dataclass(frozen=True)
class Pair:
    """A prompt pair: token ids, [position]."""

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


@dataclass(frozen=True)
class Case:
    """One kind of sweep of one pair, and how much faster than the reference it must be.

    Attributes:
        pair: The prompts.
        kind: What cells replace.
        bars: The least ratio, at one thread and on two quiet cores.
        work: The most useful work, as a share of the reference's; None for no bar.
        rate: The least useful work a second, as a share of the machine's rate; None for no bar.
    """

    pair: Pair
    kind: SweepKind
    bars: tuple[float, float]
    work: float | None = None
    rate: float | None = None


IOI, FACT = Pair.stored("ioi"), Pair.stored("fact")
CASES = (
    Case(IOI, SweepKind("resid_pre"), (40, 80), 1 / 25, 0.5),
    Case(IOI, SweepKind("z", "all"), (13, 25), 1 / 6, 0.8),
    Case(IOI, SweepKind("z"), (60, 110)),
    *(Case(IOI, SweepKind(name, "all"), (10, 15)) for name in ("q", "k", "v", "pattern")),
    Case(FACT, SweepKind("resid_pre"), (12, 20)),
    Case(FACT, SweepKind("z", "all"), (8, 15)),
)


def timed(model, pair: Pair, kind: SweepKind):
    """The whole sweep, its seconds, and the seconds to its first cell that took work."""
    start, first = time.perf_counter(), None
    for result in sweep(model, pair.clean, pair.corrupted, pair.metric, kind):
        known = ~result.values.isnan() & ~result.unchanged
        if first is None and bool(known.any()):
            first = time.perf_counter() - start
    return result, time.perf_counter() - start, first


def cell(kind: SweepKind, layer: int, index: tuple[int, ...]) -> dict[str, object]:
    """What to ask the reference for one cell."""
    everywhere = kind.extent == "all" and kind.activation != "pattern"
    part = [[], *index] if everywhere else list(index)
    return {"hook": get_act_name(kind.activation, layer), "part": part}


def interleaved(model, peer: Peer | None, pair: Pair, kind: SweepKind):
    """Our sweeps and the reference's cells in turn; its cells are drawn at random."""
    draw, ours, theirs, firsts, apart = random.Random(0), [], [], [], []
    result, _, _ = timed(model, pair, kind)
    if peer:
        ids = {"clean": pair.clean.tolist(), "corrupted": pair.corrupted.tolist()}
        (answer,), (distractor,) = pair.metric.answer, pair.metric.distractor
        peer.ask(**ids, answer=answer, distractor=distractor)
        peer.ask(**cell(kind, 0, tuple(0 for _ in kind.axes[1:])))
    for _ in range(ROUNDS):
        for _ in range(CELLS):
            if not peer:
                break
            layer, *index = (draw.randrange(size) for size in result.values.shape)
            answered = peer.ask(**cell(kind, layer, tuple(index)))
            theirs.append(answered["seconds"])
            mine = float(result.values[(layer, *index)]) + result.corrupted
            apart.append(abs(mine - answered["metric"]))
        result, seconds, first = timed(model, pair, kind)
        ours.append(seconds)
        firsts.append(first)
    return result, ours, theirs, firsts, apart


def works(model, case: Case, unchanged, seconds: float, rates, quiet: bool) -> bool:
    """Print how much useful work a sweep did, and how fast; return whether both bars hold.

    Args:
        model: Ours.
        case: What was swept.
        unchanged: The cells that needed nothing.
        seconds: How long it took.
        rates: The machine's rate before and after, GFLOP/s.
        quiet: Whether the machine was.
    """
    pair = case.pair
    positions, first = len(pair.clean), int((pair.clean != pair.corrupted).nonzero()[0])
    useful = useful_flop(model, case.kind, unchanged, positions, first)
    share = useful / reference_flop(model, unchanged.numel(), positions)
    rate = useful / seconds / 1e9
    of_machine = rate / (sum(rates) / 2)
    is_little = case.work is None or share <= case.work
    is_fast = case.rate is None or not quiet or of_machine >= case.rate
    bar = "" if case.rate is None else f" (bar {case.rate:.0%}{'' if is_fast else ': MISSED'})"
    print(
        f"  useful work 1/{1 / share:.1f} of the reference's{'' if is_little else ' MISSED'},",
        end=" ",
    )
    print(f"at {rate:.1f} GFLOP/s, {of_machine:.0%} of the machine's{bar}:", end=" ")
    print(f"{rates[0]:.1f} before, {rates[1]:.1f} after")
    return is_little and is_fast


def compare(model, peer: Peer | None, case: Case, threads: int, quiet: bool) -> tuple[str, bool]:
    """One row of the table of figures, printed with its details, and whether its bars hold.

    Args:
        model: Ours.
        peer: The reference; None where it can't be had.
        case: What is swept.
        threads: For both sides.
        quiet: Whether the machine had that many cores to itself just before.
    """
    pair, kind = case.pair, case.kind
    before = gigaflops(threads)
    torch.set_num_threads(threads)
    if peer:
        peer.ask(threads=threads)
    result, ours, theirs, firsts, apart = interleaved(model, peer, pair, kind)
    after = gigaflops(threads)
    mine, cells = Spread.of(ours), result.values.numel()
    name = f"{pair.name}: {kind.activation}, by {' × '.join(kind.axes)}, {cells:,} cells"
    print(f"\n{name}, {threads} thread{'s' * (threads > 1)}")
    print(f"  lensgui    {mine}; first computed cells after {Spread.of(firsts).median:.4f} s")
    worked = works(model, case, result.unchanged, mine.median, (before, after), quiet)
    row = f"| {name} | {threads} | {mine.median:.3f} s"
    if not peer:
        return f"{row} | – | – | – |", worked
    reference = Spread.of(theirs)
    whole, worst = reference.median * cells, max(apart)
    ratio, bar = whole / mine.median, case.bars[threads > 1]
    holds = worst <= AGREES and worked and (not quiet or ratio >= bar)
    kept = "holds" if ratio >= bar else "MISSED" if quiet else "not held"
    busy = "" if quiet else " (busy)"
    print(f"  reference  {reference} a cell, of {len(theirs)} drawn: {whole:.1f} s in all")
    print(f"  {ratio:.1f}× (bar {bar:g}×: {kept}){busy}; max-abs {worst:.1e} (bar {AGREES:g})")
    return f"{row} | {whole:.1f} s | {ratio:.0f}×{busy} | {worst:.1e} |", holds
