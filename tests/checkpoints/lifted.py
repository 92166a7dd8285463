"""Hugging Face in true float64.

Its models compute RMSNorm, eager softmax and rotary angles in float32 whatever the weights are. For
a reference exact enough to show small mistakes, every such cast becomes one to float64. Rotary
frequencies stay rounded to float32, as Hugging Face keeps them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode


class Lifted(TorchFunctionMode):
    """Turns casts to float32 into casts to float64."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.Tensor.float:
            return args[0].double()
        if func is torch.full:  # XGLM's least score, which is of torch's default dtype
            kwargs = {"dtype": torch.float64, **(kwargs or {})}
        lift = {torch.float32: torch.float64}
        args = tuple(lift.get(a, a) if isinstance(a, torch.dtype) else a for a in args)
        kwargs = {
            name: lift.get(a, a) if isinstance(a, torch.dtype) else a
            for name, a in (kwargs or {}).items()
        }
        return func(*args, **kwargs)


def lift_angles(model: Any) -> None:
    """Work out in float64 the rotary table that GPT-J keeps in float32; its frequencies stay so."""
    for module in model.modules():
        table = getattr(module, "embed_positions", None)
        if isinstance(table, torch.Tensor) and table.dtype == torch.float64:
            dim = table.shape[1]
            frequencies = 1.0 / (10000 ** (torch.arange(0, dim, 2, dtype=torch.int64) / dim))
            angles = torch.arange(len(table)).double()[:, None] * frequencies.double()
            module.embed_positions = torch.cat([angles.sin(), angles.cos()], dim=1)


def keep_frequencies(model: Any) -> None:
    """Keep in float32 the rotary frequencies that Phi-MoE works out at every call."""
    for module in model.modules():
        if hasattr(module, "rope_init_fn"):
            kept = module.rope_init_fn(model.config)
            module.rope_init_fn = lambda config, kept=kept: kept
