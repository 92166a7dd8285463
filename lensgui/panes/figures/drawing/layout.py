"""From a figure to a drawing: title, panels, colour bar and caption on one sheet."""

from __future__ import annotations

from functools import singledispatch

from lensgui.panes.figures.drawing import cells, plots, text
from lensgui.panes.figures.drawing.marks import Drawing, Mark, moved, word, wrapped
from lensgui.panes.figures.drawing.style import Style, bar, heading
from lensgui.panes.figures.figure import (
    Bars,
    Cells,
    Cloud,
    Figure,
    Panel,
    Prose,
    Scale,
    Sheet,
    Strands,
    Thumbs,
)

MARGIN = 4.0  # points around everything, so that no line is cut
LEAST_PANEL = 15  # times the size of the text: how narrow panels beside each other may be
BETWEEN = 10.0  # points
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
    (Prose, text.prose),
    (Sheet, text.sheet),
):
    draw_panel.register(_kind, _draw)


def draw(figure: Figure, style: Style) -> Drawing:
    """Return a figure as it is drawn in a style."""
    inside = style.narrower(style.width - 2 * MARGIN)
    size = style.size
    marks: list[Mark] = moved(heading(figure.title, inside, size=size + 1), 0, 0)
    down = size * 1.9
    drawn, height = _panels(figure.panels, inside)
    marks += moved(drawn, 0, down)
    down += height
    if style.has_caption:
        down += size * 0.8
        for line in wrapped(figure.caption, inside.width, size):
            marks.append(word(0, down + size, line, size, style.colors.text))
            down += style.line
    marks = moved(marks, MARGIN, MARGIN)
    return Drawing(style.width, down + 2 * MARGIN, tuple(marks), style.colors.surface)


def _panels(panels: tuple[Panel, ...], style: Style) -> Drawn:
    """Return the marks of all panels, with one colour bar for those that share their scale."""
    count = len(panels)
    columns = min(
        count, max(1, int((style.width + BETWEEN) / (LEAST_PANEL * style.size + BETWEEN)))
    )
    columns = min(columns, 4)
    narrow = style.narrower((style.width - BETWEEN * (columns - 1)) / columns)
    shared = _shared(panels)
    marks: list[Mark] = []
    down = 0.0
    for first in range(0, count, columns):
        tallest = 0.0
        for at, panel in enumerate(panels[first : first + columns]):
            drawn, height = _with_title(panel, narrow, has_bar=shared is None)
            marks += moved(drawn, at * (narrow.width + BETWEEN), down)
            tallest = max(tallest, height)
        down += tallest + BETWEEN * 0.6
    if shared is not None:
        drawn, height = bar(shared, style)
        marks += moved(drawn, 0, down)
        down += height
    return marks, down


def _with_title(panel: Panel, style: Style, *, has_bar: bool) -> Drawn:
    marks: list[Mark] = []
    down = 0.0
    if panel.title:
        marks += heading(panel.title, style)
        down = style.size * 1.5
    drawn, height = draw_panel(panel, style)
    marks += moved(drawn, 0, down)
    down += height
    scale = scale_of(panel)
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
