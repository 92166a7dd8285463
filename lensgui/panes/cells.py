"""The cells of a patching sweep: where they are, what they say, and their colours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lensgui.jobs.reports import ModelCard
from lensgui.jobs.slices import Axis, CellState, Sweep
from lensgui.panes import theme
from lensgui.panes.spelling import signed, visible
from lensgui.state.selection import Cursor

SHARED_AXIS = "key_value_head"
WORDS = {
    CellState.UNKNOWN: "not computed yet",
    CellState.FAILED: "could not be computed",
    CellState.NOT_FINITE: "not a finite number",
}


def group_size(card: ModelCard | None) -> int:
    """Return how many heads share a key/value head; 1 while no model is open."""
    return card.n_heads // card.n_key_value_heads if card else 1


def cursor_axes(sweep: Sweep, group: int) -> tuple[Axis, ...]:
    """Return a sweep's axes as the cursor counts: a key/value head is the first head that has it.

    Args:
        sweep: The sweep.
        group: How many heads share a key/value head.
    """
    return tuple(
        Axis("head", tuple(range(0, len(axis) * group, group)), axis.labels)
        if axis.name == SHARED_AXIS
        else axis
        for axis in sweep.axes
    )


def cursor_on(sweep: Sweep, cursor: Cursor, group: int) -> Cursor:
    """Return a cursor as it stands on `cursor_axes`: on the first head of its group."""
    if cursor.head is None or all(axis.name != SHARED_AXIS for axis in sweep.axes):
        return cursor
    return replace(cursor, head=cursor.head - cursor.head % group)


def cell_of(sweep: Sweep, cursor: Cursor, group: int) -> tuple[int, int] | None:
    """Return the row and column that a cursor selects; None if there is no such cell."""
    cursor = cursor_on(sweep, cursor, group)
    places = [(axis.coordinates, getattr(cursor, axis.name)) for axis in cursor_axes(sweep, group)]
    if any(place not in coordinates for coordinates, place in places):
        return None
    row, column = (coordinates.index(place) for coordinates, place in places)
    return row, column


def cell_name(sweep: Sweep, row: int, column: int) -> str:
    """Return what a cell is called: L23H3, or L23 · position 13 ‘·John’."""
    rows, columns = sweep.axes
    layer, label = f"L{rows.coordinates[row]}", visible(columns.labels[column])
    if columns.name == "position":
        return f"{layer} · position {columns.coordinates[column]} ‘{label}’"
    return layer + label


def cell_words(sweep: Sweep, row: int, column: int) -> str:
    """Return what one cell of a sweep says, with every number it stands for."""
    state = CellState(int(sweep.states[row, column]))
    if state is CellState.UNCHANGED:
        return _unchanged(sweep, column)
    if state in WORDS:
        return WORDS[state]
    change = float(sweep.values[row, column])
    ends = f"from {signed(sweep.base)} to {signed(sweep.base + change)}"
    raw = f"{signed(change)} logits, {ends}"
    estimate = "estimate: " if state is CellState.ESTIMATE else ""
    if sweep.refusal:
        return estimate + raw
    share = change / (sweep.clean - sweep.corrupted)
    return f"{estimate}{signed(share)} of clean − corrupted ({raw}; {_ends(sweep)})"


def legend(sweep: Sweep) -> str:
    """Return what the colours of a sweep count, and what their ends mean."""
    if sweep.refusal:
        return f"change of the logit difference, in logits: 0 is {_base(sweep)}"
    return f"logit difference, of clean − corrupted: {_ends(sweep)}"


def legend_tip(sweep: Sweep) -> str:
    """Return what blue and red mean, in one sentence."""
    if sweep.direction == "denoising":
        return (
            "Blue cells restore the clean answer, red ones push further from it; 0 changes nothing."
        )
    return (
        "Red cells take the clean answer away, so it needs them; blue ones strengthen it; "
        "0 changes nothing."
    )


def scaled(sweep: Sweep) -> tuple[NDArray[np.float32], float]:
    """Return values on a scale from −1 to 1, and what 1 stands for.

    Shares keep the fixed scale; raw logits, shown where shares are undefined, take the larger of
    the two runs' distance and the largest change.
    """
    values = np.nan_to_num(sweep.values)
    distance = float(np.nan_to_num(sweep.clean - sweep.corrupted))
    if not sweep.refusal and distance:
        return values / np.float32(distance), 1.0
    limit = max(abs(distance), float(np.abs(values).max(initial=0)), 0.1)
    return values / np.float32(limit), limit


def shades(shown: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return indices into a diverging table: −1 is 1, 0 is 128, 1 is 255."""
    index: NDArray[np.uint8] = np.rint(shown.clip(-1, 1) * 127 + theme.NEUTRAL).astype(np.uint8)
    return index


def _base(sweep: Sweep) -> str:
    return "corrupted" if sweep.direction == "denoising" else "clean"


def _ends(sweep: Sweep) -> str:
    if sweep.direction == "denoising":
        return "0 is corrupted, 1 is clean"
    return "0 is clean, −1 is corrupted"


def _unchanged(sweep: Sweep, column: int) -> str:
    """Say why a cell is exactly 0: the two runs are equal there."""
    if sweep.axes[1].name == "position" and (sweep.states[:, column] == CellState.UNCHANGED).all():
        why = "before the first differing token"
        return f"unchanged: {why}, so exactly the {_base(sweep)} value (causality)"
    return f"unchanged: both runs are equal here, so exactly the {_base(sweep)} value"
