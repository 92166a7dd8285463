"""A GPU that is not there: tensors with shapes and devices, and no numbers.

Torch knows them as fake tensors. A CPU-only torch can make them on CUDA or MPS, refuses to mix
devices, and raises where a number would have to be read. Some things it can't do with them, for
which it asks the driver which device is current. Indexing is one: views stand in for it here, and
an index that is a tensor, a list or a mask is refused, since a real GPU is waited for meanwhile.
`contiguous` is another, which a copy stands in for. Autograd is a third, so nothing is
differentiated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from lensgui.transformer.model import HookedTransformer

CUDA, MPS = "cuda:0", "mps:0"


class _Indexing(TorchFunctionMode):
    """Indexes by views."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if func is Tensor.__getitem__ and args[0].device.type != "cpu":
            return _view(*args)
        if func is Tensor.__setitem__ and args[0].device.type != "cpu":
            part, value = _view(*args[:2]), args[2]
            if isinstance(value, Tensor):
                torch.ops.aten.copy_.default(part, value)
            else:
                torch.ops.aten.fill_.Scalar(part, value)
            return None
        return func(*args, **(kwargs or {}))


def _view(x: Tensor, index: Any) -> Tensor:
    parts = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis not in [part for part in parts if not isinstance(part, Tensor)]:
        parts.append(Ellipsis)
    at = 0
    for number, part in enumerate(parts):
        if part is Ellipsis:
            at = x.ndim - sum(other is not None for other in parts[number + 1 :])
        elif part is None:
            x, at = x.unsqueeze(at), at + 1
        elif isinstance(part, slice):
            start, stop, step = part.indices(x.shape[at])
            x, at = torch.ops.aten.slice.Tensor(x, at, start, max(start, stop), step), at + 1
        elif isinstance(part, int) and not isinstance(part, bool):
            x = x.select(at, part)
        else:
            raise IndexError(f"An index that a GPU is waited for: {type(part).__name__}.")
    return x


class _Leaving(TorchDispatchMode):
    """Notes what is copied from the GPU to the host."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        given = [of for of in args if isinstance(of, Tensor)]
        was_there = any(of.device.type != "cpu" for of in given)
        if was_there and isinstance(result, Tensor) and result.device.type == "cpu":
            self.noted.append(str(func))
        for of in [result] if isinstance(result, Tensor) else ():
            assert (of.device.type, of.dtype) != ("mps", torch.float64), f"MPS has none: {func}"
        return result


@contextmanager
def fake_device() -> Iterator[list[str]]:
    """Have a GPU; gives what leaves it, by the names of operations."""
    own = Tensor.contiguous

    def contiguous(x: Tensor, memory_format: torch.memory_format = torch.contiguous_format) -> Any:
        return own(x) if x.is_contiguous() else x.clone(memory_format=memory_format)

    fake = FakeTensorMode(allow_non_fake_inputs=True)
    with pytest.MonkeyPatch.context() as patched, fake, _Leaving() as leaving, _Indexing():
        patched.setattr(Tensor, "contiguous", contiguous)
        yield leaving.noted


def there(model: HookedTransformer, device: str = CUDA, **changes: Any) -> HookedTransformer:
    """A model like another one, on the GPU that is not there; in float32 unless told."""
    cfg = replace(model.cfg, **{"device": device, "dtype": torch.float32, **changes})
    with torch.device(device):
        return HookedTransformer(cfg, initialise=False).requires_grad_(False)
