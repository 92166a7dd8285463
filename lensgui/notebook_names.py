"""Small functions that notebooks expect to find; nothing in lensgui needs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

USE_DEFAULT_VALUE = None  # for an argument such as prepend_bos: the model's default


def to_numpy(tensor: Any) -> np.ndarray[Any, Any]:
    """Return a tensor, an array, a sequence or a number as an array in host memory."""
    if isinstance(tensor, Tensor):
        kept = tensor.detach().cpu()
        return (kept.float() if kept.dtype == torch.bfloat16 else kept).numpy()
    if isinstance(tensor, np.ndarray | Sequence | int | float | bool | str):
        return np.array(tensor)
    raise ValueError(f"A {type(tensor).__name__} can't be made an array.")


def remove_batch_dim(tensor: Tensor) -> Tensor:
    """Return a tensor without its first dimension if that is 1."""
    return tensor.squeeze(0) if tensor.shape[0] == 1 else tensor


def gelu_new(x: Tensor) -> Tensor:
    """Return GELU in the tanh approximation (Hendrycks & Gimpel 2016)."""
    return F.gelu(x, approximate="tanh")


gelu_fast = gelu_new


def get_corner(tensor: Any, n: int = 3) -> Any:
    """Return the first n of every dimension of a tensor, or of a `FactoredMatrix`."""
    return tensor[(slice(n),) * tensor.ndim] if isinstance(tensor, Tensor) else tensor.get_corner(n)


def transpose(tensor: Tensor) -> Tensor:
    """Return a tensor with its last two dimensions swapped."""
    return tensor.transpose(-1, -2)


def is_square(x: Tensor) -> bool:
    """Return whether a tensor is one square matrix."""
    return x.ndim == 2 and x.shape[0] == x.shape[1]


def is_lower_triangular(x: Tensor) -> bool:
    """Return whether a tensor is one square matrix with zeros above the diagonal."""
    return is_square(x) and torch.equal(x, x.tril())
