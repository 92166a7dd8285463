"""One face of a sweep with its legend, its colour bar and the table of its strongest cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from lensgui.jobs.arrays import Sweep
from lensgui.panes import theme
from lensgui.panes.controls.controls import Lines, Shares, keep_room
from lensgui.panes.pictures.heatmap import Heatmap
from lensgui.panes.pictures.level_bar import LevelBar
from lensgui.panes.sweep_view.faces import Setting, draw
from lensgui.panes.sweep_view.top_cells import TopCells
from lensgui.panes.token_text import plain_tip
from lensgui.terms.kinds import Head
from lensgui.terms.roles import Part

LEGEND_LINES = 2  # what the colours count, and why they count no shares


class SweepPicture(QWidget):
    """Draws a sweep of two axes; the user's own range of colours holds while they count the same.

    Attributes:
        picked: (fields,) Cursor fields that a click chose.
        hovered: (words,) what is under the pointer.
        menu_requested: (row, column, where) of a cell whose menu is requested.
        activated: (row, column) of a cell that is gone on from.
        verb_requested: (verb, row, column) of a cell, as of a `Heatmap`.
        above: Where further rows go, between the legend and the picture.
        parts: The picture and the table, and what else is to share their height.
    """

    picked = Signal(object)
    hovered = Signal(str)
    menu_requested = Signal(int, int, object)
    activated = Signal(int, int)
    verb_requested = Signal(str, int, int)

    def __init__(
        self, name: str, tip: str, describe: Callable[[int, int], str], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._face: Sweep | None = None
        self._setting, self._is_stale = Setting(), False
        self._end: float | None = None
        self._counted: tuple[object, ...] = ()
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
        self, face: Sweep | None, setting: Setting, *, of: object = None, is_stale: bool = False
    ) -> None:
        """Draw a sweep of two axes; None for what to do to get one.

        Args:
            face: The sweep.
            setting: What its picture depends on beside it.
            of: What the colours count beside the sweep's metric and unit: while that and these
                stay, so does the user's range.
            is_stale: Whether it answers an older question.
        """
        self._face, self._setting, self._is_stale = face, setting, is_stale
        self.levels.setVisible(face is not None)
        if face is not None:
            counted = face.metric, face.shown_unit, of
            if counted != self._counted:
                self._counted, self._end = counted, None
        self._draw()

    def _draw(self) -> None:
        if self._face is None:
            self.heatmap.show_picture(None)
            return
        setting = replace(self._setting, end=self._end or self._setting.end)
        picture, limit = draw(self._face, setting)
        self.heatmap.show_picture(picture)
        self.heatmap.show_stale(self._is_stale)
        self.levels.show_end(limit, is_own=self._end is not None)

    @Slot(object)
    def _range(self, end: float | None) -> None:
        self._end = end
        self._draw()
