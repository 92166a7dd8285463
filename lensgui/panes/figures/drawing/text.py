"""Coloured text and tables of a figure as marks."""

from __future__ import annotations

import re

from lensgui.panes.figures.drawing import style as looks
from lensgui.panes.figures.drawing.marks import Box, Mark, Stroke, fitting, widest, width_of, word
from lensgui.panes.figures.drawing.style import Style
from lensgui.panes.figures.figure import Prose, Sheet

PADDING = 1.5  # points around a token
MOST_TOKENS = 2_000
MOST_ROWS = 60  # of a table that are drawn; its data have all
GAP = 6.0  # points between columns
LEAST_COLUMN = 4  # times the size of the text
NUMBER = re.compile(r"(≈ )?[+−-]?[\d.,]*( ?%)?")  # is never shortened: its middle are its digits
MORE = "… and {count:,} more: all of them are in the CSV file"


def prose(panel: Prose, style: Style) -> tuple[list[Mark], float]:
    """Return the marks of a text whose tokens are coloured, and how tall they are."""
    size, colors = style.size, style.colors
    table = looks.table(panel.scale, style)
    x, top, line = 0.0, 0.0, size * 1.75
    marks: list[Mark] = []
    for at, token in enumerate(panel.tokens[:MOST_TOKENS]):
        text = fitting(token, style.width - 2 * PADDING, size, "mono")
        wide = width_of(text, size, "mono") + 2 * PADDING
        if x and x + wide > style.width:
            x, top = 0.0, top + line
        ink, shade = colors.text, int(panel.shades[at])
        if shade >= 0:
            fill = looks.color(table, shade)
            ink = looks.readable(fill)
            marks.append(Box(x, top + 1, wide, size * 1.4, fill))
            if panel.scale.is_signed and looks.is_minus(shade):
                marks.append(looks.minus(x + wide / 2, top + size * 1.32, min(wide, size), fill))
        marks.append(word(x + PADDING, top + size * 1.1 + 1, text, size, ink, family="mono"))
        if at == panel.chosen:
            marks.append(_frame(x, top + 1, wide, size * 1.4, colors.accent))
        x += wide + 1
    bottom = top + line
    left_out = len(panel.tokens) - MOST_TOKENS
    if left_out > 0:
        bottom += style.line
        marks.append(word(0, bottom - size * 0.3, MORE.format(count=left_out), size, colors.faint))
    return marks, bottom


def _frame(x: float, y: float, width: float, height: float, color: str) -> Stroke:
    right, bottom = x + width, y + height
    return Stroke(((x, y), (right, y), (right, bottom), (x, bottom), (x, y)), color, 1.0)


def sheet(panel: Sheet, style: Style) -> tuple[list[Mark], float]:
    """Return the marks of a table, and how tall they are; columns share the width there is."""
    size, colors = style.size, style.colors
    rows = panel.rows[:MOST_ROWS]
    widths = _widths(panel, rows, style)
    marks: list[Mark] = []
    x = 0.0
    for at, (title, width) in enumerate(zip(panel.columns, widths, strict=True)):
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
    if len(panel.rows) > len(rows):
        more = MORE.format(count=len(panel.rows) - len(rows))
        marks.append(word(0, bottom + size, more, size, colors.faint))
        bottom += style.line
    return marks, bottom + size * 0.3


def _widths(panel: Sheet, rows: list[list[str]], style: Style) -> list[float]:
    """Return how wide columns are: as they like if there is room, else narrower where they can."""
    size, count = style.size, len(panel.columns)
    liked = [
        max(width_of(title, size), widest([row[at] for row in rows], size, "mono")) + 1
        for at, title in enumerate(panel.columns)
    ]
    room = style.width - GAP * (count - 1)
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
