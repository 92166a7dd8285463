"""Timing, the machine's own speed, and how much work a sweep really needs."""

import statistics
import time
from dataclasses import dataclass

import torch

ROWS = 256  # of a typical matrix product in a sweep


@dataclass(frozen=True)
class Spread:
    """Seconds: the median and the quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: list[float]) -> "Spread":
        low, median, high = statistics.quantiles(samples, n=4, method="inclusive")
        return cls(median, low, high)

    def __str__(self) -> str:
        return f"{self.median:.4f} s ({self.low:.4f}–{self.high:.4f})"


def gigaflops(threads: int, width: int = 576, inner: int = 1536, seconds: float = 0.4) -> float:
    """The machine's float32 matrix-product rate at that many threads, in GFLOP/s."""
    torch.set_num_threads(threads)
    left, right = torch.randn(ROWS, width), torch.randn(width, inner)
    left @ right
    taken, until = [], time.perf_counter() + seconds
    while time.perf_counter() < until:
        start = time.perf_counter()
        left @ right
        taken.append(time.perf_counter() - start)
    return 2 * ROWS * width * inner / statistics.median(taken) / 1e9


def block_flop(model) -> float:
    """Of one row through one block: two for each weight of its matrices."""
    return 2.0 * sum(weight.numel() for weight in model.blocks[0].parameters() if weight.dim() > 1)


def useful_flop(model, unchanged: torch.Tensor) -> float:
    """What a resid_pre sweep needs: each live cell's rows, from where it enters.

    Args:
        model: The model.
        unchanged: The cells that need nothing, [layer, position].
    """
    layers, positions = unchanged.shape
    total = 0.0
    for layer, position in (~unchanged).nonzero().tolist():
        # The last layer computes the final position only, those before it the whole suffix.
        total += (positions - position) * (layers - 1 - layer) + 1
    return total * block_flop(model)


def reference_flop(model, cells: int, positions: int) -> float:
    """What the reference does: whole forwards, whole vocabulary."""
    cfg = model.cfg
    row = cfg.n_layers * block_flop(model) + 2.0 * cfg.d_model * cfg.d_vocab
    return cells * positions * row
