"""Coloured text and tables of a figure as marks."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from lensgui.panes.figures.drawing import style as looks
from lensgui.panes.figures.drawing.marks import (
    Box,
    Mark,
    Spots,
    Stroke,
    fitting,
    widest,
    width_of,
    word,
)
from lensgui.panes.figures.drawing.style import Style
from lensgui.panes.figures.figure import Prose, Sheet

PADDING = 1.5  # points around a token
MOST_TOKENS = 2_000
MOST_ROWS = 60  # of a table that are drawn; its data have all
GAP = 6.0  # points between columns
LEAST_COLUMN = 4  # times the size of the text
NUMBER = re.compile(r"(≈ )?[+−-]?[\d.,]*( ?%)?")  # is never shortened: its middle are its digits


def prose(panel: Prose, style: Style) -> tuple[list[Mark], float]:
    """Return the marks of a text whose tokens are coloured, and how tall they are."""
    size, colors = style.size, style.colors
    x, top, line = 0.0, 0.0, size * 1.75
    marks: list[Mark] = []
    drawn = 0
    for at, token in enumerate(panel.tokens[:MOST_TOKENS]):
        text = fitting(token, style.width - 2 * PADDING, size, "mono")
        wide = width_of(text, size, "mono") + 2 * PADDING
        if x and x + wide > style.width:
            x, top = 0.0, top + line
        if at and top + line > style.tall:
            break
        drawn = at + 1
        marks += _token(panel, at, text, Box(x, top, wide, line, colors.surface), style)
        x += wide + 1
    bottom = top + line
    left_out = len(panel.tokens) - drawn
    if left_out > 0:
        bottom = top + style.line + line * (drawn == len(panel.tokens[:MOST_TOKENS]))
        said = looks.more(left_out, style)
        marks.append(word(0, bottom - size * 0.3, said, size, colors.faint))
    return marks, bottom


def _token(panel: Prose, at: int, text: str, room: Box, style: Style) -> list[Mark]:
    """Return the marks of one token.

    Args:
        panel: All of them.
        at: Which.
        text: How it is written.
        room: Where it stands.
        style: How it is drawn.
    """
    size, colors = style.size, style.colors
    ink, shade, high = colors.text, int(panel.shades[at]), size * 1.4
    marks: list[Mark] = []
    if shade >= 0:
        fill = looks.color(looks.table(panel.scale, style), shade)
        ink = looks.readable(fill)
        marks.append(Box(room.x, room.y + 1, room.width, high, fill))
        if panel.scale.is_signed and looks.is_minus(shade):
            middle, base = room.x + room.width / 2, room.y + size * 1.32
            marks.append(looks.minus(middle, base, min(room.width, size), fill))
    base = room.y + size * 1.1 + 1
    marks.append(word(room.x + PADDING, base, text, size, ink, family="mono"))
    if at == panel.chosen:
        marks.append(_frame(room.x, room.y + 1, room.width, high, colors.accent))
    where = room.x, room.y, room.width, room.height
    return [*marks, Spots(*where, 1, 1, panel, panel.data.axes, at)]


def _frame(x: float, y: float, width: float, height: float, color: str) -> Stroke:
    right, bottom = x + width, y + height
    return Stroke(((x, y), (right, y), (right, bottom), (x, bottom), (x, y)), color, 1.0)


def sheet(panel: Sheet, style: Style) -> tuple[list[Mark], float]:
    """Return the marks of a table, and how tall they are; columns share the width there is."""
    size, colors = style.size, style.colors
    rows = panel.rows[: min(MOST_ROWS, style.rows(len(panel.rows), style.line))]
    widths = _widths(panel, rows, style)
    marks: list[Mark] = []
    x = 0.0
    for at, (title, width) in enumerate(zip(panel.columns, widths, strict=False)):
        text = fitting(title, width, size)
        marks.append(word(x, size, text, size, colors.faint))
        for number, row in enumerate(rows):
            base = style.line * (number + 1) + size
            marks.append(
                word(
                    x, base, fitting(row[at], width, size, "mono"), size, colors.text, family="mono"
                )
            )
        x += width + GAP
    rule = size * 1.25
    marks.append(Stroke(((0.0, rule), (style.width, rule)), colors.outline, 0.5))
    bottom = style.line * (len(rows) + 1)
    high = bottom - style.line
    marks.append(
        Spots(0, style.line, style.width, high, len(rows), 1, panel, panel.data.axes, 0, 1)
    )
    if len(panel.rows) > len(rows):
        more = looks.more(len(panel.rows) - len(rows), style)
        marks.append(word(0, bottom + size, more, size, colors.faint))
        bottom += style.line
    return marks, bottom + size * 0.3


def _widths(panel: Sheet, rows: Sequence[list[str]], style: Style) -> list[float]:
    """Return how wide columns are: as they like if there is room, else narrower where they can."""
    size, count = style.size, len(panel.columns)
    liked = [
        max(width_of(title, size), widest([row[at] for row in rows], size, "mono")) + 1
        for at, title in enumerate(panel.columns)
    ]
    room = style.width - GAP * (count - 1)
    if style.is_low:
        liked = [min(width, style.width / 2) for width in liked]
        reach = np.cumsum(np.array(liked) + GAP) - GAP
        return liked[: max(1, int(np.searchsorted(reach, style.width, "right")))]
    if sum(liked) <= room:
        return liked
    least = min(LEAST_COLUMN * size, room / max(1, count))
    fixed = [min(width, least) for width in liked]
    whole = [
        width if all(NUMBER.fullmatch(row[at]) for row in rows) else fixed[at]
        for at, width in enumerate(liked)
    ]
    fixed = whole if sum(whole) <= room else fixed
    spare, wanted = room - sum(fixed), sum(liked) - sum(fixed)
    return [
        low + (high - low) * max(0.0, spare) / wanted
        for low, high in zip(fixed, liked, strict=True)
    ]
