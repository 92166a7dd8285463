"""From a sweep of two axes to what a heatmap draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lensgui.jobs.arrays import Sweep
from lensgui.jobs.results import PairReading
from lensgui.panes.pictures.picture import Picture
from lensgui.panes.sweep_view import cells, faces
from lensgui.panes.sweep_view.cells import PLACES
from lensgui.panes.token_text import is_of, names, signed, visible
from lensgui.state.selection import Cursor

NOWHERE = Cursor()
BEYOND = 1.005  # of the scale, where a cell is marked as overflowing


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
        names(axis, reading) if axis.name in PLACES else [visible(label) for label in axis.labels]
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
        numbers=lambda row, column: _number(float(shown[row, column] * limit), limit),
        pins=faces.pinned_cells(sweep, setting.pins, setting.fixed, setting.group),
        row_means=cells.means(sweep, shown, 1),
        column_means=cells.means(sweep, shown, 0),
        mean_in_words=lambda name, mean: _mean(name, mean * limit, sweep),
    )
    return picture, limit


def _mean(name: str, mean: float, sweep: Sweep) -> str:
    unit = sweep.unit if sweep.refusal else "of clean − corrupted"
    return f"{name}: mean {signed(mean)} {unit}"


def _number(value: float, limit: float) -> str:
    """Return a number within a cell, with as many digits as the scale tells apart."""
    digits = 2 if limit >= 0.2 else 3
    return signed(value, digits) if abs(value) >= 0.5 * 10**-digits else "0"
