"""Small maps of all kinds of sweeps, which share their axes, the selection and the pointer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from lensgui.jobs.answers.arrays import Sweep
from lensgui.panes import theme
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.controls import button
from lensgui.panes.patching.tile import Tile
from lensgui.panes.patching.tile_layout import RIGHT, Family, TileLayout
from lensgui.panes.pictures import axis_labels
from lensgui.panes.pictures.axis_labels import Ink, Labels
from lensgui.panes.pictures.painted import say
from lensgui.panes.pictures.picture import Picture
from lensgui.panes.sweep_view import cells
from lensgui.panes.sweep_view.faces import same_place
from lensgui.panes.token_text import plain_tip, shorten
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import SweepKind

LETTERS = 7  # of a column's name
LEAST_CELL = 4  # pixels across
LEAST_WIDTH = 48  # pixels of a map
AROUND_TITLE = 12  # pixels, of a button
NEVER = 1 << 20  # pixels: wider than any map
ENLARGE, BACK = PANE_ACTIONS["enlarge_kind"], "Return to all kinds."


class Tiles(QWidget):
    """All maps, or one of them enlarged.

    Attributes:
        picked: (fields,) Cursor fields that a click chose.
        hovered: (words,) what is under the pointer.
        menu_requested: (number, row, column, where) of a cell whose menu is requested.
        verb_requested: (verb, number, row, column) of a cell, as of a `Heatmap`.
        enlarged: The number of the map that is shown alone; None for all.
        chosen: (changes,) the field of the view: the user enlarged another map, or none.
        tiles: The maps.
        titles: A button above each, which enlarges it.
        empty: What is said while there is nothing to draw.
    """

    picked = Signal(object)
    hovered = Signal(str)
    menu_requested = Signal(int, int, int, object)
    verb_requested = Signal(str, int, int, int)
    chosen = Signal(object)

    def __init__(
        self,
        kinds: Sequence[SweepKind],
        describe: Callable[[int, int, int], str],
        explain: Callable[[int, int, int], str],
        parent: QWidget,
    ) -> None:
        """Make a map for each kind.

        Args:
            kinds: What each map shows, those with the same columns beside each other.
            describe: Puts the place of a map's cell into words: number, row, column.
            explain: Says all that is known of the cell itself.
            parent: The pane.
        """
        super().__init__(parent)
        self.empty = ""
        self.enlarged: int | None = None
        self._kinds: tuple[SweepKind, ...] = ()
        self._is_asked = False
        self._cursor, self._group = Cursor(), 1
        self._laid_out: TileLayout | None = None
        self.tiles: list[Tile] = []
        self.titles: list[QToolButton] = []
        for number in range(len(kinds)):
            self.tiles.append(Tile(partial(describe, number), partial(explain, number), self))
            self.titles.append(button(ENLARGE, self))
            self.titles[-1].setFont(theme.text_font(theme.SMALL_POINTS))
            self.titles[-1].setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Return does it in the map
            self._connect(number)
        self.setFont(theme.mono_font(theme.SMALL_POINTS))
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName("Sweeps of all kinds")
        self.show_kinds(kinds)
        self._show_some()

    def _connect(self, number: int) -> None:
        tile = self.tiles[number]
        tile.picked.connect(self.picked)
        tile.hovered.connect(lambda words: self._point(number, words))
        tile.left.connect(lambda: self.chosen.emit({"enlarged": None}))
        tile.menu_requested.connect(
            lambda row, column, where: self.menu_requested.emit(number, row, column, where)
        )
        tile.verb_requested.connect(
            lambda verb, row, column: self.verb_requested.emit(verb, number, row, column)
        )
        for part in (tile.toggled, self.titles[number].clicked):
            part.connect(lambda *_: self.toggle(number))

    def show_kinds(self, kinds: Sequence[SweepKind]) -> None:
        """Name the maps."""
        if tuple(kinds) == self._kinds:
            return
        self._kinds = tuple(kinds)
        for kind, tile, title in zip(kinds, self.tiles, self.titles, strict=True):
            axes = " and ".join(axis.replace("key_value_", "key/value ") for axis in kind.axes)
            name = kind.words[0]
            tile.setAccessibleName(f"{name[0].upper()}{name[1:]} by {axes}")
            title.setAccessibleName(f"Show {name} alone, or all kinds")
        self._explain()
        self._lay_out()

    def show_asked(self, *, is_asked: bool) -> None:
        """Show the maps where there is something to sweep, else what to do."""
        if is_asked != self._is_asked:
            self._is_asked = is_asked
            self._show_some()

    def show_tile(self, number: int, sweep: Sweep | None, shown: Picture | None) -> None:
        """Draw a map anew.

        Args:
            number: Which.
            sweep: What is drawn, on two axes; None while nothing is known.
            shown: Its picture, whose means have no room.
        """
        tile = self.tiles[number]
        tile.sweep = sweep if shown is not None and shown.shades.size else None
        self._outline(tile)
        tile.show_picture(shown and replace(shown, row_means=(), column_means=()))
        for other in self.tiles:
            if other.pointed_cell is not None:
                other.update()  # what it says is of all maps
        self.update()
        if self._layout() != self._laid_out:
            self._lay_out()
            self.updateGeometry()

    def show_cursor(self, cursor: Cursor, group: int) -> None:
        """Outline the selected place in every map.

        Args:
            cursor: What is selected.
            group: How many heads share a key/value head.
        """
        self._cursor, self._group = cursor, group
        for tile in self.tiles:
            self._outline(tile)
        self.update()

    def _outline(self, tile: Tile) -> None:
        if tile.sweep is not None:
            tile.show_cursor(cells.cursor_on(tile.sweep, self._cursor, self._group))

    def toggle(self, number: int) -> None:
        """Ask for a map alone, or for all again."""
        self.chosen.emit({"enlarged": None if self.enlarged == number else number})
        if self.enlarged is not None:
            self.tiles[self.enlarged].setFocus()  # so that Esc returns

    def show_enlarged(self, number: int | None) -> None:
        """Show one map alone; all where there is none of that number."""
        number = number if number in range(len(self.tiles)) else None
        if number != self.enlarged:
            self.enlarged = number
            self._explain()
            self._show_some()
            self._mark(None)

    def same_places(self, number: int, row: int, column: int) -> list[tuple[range, range] | None]:
        """Return for each map the rows and columns at the place of a cell of one of them."""
        source = self.tiles[number].sweep
        return [
            None
            if source is None or tile.sweep is None
            else same_place(source, tile.sweep, (row, column), self._group)
            for tile in self.tiles
        ]

    def hasHeightForWidth(self) -> bool:
        """Return that in less width the maps need more rows."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height of maps that are as small as can be."""
        return self._layout().least_height(width)

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(400, 360)

    def minimumSizeHint(self) -> QSize:
        """Return the width of the widest map."""
        layout = self._layout()
        return QSize(layout.left + max(family.least for family in layout.families) + RIGHT, 100)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the maps anew."""
        super().resizeEvent(event)
        self._lay_out()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Write the names at the sides of the maps, or what to do to get them."""
        colors = theme.of(self.palette())
        with QPainter(self) as painter:
            if not self._is_asked:
                say(painter, self.rect().adjusted(16, 8, -16, -8), self.empty, colors)
                return
            painter.setFont(self.font())
            ink = Ink(QColor(colors.text), QColor(colors.changed), QColor(colors.accent))
            named = set[int]()
            for tile in self._shown():
                if tile.picture is None:
                    continue
                plot = tile.plot().translated(tile.pos())
                self._name_columns(painter, tile, tile.picture, plot, ink)
                if tile.y() not in named:
                    named.add(tile.y())
                    self._name_rows(painter, tile, tile.picture, plot, ink)

    def _name_columns(
        self, painter: QPainter, tile: Tile, shown: Picture, plot: QRectF, ink: Ink
    ) -> None:
        _, pointed = _only(tile.marked)
        texts = [shorten(name, LETTERS) for name in shown.column_names]
        labels = Labels(texts, shown.marked, tile.selected()[1], pointed)
        metrics = QFontMetricsF(self.font())
        spacing = plot.width() / max(1, len(texts))
        widest = max(map(metrics.horizontalAdvance, texts), default=0.0)
        degrees = 0 if axis_labels.slant(widest, spacing, metrics) == 0 else 90
        axis_labels.paint_below(painter, labels, plot, degrees, ink)

    def _name_rows(
        self, painter: QPainter, tile: Tile, shown: Picture, plot: QRectF, ink: Ink
    ) -> None:
        pointed, _ = _only(tile.marked)
        labels = Labels(shown.row_names, shown.marked_rows, tile.selected()[0], pointed)
        axis_labels.paint_left(painter, labels.rising(shown.rises), plot, ink)

    def _shown(self) -> list[Tile]:
        """Return the maps in view, from the left and from the top."""
        if self.enlarged is not None:
            return [self.tiles[self.enlarged]]
        return self.tiles

    def _explain(self) -> None:
        """Explain the titles."""
        for number, title in enumerate(self.titles):
            name, tip = self._kinds[number].words
            act = BACK if number == self.enlarged else ENLARGE.tip
            title.setToolTip(plain_tip(f"{name}: {tip} {act}"))

    def _show_some(self) -> None:
        shown = self._shown() if self._is_asked else []
        for tile, title in zip(self.tiles, self.titles, strict=True):
            tile.setVisible(tile in shown)
            title.setVisible(tile in shown)
        self._lay_out()
        self.updateGeometry()
        self.update()

    def _families(self) -> list[Family]:
        """Return the maps in view by their columns: positions, and heads."""
        numbers = range(len(self.tiles)) if self.enlarged is None else [self.enlarged]
        found = []
        for of_heads in (False, True):
            chosen = [at for at in numbers if self._kinds[at].is_of_heads == of_heads]
            if chosen:
                found.append(self._family(chosen, of_heads=of_heads))
        return found

    def _family(self, numbers: Sequence[int], *, of_heads: bool) -> Family:
        """Return what maps with the same columns need; the names of tokens the same for all."""
        metrics = QFontMetricsF(self.font())
        flat, widest = round(axis_labels.depth(0, 0, metrics)), LETTERS * metrics.averageCharWidth()
        least, flat_from = LEAST_WIDTH, NEVER
        if of_heads:
            names = [_columns(self.tiles[at].picture) for at in numbers]
            widths = [max(map(metrics.horizontalAdvance, some), default=0.0) for some in names]
            widest, most = max(widths), max(map(len, names))
            least = max(least, LEAST_CELL * most)
            flat_from = round(
                max(
                    len(some) * (wide + axis_labels.GAP)
                    for some, wide in zip(names, widths, strict=True)
                )
            )
        upright = round(axis_labels.depth(widest, 90, metrics))
        return Family(numbers, least, flat_from, flat, max(flat, upright))

    def _layout(self) -> TileLayout:
        metrics = QFontMetricsF(self.font())
        pictures = [tile.picture for tile in self.tiles if tile.picture is not None]
        longest = max(pictures[0].row_names, key=len) if pictures else "L00"
        title = self.titles[0].sizeHint().height()
        return TileLayout(self._families(), round(metrics.horizontalAdvance(longest)) + 10, title)

    def _lay_out(self) -> None:
        self._laid_out = self._layout()
        places = self._laid_out.places(self.width(), self.height())
        for number, place in places.items():
            self.tiles[number].setGeometry(place)
            self._place_title(number, place)

    def _place_title(self, number: int, tile: QRect) -> None:
        """Write a title above its map, as much of it as there is room for."""
        title, kind = self.titles[number], self._kinds[number]
        name = f"← {kind.words[0]}" if number == self.enlarged else kind.activation
        metrics, elided = title.fontMetrics(), Qt.TextElideMode.ElideRight
        title.setText(metrics.elidedText(name, elided, tile.width() - AROUND_TITLE))
        size = title.sizeHint()
        title.setGeometry(tile.x(), tile.y() - size.height(), size.width(), size.height())

    def _point(self, number: int, words: str) -> None:
        """Mark the place under the pointer in every map, and say what is there."""
        cell = self.tiles[number].pointed_cell
        self._mark(None if cell is None else (number, *cell))
        self.hovered.emit(words)

    def _mark(self, place: tuple[int, int, int] | None) -> None:
        marked = [None] * len(self.tiles) if place is None else self.same_places(*place)
        for tile, here in zip(self.tiles, marked, strict=True):
            tile.mark(here)
        self.update()


def _columns(shown: Picture | None) -> Sequence[str]:
    return shown.column_names if shown is not None else ()


def _only(marked: tuple[range, range] | None) -> tuple[int | None, int | None]:
    """Return the one row and the one column that are marked; None where several are."""
    if marked is None:
        return None, None
    row, column = (places[0] if len(places) == 1 else None for places in marked)
    return row, column
