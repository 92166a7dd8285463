"""The numbers that other panes have for the selected place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lensgui.jobs.answering import Answer
from lensgui.jobs.requests import AttentionHead, Patching, Request
from lensgui.jobs.slices import CellState, Slice, Sweep
from lensgui.panes.lab.cells import SHARED_AXIS, cell_words
from lensgui.panes.lab.kinds import effect, phrase
from lensgui.panes.spelling import signed
from lensgui.state.selection import Cursor


@dataclass(frozen=True, slots=True)
class Heard:
    """What another pane was told.

    Attributes:
        title: The pane's.
        request: What it asked.
        answer: What it was told.
    """

    title: str
    request: Request
    answer: Answer


@dataclass(frozen=True, slots=True)
class Number:
    """One number: what it counts, what it says, and what it means in a sentence."""

    name: str
    words: str
    tip: str


def numbers(heard: Iterable[Heard], cursor: Cursor, group: int) -> list[Number]:
    """Return what panes know of the place at a cursor.

    Args:
        heard: What the panes were told.
        cursor: The place.
        group: How many heads share a key/value head.
    """
    found = [_number(item, cursor, group) for item in heard if isinstance(item.answer, Slice)]
    return list(dict.fromkeys(number for number in found if number is not None))


def index_of(slice_: Slice, cursor: Cursor, group: int) -> tuple[int, ...] | None:
    """Return the indices at which a cursor stands in a slice; None if it does not."""
    index = []
    for axis in slice_.axes:
        shared = axis.name == SHARED_AXIS
        place = cursor.head if shared else getattr(cursor, axis.name, None)
        if place is None:
            return None
        place = place // group if shared else place
        if place not in axis.coordinates:
            return None
        index.append(axis.coordinates.index(place))
    return tuple(index)


def _number(item: Heard, cursor: Cursor, group: int) -> Number | None:
    slice_ = item.answer
    assert isinstance(slice_, Slice)
    index = index_of(slice_, cursor, group)
    if index is None:
        return None
    if isinstance(slice_, Sweep) and isinstance(item.request, Patching):
        head = item.request.layer, item.request.head
        if head[0] is not None and head != (cursor.layer, cursor.head):
            return None  # the edges of another head
        kind, direction = item.request.kind, item.request.direction
        name = f"{phrase(kind).removeprefix('the ')}, {direction}"
        return Number(name, cell_words(slice_, *index), effect(kind, direction))
    if isinstance(item.request, AttentionHead):
        return None  # the inspector says so itself
    state = CellState(int(slice_.states[index]))
    if state not in (CellState.EXACT, CellState.ESTIMATE):
        return None
    tip = f"What the pane “{item.title}” has for this place."
    return Number(item.title, signed(float(slice_.values[index])), tip)
