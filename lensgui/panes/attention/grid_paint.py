"""How each part of the grid of heads is painted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen

from lensgui.jobs.arrays import Atlas
from lensgui.panes.attention.grid_image import color_table, large, paint_atlas
from lensgui.panes.attention.grid_layout import GridView, Layout
from lensgui.panes.attention.head_numbers import head_name
from lensgui.panes.pictures import axis_labels, picture
from lensgui.panes.pictures.axis_labels import Ink, Labels
from lensgui.panes.theme import STALE_OPACITY, Theme
from lensgui.state.selection import Cursor

HALF_NAME = 7  # pixels that a name may stand out beyond its row
VEIL = 0.82  # opacity over heads that are filtered out


@dataclass(frozen=True, slots=True)
class Marks:
    """Which heads are framed.

    Attributes:
        cursor: What is selected.
        pins: Layer and head of each pinned one.
        several: Of each that is averaged over.
    """

    cursor: Cursor = field(default_factory=Cursor)
    pins: tuple[tuple[int, int], ...] = ()
    several: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """What is painted.

    Attributes:
        atlas: The heads.
        layout: Where they are.
        view: What sorts and filters them.
        theme: The colours.
        is_list: Whether they are sorted.
    """

    atlas: Atlas
    layout: Layout
    view: GridView
    theme: Theme
    is_list: bool

    @property
    def heads(self) -> int:
        """How many heads a layer has."""
        return len(self.atlas.axes[1])


def image(atlas: Atlas, layout: Layout, colors: Theme) -> QImage:
    """Return the thumbnails in view as one image."""
    rows, columns = layout.seen()
    raster = replace(layout.raster, rows=len(rows), columns=len(columns))
    order = layout.order[rows.start : rows.stop, columns.start : columns.stop]
    pixels = paint_atlas(atlas, raster, order)
    height, width = pixels.shape
    found = QImage(pixels.data, width, height, width, QImage.Format.Format_Indexed8)
    found.setColorTable(color_table(colors, large(atlas) if atlas.is_difference else None))
    return found.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)


def heads(painter: QPainter, setting: Setting, image: QImage, *, is_stale: bool) -> None:
    """Draw the thumbnails in view, hatch layers not yet known, veil what is filtered out."""
    layout, colors = setting.layout, setting.theme
    rows, columns = layout.seen()
    corner = layout.cell(rows.start, columns.start).topLeft()
    caption = layout.raster.caption / layout.ratio
    where = QRectF(
        corner.x(),
        corner.y() - caption,
        image.width() / layout.ratio,
        image.height() / layout.ratio,
    )
    painter.save()
    painter.setClipRect(layout.area)
    if not setting.is_list:
        known, layers = setting.atlas.layers, len(setting.atlas.axes[0])
        if known < layers:
            rest = layout.cell(known, 0).united(layout.cell(layers - 1, setting.heads - 1))
            picture.hatch(painter, rest, colors)
    if setting.atlas.broken is not None:
        _hatch_broken(painter, setting)
    painter.setOpacity(STALE_OPACITY if is_stale else 1.0)
    painter.drawImage(where, image)
    painter.setOpacity(1.0)
    if not setting.is_list and setting.view.least > 0:
        _veil(painter, setting)
    painter.restore()


def _hatch_broken(painter: QPainter, setting: Setting) -> None:
    """Hatch what is seen through thumbnails where numbers are not finite."""
    rows, columns = setting.layout.seen()
    for row in rows:
        for column in columns:
            number = int(setting.layout.order[row, column])
            if number >= 0 and setting.atlas.is_broken(*divmod(number, setting.heads)):
                picture.hatch(painter, setting.layout.cell(row, column), setting.theme)


def _veil(painter: QPainter, setting: Setting) -> None:
    sizes = np.nan_to_num(np.abs(setting.atlas.scores[setting.view.score]))
    sizes[setting.atlas.layers :] = np.inf
    veil = QColor(setting.theme.surface)
    veil.setAlphaF(VEIL)
    rows, columns = setting.layout.seen()
    for row, column in np.argwhere(sizes < setting.view.least):
        if row in rows and column in columns:
            painter.fillRect(setting.layout.cell(int(row), int(column)), veil)


def names(painter: QPainter, setting: Setting, marks: Marks) -> None:
    """Write which layer and head a thumbnail is."""
    if setting.is_list:
        _captions(painter, setting, marks)
        return
    layout, colors = setting.layout, setting.theme
    rows, columns = layout.centred()
    if not (rows and columns):
        return
    ink = Ink(QColor(colors.faint), QColor(colors.changed), QColor(colors.accent))
    first = layout.cell(rows.start, columns.start)
    last = layout.cell(rows.stop - 1, columns.stop - 1)
    plot = QRectF(first.topLeft(), last.bottomRight())
    painter.save()
    beside = QRectF(0, layout.area.top(), layout.area.left(), layout.area.height())
    painter.setClipRect(beside.adjusted(0, -HALF_NAME, 0, HALF_NAME))
    chosen = _within(marks.cursor.layer, rows)
    left = QRectF(layout.area.left(), plot.top(), 1, plot.height())
    axis_labels.paint_left(painter, Labels([f"L{row}" for row in rows], chosen=chosen), left, ink)
    painter.setClipRect(QRectF(layout.area.left() - 12, 0, layout.area.width() + 24, plot.bottom()))
    _columns(painter, setting, columns, _within(marks.cursor.head, columns), ink)
    painter.restore()


def _columns(
    painter: QPainter, setting: Setting, columns: range, chosen: int | None, ink: Ink
) -> None:
    """Write the heads' numbers above the first row in view."""
    above = Labels([f"H{column}" for column in columns], chosen=chosen)
    layout = setting.layout
    spacing = layout.raster.across / layout.ratio
    needed = max(map(QFontMetricsF(painter.font()).horizontalAdvance, above.texts)) + 2
    for place in axis_labels.thin(len(columns), spacing, needed, above.favourites):
        middle = layout.cell(0, columns[place]).center().x()
        painter.setPen(ink.of(above, place))
        box = QRectF(middle - 40, 0, 80, layout.area.top())
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, above.texts[place])


def _captions(painter: QPainter, setting: Setting, marks: Marks) -> None:
    """Write each head's name and score above its thumbnail."""
    layout, colors = setting.layout, setting.theme
    rows, columns = layout.seen()
    chosen = (marks.cursor.layer, marks.cursor.head)
    scores = setting.atlas.scores[setting.view.score].ravel()
    height = layout.raster.caption / layout.ratio
    painter.save()
    painter.setClipRect(layout.area)
    for row in rows:
        for column in columns:
            number = int(layout.order[row, column])
            if number >= 0:
                frame = layout.cell(row, column)
                place = divmod(number, setting.heads)
                painter.setPen(QColor(colors.accent if place == chosen else colors.faint))
                score = f"{scores[number]:.2f}".replace("0.", ".", 1).replace("-", "−")
                words = f"{head_name(number, setting.heads)} {'–' if score == 'nan' else score}"
                box = QRectF(frame.left(), frame.top() - height, frame.width(), height)
                painter.drawText(box, Qt.AlignmentFlag.AlignLeft, words)
    painter.restore()


def marks(painter: QPainter, setting: Setting, framed: Marks) -> None:
    """Frame the pinned heads, those averaged over, and the selected one."""
    layout, colors = setting.layout, setting.theme
    painter.save()
    painter.setClipRect(layout.area.adjusted(-3, -3, 3, 3))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for place in framed.pins:
        _frame(painter, setting, place, colors.text)
    for place in framed.several:
        _frame(painter, setting, place, colors.highlight)
    cursor = framed.cursor
    if cursor.layer is not None and cursor.head is not None:
        _frame(painter, setting, (cursor.layer, cursor.head), colors.accent)
    elif cursor.layer is not None and not setting.is_list:
        row = layout.cell(cursor.layer, 0).united(layout.cell(cursor.layer, setting.heads - 1))
        picture.outline(painter, row.adjusted(-1, -1, 1, 1), colors.accent, colors.surface)
    painter.restore()


def _frame(painter: QPainter, setting: Setting, place: tuple[int, int], color: str) -> None:
    frame = setting.layout.frame(place[0] * setting.heads + place[1])
    if place[1] >= setting.heads or frame.isNull():
        return
    wide = frame.adjusted(-1, -1, 1, 1)
    if color == setting.theme.text:
        painter.setPen(QPen(QColor(setting.theme.surface), 1.5))
        painter.drawRect(wide)
        painter.setPen(QPen(QColor(color), 1.5, Qt.PenStyle.DashLine))
        painter.drawRect(wide)
    else:
        picture.outline(painter, wide, color, setting.theme.surface)


def _within(place: int | None, shown: range) -> int | None:
    return None if place is None or place not in shown else place - shown.start
