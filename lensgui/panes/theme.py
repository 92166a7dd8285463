"""Colours and fonts: palettes for the window, 256-entry tables for numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QFont, QPalette

Table = NDArray[np.uint8]  # [256, 3], red, green, blue

TEXT_FAMILIES = ["Inter", "Noto Sans", "DejaVu Sans"]
MONO_FAMILIES = ["JetBrains Mono", "Inter", "DejaVu Sans Mono"]
POINTS = 10.0
SMALL_POINTS = 8.5
BLACK_FROM = 0.179  # luminance, where black and white are read as well as each other
LEAST_ZOOM, MOST_ZOOM = 0.75, 2.0
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


@cache
def sequential(theme: Theme) -> Table:
    """Return the table for amounts: index 0 is nothing, 255 is all of it."""
    return _ramp(theme.sequential, 256)


@cache
def diverging(theme: Theme) -> Table:
    """Return the table for signed numbers: 128 is exactly 0, above it positive and blue."""
    low = _ramp(theme.diverging[:3], NEUTRAL + 1)
    high = _ramp(theme.diverging[2:], 256 - NEUTRAL)
    return np.concatenate([low, high[1:]])


@dataclass(slots=True)
class _Zoom:
    factor: float = 1.0


_ZOOM = _Zoom()  # of the whole application, as its palette is


def zoom() -> float:
    """Return how much larger text is than at first, `LEAST_ZOOM` to `MOST_ZOOM`."""
    return _ZOOM.factor


def set_zoom(factor: float) -> None:
    """Let the fonts made from now on be so much larger; `rezoomed` has those made before."""
    _ZOOM.factor = min(MOST_ZOOM, max(LEAST_ZOOM, factor))


def zoomed(pixels: float) -> int:
    """Return a length that grows with the text."""
    return round(pixels * _ZOOM.factor)


def rezoomed(font: QFont, before: float) -> QFont:
    """Return a font that was made at another zoom as it is made now.

    Args:
        font: One of `text_font` or `mono_font`.
        before: The zoom when it was made.
    """
    result = QFont(font)
    points = round(2 * font.pointSizeF() / before) / 2  # all are made of half points
    result.setPointSizeF(points * _ZOOM.factor)
    return result


def text_font(points: float = POINTS, *, bold: bool = False) -> QFont:
    """Return the font of sentences and labels."""
    return _font(TEXT_FAMILIES, points, bold=bold)


def mono_font(points: float = POINTS) -> QFont:
    """Return the font of tokens and numbers."""
    return _font(MONO_FAMILIES, points, bold=False)


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
    font.setPointSizeF(points * _ZOOM.factor)
    if bold:
        font.setWeight(QFont.Weight.DemiBold)
    return font


def _ramp(stops: tuple[str, ...], count: int) -> Table:
    """Return `count` colours through the stops, evenly spaced to the eye.

    Colours are mixed in OKLab (Ottosson 2020), where equal steps look equal.
    """
    named = (QColor(stop) for stop in stops)
    colors = np.array([(color.redF(), color.greenF(), color.blueF()) for color in named])
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    lab = np.cbrt(linear @ _TO_CONES.T) @ _TO_LAB.T
    where = np.linspace(0, len(stops) - 1, count)
    mixed = np.stack([np.interp(where, np.arange(len(stops)), part) for part in lab.T], axis=1)
    light = ((mixed @ np.linalg.inv(_TO_LAB).T) ** 3) @ np.linalg.inv(_TO_CONES).T
    light = light.clip(0, 1)
    encoded = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return (encoded * 255).round().astype(np.uint8)


_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
