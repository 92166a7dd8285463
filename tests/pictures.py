"""Pictures of widgets, as tests look at them."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

NO_KEY = Qt.KeyboardModifier.NoModifier


def draws(widget: QWidget) -> QImage:
    """Return a widget's picture, which must have more than one colour."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    size = image.height() * image.bytesPerLine() // 4
    pixels = np.frombuffer(image.constBits(), np.uint32, size)
    colour = image.pixelColor(0, 0).name()
    assert (pixels != pixels[0]).any(), f"{widget} draws nothing but {colour}"
    return image


def move(
    widget: QWidget, where: QPoint, keys: Qt.KeyboardModifier = NO_KEY, *, drags: bool = False
) -> None:
    """Move the pointer over a widget, wherever the real one is; dragging with the left button."""
    none, left = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton
    places = QPointF(where), QPointF(widget.mapToGlobal(where))
    event = QMouseEvent(QEvent.Type.MouseMove, *places, none, left if drags else none, keys)
    QApplication.sendEvent(widget, event)
