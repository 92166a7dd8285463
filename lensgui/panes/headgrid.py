"""Every head of every layer as a thumbnail, painted as one picture."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from lensgui.jobs.slices import Atlas
from lensgui.panes import labels, picture, theme
from lensgui.panes.atlas import Raster, color_table, paint_atlas
from lensgui.panes.heatmap import STALE_OPACITY, STEPS
from lensgui.panes.labels import Ink, Labels
from lensgui.panes.theme import Theme
from lensgui.state.selection import Cursor

GUTTER = 2
LARGEST = 96  # pixels of one thumbnail


class HeadGrid(QWidget):
    """Thumbnails of attention patterns: a row for each layer, a column for each head.

    Attributes:
        picked: (fields,) the layer and head that were chosen.
        hovered: (words,) the head under the pointer.
    """

    picked = Signal(object)
    hovered = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.atlas: Atlas | None = None
        self.empty = ""
        self._image: QImage | None = None
        self._cursor = Cursor()
        self._pointed: tuple[int, int] | None = None
        self._stale = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFont(theme.mono_font(theme.SMALL_POINTS))
        self.setAccessibleName("All heads: a row for each layer, a column for each head")

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(190, 360)

    def minimumSizeHint(self) -> QSize:
        """Return the least useful size."""
        return QSize(110, 120)

    def width_for(self, height: int) -> int:
        """Return how wide the widget must be for thumbnails that fill a height."""
        raster = self._fit(1 << 16, height, 1.0)
        return round(self._margins()[0] + raster.size[1]) + 8

    def show_atlas(self, atlas: Atlas | None) -> None:
        """Draw the heads that are known so far."""
        self.atlas = atlas
        self._stale = False
        self._image = None
        self.update()

    def show_stale(self) -> None:
        """Dim the picture: it answers an older question."""
        self._stale = True
        self.update()

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline the selected head, or its layer while no head is selected."""
        self._cursor = cursor
        self.setAccessibleDescription(self._words(cursor.layer, cursor.head))
        self.update()

    def head_at(self, point: QPointF) -> tuple[int, int] | None:
        """Return the layer and head under a point of the widget."""
        if self.atlas is None:
            return None
        plot = self.plot()
        if not plot.contains(point):
            return None
        raster = self._raster(1.0)
        row = int((point.y() - plot.top()) / plot.height() * raster.rows)
        column = int((point.x() - plot.left()) / plot.width() * raster.columns)
        return min(row, raster.rows - 1), min(column, raster.columns - 1)

    def middle_of(self, layer: int, head: int) -> QPointF:
        """Return the middle of a thumbnail, in the widget's pixels."""
        return self._frame(layer, head).center()

    def plot(self) -> QRectF:
        """Return where the thumbnails are, in the widget's pixels."""
        raster = self._raster(self.devicePixelRatioF())
        height, width = raster.size
        ratio = self.devicePixelRatioF()
        return QRectF(*self._margins(), width / ratio, height / ratio)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw thumbnails, labels and the selection."""
        look = theme.of(self.palette())
        painter = QPainter(self)
        if self.atlas is None:
            painter.setFont(theme.text_font())
            painter.setPen(QColor(look.faint))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(8, 8, -8, -8), flags, self.empty)
            return
        plot = self.plot()
        self._paint_heads(painter, self.atlas, plot, look)
        self._paint_labels(painter, plot, look)
        if self._cursor.layer is not None:
            heads = [self._cursor.head] if self._cursor.head is not None else [0, self._heads - 1]
            frames = [self._frame(self._cursor.layer, head) for head in heads]
            chosen = frames[0].united(frames[-1]).adjusted(-1, -1, 1, 1)
            picture.outline(painter, chosen, look.accent, look.surface)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Name the head under the pointer."""
        head = self.head_at(event.position())
        if head != self._pointed:
            self._pointed = head
            words = self._words(*head) if head else ""
            self.hovered.emit(words)
            QToolTip.showText(event.globalPosition().toPoint(), words, self)

    def leaveEvent(self, event: QEvent) -> None:
        """Point at nothing."""
        self._pointed = None
        self.hovered.emit("")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select the head under the pointer."""
        head = self.head_at(event.position())
        if head and event.button() == Qt.MouseButton.LeftButton:
            self.picked.emit({"layer": head[0], "head": head[1]})

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the selection by one head."""
        step = STEPS.get(Qt.Key(event.key()))
        if step is None or self.atlas is None:
            super().keyPressEvent(event)
            return
        layer, head = self._cursor.layer or 0, self._cursor.head or 0
        self.picked.emit(
            {
                "layer": max(0, min(len(self.atlas.axes[0]) - 1, layer + step[0])),
                "head": max(0, min(self._heads - 1, head + step[1])),
            }
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Paint anew at the new size."""
        self._image = None

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of a new theme."""
        if event.type() == QEvent.Type.PaletteChange:
            self._image = None
        super().changeEvent(event)

    @property
    def _heads(self) -> int:
        return len(self.atlas.axes[1]) if self.atlas else 0

    def _margins(self) -> tuple[float, float]:
        metrics = QFontMetricsF(self.font())
        return metrics.horizontalAdvance("L00") + 6, metrics.height() + 3

    def _raster(self, ratio: float) -> Raster:
        """Return the largest square thumbnails that fit, in device pixels."""
        return self._fit(self.width(), self.height(), ratio)

    def _fit(self, width: int, height: int, ratio: float) -> Raster:
        rows = len(self.atlas.axes[0]) if self.atlas else 1
        columns = self._heads or 1
        left, top = self._margins()
        gutter = round(GUTTER * ratio)
        across = ((width - left - 4) * ratio + gutter) / columns - gutter
        down = ((height - top - 4) * ratio + gutter) / rows - gutter
        side = max(2, min(int(across), int(down), round(LARGEST * ratio)))
        return Raster(rows, columns, side, gutter)

    def _frame(self, layer: int, head: int) -> QRectF:
        ratio = self.devicePixelRatioF()
        raster = self._raster(ratio)
        left, top = self._margins()
        step, side = raster.step / ratio, raster.side / ratio
        return QRectF(left + head * step, top + layer * step, side, side)

    def _paint_heads(self, painter: QPainter, atlas: Atlas, plot: QRectF, look: Theme) -> None:
        if self._image is None:
            pixels = paint_atlas(atlas, self._raster(self.devicePixelRatioF()))
            height, width = pixels.shape
            image = QImage(pixels.data, width, height, width, QImage.Format.Format_Indexed8)
            image.setColorTable(color_table(look))
            self._image = image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
        for layer in range(atlas.layers, len(atlas.axes[0])):
            row = self._frame(layer, 0).united(self._frame(layer, self._heads - 1))
            picture.hatch(painter, row, look)
        painter.setOpacity(STALE_OPACITY if self._stale else 1.0)
        painter.drawImage(plot, self._image)
        painter.setOpacity(1.0)

    def _paint_labels(self, painter: QPainter, plot: QRectF, look: Theme) -> None:
        ink = Ink(QColor(look.faint), QColor(look.changed), QColor(look.accent))
        layers = Labels(
            [f"L{row}" for row in range(self._raster(1).rows)], chosen=self._cursor.layer
        )
        labels.paint_left(painter, layers, plot, ink)
        heads = Labels([f"H{column}" for column in range(self._heads)], chosen=self._cursor.head)
        spacing = plot.width() / max(1, self._heads)
        metrics = QFontMetricsF(painter.font())
        needed = metrics.horizontalAdvance("H0" if self._heads < 11 else "H00") + 2
        for column in labels.thin(self._heads, spacing, needed, heads.favourites):
            box = QRectF(plot.left() + column * spacing - 20, 0, spacing + 40, plot.top())
            painter.setPen(ink.of(heads, column))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, heads.texts[column])

    def _words(self, layer: int | None, head: int | None) -> str:
        if self.atlas is None or layer is None or head is None:
            return ""
        if layer >= self.atlas.layers:
            return f"L{layer}H{head}: not computed yet"
        share = self.atlas.first_share[layer, head]
        return f"L{layer}H{head}: position 0 holds {share:.0%} of its attention"
