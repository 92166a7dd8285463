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
