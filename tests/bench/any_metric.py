"""Patching maps of notebooks' own metrics, beside one forward a cell and beside a declared one."""

import itertools
import random
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lensgui import KLDivergence, patching
from tests.bench.figures import Spread
from tests.bench.sweeps import AGREES, Pair
from tests.references import putting

ROUNDS, CELLS = 5, 8
SLOWER = 2.0  # at most so many times the declared metric's time
BARS = {"by index": 20, "by gather": 20, "KL of the last position": 20, "every position": 4}


def metrics(pair: Pair, clean: Tensor) -> dict[str, tuple[Callable[[Tensor], Tensor], object]]:
    """Each metric as a notebook writes it, with the declared one that reads as much, if any."""
    (answer,), (distractor,) = pair.metric.answer, pair.metric.distractor
    answers = torch.tensor([[answer, distractor]])
    wanted = clean[0, -1].log_softmax(-1)
    following = pair.corrupted[None, 1:, None]

    def by_gather(logits: Tensor) -> Tensor:
        chosen = logits[:, -1, :].gather(1, answers)
        return (chosen[:, 0] - chosen[:, 1]).mean()

    def divergence(logits: Tensor) -> Tensor:
        found = logits[0, -1].log_softmax(-1)
        return F.kl_div(found, wanted, reduction="sum", log_target=True)

    def every(logits: Tensor) -> Tensor:
        return logits.log_softmax(-1)[:, :-1].gather(-1, following).mean()

    return {
        "by index": (lambda logits: logits[0, -1, answer] - logits[0, -1, distractor], pair.metric),
        "by gather": (by_gather, pair.metric),
        "KL of the last position": (divergence, KLDivergence(clean=wanted)),
        "every position": (every, None),
    }


@torch.no_grad()
def compare(model, pair: Pair) -> list[tuple[str, bool]]:
    """A row of the table for each metric, and whether its bars hold; one thread, all in turn."""
    torch.set_num_threads(1)
    clean, corrupted = pair.clean[None], pair.corrupted[None]
    logits, cache = model.run_with_cache(clean)
    places = list(itertools.product(range(model.cfg.n_layers), range(len(pair.clean))))
    print(f"\nA notebook's own metric, {len(places)} residual cells, 1 thread, {ROUNDS} rounds")
    rows = []
    for name, (metric, declared) in metrics(pair, logits).items():
        draw, apart = random.Random(0), []
        times: dict[str, list[float]] = {"ours": [], "declared": [], "cell": []}
        for _ in range(ROUNDS):
            found = _timed(times["ours"], model, corrupted, cache, metric)
            if declared is not None:
                _timed(times["declared"], model, corrupted, cache, declared)
            for layer, at in draw.sample(places, CELLS):
                hook = putting(f"blocks.{layer}.hook_resid_pre", (slice(None), at), cache)
                start = time.perf_counter()
                value = float(metric(model.run_with_hooks(corrupted, fwd_hooks=[hook])))
                times["cell"].append(time.perf_counter() - start)
                apart.append(abs(value - float(found[layer, at])))
        rows.append(
            _row(name, {key: Spread.of(of) for key, of in times.items() if of}, places, max(apart))
        )
    return rows


def _timed(times: list[float], *arguments: Any) -> Tensor:
    start = time.perf_counter()
    found: Tensor = patching.get_act_patch_resid_pre(*arguments)
    times.append(time.perf_counter() - start)
    return found


def _row(name: str, spreads: dict[str, Spread], places, worst: float) -> tuple[str, bool]:
    ours, whole = spreads["ours"], spreads["cell"].median * len(places)
    ratio = whole / ours.median
    slower = ours.median / spreads["declared"].median if "declared" in spreads else 0.0
    holds = ratio >= BARS[name] and slower <= SLOWER and worst <= AGREES
    beside = f"; {slower:.2f}× the declared metric's (bar {SLOWER:g}×)" if slower else ""
    print(
        f"  {name}: {ours}; one forward a cell {whole:.1f} s: {ratio:.1f}× (bar {BARS[name]}×)",
        end="",
    )
    print(f"{beside}; max-abs {worst:.1e}: {'holds' if holds else 'MISSED'}")
    row = f"| a notebook's metric, {name}, 420 cells | 1 | {ours.median:.3f} s | {whole:.1f} s"
    return f"{row} (our own forward a cell) | {ratio:.0f}× | {worst:.1e} |", holds
