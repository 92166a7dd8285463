"""Where a model can run on this machine."""

from __future__ import annotations

from functools import lru_cache

import torch


def devices() -> tuple[str, ...]:
    """Return the devices of this machine, best first."""
    found = []
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return (*found, "cpu")


@lru_cache(maxsize=1)
def best_device() -> str:
    """Return the best device: CUDA; else MPS if a small forward there agrees with the CPU's.

    Else the CPU.

    MPS has been silently wrong in several releases of torch, so it is not taken at its word.
    """
    found = devices()
    if found[0] == "mps" and not _agrees_with_cpu("mps"):
        return "cpu"
    return found[0]


@torch.no_grad()
def _agrees_with_cpu(device: str) -> bool:
    """Return whether a small random model gives the same logits on a device as on the CPU."""
    from lensgui.engine.config import HookedTransformerConfig
    from lensgui.engine.model import HookedTransformer

    cfg = HookedTransformerConfig(
        n_layers=2, d_model=64, n_ctx=32, d_head=16, n_key_value_heads=2, d_vocab=50, act_fn="silu",
        normalization_type="RMS", positional_embedding_type="rotary", gated_mlp=True, seed=0,
    )  # fmt: skip
    model = HookedTransformer(cfg)
    tokens = torch.arange(24)[None]
    here = model(tokens)
    there = model.to(device)(tokens.to(device)).cpu()
    return bool(torch.allclose(here, there, atol=1e-3))
