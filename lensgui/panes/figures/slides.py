"""Scenes as sheets of a deck: the prompt, one or two figures, what is said."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF

from lensgui.panes.figures import pointing
from lensgui.panes.figures.drawing.layout import fitted
from lensgui.panes.figures.drawing.marks import (
    Drawing,
    Mark,
    Stroke,
    beginning,
    moved,
    word,
    wrapped,
)
from lensgui.panes.figures.drawing.style import SIZES, WIDTHS, Style
from lensgui.panes.figures.figure import Figure
from lensgui.panes.theme import Theme
from lensgui.state.selection import Cursor

WIDTH, HEIGHT = WIDTHS["slide"], WIDTHS["slide"] * 9 / 16  # points
SIZE = SIZES["slide"]
MARGIN = 20.0  # points
BETWEEN = 16.0  # points between two figures
SAID_LINES = 2
FRAME, LEAST_FRAME = 2.2, 9.0  # points of the line around what is selected, and across it
NOWHERE = Cursor()


@dataclass(frozen=True, slots=True, eq=False)
class Slide:
    """What a scene shows.

    Attributes:
        name: What the scene is called.
        caption: What is said about it.
        prompt: The clean prompt.
        summary: The prompts in short.
        figures: One or two, from left to right.
        count: The scene's number of how many.
        cursor: What is selected.
    """

    name: str
    caption: str
    prompt: str
    summary: str
    figures: tuple[Figure, ...]
    count: str = ""
    cursor: Cursor = NOWHERE

    @property
    def words(self) -> str:
        """What is said below, in one piece."""
        return " ".join(filter(None, (self.caption, self.summary)))


def sheet(slide: Slide, colors: Theme) -> Drawing:
    """Return a scene as a sheet of 16 to 9 whose text has 24 points."""
    style = Style(WIDTH - 2 * MARGIN, SIZE, colors, has_caption=False)
    top = MARGIN + SIZE
    shown = beginning(slide.prompt.replace("\n", " ⏎ "), style.width, SIZE)
    marks: list[Mark] = [word(MARGIN, top, shown, SIZE, colors.text)]
    bottom = HEIGHT - MARGIN - SAID_LINES * style.line
    marks += _figures(slide, style, top + SIZE * 0.4, bottom - SIZE * 0.3)
    marks += _words(slide, style, bottom)
    return Drawing(WIDTH, HEIGHT, tuple(marks), colors.surface)


def _figures(slide: Slide, style: Style, top: float, bottom: float) -> list[Mark]:
    """Return the figures beside each other, with what is selected framed."""
    marks: list[Mark] = []
    count = len(slide.figures)
    width = (style.width - BETWEEN * (count - 1)) / max(1, count)
    for at, figure in enumerate(slide.figures):
        drawing = fitted(figure, style.narrower(width), bottom - top)
        frames = [_frame(cell, style) for cell in pointing.selected(drawing, slide.cursor)]
        marks += moved([*drawing.marks, *frames], MARGIN + at * (width + BETWEEN), top)
    return marks


def _frame(cell: QRectF, style: Style) -> Mark:
    """Return a frame around a cell, large enough to be seen."""
    wide, high = (max(0.0, LEAST_FRAME - side) / 2 for side in (cell.width(), cell.height()))
    around = cell.adjusted(-wide, -high, wide, high)
    left, top, right, bottom = around.left(), around.top(), around.right(), around.bottom()
    corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
    return Stroke(corners, style.colors.accent, FRAME)


def said(caption: str, rest: str, room: float, size: float) -> list[str]:
    """Return the lines below a scene's figures; what has no room ends in an ellipsis.

    Args:
        caption: What is said about it.
        rest: What stands in the line that is left, if one is.
        room: How wide a line may be, in points.
        size: Of the text, in points.
    """
    lines = wrapped(caption, room, size)
    if len(lines) > SAID_LINES:
        last = " ".join(lines[SAID_LINES - 1 :])
        lines = [*lines[: SAID_LINES - 1], beginning(last, room, size)]
    if len(lines) < SAID_LINES and rest:
        lines.append(beginning(rest, room, size))
    return lines


def _words(slide: Slide, style: Style, top: float) -> list[Mark]:
    """Return what is said, and in the line that is left the prompts in short."""
    colors, size = style.colors, SIZE
    room = style.width - 4.5 * size  # for the number
    lines = said(slide.caption, slide.summary, room, size)
    base = top + size
    marks: list[Mark] = [
        word(MARGIN, base + at * style.line, line, size, colors.text)
        for at, line in enumerate(lines)
    ]
    below = base + (SAID_LINES - 1) * style.line
    marks.append(word(WIDTH - MARGIN, below, slide.count, size, colors.faint, anchor="end"))
    return marks
