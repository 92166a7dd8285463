"""What of a sweep can be drawn at once: one face of it, two axes wide."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lensgui.jobs.arrays import Axis, CellState, Spread, Sweep
from lensgui.panes.sweep_view import cells
from lensgui.state.selection import Cursor

HIDDEN = "position"  # the axis that a slider moves along, where there are three


def hidden_axis(sweep: Sweep) -> Axis | None:
    """Return the axis that a slider moves along; None if all are drawn."""
    if len(sweep.axes) < 3:
        return None
    return next(axis for axis in sweep.axes if axis.name == HIDDEN)


def face(sweep: Sweep, at: int) -> Sweep:
    """Return a sweep of two axes as it is, and of three what stands at one place of the hidden one.

    Args:
        sweep: The sweep.
        at: The place on its hidden axis.
    """
    if len(sweep.axes) < 3:
        return sweep
    number = [axis.name for axis in sweep.axes].index(HIDDEN)
    spread = sweep.spread
    if spread is not None and spread.low is not None and spread.high is not None:
        low, high = (np.take(end, at, number) for end in (spread.low, spread.high))
        spread = Spread(spread.pairs, spread.total, spread.wrong, low, high)
    return replace(
        sweep,
        axes=tuple(axis for axis in sweep.axes if axis.name != HIDDEN),
        values=np.take(sweep.values, at, number),
        states=np.take(sweep.states, at, number),
        estimates=None if sweep.estimates is None else np.take(sweep.estimates, at, number),
        spread=spread,
    )


def whole_index(sweep: Sweep, row: int, column: int, at: int) -> tuple[int, ...]:
    """Return a face's cell on the axes of the whole sweep.

    Args:
        sweep: The whole sweep.
        row: Of the face.
        column: Of the face.
        at: The place of the face on the hidden axis.
    """
    if len(sweep.axes) < 3:
        return row, column
    rest = iter((row, column))
    return tuple(at if axis.name == HIDDEN else next(rest) for axis in sweep.axes)


def pinned_cells(
    sweep: Sweep, pins: tuple[Cursor, ...], fixed: Cursor, group: int
) -> tuple[tuple[int, int], ...]:
    """Return the cells of a face that pins stand for.

    Args:
        sweep: A sweep of two axes.
        pins: Places that the user keeps an eye on.
        fixed: Where the face stands on what it does not show.
        group: How many heads share a key/value head.
    """
    names = {axis.name for axis in cells.cursor_axes(sweep, group)}
    found = []
    for pin in pins:
        rest = [name for name in ("layer", "head", "position", "source") if name not in names]
        wanted = [(getattr(pin, name), getattr(fixed, name)) for name in rest]
        index = cells.cell_of(sweep, pin, group)
        if index is not None and all(pinned in (None, here) for pinned, here in wanted):
            found.append((index[0], index[1]))
    return tuple(dict.fromkeys(found))


def strongest(sweep: Sweep, count: int) -> list[tuple[int, ...]]:
    """Return the cells that move the metric most, the strongest first.

    Args:
        sweep: The sweep, of any number of axes.
        count: How many at most.
    """
    known = np.isin(sweep.states, (CellState.EXACT, CellState.ESTIMATE))
    sizes = np.where(known, np.abs(np.nan_to_num(sweep.values)), 0.0).ravel()
    some = min(count, int(np.count_nonzero(sizes)))
    order = np.argpartition(-sizes, some - 1)[:some] if some else np.empty(0, int)
    order = order[np.argsort(-sizes[order], kind="stable")]
    return [tuple(map(int, np.unravel_index(at, sweep.values.shape))) for at in order]
