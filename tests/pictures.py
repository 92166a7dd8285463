"""Pictures of widgets, as tests look at them."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget


def draws(widget: QWidget) -> QImage:
    """Return a widget's picture, which must have more than one colour."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    size = image.height() * image.bytesPerLine() // 4
    pixels = np.frombuffer(image.constBits(), np.uint32, size)
    colour = image.pixelColor(0, 0).name()
    assert (pixels != pixels[0]).any(), f"{widget} draws nothing but {colour}"
    return image
