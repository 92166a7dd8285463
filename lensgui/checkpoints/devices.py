"""Where a model can run on this machine."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import psutil
import torch

_CONTAINER = Path("/sys/fs/cgroup")


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
    from lensgui.transformer.config import HookedTransformerConfig
    from lensgui.transformer.model import HookedTransformer

    cfg = HookedTransformerConfig(
        n_layers=2, d_model=64, n_ctx=32, d_head=16, n_key_value_heads=2, d_vocab=50, act_fn="silu",
        normalization_type="RMS", positional_embedding_type="rotary", gated_mlp=True, seed=0,
    )  # fmt: skip
    model = HookedTransformer(cfg)
    tokens = torch.arange(24)[None]
    here = model(tokens)
    there = model.to(device)(tokens.to(device)).cpu()
    return bool(torch.allclose(here, there, atol=1e-3))


def free_bytes(device: torch.device | str) -> int:
    """Return how much memory can still be had where a device keeps its tensors, in bytes."""
    kind = torch.device(device).type
    if kind == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + unused
    if kind == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return min(int(psutil.virtual_memory().available), _left_in_container())


def _left_in_container() -> int:
    """Return how many bytes the container that this process is in still gets; a lot without one."""
    with suppress(OSError, ValueError):
        limit = int((_CONTAINER / "memory.max").read_text())
        used = int((_CONTAINER / "memory.current").read_text())
        facts = (_CONTAINER / "memory.stat").read_text().split()
        cached = int(facts[facts.index("inactive_file") + 1])  # given back when it is wanted
        return max(limit - used + cached, 0)
    return 1 << 62
