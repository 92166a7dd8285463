"""What a figure is drawn of: a flat list of marks in points, the same for every file format."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QFont, QFontMetricsF

from lensgui.jobs.answers.arrays import Axis
from lensgui.panes import theme

Anchor = Literal["start", "middle", "end"]
Family = Literal["text", "mono"]
Place = tuple[float, float]
MEASURED = 100  # pixels: fonts are measured large, since small ones are rounded
JOINING = ("liga", "calt", "clig")  # of fonts: "fi", "->" and "!=" are to be found as they are
LEAST = 8  # points of the smallest text of a figure
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    fill: str


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line through some points.

    Attributes:
        points: At least two.
        color: "#rrggbb".
        width: In points.
        is_dashed: Whether it has gaps.
    """

    points: tuple[Place, ...]
    color: str
    width: float = 0.5
    is_dashed: bool = False


@dataclass(frozen=True, slots=True)
class Area:
    """A filled polygon."""

    points: tuple[Place, ...]
    fill: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A filled circle with a thin edge."""

    x: float
    y: float
    radius: float
    fill: str
    edge: str


@dataclass(frozen=True, slots=True)
class Word:
    """A line of text.

    Attributes:
        x: Where its start, middle or end is.
        y: Of its base line.
        text: What it says; all of it can be written in XML.
        size: In points.
        color: "#rrggbb".
        anchor: What of it is at x.
        degrees: How far it is turned against the clock, around (x, y).
        family: Of sentences, or of tokens and numbers.
        is_bold: Whether it is.
        is_underlined: Whether it is.
    """

    x: float
    y: float
    text: str
    size: float
    color: str
    anchor: Anchor = "start"
    degrees: float = 0.0
    family: Family = "text"
    is_bold: bool = False
    is_underlined: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """Many small cells as one image, each of its pixels a sharp square.

    Attributes:
        pixels: Red, green, blue, [row, column, 3].
        plain: The colour of 0: where cells share a pixel, the one farthest from it is seen.
    """

    x: float
    y: float
    width: float
    height: float
    pixels: NDArray[np.uint8]
    plain: tuple[int, int, int] = (255, 255, 255)


@dataclass(frozen=True, slots=True, eq=False)
class Spots:
    """Where the cells of a panel are, to be pointed at; nothing draws it.

    Attributes:
        x: Of all of them together.
        y: Likewise.
        width: Likewise.
        height: Likewise.
        rows: How many there are, one below the other.
        columns: How many beside each other.
        panel: What they are of.
        axes: What their numbers count.
        first: The number of the one at the top left, in C order of the axes.
        down: From one row's numbers to the next row's.
        across: From one column's numbers to the next column's.
        order: Which number each of these is instead; None where it is that.
    """

    x: float
    y: float
    width: float
    height: float
    rows: int
    columns: int
    panel: Any
    axes: tuple[Axis, ...]
    first: int = 0
    down: int = 0
    across: int = 1
    order: tuple[int, ...] | None = None


Mark = Box | Stroke | Area | Dot | Word | Raster | Spots


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """Marks on a sheet.

    Attributes:
        width: Of the sheet, in points.
        height: Likewise.
        marks: What is drawn, the lowest first.
        background: "#rrggbb".
    """

    width: float
    height: float
    marks: tuple[Mark, ...]
    background: str = "#ffffff"

    @property
    def words(self) -> list[Word]:
        """All that is written."""
        return [mark for mark in self.marks if isinstance(mark, Word)]

    @property
    def spots(self) -> list[Spots]:
        """All that can be pointed at."""
        return [mark for mark in self.marks if isinstance(mark, Spots)]


def writable(text: str) -> str:
    """Return text in which characters that no XML file can hold are spelled: <0x01>, <0xFFFE>.

    So are the invisible ones that would change how what follows is read.
    """
    spelled = _UNWRITABLE.sub(lambda found: _spelled(found[0]), text)
    return "".join(_spelled(at) if _is_unseen(at) else at for at in spelled)


def _is_unseen(letter: str) -> bool:
    category = unicodedata.category(letter)
    return category == "Cc" or (category == "Cf" and letter not in "\u200d\u200c")


def _spelled(letter: str) -> str:
    return f"<0x{ord(letter):02X}>"


def word(x: float, y: float, text: str, size: float, color: str, **how: Any) -> Word:
    """Return a line of text whose every character can be written; `how` as `Word` has it."""
    return Word(x, y, writable(text), size, color, **how)


def font_of(family: Family, *, is_bold: bool = False, pixels: int = MEASURED) -> QFont:
    """Return the font of a word, in pixels of whatever it is drawn on."""
    fonts = theme.fonts()
    font = QFont()
    font.setFamilies(fonts.mono_families if family == "mono" else fonts.text_families)
    font.setPixelSize(pixels)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    for feature in JOINING:
        font.setFeature(QFont.Tag.fromString(feature), 0)
    if is_bold:
        font.setWeight(QFont.Weight.DemiBold)
    return font


def font(word: Word, pixels: int = MEASURED) -> QFont:
    """Return the font that a word is written in, underlined if it is."""
    made = font_of(word.family, is_bold=word.is_bold, pixels=pixels)
    made.setUnderline(word.is_underlined)
    return made


@lru_cache(maxsize=8192)
def _measured(text: str, family: Family, families: tuple[str, ...], is_bold: bool) -> float:
    return _metrics(family, families, is_bold).horizontalAdvance(text) / MEASURED


@lru_cache(maxsize=64)
def _metrics(family: Family, families: tuple[str, ...], is_bold: bool) -> QFontMetricsF:
    return QFontMetricsF(font_of(family, is_bold=is_bold))


def width_of(text: str, size: float, family: Family = "text", *, is_bold: bool = False) -> float:
    """Return how wide text is, in points, as it is written."""
    fonts = theme.fonts()
    families = tuple(fonts.mono_families if family == "mono" else fonts.text_families)
    return size * _measured(writable(text), family, families, is_bold)


def widest(texts: Sequence[str], size: float, family: Family = "text") -> float:
    """Return the width of the widest of some texts."""
    return max((width_of(text, size, family) for text in texts), default=0.0)


def fitting(text: str, room: float, size: float, family: Family = "text") -> str:
    """Return text as it is, or with its middle cut out so that it is no wider than some points."""
    text = writable(text)
    if width_of(text, size, family) <= room:
        return text
    for kept in range(len(text) - 1, 0, -1):
        tail = kept // 2
        short = f"{text[: kept - tail]}…{text[len(text) - tail :]}"
        if width_of(short, size, family) <= room:
            return short
    return "…"


def wrapped(text: str, room: float, size: float, *, is_bold: bool = False) -> list[str]:
    """Return text in lines that are no wider than some points; a longer word is cut."""
    lines: list[str] = []
    line = ""
    for part in writable(text).split():
        for piece in _pieces(part, room, size, is_bold=is_bold):
            longer = f"{line} {piece}" if line else piece
            if line and width_of(longer, size, is_bold=is_bold) > room:
                lines.append(line)
                longer = piece
            line = longer
    return [*lines, line] if line else lines


def beginning(text: str, room: float, size: float, *, is_bold: bool = False) -> str:
    """Return as much of a text as a line of some points holds."""
    lines = wrapped(text, room, size, is_bold=is_bold)
    if len(lines) < 2:
        return "".join(lines)
    short = lines[0]
    while short and width_of(f"{short} …", size, is_bold=is_bold) > room:
        short = short[:-1]
    return f"{short} …"


def _pieces(part: str, room: float, size: float, *, is_bold: bool) -> list[str]:
    pieces = []
    while (wide := width_of(part, size, is_bold=is_bold)) > room and len(part) > 1:
        count = max(1, int(len(part) * room / wide))
        while count > 1 and width_of(part[:count], size, is_bold=is_bold) > room:
            count -= 1
        pieces.append(part[:count])
        part = part[count:]
    return [*pieces, part]


def moved(marks: Sequence[Mark], right: float, down: float) -> list[Mark]:
    """Return marks elsewhere on the sheet."""
    result: list[Mark] = []
    for mark in marks:
        if isinstance(mark, Stroke | Area):
            points = tuple((x + right, y + down) for x, y in mark.points)
            result.append(replace(mark, points=points))
        else:
            result.append(replace(mark, x=mark.x + right, y=mark.y + down))
    return result
