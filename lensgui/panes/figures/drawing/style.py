"""How figures are drawn: their width, the size of their text, their colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from lensgui.panes import theme
from lensgui.panes.figures.drawing.marks import (
    LEAST,
    Box,
    Mark,
    Stroke,
    beginning,
    fitting,
    widest,
    width_of,
    word,
    wrapped,
)
from lensgui.panes.figures.figure import Scale
from lensgui.panes.theme import NEUTRAL, Table, Theme

MM = 72 / 25.4  # points
WIDTHS = {"column": 84 * MM, "page": 176 * MM, "slide": 960.0}
SIZES = {"column": LEAST, "page": LEAST, "slide": 24}
STEPS = 64  # of a colour bar
BESIDE = 0.6  # times the size of the text: how wide a bar is that stands beside a panel
BAR = 7.0  # points of its height, at the least size of text
LOW_LINES = 2  # of a title on a low sheet
MINUS = 0.1  # of the scale, from which a negative colour bears a minus sign
Width = Literal["column", "page", "slide"]


@dataclass(frozen=True, slots=True)
class Style:
    """How a figure is drawn.

    Attributes:
        width: Of the sheet, in points.
        size: Of the text, in points.
        colors: Of all that is no number.
        has_caption: Whether the caption stands below the picture.
        tall: How tall the cells, points, lines or rows of a panel may be, in points.
        is_quick: Whether cells are one image, which is drawn faster, as a screen wants it.
    """

    width: float = WIDTHS["column"]
    size: int = LEAST
    colors: Theme = theme.LIGHT
    has_caption: bool = True
    tall: float = inf
    is_quick: bool = False

    @classmethod
    def of(cls, width: Width, colors: Theme = theme.LIGHT, *, has_caption: bool = True) -> Style:
        """Return the style of a width that has a name: of a journal's column, a page, a slide."""
        return cls(WIDTHS[width], SIZES[width], colors, has_caption)

    @property
    def line(self) -> float:
        """From one line of text to the next, in points."""
        return self.size * 1.3

    @property
    def least(self) -> float:
        """How near labels may stand to each other, in points."""
        return self.size * 1.08

    def narrower(self, width: float) -> Style:
        """Return the same in less room."""
        return replace(self, width=width)

    @property
    def thicker(self) -> float:
        """How much thicker lines are than those beside the least text."""
        return max(1.0, self.size / LEAST / 1.5)

    @property
    def is_low(self) -> bool:
        """Whether the sheet is of a height that is given, as a screen's is."""
        return self.tall < inf

    def rows(self, count: int, high: float) -> int:
        """Return how many of some rows there is room for, if one less says how many are not seen.

        Args:
            count: How many there are.
            high: How tall each is, in points.
        """
        room = int(self.tall / high) if self.is_low else count
        return count if count <= room else max(1, room - 1)


PAPER = replace(theme.LIGHT, name="paper", window="#ffffff", surface="#ffffff", text="#000000")


def table(scale: Scale, style: Style) -> Table:
    """Return the colours of a scale."""
    return theme.diverging(style.colors) if scale.is_signed else theme.sequential(style.colors)


def color(table: Table, shade: int) -> str:
    """Return one of a table's colours, "#rrggbb"."""
    red, green, blue = map(int, table[shade])
    return f"#{red:02x}{green:02x}{blue:02x}"


def readable(fill: str) -> str:
    """Return black or white, whichever is read better on a colour."""
    on = QColor(fill)
    return theme.readable_on(on.red(), on.green(), on.blue()).name()


def is_minus(shade: int) -> bool:
    """Whether a signed colour is to bear a sign, since in grey print both ends look alike."""
    return shade < NEUTRAL - MINUS * 127


def are_minus(shades: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return `is_minus` of each of some colours."""
    found: NDArray[np.bool_] = shades < NEUTRAL - MINUS * 127
    return found


def minus(x: float, y: float, length: float, fill: str) -> Stroke:
    """Return a minus sign around a place."""
    half = length / 2
    return Stroke(((x - half, y), (x + half, y)), readable(fill), max(0.6, length * 0.16))


def number(value: float, digits: int = 3) -> str:
    """Return a number of a scale, as short as can be."""
    text = f"{value:.{digits}g}".replace("-", "−")
    return text if value == value else "–"


def more(count: int, style: Style) -> str:
    """Return how many rows or words are not drawn, and where they are."""
    where = "" if style.is_low else ": all of them are in the CSV file"
    return fitting(f"… and {count:,} more{where}", style.width, style.size)


def bar(scale: Scale, style: Style) -> tuple[list[Mark], float]:
    """Return a colour bar with its numbers and what is counted, and how tall it is."""
    size, ink = style.size, style.colors.text
    length = min(style.width * 0.6, 26 * size)
    left, high = (style.width - length) / 2, BAR * size / LEAST
    colors = table(scale, style)
    marks: list[Mark] = []
    step = length / STEPS
    for at in range(STEPS):
        shade = round((at + 0.5) / STEPS * 255)
        fill, x = color(colors, shade), left + at * step
        marks.append(Box(x, 0, step + (0.2 if at < STEPS - 1 else 0), high, fill))
    if scale.is_signed:
        for share in (1 / 12, 3 / 12):  # as on the cells of these colours
            shade = round(share * 255)
            marks.append(minus(left + share * length, high / 2, high * 0.7, color(colors, shade)))
    corners = ((left, 0.0), (left + length, 0.0), (left + length, high), (left, high), (left, 0.0))
    marks.append(Stroke(corners, style.colors.outline, 0.5))
    base = high + size * 1.05
    ends = (scale.low, (scale.low + scale.high) / 2, scale.high)
    for value, share in zip(ends, (0.0, 0.5, 1.0), strict=True):
        text, x = number(value), left + share * length
        marks.append(Stroke(((x, high), (x, high + 2)), style.colors.outline, 0.5))
        marks.append(word(x, base + 1, text, size, ink, anchor="middle", family="mono"))
    titles = counted(scale.counted, base + style.line, style)
    return [*marks, *titles], base + style.line * max(1, len(titles)) + 2


def bar_beside(scale: Scale, style: Style, high: float, room: float) -> tuple[list[Mark], float]:
    """Return an upright colour bar for the right end of the sheet, and how tall all of it is.

    Args:
        scale: What its colours stand for.
        style: How it is drawn; `room_beside` says how much room is taken.
        high: From its lowest to its highest colour, in points.
        room: How tall what it counts may be, in points.
    """
    size, ink, colors = style.size, style.colors.text, table(scale, style)
    left, wide = style.width - room_beside(scale, style, room) + size, size * BESIDE
    step = high / STEPS
    marks: list[Mark] = []
    for at in range(STEPS):
        shade = round((STEPS - at - 0.5) / STEPS * 255)
        marks.append(
            Box(left, at * step, wide, step + 0.2 * (at < STEPS - 1), color(colors, shade))
        )
    right = left + wide
    corners = ((left, 0.0), (right, 0.0), (right, high), (left, high), (left, 0.0))
    marks.append(Stroke(corners, style.colors.outline, 0.5))
    shares = (0.0, 0.5, 1.0) if high > 3.5 * size else (0.0, 1.0)
    for share in shares:
        text, y = number(scale.low + share * (scale.high - scale.low)), high * (1 - share)
        base = min(max(y + size * 0.35, size * 0.75), high)
        marks.append(word(right + size * 0.25, base, text, size, ink, family="mono"))
    lines = wrapped(scale.counted, room, size)
    tallest = max(high, *(width_of(line, size) for line in lines), 0.0)
    for at, line in enumerate(reversed(lines)):
        middle = max(high, width_of(line, size)) / 2
        x = style.width - size * (0.25 + 1.2 * at)
        marks.append(word(x, middle, line, size, ink, anchor="middle", degrees=90))
    return marks, tallest


def room_beside(scale: Scale, style: Style, room: float) -> float:
    """Return how wide an upright colour bar is, in points; arguments as of `bar_beside`."""
    ends = [number(end) for end in (scale.low, (scale.low + scale.high) / 2, scale.high)]
    lines = len(wrapped(scale.counted, room, style.size))
    wide = BESIDE + 1.5 + 1.2 * lines
    return style.size * wide + widest(ends, style.size, "mono")


def counted(text: str, base: float, style: Style) -> list[Mark]:
    """Return what is counted, in the middle of the sheet, below a colour bar or an axis."""
    lines: Sequence[str] = wrapped(text, style.width, style.size)
    return [
        word(
            style.width / 2,
            base + at * style.line,
            line,
            style.size,
            style.colors.text,
            anchor="middle",
        )
        for at, line in enumerate(lines)
    ]


def heading(text: str, style: Style, size: int) -> tuple[list[Mark], float]:
    """Return a title at the left of the sheet, in as many lines as it needs, and their height.

    On a low sheet there are two at most.
    """
    lines = wrapped(text, style.width, size, is_bold=True)
    if style.is_low and len(lines) > LOW_LINES:
        rest = " ".join(lines[LOW_LINES - 1 :])
        last = beginning(rest, style.width, size, is_bold=True)
        lines = [*lines[: LOW_LINES - 1], last]
    marks: list[Mark] = [
        word(0, size + at * size * 1.2, line, size, style.colors.text, is_bold=True)
        for at, line in enumerate(lines)
    ]
    return marks, len(lines) * size * 1.2
