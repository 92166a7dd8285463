"""Logits that are worked out when they are looked at: what a notebook's own metric is given.

A metric says nothing of what it reads, but most read one position. So it gets a tensor that keeps
track of how it is indexed, and fills in what that covers; any other operation sees a plain tensor.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map
from typing_extensions import override

Read = Callable[[tuple[int, ...], tuple[int, ...] | None], Tensor]
"""From positions and columns, None for all of the vocabulary, to their logits.

[batch, position, column].
"""
FEW = 32  # columns that are worth reading alone; for more a whole row is read once
_ALL = slice(None)
_ABOUT = (
    {
        getattr(Tensor, name).__get__
        for name in ("shape", "dtype", "device", "ndim", "layout", "is_cuda", "is_mps", "is_cpu")
    }
    | {
        getattr(Tensor, name)
        for name in ("size", "dim", "ndimension", "numel", "nelement", "element_size", "stride")
    }
    | {
        getattr(Tensor, name)
        for name in ("__len__", "__hash__", "is_floating_point", "is_complex", "is_contiguous")
    }
)


class Filled:
    """The logits of one run, of which more is filled in the more is looked at.

    Attributes:
        whole: [batch, position, d_vocab]; what nobody looked at is not yet set. What has been is
            never set again, so that who changes it in place finds it changed.
    """

    def __init__(self, shape: tuple[int, int, int], like: Tensor, read: Read) -> None:
        """Fill in nothing yet.

        Args:
            shape: Batch, position, d_vocab.
            like: Whose dtype and device they have.
            read: What knows them.
        """
        self.whole = like.new_empty(shape)
        self._read = read
        self._rows: set[int] = set()
        self._columns: dict[int, set[int]] = {}  # of positions of which a few are known

    def look(self, positions: Sequence[int], columns: Sequence[int] | None = None) -> None:
        """Fill in some positions, of all tokens or a few."""
        lacking = tuple(at for at in dict.fromkeys(positions) if at not in self._rows)
        if columns is None:
            self._fill(lacking)
            return
        groups: dict[tuple[int, ...], list[int]] = {}
        for at in lacking:
            known = self._columns.setdefault(at, set())
            fresh = tuple(column for column in dict.fromkeys(columns) if column not in known)
            groups.setdefault(fresh, []).append(at)
            known.update(fresh)
        for fresh, these in groups.items():
            if fresh:
                places = torch.tensor(these)[:, None], torch.tensor(fresh)
                self.whole[:, *places] = self._read(tuple(these), fresh)

    def _fill(self, positions: tuple[int, ...]) -> None:
        if not positions:
            return
        known = {at: sorted(self._columns.pop(at, ())) for at in positions}
        kept = {at: self.whole[:, at, columns] for at, columns in known.items() if columns}
        self.whole[:, list(positions)] = self._read(positions, None)
        for at, values in kept.items():
            self.whole[:, at, known[at]] = values
        self._rows.update(positions)


class LazyLogits(Tensor):
    """Logits [batch, position, d_vocab], or a part of them, filled in when they are looked at.

    Integers, slices and new axes give another of these as long as all tokens of several positions
    are meant; whatever else is done with it gives what plain logits would have given. It is the
    caller's own: nobody else sees what is written into it.
    """

    _filled: Filled
    _view: Tensor
    _positions: range
    _axis: int

    @staticmethod
    def __new__(  # noqa: D102 - __init__'s
        cls: type[LazyLogits],
        filled: Filled,
        view: Tensor | None = None,
        positions: range | None = None,
        axis: int = 1,
    ) -> LazyLogits:
        view = filled.whole if view is None else view
        made: LazyLogits = Tensor._make_wrapper_subclass(
            cls, view.shape, strides=view.stride(), dtype=view.dtype, device=view.device
        )
        return made

    def __init__(
        self,
        filled: Filled,
        view: Tensor | None = None,
        positions: range | None = None,
        axis: int = 1,
    ) -> None:
        """Look at some logits.

        Args:
            filled: The logits of a run.
            view: A view of them, the last axis being all tokens; None for all.
            positions: Which positions it has.
            axis: Which of its axes these are.
        """
        self._filled = filled
        self._view = filled.whole if view is None else view
        self._positions = range(filled.whole.shape[1]) if positions is None else positions
        self._axis = axis

    @classmethod
    @override
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Index lazily, say what is known without looking, and do all else with plain tensors."""
        kwargs = kwargs or {}
        with torch._C.DisableTorchFunctionSubclass():
            if func in _ABOUT:
                return func(*args, **kwargs)
            if func in _INDICES and args and isinstance(args[0], LazyLogits):
                index = _INDICES[func](*args, **kwargs)
                if index is not None:
                    return args[0]._at(index)
            args, kwargs = tree_map(_plain, (args, kwargs))
            return func(*args, **kwargs)

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]  # torch's stub has no class method
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Do with plain tensors what has come past `__torch_function__`."""
        args, kwargs = tree_map(_plain, (args, kwargs or {}))
        return func(*args, **kwargs)

    def _whole(self) -> Tensor:
        """Return all that it covers as a plain tensor."""
        self._filled.look(self._positions)
        return self._view

    def _at(self, index: tuple[Any, ...]) -> Tensor:
        """Return what an index covers, in one of these if it is all tokens of several positions."""
        items = _spread(index, self._view.ndim)
        if items is None:
            return self._whole()[index]
        last = self._view.ndim - 1
        where, tokens = (
            next(item for axis, item in items if axis == wanted) for wanted in (self._axis, last)
        )
        is_whole = items[-1][0] == last and isinstance(tokens, slice) and tokens == _ALL
        if is_whole and isinstance(where, slice) and all(_is_basic(item) for _, item in items):
            at = next(number for number, (axis, _) in enumerate(items) if axis == self._axis)
            place = sum(item is None or isinstance(item, slice) for _, item in items[:at])
            return LazyLogits(self._filled, self._view[index], self._positions[where], place)
        self._filled.look(_chosen(where, self._positions), _few(tokens, self._view.shape[-1]))
        return self._view[index]


def _plain(given: Any) -> Any:
    return given._whole() if isinstance(given, LazyLogits) else given


def _selected(logits: Tensor, dim: int, index: int) -> tuple[Any, ...] | None:
    is_axis = isinstance(dim, int) and -logits.ndim <= dim < logits.ndim
    return (*(_ALL,) * (dim % logits.ndim), index) if is_axis else None


def _squeezed(logits: Tensor, dim: Any = None) -> tuple[Any, ...] | None:
    """Return the index that a squeeze is; None unless it takes the first axis of three."""
    is_first = dim == 0 or (dim is None and logits.shape[0] == 1 < min(logits.shape[1:]))
    return (0,) if is_first and logits.ndim == 3 and logits.shape[0] == 1 else None


_INDICES: dict[Any, Callable[..., tuple[Any, ...] | None]] = {
    Tensor.__getitem__: lambda logits, index: index if isinstance(index, tuple) else (index,),
    Tensor.select: _selected,
    torch.select: _selected,
    Tensor.squeeze: _squeezed,
    torch.squeeze: _squeezed,
    Tensor.detach: lambda logits: (...,),
    torch.detach: lambda logits: (...,),
}


def _spread(index: tuple[Any, ...], ndim: int) -> list[tuple[int | None, Any]] | None:
    """Return each item of an index with its axis, None for a new one; None for a mask.

    Axes that it does not mention are whole.
    """
    if any(_is_mask(item) for item in index):
        return None
    given = sum(item is not None and item is not Ellipsis for item in index)
    items = list(index)
    if not any(item is Ellipsis for item in items):
        items.append(Ellipsis)
    at = next(number for number, item in enumerate(items) if item is Ellipsis)
    items[at : at + 1] = [_ALL] * max(ndim - given, 0)
    if given > ndim or any(item is Ellipsis for item in items):
        return None  # the plain tensor says what is wrong with it
    axis, found = 0, list[tuple[int | None, Any]]()
    for item in items:
        found.append((None if item is None else axis, item))
        axis += item is not None
    return found


def _is_mask(item: Any) -> bool:
    dtype = getattr(item, "dtype", None)
    if isinstance(item, (list, tuple)):
        return any(_is_mask(one) for one in item)
    return isinstance(item, bool) or dtype in (torch.bool, torch.uint8) or str(dtype) == "bool"


def _is_basic(item: Any) -> bool:
    return item is None or isinstance(item, slice) or _number(item) is not None


def _number(item: Any) -> int | None:
    """Return an item that is one number."""
    try:
        return operator.index(item)
    except (TypeError, RuntimeError, ValueError):
        return None


def _chosen(item: Any, places: Sequence[int]) -> list[int]:
    """Return which of some places an item of an index means; what is out of range is left out."""
    if isinstance(item, slice):
        return list(places[item])
    number = _number(item)
    try:
        numbers = [number] if number is not None else torch.as_tensor(item).flatten().tolist()
    except (TypeError, ValueError, RuntimeError):
        return list(places)  # the plain tensor says what is wrong with it
    size = len(places)
    return [places[int(at)] for at in numbers if -size <= at < size]


def _few(item: Any, size: int) -> list[int] | None:
    """Return the columns that an item of an index means; None where they are many."""
    if isinstance(item, slice):
        return list(range(size)[item]) if len(range(size)[item]) <= FEW else None
    count = item.numel() if isinstance(item, Tensor) else 1 if _number(item) is not None else None
    count = len(item) if count is None and hasattr(item, "__len__") else count
    return _chosen(item, range(size)) if count is not None and count <= FEW else None
