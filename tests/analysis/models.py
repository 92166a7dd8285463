"""Tiny models in float64, opened once."""

from __future__ import annotations

from functools import cache

import torch

from lensgui.transformer.model import HookedTransformer
from tests.checkpoints.tiny_models import tiny


@cache
def model_of(name: str) -> HookedTransformer:
    """A tiny model with its weights as they are, which nobody may change."""
    return HookedTransformer.from_pretrained_no_processing(
        hf_model=tiny(name), device="cpu", dtype=torch.float64
    ).requires_grad_(False)
