"""What reads numbers of tensors into Python, each of which an accelerator would be waited for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

READERS = ("tolist", "numpy", "__array__")
OPERATIONS = ("_local_scalar_dense", "equal", "nonzero", "masked_select")
INDEXING = ("index", "index_put", "index_put_", "_index_put_impl_")


class _Noting(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.noted: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        by_mask = name in INDEXING and any(
            isinstance(index, Tensor) and index.dtype == torch.bool for index in args[1]
        )
        if name in OPERATIONS or name.startswith(("unique", "_unique")) or by_mask:
            self.noted.append(name)
        return func(*args, **(kwargs or {}))


@contextmanager
def reads() -> Iterator[list[str]]:
    """Give what is read while this is open."""
    with pytest.MonkeyPatch.context() as patched, _Noting() as noting:
        for name in READERS:
            patched.setattr(Tensor, name, _noted(noting.noted, name, getattr(Tensor, name)))
        yield noting.noted


def _noted(noted: list[str], name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        noted.append(name)
        return method(self, *args, **kwargs)

    return call
