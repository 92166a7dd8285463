"""One head of the grid, large, in the corner away from the pointer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from lensgui.jobs.answers.arrays import Atlas
from lensgui.panes import theme
from lensgui.panes.head_grid.image import Raster, color_table, limit, paint_atlas
from lensgui.panes.token_text import shorten

SIDE = 220  # pixels of the head
LEAST = 90  # with less room it stays away
AROUND = 6
LETTERS = 11  # of a token
LINES = 4  # of what is known of the head


class Magnifier(QWidget):
    """The thumbnail under the pointer, enlarged, with its tokens; it asks nothing."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("The head under the pointer, enlarged")
        self.setFont(theme.mono_font(theme.SMALL_POINTS - 1))
        self._image: QImage | None = None
        self._words = ""
        self._tokens: Sequence[str] = ()
        self._side = SIDE
        self.hide()

    def show_head(self, atlas: Atlas, place: tuple[int, int], words: str) -> None:
        """Draw a head of the grid; `stand_away` says where.

        Args:
            atlas: The heads.
            place: Layer and head.
            words: What is known of it, its name first.
        """
        number = place[0] * len(atlas.axes[1]) + place[1]
        raster = Raster(1, 1, self._side, 0)
        pixels = paint_atlas(atlas, raster, np.array([[number]]))
        height, width = pixels.shape
        image = QImage(pixels.data, width, height, width, QImage.Format.Format_Indexed8)
        image.setColorTable(color_table(theme.of(self.palette()), limit(atlas)))
        self._image = image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
        self._words = words
        self.setAccessibleDescription(words)
        self.update()

    def stand_away(self, shown: QRect, room: QRect, tokens: Sequence[str]) -> bool:
        """Take the corner that is farthest from a thumbnail; whether there is room.

        Args:
            shown: The thumbnail, in the parent's pixels, which is never covered.
            room: What has the corners.
            tokens: What the cells of both axes are called.
        """
        self._tokens = tokens
        left, above, below = self._margins()
        side = min(SIDE, room.width() - left - 2 * AROUND, room.height() - above - below)
        size = QSize(round(side + left) + 2 * AROUND, round(side + above + below))
        corners = [
            QRect(QPoint(x, y), size)
            for x in (room.right() - size.width() + 1, room.left())
            for y in (room.bottom() - size.height() + 1, room.top())
        ]
        free = [corner for corner in corners if not corner.intersects(shown)]
        if side < LEAST or not free:
            return False
        middle = shown.center()
        place = max(free, key=lambda at: (at.center() - middle).manhattanLength())
        self._side = round(side)
        self.setGeometry(place)
        return True

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the head under its title, with its tokens where they fit."""
        if self._image is None:
            return
        colors = theme.of(self.palette())
        left, above, _ = self._margins()
        with QPainter(self) as painter:
            painter.setPen(QPen(QColor(colors.text), 1))
            painter.setBrush(QColor(colors.surface))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
            title = QRectF(AROUND, 2, self.width() - 2 * AROUND, above - 2)
            painter.drawText(title, Qt.TextFlag.TextWordWrap, self._words)
            plot = QRectF(AROUND + left, above, self._side, self._side)
            painter.drawImage(plot, self._image)
            self._write_tokens(painter, plot, QColor(colors.text))

    def _write_tokens(self, painter: QPainter, plot: QRectF, color: QColor) -> None:
        """Write tokens beside the rows and, turned, below the columns; every so many."""
        count = len(self._tokens)
        if not count:
            return
        metrics = QFontMetricsF(painter.font())
        step = plot.height() / count
        every = max(1, int(np.ceil(metrics.height() * 0.9 / step)))
        painter.setPen(color)
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for at in range(0, count, every):
            name = shorten(self._tokens[at], LETTERS)
            middle = plot.top() + (at + 0.5) * step
            box = QRectF(0, middle - 10, plot.left() - 3, 20)
            painter.drawText(box, flags, name)
            painter.save()
            painter.translate(plot.left() + (at + 0.5) * step, plot.bottom() + 3)
            painter.rotate(-90)
            painter.drawText(QRectF(-200, -10, 200, 20), flags, name)
            painter.restore()

    def _margins(self) -> tuple[float, float, float]:
        """Return the room for tokens on the left, the title above, and tokens below."""
        metrics = QFontMetricsF(self.font())
        names = [shorten(token, LETTERS) for token in self._tokens]
        tokens = max(map(metrics.horizontalAdvance, names), default=0) + 4
        return tokens, LINES * metrics.lineSpacing() + 6, tokens + 2
