"""One face of a sweep with its legend, its colour bar and the table of its strongest cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from lensgui.jobs.answers.arrays import Sweep
from lensgui.panes import theme
from lensgui.panes.controls.controls import Lines, Shares, keep_room
from lensgui.panes.figures.shown import Shown
from lensgui.panes.pictures.heatmap import Heatmap
from lensgui.panes.pictures.level_bar import LevelBar
from lensgui.panes.python.figures import Code
from lensgui.panes.sweep_view import panels
from lensgui.panes.sweep_view.faces import Setting, counted, draw, own_end
from lensgui.panes.sweep_view.top_cells import TopCells
from lensgui.panes.token_text import plain_tip
from lensgui.state.views import Range
from lensgui.terms.kinds import Head
from lensgui.terms.roles import Part

LEGEND_LINES = 2  # what the colours count, and why they count no shares


class SweepPicture(QWidget):
    """Draws a sweep of two axes; a range that the user chose holds where colours count the same.

    Attributes:
        picked: (fields,) Cursor fields that a click chose.
        hovered: (words,) what is under the pointer.
        menu_requested: (row, column, where) of a cell whose menu is requested.
        activated: (row, column) of a cell that is gone on from.
        verb_requested: (verb, row, column) of a cell, as of a `Heatmap`.
        chosen: (changes,) the field of a view that says how far the colours reach.
        above: Where further rows go, between the legend and the picture.
        parts: The picture and the table, and what else is to share their height.
    """

    picked = Signal(object)
    hovered = Signal(str)
    menu_requested = Signal(int, int, object)
    activated = Signal(int, int)
    verb_requested = Signal(str, int, int)
    chosen = Signal(object)

    def __init__(
        self, name: str, tip: str, describe: Callable[[int, int], str], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._counted, self._limit = "", 0.0
        self.legend = Lines(LEGEND_LINES, self)
        self.heatmap = Heatmap(theme.diverging, describe, parent=self)
        self.heatmap.setAccessibleName(name)
        self.heatmap.setToolTip(plain_tip(tip))
        self.levels = LevelBar(self)
        keep_room(self.levels)
        self.table = TopCells(self)
        self._lay_out()
        self.heatmap.picked.connect(self.picked)
        self.heatmap.hovered.connect(self.hovered)
        self.heatmap.menu_requested.connect(self.menu_requested)
        self.heatmap.activated.connect(self.activated)
        self.heatmap.verb_requested.connect(self.verb_requested)
        self.table.picked.connect(self.picked)
        self.levels.ranged.connect(self._range)

    def _lay_out(self) -> None:
        picture = QWidget(self)
        row = QHBoxLayout(picture)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        row.addWidget(self.heatmap, 1)
        row.addWidget(self.levels)
        self.parts = Shares(Qt.Orientation.Vertical, self)
        self.add_part(picture, 3)
        self.add_part(self.table, 2)
        self.above = QVBoxLayout()
        column = QVBoxLayout(self)
        for layout in (self.above, column):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(4)
        column.addWidget(self.legend)
        column.addLayout(self.above)
        column.addWidget(self.parts, 1)

    def show_roles(self, roles: Mapping[Head, Part]) -> None:
        """Write the letters of heads' roles."""
        self.heatmap.show_roles(roles)

    def add_part(self, widget: QWidget, share: int) -> None:
        """Let a widget share the height of the picture."""
        self.parts.add_part(widget, share)

    def say(self, legend: str, tip: str = "", refusal: str = "") -> None:
        """Say what the colours count, and why they count no shares."""
        self.legend.setText("\n".join(filter(None, (legend, refusal))))
        self.legend.setToolTip(plain_tip("\n".join(filter(None, (refusal, tip)))))

    def show_face(
        self,
        face: Sweep | None,
        setting: Setting,
        range_: Range | None = None,
        *,
        is_difference: bool = False,
        is_stale: bool = False,
    ) -> None:
        """Draw a sweep of two axes; None for what to do to get one.

        Args:
            face: The sweep.
            setting: What its picture depends on beside it.
            range_: How far the user wants the colours to reach, if they count the same.
            is_difference: Whether it is the difference of two sweeps.
            is_stale: Whether it answers an older question.
        """
        self.levels.setVisible(face is not None)
        if face is None:
            self.heatmap.show_picture(None)
            return
        self._counted = counted(face, is_difference=is_difference)
        own = own_end(range_, self._counted)
        picture, self._limit = draw(face, replace(setting, end=own or setting.end))
        self.heatmap.show_picture(picture)
        self.heatmap.show_stale(is_stale)
        self.levels.show_end(self._limit, is_own=own is not None)

    def shown(self, says: str, heading: str, values: str = "shown") -> list[Shown]:
        """Return the map and the table below it, as they are taken home.

        Args:
            says: What they show, in sentences.
            heading: What stands above them.
            values: The copied lines' expression for the map.
        """
        picture, is_stale = self.heatmap.picture, self.heatmap.is_stale
        if picture is None:
            return []
        panel = panels.heatmap(picture, self._limit, self._counted)
        code = Code((values,))
        found = [Shown(self, "", (panel,), says, is_stale, heading, code)]
        if self.table.isVisibleTo(self) and self.table.rowCount():
            title, rows = f"{heading}: strongest cells", self.table.texts
            table = panels.strongest(self.table.titles, rows, self.table.values)
            code = panels.sorted_code(len(rows))
            found.append(
                Shown(self.table, "strongest cells", (table,), says, is_stale, title, code)
            )
        return found

    @Slot(object)
    def _range(self, end: float | None) -> None:
        self.chosen.emit({"range": None if end is None else Range(end, self._counted)})
