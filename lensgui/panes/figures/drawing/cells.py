"""Heatmaps and small squares of a figure as marks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QFontMetricsF

from lensgui.jobs.answers.arrays import Axis, CellState
from lensgui.panes import theme
from lensgui.panes.figures.drawing import style as looks
from lensgui.panes.figures.drawing.marks import (
    MEASURED,
    Area,
    Box,
    Dot,
    Mark,
    Raster,
    Spots,
    Stroke,
    fitting,
    font_of,
    widest,
    width_of,
    word,
)
from lensgui.panes.figures.drawing.style import Style
from lensgui.panes.figures.figure import Cells, Thumbs
from lensgui.panes.pictures import axis_labels
from lensgui.panes.pictures.axis_labels import Labels
from lensgui.panes.pictures.picture import ESTIMATE_STRENGTH, NOTHING_TO_SHOW, WIDEST_NUMBER
from lensgui.panes.theme import Table

MOST_BOXES = 6_000  # cells that are drawn one by one; more are an image
MOST_LABEL = 0.34  # of the width, that row names take
MOST_BELOW = 0.42  # of the width, that column names take below
MOST_LOW = 7.0  # times the size of the text, on a low sheet
MOST_LABEL_LOW = 0.45  # of the width, that row names take there
TALLEST = 1.25  # of the width: rows beyond that get thinner
TALLEST_OF_MANY = 1.08  # of a panel as narrow as those that stand in several rows
NARROW = 16  # times the size of the text
OVERLAP = 0.15  # points, so that no hairline is seen between cells
LEAST_DOTTED = 3.0  # points a side, of an estimate that has a dot
GAP = 3.0  # points between cells and names
APART = 0.4  # times the size of the text, between level names
FRAME = 0.5  # points
WIDER = 2.5  # times its height: how wide a square cell may get on a low sheet
SIN = 0.7072  # of 45 degrees


@dataclass(frozen=True, slots=True)
class Plot:
    """Where cells are.

    Attributes:
        left: Of the first column.
        top: Of the first row.
        across: Width of a cell.
        down: Height of a cell.
        rows: How many rows there are.
        columns: How many columns.
    """

    left: float
    top: float
    across: float
    down: float
    rows: int
    columns: int

    @property
    def right(self) -> float:
        """Of the last column."""
        return self.left + self.across * self.columns

    @property
    def bottom(self) -> float:
        """Of the last row."""
        return self.top + self.down * self.rows

    def spots(
        self, panel: Cells | Thumbs, axes: tuple[Axis, ...], *, is_flipped: bool = False
    ) -> Spots:
        """Return where each cell can be pointed at; flipped where the last row is the first."""
        size = self.right - self.left, self.bottom - self.top
        first = (self.rows - 1) * self.columns if is_flipped else 0
        down = -self.columns if is_flipped else self.columns
        counts = self.rows, self.columns
        return Spots(self.left, self.top, *size, *counts, panel, axes, first, down)

    def frame(self, color: str) -> Stroke:
        """Return the line around all cells, which covers none of them."""
        left, top = self.left - FRAME / 2, self.top - FRAME / 2
        right, bottom = self.right + FRAME / 2, self.bottom + FRAME / 2
        corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
        return Stroke(corners, color, FRAME)


def heatmap(panel: Cells, style: Style) -> tuple[list[Mark], float]:
    """Return the marks of a heatmap without its colour bar, and how tall they are."""
    shown = panel.picture
    rows = shown.row_names[::-1] if shown.rises else shown.row_names
    plot = _plot(rows, shown.column_names, style, is_square=panel.is_square)
    marks = [plot.frame(style.colors.outline), *_cells(panel, plot, style)]
    last = len(rows) - 1
    marked = frozenset(last - at if shown.rises else at for at in shown.marked_rows)
    marks += _row_names(Labels(rows, marked), plot, style)
    below, depth = _column_names(Labels(shown.column_names, shown.marked), plot, style)
    marks += below
    base = plot.bottom + depth + style.size
    titles = axis_titles(panel)
    middle = (plot.left + plot.right) / 2
    marks.append(_title(titles, middle, base, style))
    marks.append(plot.spots(panel, panel.data.axes, is_flipped=shown.rises))
    return marks, base + style.size * 0.4


def axis_titles(panel: Cells) -> str:
    """Return what rows and columns are."""
    names = (axis.name.replace("_", " ") for axis in (panel.picture.rows, panel.picture.columns))
    rows, columns = names
    if (rows, columns) == ("position", "source"):
        return "rows: destination, columns: source"
    return f"rows: {rows}, columns: {columns}"


def _title(text: str, middle: float, base: float, style: Style) -> Mark:
    short = text.replace("rows: ", "").replace(", columns: ", " × ")
    fits = width_of(text, style.size) <= style.width
    shown = text if fits else fitting(short, style.width, style.size)
    half = width_of(shown, style.size) / 2
    middle = min(max(middle, half), style.width - half)
    return word(middle, base, shown, style.size, style.colors.faint, anchor="middle")


def _plot(rows: list[str], columns: list[str], style: Style, *, is_square: bool) -> Plot:
    size = style.size
    most = MOST_LABEL_LOW if style.is_low else MOST_LABEL
    left = min(widest(rows, size, "mono"), style.width * most) + GAP + 1
    width = style.width - left - 1
    tallest = style.width * (TALLEST if style.width > NARROW * size else TALLEST_OF_MANY)
    tallest = min(tallest, style.tall)
    across = width / max(1, len(columns))
    if is_square:
        down = min(across, tallest / max(1, len(rows)), 4 * size)
        across = min(across, max(down * (WIDER if style.is_low else 1), size * 0.5))
    else:
        across = min(across, 6 * size)
        down = min(style.least * 1.05, tallest / max(1, len(rows)))
        roomy = min(style.width * 0.5, style.tall) / max(1, len(rows))
        down = max(down, min(across, 2.2 * size, roomy))
    return Plot(left, 1.0, across, down, len(rows), len(columns))


def _cells(panel: Cells, plot: Plot, style: Style) -> list[Mark]:
    """Return all cells; one by one, or as an image where they are many."""
    shown, table = panel.picture, looks.table(panel.scale, style)
    blended = _blended(panel, table, style)
    if plot.rows * plot.columns > MOST_BOXES:
        lacking = np.isin(shown.states, NOTHING_TO_SHOW)
        lacking[np.indices(lacking.shape).sum(0) % 2 == 0] = False
        blended[lacking] = _rgb(style.colors.hatch)  # chequered, as there is no room for hatches
        pixels = blended[::-1] if shown.rises else blended
        width, height = plot.right - plot.left, plot.bottom - plot.top
        red, green, blue = map(int, table[theme.NEUTRAL if panel.scale.is_signed else 0])
        whole = np.ascontiguousarray(pixels)
        return [Raster(plot.left, plot.top, width, height, whole, (red, green, blue))]
    lacking = np.isin(shown.states, NOTHING_TO_SHOW)
    marks: list[Mark] = []
    if style.is_quick:
        pixels = np.ascontiguousarray(blended[::-1] if shown.rises else blended)
        size = plot.right - plot.left, plot.bottom - plot.top
        marks.append(Raster(plot.left, plot.top, *size, pixels))
    else:
        for row, column in np.argwhere(~lacking).tolist():
            marks.append(_box(panel, plot, (row, column), _hex(blended[row, column])))
    for row, column in np.argwhere(lacking).tolist():
        marks += _lacking(panel, plot, (row, column), style)
    has_numbers = _has_numbers(panel, plot, style)
    for row, column in np.argwhere(_have_signs(panel, has_numbers=has_numbers)).tolist():
        fill = _hex(blended[row, column])
        marks += _signs(panel, plot, (row, column), fill, style, has_numbers=has_numbers)
    return marks


def _have_signs(panel: Cells, *, has_numbers: bool) -> NDArray[np.bool_]:
    """Return which cells something is written on, [row, column]."""
    shown = panel.picture
    found = shown.states == CellState.ESTIMATE
    if has_numbers:
        found |= shown.states == CellState.EXACT
    if panel.scale.is_signed:
        found |= looks.are_minus(shown.shades)
    if shown.overflow is not None:
        found |= shown.overflow
    hidden = (*NOTHING_TO_SHOW, CellState.MASKED)
    result: NDArray[np.bool_] = found & ~np.isin(shown.states, hidden)
    return result


def _corner(panel: Cells, plot: Plot, at: tuple[int, int]) -> tuple[float, float]:
    row, column = at
    return plot.left + column * plot.across, plot.top + panel.picture.seen(row) * plot.down


def _lacking(panel: Cells, plot: Plot, at: tuple[int, int], style: Style) -> list[Mark]:
    """Return the sign for a number that is not known, or is not finite."""
    x, y = _corner(panel, plot, at)
    right, bottom = x + plot.across, y + plot.down
    marks: list[Mark] = [Stroke(((x, bottom), (right, y)), style.colors.hatch, 0.5)]
    if panel.picture.states[at] == CellState.NOT_FINITE:
        marks.append(Stroke(((x, y), (right, bottom)), style.colors.warning, 0.8))
    return marks


def _signs(
    panel: Cells,
    plot: Plot,
    at: tuple[int, int],
    fill: str,
    style: Style,
    *,
    has_numbers: bool,
) -> list[Mark]:
    """Return what is written on a cell: its number, or signs for estimated and negative ones."""
    shown, (x, y) = panel.picture, _corner(panel, plot, at)
    state, shade = shown.states[at], int(shown.shades[at])
    side = min(plot.across, plot.down)
    middle, ink = (x + plot.across / 2, y + plot.down / 2), looks.readable(fill)
    marks: list[Mark] = []
    if state == CellState.ESTIMATE and side >= LEAST_DOTTED:
        marks.append(Dot(*middle, min(0.8, side / 6), style.colors.faint, style.colors.faint))
    elif has_numbers and state == CellState.EXACT and shown.numbers is not None:
        base, text = middle[1] + style.size * 0.35, shown.numbers(*at)
        how = {"anchor": "middle", "family": "mono"}
        marks.append(word(middle[0], base, text, style.size, ink, **how))
    elif panel.scale.is_signed and looks.is_minus(shade):
        marks.append(looks.minus(*middle, min(side * 0.55, 6.0), fill))
    if shown.overflow is not None and shown.overflow[at]:
        tick, right = min(side * 0.4, 4.0), x + plot.across
        marks.append(Area(((right, y), (right - tick, y), (right, y + tick)), ink))
    return marks


def _box(panel: Cells, plot: Plot, at: tuple[int, int], fill: str) -> Box:
    """Return a cell, which reaches below the next ones."""
    x, y = _corner(panel, plot, at)
    wider = OVERLAP * (at[1] < plot.columns - 1)
    taller = OVERLAP * (y + plot.down < plot.bottom - 0.01)
    return Box(x, y, plot.across + wider, plot.down + taller, fill)


def _has_numbers(panel: Cells, plot: Plot, style: Style) -> bool:
    if panel.picture.numbers is None:
        return False
    room = width_of(WIDEST_NUMBER, style.size, "mono") + 2
    return plot.across >= room and plot.down >= style.size * 1.05


def _blended(
    panel: Cells, table: Table, style: Style
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return the colour of each cell, estimates paler, [row, column, 3]."""
    shown = panel.picture
    strength = np.where(shown.states == CellState.ESTIMATE, ESTIMATE_STRENGTH, 1.0)[..., None]
    colors = strength * table[shown.shades] + (1 - strength) * _rgb(style.colors.surface)
    colors[shown.states == CellState.MASKED] = _rgb(style.colors.masked)
    colors[np.isin(shown.states, NOTHING_TO_SHOW)] = _rgb(style.colors.surface)
    return np.rint(colors).astype(np.uint8)


def _rgb(name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([int(name[at : at + 2], 16) for at in (1, 3, 5)], np.float64)


def _hex(color: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> str:
    return "#" + "".join(f"{part:02x}" for part in color.tolist())


def _row_names(labels: Labels, plot: Plot, style: Style) -> list[Mark]:
    marks: list[Mark] = []
    room = plot.left - GAP
    for at in axis_labels.thin(plot.rows, plot.down, style.least, labels.favourites):
        base = plot.top + (at + 0.5) * plot.down + style.size * 0.35
        text = fitting(labels.texts[at], room, style.size, "mono")
        marks.append(_name(plot.left - GAP, base, text, at in labels.marked, style, "end", 0))
    return marks


def _column_names(labels: Labels, plot: Plot, style: Style) -> tuple[list[Mark], float]:
    """Return the names below the columns, and how far down they reach."""
    size, spacing = style.size, plot.across
    room = min(style.width * MOST_BELOW, MOST_LOW * size if style.is_low else style.width)
    texts = [fitting(text, room, size, "mono") for text in labels.texts]
    metrics = QFontMetricsF(font_of("mono", pixels=MEASURED))
    wide = widest(texts, MEASURED, "mono") + APART * MEASURED
    degrees = axis_labels.slant(wide, spacing * MEASURED / size, metrics)
    needed = {0: spacing, 45: style.least, 90: style.least}[degrees]
    marks: list[Mark] = []
    depth = size * 1.2
    for at in axis_labels.thin(len(texts), spacing, needed, labels.favourites):
        x, is_marked = plot.left + (at + 0.5) * spacing, at in labels.marked
        width = width_of(texts[at], size, "mono")
        if degrees == 0:
            half = width / 2
            x = min(max(x, half), style.width - half)
            marks.append(_name(x, plot.bottom + size, texts[at], is_marked, style, "middle", 0))
            continue
        if degrees == 45:
            width = min(width, max(size, (x - 1) / SIN))
            text = fitting(texts[at], width, size, "mono")
            x, y = x + size * 0.3, plot.bottom + GAP + size * 0.5
            depth = max(depth, (width_of(text, size, "mono") + size) * SIN + GAP)
        else:
            text, x, y = texts[at], x + size * 0.35, plot.bottom + GAP
            depth = max(depth, width + GAP)
        marks.append(_name(x, y, text, is_marked, style, "end", degrees))
    return marks, depth


def _name(
    x: float, y: float, text: str, is_marked: bool, style: Style, anchor: str, degrees: int
) -> Mark:
    ink = style.colors.changed if is_marked else style.colors.text
    return word(
        x,
        y,
        text,
        style.size,
        ink,
        anchor=anchor,
        degrees=degrees,
        family="mono",
        is_underlined=is_marked,
    )


def thumbs(panel: Thumbs, style: Style) -> tuple[list[Mark], float]:
    """Return the marks of small squares in rows and columns, and how tall they are."""
    rows, columns = panel.shades.shape[:2]
    names = panel.row_names, panel.column_names
    is_turned = style.is_low and rows > columns
    pixels = looks.table(panel.scale, style)[panel.shades]
    pixels[~panel.is_known] = _rgb(style.colors.masked).astype(np.uint8)
    steps = columns, 1
    if is_turned:
        names, pixels, steps = names[::-1], pixels.swapaxes(0, 1), (1, columns)
        rows, columns = columns, rows
    plot = _plot(*names, style, is_square=True)
    marks: list[Mark] = []
    gap = max(0.4, plot.across * 0.06)
    for row, column in np.ndindex(rows, columns):
        x, y = plot.left + column * plot.across, plot.top + row * plot.down
        one = np.ascontiguousarray(pixels[row, column])
        marks.append(Raster(x, y, plot.across - gap, plot.down - gap, one))
    marks += _row_names(Labels(names[0]), plot, style)
    below, depth = _column_names(Labels(names[1]), plot, style)
    spots = plot.spots(panel, panel.data.axes[:2])
    marks.append(replace(spots, down=steps[0], across=steps[1]))
    return [*marks, *below], plot.bottom + depth
