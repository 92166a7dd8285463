"""Points, bars and lines of a figure as marks."""

from __future__ import annotations

from math import ceil, floor, log10

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSizeF

from lensgui.panes import theme
from lensgui.panes.figures.drawing import style as looks
from lensgui.panes.figures.drawing.marks import (
    Box,
    Dot,
    Mark,
    Spots,
    Stroke,
    fitting,
    widest,
    width_of,
    word,
)
from lensgui.panes.figures.drawing.style import Style
from lensgui.panes.figures.figure import Bars, Cloud, Strands
from lensgui.panes.pictures import axis_labels
from lensgui.panes.scatter.point_labels import Dots, outliers, padded, place
from lensgui.panes.scatter.point_plot import PLAIN

TICKS = 4  # of an axis, about
RADIUS, SMALLEST, LARGEST = 1.7, 1.3, 5.0  # points
SQUARE = 0.85  # of the width, how tall a plot of points is
MOST_LABEL = 0.4  # of the width, that names take
MOST_COLUMN = 40  # tokens that stand in two columns; more stand in a row under arcs
TITLE_BELOW = 2.6  # times the size of the text, where an axis is named
ARC = 24  # straight pieces of an arc
THINNEST, THICKEST = 0.3, 1.6  # points of a line


def ticks(low: float, high: float, count: int = TICKS) -> list[float]:
    """Return round numbers within a range, about so many."""
    span = high - low
    if not span > 0 or not np.isfinite(span):
        return [low]
    rough = span / count
    power = 10.0 ** floor(log10(rough))
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= rough * 0.999)
    first = ceil(low / step - 1e-9)
    return [at * step for at in range(first, floor(high / step + 1e-9) + 1)]


def cloud(panel: Cloud, style: Style) -> tuple[list[Mark], float]:
    """Return the marks of points on two axes, and how tall they are."""
    size, colors = style.size, style.colors
    x, y = panel.x, panel.y
    if not len(x):
        return [word(0, size, "There are no points.", size, colors.faint)], size * 1.4
    ranges = [padded(part, style.width, size * 2.0) for part in (x, y)]
    down = [(tick, looks.number(tick)) for tick in ticks(*ranges[1])]
    left = size * 1.4 + widest([text for _, text in down], size, "mono") + 5
    right, top = style.width - 2, 2.0
    bottom = top + min(style.width * SQUARE - left * 0.4, style.tall)
    across = (x - ranges[0][0]) / (ranges[0][1] - ranges[0][0]) * (right - left) + left
    upward = bottom - (y - ranges[1][0]) / (ranges[1][1] - ranges[1][0]) * (bottom - top)
    middles = np.stack([across, upward], axis=1)
    marks = _axes(panel, style, ranges, (left, top, right, bottom))
    marks += _dots(panel, middles, style)
    marks += _names(panel, middles, style, (left, top, right, bottom))
    base = bottom + size * TITLE_BELOW + style.line
    key = looks.counted(panel.key, base, style) if panel.key else []
    return [*marks, *key], base - style.line + size * 0.3 + style.line * len(key)


def _axes(
    panel: Cloud,
    style: Style,
    ranges: list[tuple[float, float]],
    area: tuple[float, float, float, float],
) -> list[Mark]:
    left, top, right, bottom = area
    size, colors = style.size, style.colors
    marks: list[Mark] = []
    for tick in ticks(*ranges[0], count=max(2, int((right - left) / (size * 6)))):
        x = left + (tick - ranges[0][0]) / (ranges[0][1] - ranges[0][0]) * (right - left)
        if abs(tick) < 1e-12:
            marks.append(Stroke(((x, top), (x, bottom)), colors.line, 0.5))
        marks.append(Stroke(((x, bottom), (x, bottom + 2)), colors.outline, 0.5))
        text = looks.number(tick)
        half = width_of(text, size, "mono") / 2
        at = min(max(x, half), style.width - half)
        marks.append(
            word(at, bottom + size * 1.3, text, size, colors.text, anchor="middle", family="mono")
        )
    for tick in ticks(*ranges[1]):
        y = bottom - (tick - ranges[1][0]) / (ranges[1][1] - ranges[1][0]) * (bottom - top)
        if abs(tick) < 1e-12:
            marks.append(Stroke(((left, y), (right, y)), colors.line, 0.5))
        marks.append(Stroke(((left - 2, y), (left, y)), colors.outline, 0.5))
        marks.append(
            word(
                left - 3,
                y + size * 0.35,
                looks.number(tick),
                size,
                colors.text,
                anchor="end",
                family="mono",
            )
        )
    if panel.is_diagonal:
        low = max(ranges[0][0], ranges[1][0])
        high = min(ranges[0][1], ranges[1][1])
        if low < high:
            ends = [
                (
                    left + (at - ranges[0][0]) / (ranges[0][1] - ranges[0][0]) * (right - left),
                    bottom - (at - ranges[1][0]) / (ranges[1][1] - ranges[1][0]) * (bottom - top),
                )
                for at in (low, high)
            ]
            marks.append(Stroke((ends[0], ends[1]), colors.faint, 0.5, is_dashed=True))
    corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
    marks.append(Stroke(corners, colors.outline, 0.5))
    title = fitting(panel.titles[0], style.width, size)
    half = width_of(title, size) / 2
    middle = min(max((left + right) / 2, half), style.width - half)
    marks.append(
        word(middle, bottom + size * TITLE_BELOW, title, size, colors.text, anchor="middle")
    )
    title = fitting(panel.titles[1], bottom - top, size)
    marks.append(
        word(size, (top + bottom) / 2, title, size, colors.text, anchor="middle", degrees=90)
    )
    return marks


def _dots(panel: Cloud, middles: NDArray[np.float64], style: Style) -> list[Mark]:
    table = theme.diverging(style.colors)
    scale = style.size / 8
    shades = np.full(len(panel.x), PLAIN) if panel.shades is None else panel.shades
    radii = np.full(len(panel.x), RADIUS)
    if panel.areas is not None:
        radii = (LARGEST * np.sqrt(panel.areas.clip(0, 1))).clip(SMALLEST)
    marks: list[Mark] = []
    for at in np.argsort(-radii, kind="stable").tolist():
        fill = looks.color(table, int(shades[at]))
        x, y = map(float, middles[at])
        marks.append(Dot(x, y, float(radii[at]) * scale, fill, style.colors.faint))
        if panel.shades is not None and looks.is_minus(int(shades[at])):
            marks.append(looks.minus(x, y, float(radii[at]) * scale, fill))
    return marks


def _names(
    panel: Cloud,
    middles: NDArray[np.float64],
    style: Style,
    area: tuple[float, float, float, float],
) -> list[Mark]:
    left, top, right, bottom = area
    size = style.size
    inside = middles - (left, top)
    dots = Dots(inside, np.full(len(inside), size * 0.6), QSizeF(right - left, bottom - top))
    widths = [width_of(name, size, "mono") for name in panel.names]
    found = place(dots, widths, size * 1.1, outliers(panel.x, panel.y), ())
    return [
        word(
            left + box.left(),
            top + box.top() + size * 0.85,
            panel.names[at],
            size,
            style.colors.text,
            family="mono",
        )
        for at, box in found.items()
    ]


def bars(panel: Bars, style: Style) -> tuple[list[Mark], float]:
    """Return the marks of one bar for each name, and how tall they are."""
    size, colors = style.size, style.colors
    shown = style.rows(len(panel.names), style.line)
    names = [fitting(name, style.width * MOST_LABEL, size, "mono") for name in panel.names[:shown]]
    left = widest(names, size, "mono") + 4
    right = style.width - widest(panel.words, size, "mono") - 4
    known = panel.values[np.isfinite(panel.values)]
    ends = [known] if panel.spans is None else [known, panel.spans[np.isfinite(panel.spans)]]
    every = np.concatenate([*ends, np.zeros(1)])
    low, high = float(every.min()), float(every.max())
    unit = (right - left) / (high - low or 1.0)
    zero = left - low * unit
    marks: list[Mark] = []
    for at, name in enumerate(names):
        top = at * style.line
        base = top + size * 0.95
        marks.append(word(left - 4, base, name, size, colors.text, anchor="end", family="mono"))
        marks.append(
            word(style.width, base, panel.words[at], size, colors.text, anchor="end", family="mono")
        )
        marks += _bar(panel, at, (zero, unit, top), style)
    bottom = len(names) * style.line
    marks.append(Stroke(((zero, 0.0), (zero, bottom)), colors.outline, 0.5))
    where, axes = (0.0, 0.0, style.width, bottom), panel.data.axes
    marks.append(Spots(*where, len(names), 1, panel, axes, 0, 1, order=panel.order))
    if shown < len(panel.names):
        said = looks.more(len(panel.names) - shown, style)
        marks.append(word(0, bottom + size * 0.95, said, size, colors.faint))
        bottom += style.line
    titles = looks.counted(panel.counted, bottom + size * 1.1, style)
    return [*marks, *titles], bottom + size * 0.4 + style.line * max(1, len(titles))


def _bar(panel: Bars, at: int, place: tuple[float, float, float], style: Style) -> list[Mark]:
    """Return one bar, and its interval.

    Args:
        panel: All of them.
        at: Which.
        place: Where 0 is, how wide 1 is, and where the row begins.
        style: How it is drawn.
    """
    (zero, unit, top), size, value = place, style.size, float(panel.values[at])
    if not np.isfinite(value):
        return []
    fill = looks.color(theme.diverging(style.colors), PLAIN if value >= 0 else 255 - PLAIN)
    x, wide, middle = min(zero, zero + value * unit), abs(value) * unit, top + size * 0.62
    marks: list[Mark] = [Box(x, top + size * 0.2, max(wide, 0.3), size * 0.85, fill)]
    if value < 0 and wide > size * 0.6:
        marks.append(looks.minus(x + wide / 2, middle, min(wide * 0.6, size * 0.6), fill))
    if panel.spans is not None and np.isfinite(panel.spans[at]).all():
        start, end = (zero + float(part) * unit for part in panel.spans[at])
        marks.append(Stroke(((start, middle), (end, middle)), style.colors.text, 0.7))
    return marks


def strands(panel: Strands, style: Style) -> tuple[list[Mark], float]:
    """Return the marks of lines between tokens, in columns or as arcs, and how tall they are."""
    in_columns = len(panel.tokens) <= MOST_COLUMN
    return (_columns if in_columns else _arcs)(panel, style)


def _line(panel: Strands, number: int, style: Style) -> tuple[str, float]:
    share = float(panel.shares[number])
    table = looks.table(panel.scale, style)
    shade = round(share * 127 + theme.NEUTRAL) if panel.scale.is_signed else round(share * 255)
    thick = THINNEST + (THICKEST - THINNEST) * abs(share)
    return looks.color(table, shade), thick * style.thicker


def _columns(panel: Strands, style: Style) -> tuple[list[Mark], float]:
    size, count = style.size, len(panel.tokens)
    room = style.width * 0.36
    names = [fitting(token, room, size, "mono") for token in panel.tokens]
    wide = widest(names, size, "mono") + 4
    top = style.line
    marks: list[Mark] = [
        word(wide - 4, size, "destination", size, style.colors.faint, anchor="end"),
        word(style.width - wide + 4, size, "source", size, style.colors.faint),
    ]
    marks[0] = word(0, size, "destination", size, style.colors.faint)
    marks[1] = word(style.width, size, "source", size, style.colors.faint, anchor="end")
    step = min(style.line, style.tall / max(1, count))
    middle = [top + (at + 0.5) * step for at in range(count)]
    for number, (start, end) in enumerate(panel.ends.tolist()):
        color, width = _line(panel, number, style)
        points = ((wide, middle[start]), (style.width - wide, middle[end]))
        marks.append(Stroke(points, color, width, is_dashed=float(panel.shares[number]) < 0))
    for at in axis_labels.thin(count, step, style.least, panel.marked):
        name = names[at]
        ink = style.colors.changed if at in panel.marked else style.colors.text
        base = middle[at] + size * 0.35
        how = {"family": "mono", "is_underlined": at in panel.marked}
        marks.append(word(wide - 4, base, name, size, ink, anchor="end", **how))
        marks.append(word(style.width - wide + 4, base, name, size, ink, **how))
    return marks, top + count * step + style.size * 0.4


def _arcs(panel: Strands, style: Style) -> tuple[list[Mark], float]:
    size, count = style.size, len(panel.tokens)
    spacing = (style.width - 4) / count
    bottom = min(style.width * 0.4, style.tall)
    middle = [2 + (at + 0.5) * spacing for at in range(count)]
    marks: list[Mark] = []
    for number, (start, end) in enumerate(panel.ends.tolist()):
        color, width = _line(panel, number, style)
        first, last = sorted((middle[start], middle[end]))
        radius, high = (last - first) / 2, (last - first) / style.width * bottom * 0.95 + 2
        angles = np.linspace(0, np.pi, ARC)
        points = tuple(
            (float(first + radius * (1 - np.cos(angle))), float(bottom - high * np.sin(angle)))
            for angle in angles
        )
        marks.append(Stroke(points, color, width, is_dashed=float(panel.shares[number]) < 0))
    room = style.width * 0.3
    step = max(1, ceil(style.least / spacing))
    depth = float(size)
    for at in range(0, count, step):
        ink = style.colors.changed if at in panel.marked else style.colors.text
        text = fitting(panel.tokens[at], room, size, "mono")
        how = {"family": "mono", "is_underlined": at in panel.marked}
        x = middle[at] + size * 0.35
        marks.append(word(x, bottom + 3, text, size, ink, anchor="end", degrees=90, **how))
        depth = max(depth, width_of(text, size, "mono"))
    return marks, bottom + depth + 5
