"""Colours, fonts and what else is drawn alike everywhere: set in one place for all widgets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from PySide6.QtGui import QColor, QFont, QPalette

from lensgui.panes import colour_maps

Table = colour_maps.Table

TEXT_FAMILIES = ["Inter", "Noto Sans", "DejaVu Sans"]
MONO_FAMILIES = ["JetBrains Mono", "Inter", "DejaVu Sans Mono"]
POINTS = 10.0
SMALL_POINTS = 8.5
BLACK_FROM = 0.179  # luminance, where black and white are read as well as each other
STALE_OPACITY = 0.4  # of what answers an older question
NEUTRAL = 128  # the index of exactly 0 in a diverging table


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one look; each a "#rrggbb".

    Attributes:
        window: Behind everything.
        surface: Behind editors, pictures and lists.
        raised: Buttons and chips.
        line: Gutters, and borders of what is no control.
        outline: Borders of what can be pressed or typed into: at least 3 : 1 to what is around.
        text: What is read.
        faint: What is read second.
        accent: The selection.
        highlight: Behind selected text, and progress.
        changed: Marks what differs between clean and corrupted.
        warning: Sentences that want attention.
        hatch: The lines over cells that are not known.
        masked: Cells whose question does not exist; the colour of no number.
        sequential: From 0 to 1, darkest to strongest.
        diverging: Negative end, 0, positive end, with a stop between each.
    """

    name: str
    window: str
    surface: str
    raised: str
    line: str
    outline: str
    text: str
    faint: str
    accent: str
    highlight: str
    changed: str
    warning: str
    hatch: str
    masked: str
    sequential: tuple[str, ...]
    diverging: tuple[str, ...]

    @property
    def is_dark(self) -> bool:
        """Whether text is lighter than what is behind it."""
        return QColor(self.window).lightness() < QColor(self.text).lightness()


LIGHT = Theme(
    name="light",
    window="#f3f4f6",
    surface="#ffffff",
    raised="#e8ebef",
    line="#c9ced6",
    outline="#78818f",
    text="#1b1f26",
    faint="#626b78",
    accent="#b83c0b",
    highlight="#3b78bf",
    changed="#7c3aed",
    warning="#9a3412",
    hatch="#8e95a0",
    masked="#e4e6ea",
    sequential=("#f7f9fc", "#c3d7f0", "#7fabdf", "#3b78bf", "#123f7c"),
    diverging=("#8e1020", "#dd6a5d", "#f5f5f5", "#5b9bd0", "#0f4b8f"),
)
DARK = Theme(
    name="dark",
    window="#1c1f24",
    surface="#14161a",
    raised="#2c3138",
    line="#3d444e",
    outline="#79838f",
    text="#e6e9ee",
    faint="#99a2b0",
    accent="#ff9f5a",
    highlight="#2f69a8",
    changed="#c4a7ff",
    warning="#ffb68a",
    hatch="#68717d",
    masked="#3c434e",
    sequential=("#16191f", "#1f3c63", "#2f69a8", "#5fa3dd", "#d3ebff"),
    diverging=("#ff9a86", "#b23a38", "#24272d", "#2b6cab", "#8fcbff"),
)
CONTRAST = Theme(
    name="high contrast",
    window="#000000",
    surface="#161616",
    raised="#2a2a2a",
    line="#ffffff",
    outline="#ffffff",
    text="#ffffff",
    faint="#e0e0e0",
    accent="#ffe000",
    highlight="#0050c0",
    changed="#ff9cf5",
    warning="#ffe000",
    hatch="#8a8a8a",
    masked="#333333",
    sequential=("#000000", "#003a70", "#0070c8", "#58b4ff", "#ffffff"),
    diverging=("#ffb0a0", "#e0302a", "#101010", "#1a78e0", "#a0d8ff"),
)
THEMES = {theme.name: theme for theme in (LIGHT, DARK, CONTRAST)}
_BY_WINDOW = {QColor(theme.window).rgb(): theme for theme in THEMES.values()}


def of(palette: QPalette) -> Theme:
    """Return the theme that a widget's palette was made from, the light one if none was."""
    return _BY_WINDOW.get(palette.color(QPalette.ColorRole.Window).rgb(), LIGHT)


def palette(theme: Theme) -> QPalette:
    """Return the palette that makes Qt's own widgets look like a theme."""
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    result = QPalette(QColor(theme.raised), QColor(theme.window))
    shown = {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.surface,
        role.AlternateBase: theme.window,
        role.Text: theme.text,
        role.PlaceholderText: theme.faint,
        role.Button: theme.raised,
        role.ButtonText: theme.text,
        role.BrightText: theme.warning,
        role.ToolTipBase: theme.surface,
        role.ToolTipText: theme.text,
        role.Highlight: theme.highlight,
        role.HighlightedText: "#ffffff",
        role.Accent: theme.accent,
        role.Link: theme.accent,
        role.Light: theme.raised,
        role.Midlight: theme.raised,
        role.Mid: theme.line,
        role.Dark: theme.line,
        role.Shadow: theme.line,
    }
    for color_role, color in shown.items():
        result.setColor(color_role, QColor(color))
    for color_role in (role.WindowText, role.Text, role.ButtonText):
        result.setColor(group.Disabled, color_role, QColor(theme.faint))
    return result


@dataclass(frozen=True, slots=True)
class Fonts:
    """How all text is written.

    Attributes:
        zoom: How much larger it is than at first.
        text: The family of sentences and labels; "" for the one that travels with lensgui.
        mono: That of tokens and numbers.
    """

    zoom: float = 1.0
    text: str = ""
    mono: str = ""

    @property
    def text_families(self) -> list[str]:
        """What sentences are written in, the first that is there."""
        return [self.text] * bool(self.text) + TEXT_FAMILIES

    @property
    def mono_families(self) -> list[str]:
        """What tokens are written in, likewise."""
        return [self.mono] * bool(self.mono) + MONO_FAMILIES


@dataclass(frozen=True, slots=True)
class Pictures:
    """How all pictures are drawn.

    Attributes:
        diverging: The colours of signed numbers, one of `colour_maps.DIVERGING`.
        sequential: Those of amounts, one of `colour_maps.SEQUENTIAL`.
        rises: Whether layer 0 is the lowest.
        space: What is drawn for a space of a token.
    """

    diverging: str = "blue-red"
    sequential: str = "blue"
    rises: bool = False
    space: str = "·"


@dataclass(slots=True)
class _Everywhere:
    fonts: Fonts
    pictures: Pictures


_NOW = _Everywhere(Fonts(), Pictures())  # of the whole application, as its palette is


def pictures() -> Pictures:
    """Return how pictures are drawn."""
    return _NOW.pictures


def set_pictures(pictures: Pictures) -> None:
    """Draw pictures otherwise from now on; who sets it tells widgets by a change of style."""
    _NOW.pictures = pictures


def sequential(theme: Theme) -> Table:
    """Return the table for amounts: index 0 is nothing, 255 is all of it."""
    return _amounts(theme, _NOW.pictures.sequential)


@cache
def _amounts(theme: Theme, name: str) -> Table:
    return colour_maps.ramp(theme.sequential, 256, colour_maps.SEQUENTIAL[name])


def diverging(theme: Theme) -> Table:
    """Return the table for signed numbers: 128 is exactly 0, above it is positive."""
    return _opposites(theme, _NOW.pictures.diverging)


@cache
def _opposites(theme: Theme, name: str) -> Table:
    below, above = colour_maps.DIVERGING[name].hues
    low = colour_maps.ramp(theme.diverging[:3], NEUTRAL + 1, below)
    high = colour_maps.ramp(theme.diverging[2:], 256 - NEUTRAL, above)
    return np.concatenate([low, high[1:]])


def coloured(words: str) -> str:
    """Return words in which {positive} and {negative} are the colours of signed numbers."""
    colors = colour_maps.DIVERGING[_NOW.pictures.diverging]
    return words.replace("{positive}", colors.positive).replace("{negative}", colors.negative)


def fonts() -> Fonts:
    """Return how text is written."""
    return _NOW.fonts


def set_fonts(fonts: Fonts) -> None:
    """Write otherwise with the fonts made from now on; `remade` has those made before."""
    _NOW.fonts = fonts


def zoom() -> float:
    """Return how much larger text is than at first."""
    return _NOW.fonts.zoom


def zoomed(pixels: float) -> int:
    """Return a length that grows with the text."""
    return round(pixels * zoom())


def remade(font: QFont, before: Fonts) -> QFont:
    """Return a font that was made when text was written otherwise as it is made now.

    Args:
        font: One of `text_font` or `mono_font`.
        before: How text was written.
    """
    result = QFont(font)
    points = round(2 * font.pointSizeF() / before.zoom) / 2  # all are made of half points
    result.setPointSizeF(points * zoom())
    for was, now in (
        (before.text_families, _NOW.fonts.text_families),
        (before.mono_families, _NOW.fonts.mono_families),
    ):
        if font.families() == was:
            result.setFamilies(now)
    return result


def text_font(points: float = POINTS, *, bold: bool = False) -> QFont:
    """Return the font of sentences and labels."""
    return _font(_NOW.fonts.text_families, points, bold=bold)


def mono_font(points: float = POINTS) -> QFont:
    """Return the font of tokens and numbers."""
    return _font(_NOW.fonts.mono_families, points, bold=False)


@lru_cache(maxsize=4096)
def readable_on(red: int, green: int, blue: int) -> QColor:
    """Return black or white, whichever is read better on a colour: at least 4.5 : 1."""
    light = luminance(QColor(red, green, blue))
    return QColor("#000000" if light > BLACK_FROM else "#ffffff")


def luminance(color: QColor) -> float:
    """Return the relative luminance, 0 to 1, as WCAG 2 has it."""
    parts = color.redF(), color.greenF(), color.blueF()
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: QColor, other: QColor) -> float:
    """Return how well two colours are told apart: 1 for the same, 21 for black on white."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _font(families: list[str], points: float, *, bold: bool) -> QFont:
    font = QFont()
    font.setFamilies(families)
    font.setPointSizeF(points * zoom())
    if bold:
        font.setWeight(QFont.Weight.DemiBold)
    return font
