"""Some places of a dimension: a position, a range, a list of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

SliceInput = int | slice | tuple[int, ...] | list[int] | Tensor | np.ndarray[Any, Any] | None


class Slice:
    """Which places of a dimension are taken.

    An int takes one and drops the dimension; a tuple or slice takes a range, a list, array or
    tensor several; None takes all.

    Attributes:
        slice: As Python or numpy index it.
    """

    @classmethod
    def of(cls, given: Slice | SliceInput) -> Slice:
        """Return a slice as it is, or one that takes what is given."""
        return given if isinstance(given, Slice) else cls(given)

    def __init__(self, input_slice: SliceInput = None) -> None:
        """Keep an index.

        Raises:
            ValueError: If it is none of these.
        """
        self.slice: Any = input_slice
        if input_slice is None:
            self.slice = slice(None)
        elif isinstance(input_slice, tuple):
            self.slice = slice(*input_slice)
        elif isinstance(input_slice, list | Tensor | np.ndarray):
            self.slice = np.asarray(input_slice)
        elif not isinstance(input_slice, int | slice):
            raise ValueError(f"{input_slice!r} does not say which places are taken.")

    def apply(self, tensor: Tensor, dim: int = 0) -> Tensor:
        """Return these places of one dimension of a tensor."""
        index: list[Any] = [slice(None)] * tensor.ndim
        index[dim] = self.slice
        return tensor[tuple(index)]

    def indices(self, max_ctx: int | None = None) -> Any:
        """Return the indices taken, of a dimension of a size, as an array.

        Raises:
            ValueError: If they depend on the size and there is none.
        """
        if not isinstance(self.slice, slice):
            return np.atleast_1d(self.slice)
        if max_ctx is None:
            raise ValueError("Which indices a slice takes depends on the size: give max_ctx.")
        return np.arange(max_ctx)[self.slice]

    def __repr__(self) -> str:
        """Return what is taken."""
        return f"Slice({self.slice!r})"
