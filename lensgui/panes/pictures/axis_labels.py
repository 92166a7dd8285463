"""Where the labels of an axis go, and the room they leave for a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

from lensgui.panes.pictures import picture
from lensgui.panes.pictures.picture import Picture

GAP = 4.0
SLANT = 0.7072  # of 45 degrees
ANGLES = (0, 45, 90)
MOST_STRETCH = 1.5  # of cells that should be square
LEAST = 20.0  # pixels, however little room there is
LEVEL = 1e4  # pixels: labels that are not slanted are as wide as they like
SHARE = 0.4  # of a picture's height that the labels below it may take


@dataclass(frozen=True, slots=True)
class Labels:
    """One axis, as it is written.

    Attributes:
        texts: What each place is called.
        marked: Places written in the colour of what differs.
        chosen: The selected place.
        pointed: The place under the pointer.
    """

    texts: Sequence[str]
    marked: frozenset[int] = frozenset()
    chosen: int | None = None
    pointed: int | None = None

    @property
    def favourites(self) -> list[int]:
        """Places to be named before all others, most important first."""
        last = len(self.texts) - 1
        order = [self.chosen, self.pointed, 0, last, *sorted(self.marked)]
        return [place for place in dict.fromkeys(order) if place is not None and 0 <= place <= last]

    def rising(self, rises: bool) -> Labels:
        """Return the labels as they are, or from the bottom instead of from the top."""
        if not rises:
            return self
        last = len(self.texts) - 1
        chosen, pointed = (
            None if place is None else last - place for place in (self.chosen, self.pointed)
        )
        marked = frozenset(last - place for place in self.marked)
        return Labels(self.texts[::-1], marked, chosen, pointed)


@dataclass(frozen=True, slots=True)
class Ink:
    """The colours of labels: plain, marked, chosen."""

    plain: QColor
    marked: QColor
    chosen: QColor

    def of(self, labels: Labels, place: int) -> QColor:
        """Return the colour in which a place is written."""
        if place == labels.chosen:
            return self.chosen
        return self.marked if place in labels.marked else self.plain


def thin(count: int, spacing: float, needed: float, favourites: Iterable[int]) -> list[int]:
    """Return which of `count` labels to write so that none is nearer than `needed` to another.

    Args:
        count: How many places there are.
        spacing: Pixels from one place to the next.
        needed: Pixels that one label takes along the axis.
        favourites: Places to be served first, in this order; the others follow at a regular stride.
    """
    if spacing >= needed:
        return list(range(count))
    stride = max(1, ceil(needed / max(spacing, 1e-6)))
    shown: list[int] = []
    for place in (*favourites, *range(0, count, stride)):
        if all(abs(place - other) * spacing >= needed for other in shown):
            shown.append(place)
    return sorted(shown)


def angle(labels: Labels, spacing: float, metrics: QFontMetricsF) -> int:
    """Return 0, 45 or 90: the least slant at which the labels below a picture fit."""
    widest = max((metrics.horizontalAdvance(text) for text in labels.texts), default=0.0)
    return slant(widest, spacing, metrics)


def slant(widest: float, spacing: float, metrics: QFontMetricsF) -> int:
    """Return 0, 45 or 90: the least slant at which labels of that width at most fit."""
    if widest + GAP <= spacing:
        return 0
    return 45 if spacing >= metrics.height() * 1.15 else 90


def overhang(
    widths: Sequence[float], degrees: int, spacing: float, metrics: QFontMetricsF
) -> float:
    """Return how far to the left of a picture the labels below it reach, in pixels."""
    if degrees != 45:
        return 0.0
    around = 1 + 0.25 * metrics.ascent()
    reach = [(width + around) * SLANT - (at + 0.5) * spacing for at, width in enumerate(widths)]
    return max(reach, default=0.0) + 1


def depth(widest: float, degrees: int, metrics: QFontMetricsF) -> float:
    """Return how many pixels below a picture labels of that width at most take."""
    slanted = {0: metrics.height(), 45: (widest + metrics.height()) * SLANT, 90: widest}
    return slanted[degrees] + GAP + 2


def longest(room: float, degrees: int, metrics: QFontMetricsF) -> float:
    """Return how wide a label may be, in pixels, that is to take at most that many below."""
    rest = room - GAP - 2
    return {0: LEVEL, 45: rest / SLANT - metrics.height(), 90: rest}[degrees]


def paint_below(
    painter: QPainter,
    labels: Labels,
    plot: QRectF,
    degrees: int,
    ink: Ink,
    room: float | None = None,
) -> None:
    """Write the labels of the columns below a picture.

    Args:
        painter: Has their font.
        labels: What to write.
        plot: Where the cells are.
        degrees: Their slant: 0, 45 or 90.
        ink: Their colours.
        room: How many pixels there are below; labels that need more are shortened. None for enough.
    """
    metrics = QFontMetricsF(painter.font())
    spacing = plot.width() / max(1, len(labels.texts))
    needed = {0: spacing, 45: metrics.height() * 1.1, 90: metrics.height() * 0.95}[degrees]
    for place in thin(len(labels.texts), spacing, needed, labels.favourites):
        middle = QPointF(plot.left() + (place + 0.5) * spacing, plot.bottom() + GAP)
        painter.setPen(ink.of(labels, place))
        painter.save()
        underline(painter, is_marked=place in labels.marked)
        painter.translate(middle)
        text = labels.texts[place]
        if room is not None:
            most = longest(room, degrees, metrics)
            text = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, most)
        _write_from(painter, text, degrees, metrics)
        painter.restore()


def paint_left(painter: QPainter, labels: Labels, plot: QRectF, ink: Ink) -> None:
    """Write the labels of the rows to the left of a picture."""
    metrics = QFontMetricsF(painter.font())
    spacing = plot.height() / max(1, len(labels.texts))
    flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    for place in thin(len(labels.texts), spacing, metrics.height() * 0.9, labels.favourites):
        middle = plot.top() + (place + 0.5) * spacing
        box = QRectF(0, middle - 20, plot.left() - GAP - 1, 40)
        painter.setPen(ink.of(labels, place))
        underline(painter, is_marked=place in labels.marked)
        painter.drawText(box, flags, labels.texts[place])
    underline(painter, is_marked=False)


def underline(painter: QPainter, *, is_marked: bool) -> None:
    """Let what is marked be seen without its colour."""
    font = painter.font()
    if font.underline() != is_marked:
        font.setUnderline(is_marked)
        painter.setFont(font)


def _write_from(painter: QPainter, text: str, degrees: int, metrics: QFontMetricsF) -> None:
    """Write text whose end (at no slant: whose middle) is just below the painter's origin."""
    width = metrics.horizontalAdvance(text)
    font = painter.font()
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    painter.setFont(font)
    if degrees == 0:
        painter.drawText(QPointF(-width / 2, metrics.ascent()), text)
        return
    painter.rotate(-degrees)
    fall = metrics.ascent() * (0.75 if degrees == 45 else 0.35)
    painter.drawText(QPointF(-width - (1 if degrees == 45 else 0), fall), text)


@dataclass(frozen=True, slots=True)
class _Room:
    """What is left of a widget.

    Attributes:
        size: Of the widget.
        counts: How many rows and columns there are.
        top: Pixels above the cells.
        right: Pixels to their right.
        square: Whether cells should be about square.
    """

    size: QSize
    counts: tuple[int, int]
    top: float
    right: float
    square: bool

    def area(self, left: float, below: float) -> QRectF:
        """Return the cells' place with so many pixels to their left and below."""
        rows, columns = self.counts
        width = max(LEAST, self.size.width() - left - self.right)
        height = max(LEAST, self.size.height() - self.top - 1 - below)
        if self.square:
            side = min(width / columns, height / rows)
            width = min(width, MOST_STRETCH * side * columns)
            height = min(height, MOST_STRETCH * side * rows)
        return QRectF(left, self.top, width, height)


def plot_area(shown: Picture, size: QSize, metrics: QFontMetricsF, *, square: bool) -> QRectF:
    """Return where the cells are, in a widget's pixels.

    Args:
        shown: The picture.
        size: Of the widget.
        metrics: Of the labels' font.
        square: Whether cells should be about square.
    """
    left = max((metrics.horizontalAdvance(name) for name in shown.row_names), default=0) + 10
    right, top = 8.0, 5.0
    if shown.scale:
        widest = max(metrics.horizontalAdvance(text) for text in shown.scale)
        right += picture.BAR_GAP + picture.BAR_WIDTH + 4 + widest
    if shown.row_means or shown.column_means:
        top, right = top + picture.STRIP + 2, right + picture.STRIP
    columns = len(shown.column_names)
    room = _Room(size, (len(shown.row_names), columns), top, right, square)
    widths = [metrics.horizontalAdvance(name) for name in shown.column_names]
    area = QRectF()
    for degrees in ANGLES:
        most = longest(SHARE * size.height(), degrees, metrics)
        written = [min(width, most) for width in widths]
        below = depth(max(written), degrees, metrics)
        area = room.area(left, below)
        for _ in range(2):  # a wider margin makes columns narrower, and labels stand out farther
            out = overhang(written, degrees, area.width() / columns, metrics)
            if out > area.left():
                area = room.area(out, below)
        if slant(max(widths), area.width() / columns, metrics) <= degrees:
            break
    return area
