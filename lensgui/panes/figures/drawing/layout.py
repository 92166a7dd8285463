"""From a figure to a drawing: title, panels, colour bar and caption on one sheet."""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch

from lensgui.panes.figures.drawing import cells, lines, plots, text, webs
from lensgui.panes.figures.drawing.marks import Drawing, Mark, moved, word, wrapped
from lensgui.panes.figures.drawing.style import Style, bar, bar_beside, heading, room_beside
from lensgui.panes.figures.figure import (
    Bars,
    Cells,
    Cloud,
    Figure,
    Lines,
    Panel,
    Prose,
    Scale,
    Sheet,
    Strands,
    Thumbs,
    Web,
)

MARGIN = 0.5  # times the size of the text, around everything, so that no line is cut
LEAST_PANEL = 15  # likewise: how narrow panels beside each other may be
LEAST_OF_MANY = 12.5  # of more panels than stand well below each other on a page
MANY = MOST_BESIDE = 4
BETWEEN = 1.25  # times the size of the text
LEAST_TALL = 2.5  # times the size of the text: how low cells, points and rows may get
LEAST_OF_SEVERAL = 5  # likewise, where panels can be left out instead
LEAST_BELOW = 2.5  # likewise, below cells for their names
SHRINK = 0.85  # of its height, that a plot is tried with next
MOST_TRIES = 12  # to draw panels as low as there is room
Drawn = tuple[list[Mark], float]


@singledispatch
def draw_panel(panel: object, style: Style) -> Drawn:
    """Return the marks of a panel, and how tall they are."""
    raise TypeError(f"nothing draws a {type(panel).__name__}")


for _kind, _draw in (
    (Cells, cells.heatmap),
    (Thumbs, cells.thumbs),
    (Cloud, plots.cloud),
    (Strands, plots.strands),
    (Bars, plots.bars),
    (Web, webs.web),
    (Lines, lines.lines),
    (Prose, text.prose),
    (Sheet, text.sheet),
):
    draw_panel.register(_kind, _draw)


def draw(figure: Figure, style: Style) -> Drawing:
    """Return a figure as it is drawn in a style."""
    size = style.size
    margin = MARGIN * size
    inside = style.narrower(style.width - 2 * margin)
    marks, down = heading(figure.title, inside, size + 1)
    down += size * 0.55
    drawn, height = _panels(figure.panels, inside)
    marks += moved(drawn, 0, down)
    down += height
    if style.has_caption:
        down += size * 0.8
        for line in wrapped(figure.caption, inside.width, size):
            marks.append(word(0, down + size, line, size, style.colors.text))
            down += style.line
    marks = moved(marks, margin, margin)
    return Drawing(style.width, down + 2 * margin, tuple(marks), style.colors.surface)


def fitted(figure: Figure, style: Style, height: float) -> Drawing:
    """Return a figure no taller than some points, with as many of its panels as fit.

    Text keeps its size: cells, points and rows get less room.

    Args:
        figure: What is drawn.
        style: How.
        height: How tall at most.
    """
    panels, least = figure.panels, replace(style, tall=LEAST_OF_SEVERAL * style.size)
    while len(panels) > 1 and draw(replace(figure, panels=panels), least).height > height:
        panels = panels[: len(panels) // 2]
    return _pressed(replace(figure, panels=panels), style, height)


def _pressed(figure: Figure, style: Style, height: float) -> Drawing:
    """Return a figure whose panels are as low as they have to be, and can be."""
    tall, least = height, LEAST_TALL * style.size
    for _ in range(MOST_TRIES):
        drawing = draw(figure, replace(style, tall=tall))
        if drawing.height <= height or tall <= least:
            break
        heights = [spots.height for spots in drawing.spots if spots.rows > 1]
        taken = max(heights, default=SHRINK * tall)
        tall = max(least, min(tall, taken) - max(1.0, drawing.height - height))
    return drawing


def _panels(panels: tuple[Panel, ...], style: Style) -> Drawn:
    """Return the marks of all panels, with one colour bar for those that share their scale."""
    count, between = len(panels), BETWEEN * style.size
    least = (LEAST_OF_MANY if count > MANY else LEAST_PANEL) * style.size
    columns = min(count, MOST_BESIDE, max(1, int((style.width + between) / (least + between))))
    narrow = style.narrower((style.width - between * (columns - 1)) / columns)
    shared = None if style.is_low else _shared(panels)
    marks: list[Mark] = []
    down = 0.0
    for first in range(0, count, columns):
        tallest = 0.0
        for at, panel in enumerate(panels[first : first + columns]):
            drawn, height = _with_title(panel, narrow, has_bar=shared is None)
            marks += moved(drawn, at * (narrow.width + between), down)
            tallest = max(tallest, height)
        down += tallest + between * 0.6
    if shared is not None:
        drawn, height = bar(shared, style)
        marks += moved(drawn, 0, down)
        down += height
    return marks, down


def _with_title(panel: Panel, style: Style, *, has_bar: bool) -> Drawn:
    marks: list[Mark] = []
    down = 0.0
    if panel.title:
        marks, down = heading(panel.title, style, style.size)
        down += style.size * 0.3
    scale = scale_of(panel)
    if scale is not None and style.is_low:
        room = style.tall + LEAST_BELOW * style.size  # names stand below cells
        narrow = style.narrower(style.width - room_beside(scale, style, room))
        drawn, height = draw_panel(panel, narrow)
        high = min(height, max(style.tall, LEAST_TALL * style.size))
        beside, tallest = bar_beside(scale, style, high, room)
        height = max(height, tallest)
        return [*marks, *moved([*drawn, *beside], 0, down)], down + height
    drawn, height = draw_panel(panel, style)
    marks += moved(drawn, 0, down)
    down += height
    if has_bar and scale is not None:
        drawn, height = bar(scale, style)
        marks += moved(drawn, 0, down + style.size * 0.5)
        down += style.size * 0.5 + height
    return marks, down


def scale_of(panel: Panel) -> Scale | None:
    """Return what the colours of a panel stand for; None where they are explained otherwise."""
    return getattr(panel, "scale", None)


def _shared(panels: tuple[Panel, ...]) -> Scale | None:
    """Return the scale that all panels have; None if they differ."""
    scales = [scale_of(panel) for panel in panels]
    first = scales[0] if scales else None
    return first if first is not None and all(scale == first for scale in scales) else None
