"""What is under a place of a drawing: its numbers in words, what a click selects, its outline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QRectF

from lensgui.jobs.answers.arrays import Axis
from lensgui.panes.figures.drawing.marks import Drawing, Spots
from lensgui.panes.figures.drawing.style import number
from lensgui.state.selection import FIELDS, Cursor

PLAIN = ("state", "exact"), ("state", "unchanged")  # what need not be said of a cell
Found = tuple[Spots, tuple[int, ...]]


def at(drawing: Drawing, x: float, y: float) -> Found | None:
    """Return whose cell is at a place, and its index on each axis; None where there is none.

    Args:
        drawing: What is drawn.
        x: From the left, in points.
        y: From the top, in points.
    """
    for spots in _shown(drawing):
        across, down = (x - spots.x) / spots.width, (y - spots.y) / spots.height
        if not (0 <= across < 1 and 0 <= down < 1):
            continue
        row, column = int(down * spots.rows), int(across * spots.columns)
        index = index_of(spots, row, column)
        if index is not None:
            return spots, index
    return None


def index_of(spots: Spots, row: int, column: int) -> tuple[int, ...] | None:
    """Return a cell's index on each axis; None if its panel has no number for it."""
    flat, shape = spots.first + row * spots.down + column * spots.across, _shape(spots.axes)
    if spots.order is not None:
        flat = spots.order[flat] if flat < len(spots.order) else -1
    if not 0 <= flat < int(np.prod(shape)):
        return None
    return tuple(map(int, np.unravel_index(flat, shape)))


def _shown(drawing: Drawing) -> list[Spots]:
    """Return the cells of a drawing that have any size."""
    return [spots for spots in drawing.spots if spots.width > 0 and spots.height > 0]


def words(found: Found) -> str:
    """Return what a cell is called, and its numbers: layer L23 · position ·John · value 0.43."""
    spots, index = found
    data, parts = spots.panel.data, []
    for axis, place in zip(spots.axes, index, strict=True):
        parts.append(f"{axis.name.replace('_', ' ')} {axis.labels[place]}")
    if len(spots.axes) == len(data.axes):
        for name, values in data.columns.items():
            parts.append(f"{name} {number(float(values[index]))}")
        flat = int(np.ravel_multi_index(index, data.shape))
        said = [(name, texts[flat]) for name, texts in data.words.items() if texts[flat]]
        parts += [f"{name} {text}" for name, text in said if (name, text) not in PLAIN]
    return " · ".join(parts)


def all_words(spots: Spots) -> list[str]:
    """Return `words` of all cells, row by row as they are drawn."""
    places = [index_of(spots, *place) for place in np.ndindex(spots.rows, spots.columns)]
    return ["" if place is None else words((spots, place)) for place in places]


def fields(found: Found) -> dict[str, Any]:
    """Return the cursor fields that a click on a cell selects."""
    spots, index = found
    places = {axis.name: axis.coordinates[at] for axis, at in zip(spots.axes, index, strict=True)}
    if not _are_places(spots.axes):
        return {}
    known = {name: place for name, place in places.items() if name in FIELDS}
    return {name: place for name, place in known.items() if place is not None and place >= 0}


def _are_places(axes: Sequence[Axis]) -> bool:
    """Whether axes say where in the model something is: rows of a table are numbered otherwise."""
    names = {axis.name for axis in axes}
    return "token" not in names and ("head" not in names or "layer" in names)


def selected(drawing: Drawing, cursor: Cursor) -> list[QRectF]:
    """Return where the cells are that a cursor selects on all of their axes, in points."""
    found = []
    for spots in _shown(drawing):
        index = _index(spots.axes, cursor)
        if index is None:
            continue
        flat = int(np.ravel_multi_index(index, _shape(spots.axes)))
        if spots.order is not None:
            flat = spots.order.index(flat) if flat in spots.order else -1
        step = flat - spots.first
        row, column = _row_and_column(spots, step)
        if 0 <= row < spots.rows and 0 <= column < spots.columns:
            wide, high = spots.width / spots.columns, spots.height / spots.rows
            found.append(QRectF(spots.x + column * wide, spots.y + row * high, wide, high))
    return found


def _row_and_column(spots: Spots, step: int) -> tuple[int, int]:
    """Return where a cell is, given how far its number is from the first one's."""
    if spots.rows * spots.columns == 1:
        return (0, 0) if step == 0 else (-1, -1)
    if spots.rows == 1:
        return 0, step // spots.across
    if spots.columns == 1:
        return divmod(step, spots.down)[0], 0
    if abs(spots.down) < spots.across:  # columns are the slower axis
        column, rest = divmod(step, spots.across)
        return rest // spots.down, column
    column = step % abs(spots.down)
    return (step - column) // spots.down, column


def _index(axes: Sequence[Axis], cursor: Cursor) -> tuple[int, ...] | None:
    """Return a cursor's index on axes; None if it is on none, or not on all of them."""
    index = []
    if not _are_places(axes):
        return None
    for axis in axes:
        place = getattr(cursor, axis.name, None) if axis.name in FIELDS else None
        if place is None or place not in axis.coordinates:
            return None
        index.append(axis.coordinates.index(place))
    return tuple(index) if index else None


def _shape(axes: Sequence[Axis]) -> tuple[int, ...]:
    return tuple(map(len, axes))
