"""Attention biased against distance, a slope for each head (Press et al. 2022)."""

from __future__ import annotations

import torch
from torch import Tensor

from lensgui.transformer.config import HookedTransformerConfig


def slopes(cfg: HookedTransformerConfig) -> Tensor:
    """Return how much each head's scores fall per position of distance.

    Of n heads, a power of 2, they are 2^(−8/n), 2^(−16/n) … 2^−8. Another number of heads takes
    those of the next lower power first, then every other one of the next higher power's.

    Args:
        cfg: The model's numbers.

    Returns:
        [head], in float64 if the model is, else float32.
    """
    below = 1 << (cfg.n_heads.bit_length() - 1)
    exponents = [8.0 * head / below for head in range(1, below + 1)]
    exponents += [8.0 * head / (2 * below) for head in range(1, 2 * below, 2)]
    precise = torch.float64 if cfg.dtype == torch.float64 else torch.float32
    return 2.0 ** -torch.tensor(exponents[: cfg.n_heads], dtype=precise)
