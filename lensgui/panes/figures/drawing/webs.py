"""Nodes and edges of a figure as marks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lensgui.panes import theme
from lensgui.panes.figures.drawing import style as looks
from lensgui.panes.figures.drawing.marks import Box, Mark, Stroke, widest, width_of, word
from lensgui.panes.figures.drawing.style import Style
from lensgui.panes.figures.figure import Web

PIECES = 16  # straight ones of a curve
THINNEST, THICKEST = 0.35, 2.6  # points of an edge
ROW = 1.6  # times the size of the text, from row to row
LEAST_ROW = 1.35  # likewise, where there is little room
AROUND = 0.35  # times the size of the text, left and right of a name
GAP = 0.25  # likewise, from name to name
BESIDE = 0.8  # likewise, between the names of rows and the nodes
BELOW = 1.6  # likewise, for the names of places


def web(panel: Web, style: Style) -> tuple[list[Mark], float]:
    """Return the marks of nodes and edges, and how tall they are.

    Where rows have no room, those without nodes go first, and then the weakest edges with their
    nodes; how many is said below.
    """
    if not panel.names:
        return [word(0, style.size, "There are no nodes.", style.size, style.colors.faint)], (
            style.size * 1.4
        )
    size, colors = style.size, style.colors
    left = widest([name for name in panel.row_names if name], size, "mono") + BESIDE * size
    most = max(2.0, style.tall / (LEAST_ROW * size))
    fitted = _fitted(panel, most, style.width - left, style)
    count = len(fitted.row_names)
    step = max(LEAST_ROW * size, min(ROW * size, style.tall / count))
    marks: list[Mark] = []
    end = -np.inf
    for row, name in enumerate(fitted.row_names):
        down = (row + 0.5) * step
        if name and down - end >= style.least:
            end = down
            text = word(
                left - BESIDE * size, down + size * 0.35, name, size, colors.faint,
                anchor="end", family="mono",
            )  # fmt: skip
            marks.append(text)
    x, y = _apart(fitted, left, style), np.asarray((fitted.rows + 0.5) * step, np.float64)
    marks += _edges(fitted, x, y, style)
    marks += _nodes(fitted, x, y, style, left)
    bottom = count * step
    left_out = len(panel.ends) - len(fitted.ends)
    if left_out:
        said = f"and {left_out} weaker edge{'s' * (left_out > 1)}"
        marks.append(word(left, bottom + size * 1.2, said, size, colors.faint))
    else:
        marks += _places(fitted, left, bottom, style)
    return marks, bottom + BELOW * size


def _fitted(panel: Web, most: float, room: float, style: Style) -> Web:
    """Return the strongest edges that fit, with their nodes.

    Args:
        panel: The whole.
        most: How many rows there may be.
        room: How wide the nodes of a row may be together.
        style: How they are drawn.
    """
    wide, nodes_, first = _widths(panel, style), set[int](), len(panel.ends)
    for at in range(len(panel.ends) - 1, -1, -1):
        more = nodes_ | {int(node) for node in panel.ends[at]}
        rows = panel.rows[list(more)]
        widths = [wide[[node for node in more if panel.rows[node] == row]].sum() for row in rows]
        if len(set(rows.tolist())) > most or max(widths) > room:
            break
        nodes_, first = more, at
    if not first and len(panel.row_names) <= most:
        return panel
    nodes, rows_ = sorted(nodes_), sorted({int(panel.rows[node]) for node in nodes_})
    number = {node: at for at, node in enumerate(nodes)}
    ends = panel.ends[first:]
    return replace(
        panel,
        names=[panel.names[node] for node in nodes],
        across=panel.across[nodes],
        rows=np.searchsorted(rows_, panel.rows[nodes]),
        row_names=[panel.row_names[row] for row in rows_] or [""],
        ends=np.array([[number[int(node)] for node in pair] for pair in ends]).reshape(-1, 2),
        shades=panel.shades[first:],
        widths=panel.widths[first:],
        are_estimates=panel.are_estimates[first:],
    )


def _widths(panel: Web, style: Style) -> NDArray[np.float64]:
    """Return how wide each node is, with what is between it and the next."""
    around = (2 * AROUND + GAP) * style.size
    wide = [width_of(name, style.size, "mono") + around for name in panel.names]
    return np.array(wide, dtype=np.float64)


def _apart(panel: Web, left: float, style: Style) -> NDArray[np.float64]:
    """Return the middles of nodes, moved apart where their names would cover each other."""
    wide, room = _widths(panel, style), style.width - left
    x = left + panel.across * room
    for row in np.unique(panel.rows):
        order = [at for at in np.argsort(x, kind="stable").tolist() if panel.rows[at] == row]
        end = left
        for at in order:
            x[at] = max(x[at], end + wide[at] / 2)
            end = x[at] + wide[at] / 2
        end = style.width
        for at in reversed(order):
            x[at] = min(x[at], end - wide[at] / 2)
            end = x[at] - wide[at] / 2
    return np.asarray(x, dtype=np.float64)


def _edges(panel: Web, x: NDArray[np.float64], y: NDArray[np.float64], style: Style) -> list[Mark]:
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


def _nodes(
    panel: Web, x: NDArray[np.float64], y: NDArray[np.float64], style: Style, left: float
) -> list[Mark]:
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
