"""How each part of the grid of heads is painted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen

from lensgui.jobs.answers.arrays import Atlas
from lensgui.panes import theme
from lensgui.panes.head_grid.cards import head_name
from lensgui.panes.head_grid.image import color_table, limit, paint_atlas
from lensgui.panes.head_grid.layout import GridView, Layout
from lensgui.panes.head_grid.ranking import Ranking
from lensgui.panes.pictures import axis_labels, picture, role_marks
from lensgui.panes.pictures.axis_labels import Ink, Labels
from lensgui.panes.theme import NEUTRAL, STALE_OPACITY, Theme
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import Head
from lensgui.terms.roles import Part

HALF_NAME = 7  # pixels that a name may stand out beyond its row
VEIL = 0.82  # opacity over heads that are filtered out
LETTER = 11.0  # pixels of the letter of a role, at most


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
        view: What ranks and filters them.
        theme: The colours.
        is_list: Whether they are ranked.
        ranking: What they are ranked by.
        roles: What part each plays.
        is_stale: Whether the attention is of an older question.
    """

    atlas: Atlas
    layout: Layout
    view: GridView
    theme: Theme
    is_list: bool
    ranking: Ranking | None = None
    roles: Mapping[Head, Part] = field(default_factory=dict)
    is_stale: bool = False

    @property
    def heads(self) -> int:
        """How many heads a layer has."""
        return len(self.atlas.axes[1])


def image(setting: Setting) -> QImage:
    """Return the thumbnails in view as one image, each framed in the colour of its score."""
    layout, raster, atlas = setting.layout, setting.layout.raster, setting.atlas
    rows, columns = layout.seen()
    some = replace(raster, rows=len(rows), columns=len(columns))
    order = layout.order[rows.start : rows.stop, columns.start : columns.stop]
    pixels = paint_atlas(atlas, some, order)
    height, width = pixels.shape
    tiles = QImage(pixels.data, width, height, width, QImage.Format.Format_Indexed8)
    tiles.setColorTable(color_table(setting.theme, limit(atlas)))
    edge = _edge(setting)
    found = QImage(width + 2 * edge, height + 2 * edge, QImage.Format.Format_ARGB32_Premultiplied)
    found.fill(0)
    size = raster.side + 2 * edge
    colors = _colors(setting)
    with QPainter(found) as painter:
        for (row, column), number in np.ndenumerate(order):
            color = colors.get(int(number))
            if color is not None:
                top = row * raster.down + raster.caption
                painter.fillRect(column * raster.across, top, size, size, color)
        painter.drawImage(edge, edge, tiles)
    return found


def _edge(setting: Setting) -> int:
    """Return how wide the frame of a thumbnail is, in device pixels: a bit is left between two."""
    return max(0, (setting.layout.raster.gutter - 1) // 2)


def heads(painter: QPainter, setting: Setting, image: QImage) -> None:
    """Draw the thumbnails in view, and veil what is filtered out."""
    layout = setting.layout
    rows, columns = layout.seen()
    corner = layout.cell(rows.start, columns.start).topLeft()
    edge, caption = _edge(setting) / layout.ratio, layout.raster.caption / layout.ratio
    where = QRectF(
        corner.x() - edge,
        corner.y() - caption - edge,
        image.width() / layout.ratio,
        image.height() / layout.ratio,
    )
    painter.save()
    painter.setClipRect(layout.area)
    _hatch_unknown(painter, setting)
    if setting.atlas.broken is not None:
        _hatch_broken(painter, setting)
    painter.setOpacity(STALE_OPACITY if setting.is_stale else 1.0)
    painter.drawImage(where, image)
    painter.setOpacity(1.0)
    _veil(painter, setting)
    _letters(painter, setting)
    painter.restore()


def scores(setting: Setting) -> QImage:
    """Return the score of each head in view as a colour, with its number where there is room."""
    layout, ranks = setting.layout, setting.ranking
    size = (layout.area.size() * layout.ratio).toSize()
    found = QImage(size, QImage.Format.Format_ARGB32_Premultiplied)
    found.setDevicePixelRatio(layout.ratio)
    found.fill(0)
    with QPainter(found) as painter:
        painter.translate(-layout.area.topLeft())
        painter.setFont(theme.mono_font(theme.SMALL_POINTS - 2))
        metrics = QFontMetricsF(painter.font())
        wide, tall = metrics.horizontalAdvance("+0.00") + LETTER + 2, metrics.ascent()
        colors = _colors(setting)
        for number, frame in _in_view(setting):
            place = divmod(number, setting.heads)
            color = colors.get(number)
            if color is None:
                picture.hatch(painter, frame, setting.theme)
                continue
            painter.fillRect(frame, color)
            if ranks is not None and frame.width() >= wide and frame.height() >= tall:
                painter.setPen(theme.readable_on(color.red(), color.green(), color.blue()))
                flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
                painter.drawText(frame.adjusted(1, 0, 0, 0), flags, ranks.number(*place))
    return found


def cells(painter: QPainter, setting: Setting, image: QImage) -> None:
    """Draw the scores in view, and veil what is filtered out."""
    painter.save()
    painter.setClipRect(setting.layout.area)
    painter.setOpacity(STALE_OPACITY if setting.is_stale else 1.0)
    painter.drawImage(setting.layout.area.topLeft(), image)
    painter.setOpacity(1.0)
    _veil(painter, setting)
    _letters(painter, setting)
    painter.restore()


def _in_view(setting: Setting) -> Iterator[tuple[int, QRectF]]:
    """Yield the number and the place of every head that is in view."""
    rows, columns = setting.layout.seen()
    for row in rows:
        for column in columns:
            number = int(setting.layout.order[row, column])
            if number >= 0:
                yield number, setting.layout.cell(row, column)


def _colors(setting: Setting) -> dict[int, QColor]:
    """Return the colours of heads' scores, by number, of those that have one."""
    ranks = setting.ranking
    if ranks is None or ranks.values is None:
        return {}
    known = np.isfinite(ranks.values).ravel()
    shares = np.clip(ranks.values.ravel()[known] / ranks.full, -1, 1)
    if ranks.is_signed:
        shades = theme.diverging(setting.theme)[np.rint(shares * 127).astype(int) + NEUTRAL]
    else:
        shades = theme.sequential(setting.theme)[np.rint(shares * 255).astype(int)]
    of_heads = zip(np.flatnonzero(known).tolist(), shades.tolist(), strict=True)
    return {number: QColor(*shade) for number, shade in of_heads}


def _letters(painter: QPainter, setting: Setting) -> None:
    """Write the letter of each head's role into its corner."""
    if not setting.roles:
        return
    for number, frame in _in_view(setting):
        part = setting.roles.get((number // setting.heads, number % setting.heads))
        if part is not None:
            share = 1 if setting.view.arrangement == "map" else 0.5
            size = min(theme.zoomed(LETTER), frame.width() / 2, frame.height() * share)
            corner = QRectF(frame.right() - size - 1, frame.top() + 1, size, size)
            if setting.view.arrangement == "map":
                corner.moveCenter(QPointF(corner.center().x(), frame.center().y()))
            role_marks.paint(painter, corner, part, setting.theme)


def _hatch_unknown(painter: QPainter, setting: Setting) -> None:
    """Hatch the layers that are not known yet."""
    if not setting.is_list and not setting.atlas.is_whole:
        for number, frame in _in_view(setting):
            if number // setting.heads >= setting.atlas.layers:
                picture.hatch(painter, frame, setting.theme)


def _hatch_broken(painter: QPainter, setting: Setting) -> None:
    """Hatch what is seen through thumbnails where numbers are not finite."""
    for number, frame in _in_view(setting):
        if setting.atlas.is_broken(*divmod(number, setting.heads)):
            picture.hatch(painter, frame, setting.theme)


def _veil(painter: QPainter, setting: Setting) -> None:
    """Fade heads whose score is too small; in a ranking they are left out."""
    ranks, least = setting.ranking, setting.view.least
    if setting.is_list or least <= 0 or ranks is None or ranks.values is None:
        return
    veil = QColor(setting.theme.surface)
    veil.setAlphaF(VEIL)
    for number, frame in _in_view(setting):
        value = abs(float(ranks.values[divmod(number, setting.heads)]))
        if not value >= least:
            painter.fillRect(frame.adjusted(-2, -2, 2, 2), veil)


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
    chosen = marks.cursor.layer, marks.cursor.head
    letters = ("H", "L") if layout.is_across else ("L", "H")
    chosen_row, chosen_column = chosen[::-1] if layout.is_across else chosen
    left = QRectF(layout.area.left(), plot.top(), 1, plot.height())
    first_ones = layout.order[rows.start : rows.stop, 0].tolist()
    down = [
        f"{letters[0]}{one if layout.is_across else one // setting.heads}" for one in first_ones
    ]
    axis_labels.paint_left(painter, _labels(down, f"{letters[0]}{chosen_row}"), left, ink)
    painter.setClipRect(QRectF(layout.area.left() - 12, 0, layout.area.width() + 24, plot.bottom()))
    across = [f"{letters[1]}{column}" for column in columns]
    above = _labels(across, f"{letters[1]}{chosen_column}")
    _columns(painter, setting, columns, above, ink)
    painter.restore()


def _columns(painter: QPainter, setting: Setting, columns: range, above: Labels, ink: Ink) -> None:
    """Write what the columns are above the first row in view."""
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
    layout, colors, ranks = setting.layout, setting.theme, setting.ranking
    chosen = (marks.cursor.layer, marks.cursor.head)
    height = layout.raster.caption / layout.ratio
    painter.save()
    painter.setClipRect(layout.area)
    for number, frame in _in_view(setting):
        place = divmod(number, setting.heads)
        painter.setPen(QColor(colors.accent if place == chosen else colors.faint))
        words = f"{head_name(number, setting.heads)} {ranks.number(*place) if ranks else ''}"
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
        first = cursor.layer * setting.heads
        row = layout.frame(first).united(layout.frame(first + setting.heads - 1))
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


def _labels(names: list[str], chosen: str) -> Labels:
    return Labels(names, chosen=names.index(chosen) if chosen in names else None)
