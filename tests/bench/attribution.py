"""Attribution patching of every cell of every kind, in plain forwards."""

import time

import torch

from lensgui.analysis.run.run import KEPT, Run
from lensgui.analysis.sweep.estimates.attribution import attribution_patch, attribution_steps
from lensgui.terms.kinds import SweepKind
from tests.bench.figures import Spread

BAR = 6.0
STEP = 0.05  # seconds: the longest wait to cancel
ROUNDS = 15
KINDS = (
    *(SweepKind(name) for name in ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out")),
    *(SweepKind(name, "all") for name in ("z", "q", "k", "v", "pattern")),
    *(SweepKind(name) for name in ("z", "q", "k", "v", "pattern")),
    SweepKind("pattern", "edge"),
)


def steps_of(model, pair, runs, **options) -> list[float]:
    """The seconds of each step, given complete runs."""
    seconds, start = [], time.perf_counter()
    clean, corrupted = runs
    for _ in attribution_steps(model, clean, corrupted, pair.metric, KINDS, **options):
        now = time.perf_counter()
        seconds.append(now - start)
        start = now
    return seconds


def in_steps(model, pair, forward: float) -> bool:
    """Print the estimate in steps, given complete runs; whether no step is too long."""
    runs = [Run(model, ids, KEPT).complete() for ids in (pair.clean, pair.corrupted)]
    holds = True
    for name, options in {
        "the change": {},
        "QK fix": {"qk_fix": True},
        "QK fix and GradDrop": {"qk_fix": True, "grad_drop": True},
    }.items():
        rounds = [steps_of(model, pair, runs, **options) for _ in range(ROUNDS // 3)]
        whole = Spread.of([sum(seconds) for seconds in rounds])
        longest = Spread.of([max(seconds) for seconds in rounds])
        holds = holds and longest.median <= STEP
        print(
            f"  in steps, given both runs, {name}: {whole.median:.3f} s, "
            f"{whole.median / forward:.2f} forwards, {len(rounds[0])} steps, "
            f"longest {longest.median * 1e3:.1f} ms (bar {STEP * 1e3:g})"
        )
    return holds


def compare(model, pair) -> tuple[str, bool]:
    """One row of the table of figures, printed with its details, and whether its bars hold."""
    torch.set_num_threads(1)
    forwards, estimates = [], []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        with torch.no_grad():
            model(pair.clean[None])
        middle = time.perf_counter()
        attribution_patch(model, pair.clean, pair.corrupted, pair.metric, KINDS)
        forwards.append(middle - start)
        estimates.append(time.perf_counter() - middle)
    forward, estimate = Spread.of(forwards[1:]), Spread.of(estimates[1:])
    ratio = estimate.median / forward.median
    holds = ratio <= BAR
    print(f"\nattribution patching: every cell of {len(KINDS)} kinds, 1 thread")
    print(f"  estimates  {estimate}\n  forward    {forward}")
    print(f"  {ratio:.2f} forwards (bar {BAR:g}: {'holds' if holds else 'MISSED'})")
    holds = in_steps(model, pair, forward.median) and holds
    name = "attribution patching, every cell of every kind"
    row = f"| {name} | 1 | {estimate.median:.3f} s | {forward.median:.3f} s (plain forward) |"
    return f"{row} {ratio:.1f}× its time | |", holds
