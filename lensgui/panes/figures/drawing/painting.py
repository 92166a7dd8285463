"""A drawing on anything that Qt paints on: pixels, the clipboard, a PDF file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QImage,
    QPageLayout,
    QPageSize,
    QPainter,
    QPdfWriter,
    QPen,
    QPolygonF,
)

from lensgui.panes.figures.drawing import marks
from lensgui.panes.figures.drawing.marks import (
    Area,
    Box,
    Dot,
    Drawing,
    Mark,
    Raster,
    Spots,
    Stroke,
    Word,
)
from lensgui.state.sessions.pictures import NAMESPACE

PIXELS = 96 / 72  # in a point, of a picture at 1 ×
DOTS = 1200  # an inch, of a PDF file
DASHES = [3.0, 2.5]  # widths of the line
ENLARGED = 4  # as in SVG


def image(drawing: Drawing, times: float = 1.0) -> QImage:
    """Return a drawing as pixels, 96 × times an inch."""
    scale = PIXELS * times
    width, height = round(drawing.width * scale), round(drawing.height * scale)
    result = QImage(max(1, width), max(1, height), QImage.Format.Format_RGB32)
    result.fill(QColor(drawing.background))
    with QPainter(result) as painter:
        painter.scale(scale, scale)
        paint(painter, drawing)
    return result


def pixels(drawing: Drawing, times: float = 1.0) -> NDArray[np.uint8]:
    """Return a drawing as red, green, blue, [row, column, 3]."""
    drawn = image(drawing, times)
    height, width = drawn.height(), drawn.width()
    flat = np.frombuffer(drawn.constBits(), np.uint8).reshape(height, drawn.bytesPerLine() // 4, 4)
    return np.ascontiguousarray(flat[:, :width, 2::-1])


def pdf(
    drawings: Sequence[Drawing], *, title: str, caption: str, provenance: Mapping[str, Any]
) -> bytes:
    """Return a PDF file with a page for each drawing, its text as text in fonts that it holds.

    Args:
        drawings: What is drawn, all as large as the first.
        title: What it is called.
        caption: What is to be known to read it.
        provenance: Where it is from, as JSON has it.
    """
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    size = QPageSize(QSizeF(drawings[0].width, drawings[0].height), QPageSize.Unit.Point)
    writer.setPageLayout(QPageLayout(size, QPageLayout.Orientation.Portrait, QMarginsF()))
    writer.setResolution(DOTS)
    writer.setTitle(marks.writable(title))
    writer.setCreator(f"lensgui {provenance.get('lensgui', '')}".strip())
    about = json.dumps(provenance, sort_keys=True)
    writer.setDocumentXmpMetadata(QByteArray(_xmp(title, caption, about).encode("utf-8")))
    painter = QPainter(writer)
    painter.scale(DOTS / 72, DOTS / 72)
    for at, drawing in enumerate(drawings):
        if at:
            writer.newPage()
        if drawing.background != "#ffffff":
            whole = QRectF(0, 0, drawing.width, drawing.height)
            painter.fillRect(whole, QColor(drawing.background))
        paint(painter, drawing)
    painter.end()
    return bytes(buffer.data().data())


def _xmp(title: str, caption: str, about: str) -> str:
    """Return what a PDF file says of itself, as XMP has it."""
    named, said, json_ = (escape(marks.writable(text)) for text in (title, caption, about))
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:lensgui="{NAMESPACE}">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{named}</rdf:li></rdf:Alt></dc:title>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{said}</rdf:li></rdf:Alt></dc:description>
<lensgui:provenance>{json_}</lensgui:provenance>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def paint(painter: QPainter, drawing: Drawing) -> None:
    """Paint marks on anything that is scaled to points."""
    for mark in drawing.marks:
        if not isinstance(mark, Spots):
            _paint(painter, mark)


def _paint(painter: QPainter, mark: Mark) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, not isinstance(mark, Box | Raster))
    match mark:
        case Box():
            painter.fillRect(QRectF(mark.x, mark.y, mark.width, mark.height), QColor(mark.fill))
        case Stroke():
            pen = QPen(QColor(mark.color), mark.width, c=Qt.PenCapStyle.FlatCap)
            if mark.is_dashed:
                pen.setDashPattern(DASHES)
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPolyline(QPolygonF([QPointF(*point) for point in mark.points]))
        case Area():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QBrush(QColor(mark.fill)))
            painter.drawPolygon(QPolygonF([QPointF(*point) for point in mark.points]))
        case Dot():
            painter.setPen(QPen(QColor(mark.edge), 0.4))
            painter.setBrush(QBrush(QColor(mark.fill)))
            painter.drawEllipse(QPointF(mark.x, mark.y), mark.radius, mark.radius)
        case Raster():
            _paint_raster(painter, mark)
        case Word():
            _write(painter, mark)


def _paint_raster(painter: QPainter, mark: Raster) -> None:
    rows, columns = mark.pixels.shape[:2]
    device = painter.deviceTransform()
    down, across = (
        ceil(count / (size * scale) - 0.01)  # cells in a pixel
        for count, size, scale in (
            (rows, mark.height, device.m22()),
            (columns, mark.width, device.m11()),
        )
    )
    found = pooled(mark.pixels, max(1, down), max(1, across), mark.plain)
    large = np.ascontiguousarray(found.repeat(ENLARGED, 0).repeat(ENLARGED, 1))
    height, width = large.shape[:2]
    drawn = QImage(large.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    painter.drawImage(QRectF(mark.x, mark.y, mark.width, mark.height), drawn)


def pooled(
    pixels: NDArray[np.uint8], down: int, across: int, plain: tuple[int, int, int]
) -> NDArray[np.uint8]:
    """Return fewer pixels, each the one of a block that is farthest from a plain colour.

    Args:
        pixels: [row, column, 3].
        down: How many rows a block has.
        across: How many columns.
        plain: Red, green, blue.
    """
    if (down, across) == (1, 1):
        return pixels
    rows, columns = pixels.shape[:2]
    spare = (0, -rows % down), (0, -columns % across), (0, 0)
    padded = np.pad(pixels, spare, mode="edge")
    high, wide = padded.shape[0] // down, padded.shape[1] // across
    blocks = padded.reshape(high, down, wide, across, 3).swapaxes(1, 2)
    blocks = blocks.reshape(high, wide, down * across, 3)
    far = np.abs(blocks.astype(np.int16) - np.array(plain, np.int16)).sum(-1).argmax(-1)
    found: NDArray[np.uint8] = np.take_along_axis(blocks, far[..., None, None], 2)[:, :, 0]
    return found


def _write(painter: QPainter, mark: Word) -> None:
    share = {"start": 0.0, "middle": 0.5, "end": 1.0}[mark.anchor]
    width = marks.width_of(mark.text, mark.size, mark.family, is_bold=mark.is_bold)
    painter.save()
    painter.setPen(QColor(mark.color))
    painter.translate(mark.x, mark.y)
    painter.rotate(-mark.degrees)
    painter.translate(-share * width, 0)
    painter.scale(mark.size / marks.MEASURED, mark.size / marks.MEASURED)
    painter.setFont(marks.font(mark))
    painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # as SVG has it, whatever is first
    painter.drawText(QPointF(0, 0), mark.text)
    painter.restore()
