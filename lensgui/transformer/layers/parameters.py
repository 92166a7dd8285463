"""Parameters in the field's shapes, laid out in memory the way matrix products want them.

The field writes W_Q as [head, d_model, d_head] and W_in as [d_model, d_mlp]. A product over a few
rows is fastest, and a Hugging Face checkpoint is taken over without a copy, when memory runs [out,
in]. So each parameter here is a transposed view of such memory, and each product takes the view
back.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor
from torch.nn import functional as F

FEW_ROWS = 4


def parameter(tensor: Tensor) -> nn.Parameter:
    """Return a parameter that shares a tensor's memory, and its strides."""
    return nn.Parameter(tensor, requires_grad=tensor.is_floating_point())


def matrix(d_in: int, d_out: int, dtype: torch.dtype) -> nn.Parameter:
    """Return an uninitialised matrix [d_in, d_out], [out, in] in memory."""
    return parameter(torch.empty(d_out, d_in, dtype=dtype).T)


def matrices(count: int, d_in: int, d_out: int, dtype: torch.dtype) -> nn.Parameter:
    """Return uninitialised matrices [count, d_in, d_out], each [out, in] in memory."""
    return parameter(torch.empty(count, d_out, d_in, dtype=dtype).transpose(1, 2))


def head_readers(heads: int, d_model: int, d_head: int, dtype: torch.dtype) -> nn.Parameter:
    """Return uninitialised W_Q, W_K or W_V: [head, d_model, d_head]."""
    return parameter(torch.empty(heads, d_head, d_model, dtype=dtype).transpose(1, 2))


def head_writers(heads: int, d_head: int, d_model: int, dtype: torch.dtype) -> nn.Parameter:
    """Return uninitialised W_O: [head, d_head, d_model]."""
    memory = torch.empty(d_model, heads * d_head, dtype=dtype)
    return parameter(memory.T.unflatten(0, (heads, d_head)))


def exact_dtype(device: torch.device) -> torch.dtype:
    """Return the format for sums and small differences: float64, or float32 where MPS has none."""
    return torch.float32 if device.type == "mps" else torch.float64


def exact(x: Tensor) -> Tensor:
    """Return numbers in the format for sums and small differences; see `exact_dtype`."""
    return x.to(exact_dtype(x.device))


def has_values(x: Tensor) -> bool:
    """Whether numbers of a tensor can be read, which those of a traced one can't.

    Torch has no public word for such tensors.
    """
    return not (x.is_meta or isinstance(x, FakeTensor))


def precise(x: Tensor) -> Tensor:
    """Return numbers in float32 at least: half precision loses sums, and lacks linear algebra."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def zeros(*shape: int, dtype: torch.dtype) -> nn.Parameter:
    """Return a bias of zeros."""
    return parameter(torch.zeros(*shape, dtype=dtype))


def affine(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x [..., in] times a weight [out, in], plus a bias [out] if there is one.

    Rows that do not lie one behind the other are copied first: torch would take their batches one
    by one, and in half precision copy the weight for each.
    """
    return F.linear(x.contiguous(), weight, bias)


def affine_of_few(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return the same as `affine` of rows [row, in], sooner where the weight is large.

    On a CPU, and in full precision, a large weight times two to four columns takes less time than
    as many rows times the weight. In half precision, and for more rows, it takes more.
    """
    is_few = x.ndim == 2 and 1 < len(x) <= FEW_ROWS
    if not is_few or x.device.type != "cpu" or x.dtype not in (torch.float32, torch.float64):
        return affine(x, weight, bias)
    return (weight @ x.T).T.contiguous() + bias


def read_heads(x: Tensor, weight: Tensor, bias: Tensor, limit: float | None = None) -> Tensor:
    """Project the residual stream into every head.

    Args:
        x: [..., position, d_model], the same for all heads; or [batch, position, head, d_model], a
            copy for each.
        weight: [head, d_model, d_head].
        bias: [head, d_head].
        limit: The largest size of what is returned, larger numbers being clamped; None for none.

    Returns:
        [..., position, head, d_head].
    """
    if x.ndim == 4:
        projected = torch.einsum("bphm,hmd->bphd", x, weight) + bias
    else:
        flat = weight.transpose(1, 2).flatten(0, 1)  # as it lies in memory, without a copy
        projected = affine(x, flat, bias.flatten()).unflatten(-1, bias.shape)
    return projected if limit is None else projected.clamp(-limit, limit)


def write_heads(z: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Add up what every head writes into the residual stream.

    Args:
        z: [batch, position, head, d_head].
        weight: [head, d_head, d_model].
        bias: [d_model].

    Returns:
        [batch, position, d_model].
    """
    return affine(z.flatten(-2), weight.flatten(0, 1).T, bias)
