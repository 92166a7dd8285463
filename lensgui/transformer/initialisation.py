"""Random weights, for models that are to be trained or tested."""

from __future__ import annotations

from typing import Any

import torch


@torch.no_grad()
def fill(model: Any) -> None:
    """Draw every weight matrix from N(0, cfg.init_range²), and set biases to 0 and norms to 1.

    Args:
        model: A `HookedTransformer`; `cfg.seed` seeds torch's generator if it is set.
    """
    cfg = model.cfg
    if cfg.seed is not None:
        torch.manual_seed(cfg.seed)
    for name, weight in model.named_parameters():
        kind = name.rsplit(".", 1)[-1]
        if kind.startswith("W_"):
            weight.normal_(0.0, cfg.init_range)
        else:
            weight.fill_(1.0 if kind == "w" else 0.0)
