"""Nodes and edges of a figure as marks."""

from __future__ import annotations

import numpy as np

from lensgui.panes import theme
from lensgui.panes.figures.drawing import style as looks
from lensgui.panes.figures.drawing.marks import Box, Mark, Stroke, widest, width_of, word
from lensgui.panes.figures.drawing.style import Style
from lensgui.panes.figures.figure import Web

PIECES = 16  # straight ones of a curve
THINNEST, THICKEST = 0.35, 2.6  # points of an edge
ROW = 1.55  # times the size of the text, from row to row
LEAST_ROW = 1.0  # likewise, where there is little room: names may touch
AROUND = 0.35  # times the size of the text, left and right of a name
BESIDE = 0.8  # likewise, between the names of rows and the nodes
BELOW = 1.6  # likewise, for the names of places


def web(panel: Web, style: Style) -> tuple[list[Mark], float]:
    """Return the marks of nodes and edges, and how tall they are."""
    if not panel.names:
        return [word(0, style.size, "There are no nodes.", style.size, style.colors.faint)], (
            style.size * 1.4
        )
    size, colors = style.size, style.colors
    count = len(panel.row_names)
    step = max(LEAST_ROW * size, min(ROW * size, style.tall / max(1, count)))
    left = widest([name for name in panel.row_names if name], size, "mono") + BESIDE * size
    room = style.width - left
    marks: list[Mark] = []
    end = -np.inf
    for row, name in enumerate(panel.row_names):
        down = (row + 0.5) * step
        if name and down - end >= style.least:
            end = down
            text = word(
                left - BESIDE * size, down + size * 0.35, name, size, colors.faint,
                anchor="end", family="mono",
            )  # fmt: skip
            marks.append(text)
    x, y = left + panel.across * room, (panel.rows + 0.5) * step
    marks += _edges(panel, x, y, style)
    marks += _nodes(panel, x, y, style, left)
    return [*marks, *_places(panel, left, count * step, style)], count * step + BELOW * size


def _edges(panel: Web, x: np.ndarray, y: np.ndarray, style: Style) -> list[Mark]:
    table, marks = theme.diverging(style.colors), list[Mark]()
    half = style.size * 0.6
    share = np.linspace(0, 1, PIECES + 1)[:, None]
    rows = zip(panel.ends.tolist(), panel.shades.tolist(), panel.widths.tolist(), strict=True)
    for at, ((sent, into), shade, wide) in enumerate(rows):
        start, end = np.array([x[sent], y[sent] + half]), np.array([x[into], y[into] - half])
        bend = np.array([0.0, max(style.size, abs(end[1] - start[1]) / 2)])
        first, second = start + bend, end - bend
        points = (
            start * (1 - share) ** 3
            + 3 * first * share * (1 - share) ** 2
            + 3 * second * share**2 * (1 - share)
            + end * share**3
        )
        thick = (THINNEST + (THICKEST - THINNEST) * wide) * style.thicker
        line = tuple((float(a), float(b)) for a, b in points)
        color = looks.color(table, int(shade))
        marks.append(Stroke(line, color, thick, is_dashed=bool(panel.are_estimates[at])))
    return marks


def _nodes(panel: Web, x: np.ndarray, y: np.ndarray, style: Style, left: float) -> list[Mark]:
    size, colors, marks = style.size, style.colors, list[Mark]()
    for name, across, down in zip(panel.names, x.tolist(), y.tolist(), strict=True):
        wide = width_of(name, size, "mono") + 2 * AROUND * size
        middle = min(max(across, left + wide / 2), style.width - wide / 2)
        box = (middle - wide / 2, down - size * 0.62, wide, size * 1.24)
        marks.append(Box(box[0] - 0.5, box[1] - 0.5, box[2] + 1, box[3] + 1, colors.outline))
        marks.append(Box(*box, colors.raised))
        marks.append(
            word(
                middle, down + size * 0.35, name, size, colors.text,
                anchor="middle", family="mono",
            )
        )  # fmt: skip
    return marks


def _places(panel: Web, left: float, top: float, style: Style) -> list[Mark]:
    """Name the places from left to right, as far as there is room."""
    size, marks, end = style.size, list[Mark](), -np.inf
    for name, share in panel.place_names:
        wide = width_of(name, size, "mono")
        middle = left + share * (style.width - left)
        middle = min(max(middle, wide / 2), style.width - wide / 2)
        if middle - wide / 2 < end + size * 0.5:
            continue
        end = middle + wide / 2
        marks.append(
            word(
                middle, top + size * 1.2, name, size, style.colors.faint,
                anchor="middle", family="mono",
            )
        )  # fmt: skip
    return marks
