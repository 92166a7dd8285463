"""What of a sweep can be drawn at once: one face of it, two axes wide, as a picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lensgui.jobs.answers.arrays import Axis, CellState, Sweep
from lensgui.jobs.answers.readings import PairReading
from lensgui.panes.pictures.picture import Picture
from lensgui.panes.sweep_view import cells
from lensgui.panes.sweep_view.cells import PLACES
from lensgui.panes.token_text import is_of, names, signed, visible
from lensgui.state.selection import Cursor
from lensgui.state.views import Range

HIDDEN = "position"  # the axis that a slider moves along, where there are three
NOWHERE = Cursor()
BEYOND = 1.005  # of the scale, where a cell is marked as overflowing


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
        spread = replace(spread, low=low, high=high)
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
        needed = [(getattr(pin, name), getattr(fixed, name)) for name in rest]
        index = cells.cell_of(sweep, pin, group)
        if index is not None and all(pinned in (None, here) for pinned, here in needed):
            found.append((index[0], index[1]))
    return tuple(dict.fromkeys(found))


def same_place(
    source: Sweep, target: Sweep, cell: tuple[int, int], group: int
) -> tuple[range, range] | None:
    """Return the rows and columns of one map that belong to the place of a cell of another.

    Args:
        source: A sweep of layers and something else, whose cell it is.
        target: Another one.
        cell: Its row and column.
        group: How many heads share a key/value head.

    Returns:
        The heads that share a key/value head belong to it, and it to each of them; to the places of
        what else has another kind of columns belongs a whole layer. None where maps have other
        layers, as those of another model.
    """
    row, column = cell
    if source.axes[0] != target.axes[0]:
        return None
    have, want = source.axes[1], target.axes[1]
    columns = range(len(want))
    if have == want:
        columns = range(column, column + 1)
    elif {have.name, want.name} == {"head", cells.SHARED_AXIS}:
        first = column // group if have.name == "head" else column * group
        columns = range(first, first + (1 if have.name == "head" else group))
    return range(row, row + 1), columns


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


@dataclass(frozen=True, slots=True)
class Setting:
    """What a picture of a sweep depends on beside the sweep.

    Attributes:
        group: How many heads share a key/value head.
        pair: The prompts' tokens, by which positions are named; None while they are not known.
        end: What full colour stands for; None to leave that to the metric.
        pins: Places that are framed.
        fixed: Where the sweep stands on what it does not show.
    """

    group: int = 1
    pair: PairReading | None = None
    end: float | None = None
    pins: tuple[Cursor, ...] = ()
    fixed: Cursor = NOWHERE


def counted(sweep: Sweep, *, is_difference: bool = False) -> str:
    """Return what the colours of a sweep count, or of the difference of two."""
    return f"{'difference, ' * is_difference}{sweep.metric}, {sweep.shown_unit}"


def own_end(range_: Range | None, counted: str) -> float | None:
    """Return what the user wants full colour to stand for in what is counted; None as it fits."""
    return range_.end if range_ is not None and range_.counted == counted else None


def draw(sweep: Sweep, setting: Setting) -> tuple[Picture, float]:
    """Return the picture of a sweep, and what full colour stands for."""
    shown, limit = cells.scaled(sweep, setting.end)
    rows, columns = cells.cursor_axes(sweep, setting.group)
    reading = setting.pair.corrupted if setting.pair else None
    differing = frozenset(setting.pair.differing if setting.pair else ())
    marked = [
        differing if axis.name in PLACES and is_of(axis, reading) else ()
        for axis in (rows, columns)
    ]
    row_names, column_names = (
        names(axis, reading, setting.pair)
        if axis.name in PLACES
        else [visible(label) for label in axis.labels]
        for axis in (rows, columns)
    )
    picture = Picture(
        rows=rows,
        columns=columns,
        shades=cells.shades(shown),
        states=sweep.states,
        row_names=row_names,
        column_names=column_names,
        marked=frozenset(marked[1]),
        marked_rows=frozenset(marked[0]),
        overflow=np.abs(shown) > BEYOND,
        values=sweep.shown,
        numbers=lambda row, column: _number(float(shown[row, column] * limit), limit),
        pins=pinned_cells(sweep, setting.pins, setting.fixed, setting.group),
        row_means=cells.means(sweep, shown, 1),
        column_means=cells.means(sweep, shown, 0),
        mean_in_words=lambda name, mean: _mean(name, mean * limit, sweep),
    )
    return picture, limit


def _mean(name: str, mean: float, sweep: Sweep) -> str:
    return f"{name}: mean {signed(mean)} {sweep.shown_unit}"


def _number(value: float, limit: float) -> str:
    """Return a number within a cell, with as many digits as the scale tells apart."""
    digits = 2 if limit >= 0.2 else 3
    return signed(value, digits) if abs(value) >= 0.5 * 10**-digits else "0"
