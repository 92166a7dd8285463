"""A drawing shown bit by bit: layers from the first on, or what is largest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lensgui.panes.figures.drawing.marks import Box, Drawing, Mark, Spots
from lensgui.panes.figures.drawing.style import number
from lensgui.panes.figures.figure import Cells, Figure, Lines, Panel, Strands, Thumbs

Reveal = Literal["layers", "largest"]
MOST_STEPS = 6
REVEALS: tuple[Reveal, ...] = get_args(Reveal)


def possible(panels: Sequence[Panel]) -> tuple[Reveal, ...]:
    """Return how some panels can be shown bit by bit."""
    return tuple(how for how in REVEALS if any(_can(panel, how) for panel in panels))


def _can(panel: Panel, how: Reveal) -> bool:
    if how == "layers":
        return _layers_of(panel) > 0
    return isinstance(panel, Cells | Strands)


def _layers_of(panel: Panel) -> int:
    """Return along how many layers a panel goes; 0 if it does not."""
    if not isinstance(panel, Cells | Thumbs | Lines):
        return 0
    return next((len(axis) for axis in panel.data.axes if axis.name == "layer"), 0)


def steps(panels: Sequence[Panel], how: Reveal) -> int:
    """Return in how many steps some panels are shown so; 0 if they can't be."""
    if how not in possible(panels):
        return 0
    return min(MOST_STEPS, max(map(_layers_of, panels))) if how == "layers" else MOST_STEPS


def thinned(figure: Figure, how: Reveal, share: float) -> Figure:
    """Return a figure without the lines that are not to be seen yet; cells are covered later.

    Args:
        figure: The whole.
        how: In which order it is shown.
        share: How much of it, 0 to 1.
    """
    return replace(figure, panels=tuple(_thinned(panel, how, share) for panel in figure.panels))


def _thinned(panel: Panel, how: Reveal, share: float) -> Panel:
    if isinstance(panel, Strands) and how == "largest":
        is_shown = _are_large(panel.shares, share)
        return replace(panel, ends=panel.ends[is_shown], shares=panel.shares[is_shown])
    if isinstance(panel, Lines) and how == "layers" and panel.places.name == "layer":
        values = panel.values.copy()
        values[:, _count(share, values.shape[1]) :] = np.nan
        return replace(panel, values=values, limits=panel.ends)
    return panel


def covered(drawing: Drawing, how: Reveal, share: float, color: str) -> Drawing:
    """Return a drawing without the cells that are not to be seen yet; arguments as of `thinned`.

    Args:
        drawing: The whole.
        how: Likewise.
        share: Likewise.
        color: What is seen instead.
    """
    marks: list[Mark] = []
    for spots in drawing.spots:
        if not _can(spots.panel, how):
            continue
        hidden = _hidden(spots, how, share)
        wide, high = spots.width / spots.columns, spots.height / spots.rows
        for row, first, last in _stretches(hidden):
            x, y = spots.x + first * wide, spots.y + row * high
            marks.append(Box(x, y, (last - first) * wide + 0.2, high + 0.2, color))
    return replace(drawing, marks=(*drawing.marks, *marks))


def _stretches(hidden: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """Return each row's stretches of hidden cells: the row, their first, and the one behind."""
    edges = np.diff(np.pad(hidden, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    return list(zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True))


def _hidden(spots: Spots, how: Reveal, share: float) -> NDArray[np.bool_]:
    """Return which cells are not to be seen yet, [row, column]."""
    rows, columns = np.indices((spots.rows, spots.columns))
    if share >= 1:
        return np.zeros(rows.shape, np.bool_)
    shape = tuple(map(len, spots.axes))
    index = np.unravel_index(spots.first + rows * spots.down + columns * spots.across, shape)
    if how == "layers":
        at = [axis.name for axis in spots.axes].index("layer")
        found: NDArray[np.bool_] = index[at] >= _count(share, shape[at])
        return found
    values = next(iter(spots.panel.data.columns.values()))
    hidden: NDArray[np.bool_] = ~_are_large(np.asarray(values), share)[index]
    return hidden


def _count(share: float, count: int) -> int:
    return max(1, round(share * count))


def _are_large(values: NDArray[np.floating], share: float) -> NDArray[np.bool_]:
    """Return which numbers are as far from 0 as is shown: the largest at 0, all at 1."""
    sizes = np.abs(np.nan_to_num(values))
    found: NDArray[np.bool_] = sizes >= (1 - share) * sizes.max(initial=0.0)
    return found


def words(figures: Sequence[Figure], how: Reveal, share: float) -> str:
    """Return what is seen so far: layers 0 to 9, or what is at least so large."""
    panels = [panel for figure in figures for panel in figure.panels if _can(panel, how)]
    if share >= 1 or not panels:
        return ""
    if how == "layers":
        return f"layers 0 to {_count(share, max(map(_layers_of, panels))) - 1}"
    bounds = []
    for panel in panels:
        sizes = (
            panel.shares if isinstance(panel, Strands) else next(iter(panel.data.columns.values()))
        )
        most = float(np.abs(np.nan_to_num(sizes)).max(initial=0.0))
        bounds.append(f"at least {number((1 - share) * most)}")
    return ", ".join(dict.fromkeys(bounds))
