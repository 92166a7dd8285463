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


def useful_flop(model, kind, unchanged: torch.Tensor, positions: int, first: int) -> float:
    """What a sweep needs: each live cell's rows, from where it enters.

    Args:
        model: The model.
        kind: What cells replace. Those of heads enter behind attention, so a layer's own part of
            theirs is what its heads write and its MLP.
        unchanged: The cells that need nothing, on the map's axes.
        positions: How many tokens the prompts have.
        first: The first position at which they differ.
    """
    block, own = block_flop(model), block_flop(model)
    if kind.is_of_heads:
        attn = model.blocks[0].attn
        own -= 2.0 * sum(weight.numel() for weight in (attn.W_Q, attn.W_K, attn.W_V))
    layers = model.cfg.n_layers
    total = 0.0
    for layer, *index in (~unchanged).nonzero().tolist():
        at = dict(zip(kind.axes[1:], index, strict=True))
        rows = positions - at.get("position", first)
        # The last layer computes the final position only, those before it the whole suffix.
        later = rows * max(0, layers - 2 - layer) + (layer < layers - 1)
        total += (rows if layer < layers - 1 else 1) * own + later * block
    return total


def reference_flop(model, cells: int, positions: int) -> float:
    """What the reference does: whole forwards, whole vocabulary."""
    cfg = model.cfg
    row = cfg.n_layers * block_flop(model) + 2.0 * cfg.d_model * cfg.d_vocab
    return cells * positions * row
