"""The letter of a head's role: filled where the role is firm, a ring where it is only proposed."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from lensgui.panes import theme
from lensgui.panes.theme import Theme
from lensgui.terms.roles import Part

LIGHT = {
    "M": "#00735c",
    "N": "#a83a00",
    "C": "#7b3fb0",
    "S": "#8a5a00",
    "I": "#175fa8",
    "D": "#4f5d6e",
    "P": "#00707f",
}
DARK = {
    "M": "#4fd6b4",
    "N": "#ff9a66",
    "C": "#cfa3ff",
    "S": "#f0c14a",
    "I": "#7fbdff",
    "D": "#b8c3d1",
    "P": "#5fd8ea",
}


def color_of(letter: str, colors: Theme) -> QColor:
    """Return the colour of a role, by its letter."""
    return QColor((DARK if colors.is_dark else LIGHT)[letter])


def paint(painter: QPainter, where: QRectF, part: Part, colors: Theme) -> None:
    """Write a role's letter into a disc.

    Args:
        painter: What paints.
        where: A square.
        part: The role.
        colors: The theme.
    """
    color = color_of(part.letter, colors)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(color, 1.2))
    painter.setBrush(color if part.is_firm else QColor(colors.surface))
    painter.drawEllipse(where)
    font = theme.text_font(bold=True)
    font.setPixelSize(max(5, round(where.height() * 0.72)))
    painter.setFont(font)
    ink = theme.readable_on(color.red(), color.green(), color.blue()) if part.is_firm else color
    painter.setPen(ink)
    painter.drawText(where, Qt.AlignmentFlag.AlignCenter, part.letter)
    painter.restore()
