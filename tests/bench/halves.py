"""A billion parameters in bfloat16 beside float32: a forward, and a sweep of every head.

    OMP_NUM_THREADS=1 python -m tests.bench.halves

Weights are random; how fast a model is does not depend on them.
"""

import time
from dataclasses import replace

import torch

from lensgui.analysis.sweep.sweep import sweep_many
from lensgui.terms.kinds import SweepKind
from tests.bench.figures import Spread
from tests.bench.gpu import LARGE, METRIC, made, prompts

SHAPE = replace(LARGE, n_layers=16, d_model=2048, d_head=64, d_value=64, rotary_dim=64, d_mlp=8192)
FORMATS = torch.float32, torch.bfloat16
HEADS = SweepKind("z", "all")
TOKENS, FORWARDS, SWEEPS = 14, 9, 3


def measured(dtype: torch.dtype) -> tuple[Spread, Spread, int]:
    """Seconds of a forward and of the sweep in a format, and how many cells it has."""
    model = made(replace(SHAPE, dtype=dtype), "cpu")
    clean, corrupted = prompts(model.cfg, TOKENS)
    forwards, sweeps = [], []
    with torch.no_grad():
        for count in range(FORWARDS + 1):
            begun = time.perf_counter()
            model(clean[None])
            forwards += [time.perf_counter() - begun] * (count > 0)
    for _ in range(SWEEPS):
        begun = time.perf_counter()
        *_, (result,) = sweep_many(model, clean, corrupted, METRIC, (HEADS,))
        sweeps.append(time.perf_counter() - begun)
    return Spread.of(forwards), Spread.of(sweeps), result.values.numel()


def compare() -> list[str]:
    """A row of the table each; one thread."""
    torch.set_num_threads(1)
    (forward, sweep, cells), (half, swept, _) = map(measured, FORMATS)
    print("\n1.2 B parameters in bfloat16 beside float32, 1 thread")
    print(f"  a forward of {TOKENS} tokens {half}, float32 {forward}")
    print(f"  {cells} cells of heads {swept}, float32 {sweep}")
    row = "| 1.2 B in bfloat16: {} | 1 | {:.2f} s | {:.2f} s (float32) | {:.1f}× | |"
    both = [
        (f"a forward of {TOKENS} tokens", half.median, forward.median),
        (f"head output, {cells} cells", swept.median, sweep.median),
    ]
    return [row.format(what, ours, theirs, theirs / ours) for what, ours, theirs in both]


if __name__ == "__main__":
    print("\n".join(compare()))
