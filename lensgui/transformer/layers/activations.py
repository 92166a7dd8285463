"""The nonlinearities of MLPs, under Hugging Face's names."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F


def gelu_bloom(x: Tensor) -> Tensor:
    """Return GELU's tanh approximation with √(2/π) to eight digits, as BLOOM was trained."""
    return 0.5 * x * (1.0 + torch.tanh(0.79788456 * x * (1.0 + 0.044715 * x * x)))


def quick_gelu(x: Tensor) -> Tensor:
    """Return GELU's sigmoid approximation (Hendrycks & Gimpel 2016)."""
    return x * torch.sigmoid(1.702 * x)


def gelu_10(x: Tensor) -> Tensor:
    """Return GELU, at most 10 (Wu et al. 2020)."""
    return F.gelu(x).clip(-10.0, 10.0)


def linear(x: Tensor) -> Tensor:
    """Return x itself."""
    return x


def solu(x: Tensor) -> Tensor:
    """Return x · softmax(x), over the last dimension (Elhage et al. 2022)."""
    return x * x.softmax(-1)


def relu2(x: Tensor) -> Tensor:
    """Return ReLU squared (So et al. 2021)."""
    return F.relu(x).square()


def sqrtsoftplus(x: Tensor) -> Tensor:
    """Return the square root of softplus."""
    return F.softplus(x).sqrt()


def laplace(x: Tensor) -> Tensor:
    """Return the normal distribution function that MEGA bounds ReLU² by (Ma et al. 2022)."""
    return 0.5 * (1.0 + torch.erf((x - 0.707107) / (0.282095 * 2.0**0.5)))


SOLU_LN = "solu_ln"  # SoLU, before a LayerNorm inside the MLP
_TANH_GELUS = ("gelu_new", "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_fast", "gelu_accurate")

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "gelu": F.gelu,
    "gelu_python": F.gelu,
    **dict.fromkeys(_TANH_GELUS, partial(F.gelu, approximate="tanh")),
    "gelu_bloom": gelu_bloom,
    "quick_gelu": quick_gelu,
    "gelu_10": gelu_10,
    "silu": F.silu,
    "swish": F.silu,
    "tanh": torch.tanh,
    "linear": linear,
    "relu2": relu2,
    "solu": solu,
    SOLU_LN: solu,
    "relu6": F.relu6,
    "leaky_relu": F.leaky_relu,
    "sigmoid": torch.sigmoid,
    "hardswish": F.hardswish,
    "mish": F.mish,
    "laplace": laplace,
    "sqrtsoftplus": sqrtsoftplus,
}


def activation(name: str) -> Callable[[Tensor], Tensor]:
    """Return a nonlinearity by name.

    Raises:
        ValueError: If it is not known.
    """
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise ValueError(
            f"The activation function {name!r} is not supported; known are "
            f"{', '.join(ACTIVATIONS)}."
        )
    return ACTIVATIONS[name]
