"""Attribution patching of every cell of every kind, in plain forwards."""

import time

import torch

from lensgui.circuits.attribution import attribute
from lensgui.circuits.questions import SweepKind
from tests.bench.figures import Spread

BAR = 6.0
ROUNDS = 15
KINDS = (
    *(SweepKind(name) for name in ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out")),
    *(SweepKind(name, "all") for name in ("z", "q", "k", "v", "pattern")),
    *(SweepKind(name) for name in ("z", "q", "k", "v", "pattern")),
    SweepKind("pattern", "edge"),
)


def compare(model, pair) -> tuple[str, bool]:
    """One row of the README's table, printed with its details, and whether its bar holds."""
    torch.set_num_threads(1)
    forwards, estimates = [], []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        with torch.no_grad():
            model(pair.clean[None])
        middle = time.perf_counter()
        attribute(model, pair.clean, pair.corrupted, pair.metric, KINDS)
        forwards.append(middle - start)
        estimates.append(time.perf_counter() - middle)
    forward, estimate = Spread.of(forwards[1:]), Spread.of(estimates[1:])
    ratio = estimate.median / forward.median
    holds = ratio <= BAR
    print(f"\nattribution patching: every cell of {len(KINDS)} kinds, 1 thread")
    print(f"  estimates  {estimate}\n  forward    {forward}")
    print(f"  {ratio:.2f} forwards (bar {BAR:g}: {'holds' if holds else 'MISSED'})")
    name = "attribution patching, every cell of every kind"
    row = f"| {name} | 1 | {estimate.median:.3f} s | {forward.median:.3f} s (plain forward) |"
    return f"{row} {ratio:.1f}× its time | |", holds
