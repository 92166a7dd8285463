"""A sweep and all that belongs to it: picture, colour bar, slider, table, estimates, comparison."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSlider, QSplitter, QVBoxLayout, QWidget

from lensgui.jobs.arrays import Axis, Sweep
from lensgui.jobs.results import PairReading
from lensgui.panes import theme
from lensgui.panes.controls.controls import caption, line, sentence
from lensgui.panes.pictures.heatmap import Heatmap
from lensgui.panes.pictures.level_bar import LevelBar
from lensgui.panes.sweep_view import cells, compare, faces, sweep_footer
from lensgui.panes.sweep_view.compare import CompareRow
from lensgui.panes.sweep_view.estimate_plot import EstimatePlot
from lensgui.panes.sweep_view.faces import Setting, draw
from lensgui.panes.sweep_view.sweep_footer import SweepTools
from lensgui.panes.sweep_view.top_cells import TopCells
from lensgui.panes.token_text import visible
from lensgui.state.selection import Cursor


class PlaceSlider(QWidget):
    """Moves along an axis, and names the place.

    Attributes:
        moved: (index,) the user moved it.
    """

    moved = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._axis: Axis | None = None
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setAccessibleName("Position whose cells are shown")
        self.slider.setToolTip("Which position's cells are shown; it is the selected position.")
        self.slider.setPageStep(1)
        self.words = line(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.words, 1)
        row.addWidget(self.slider, 1)
        self.slider.valueChanged.connect(self._tell)

    @property
    def at(self) -> int:
        """The place on the axis."""
        return self.slider.value()

    def show_axis(self, axis: Axis | None, at: int) -> None:
        """Show a place on an axis; without one there is nothing to slide along."""
        self._axis = axis
        self.setVisible(axis is not None)
        if axis is None:
            return
        self.slider.blockSignals(True)
        self.slider.setRange(0, len(axis) - 1)
        self.slider.setValue(at)
        self.slider.blockSignals(False)
        place, label = axis.coordinates[self.at], visible(axis.labels[self.at])
        self.words.setText(f"‘{label}’" if place is None else f"{axis.name} {place} ‘{label}’")

    @Slot(int)
    def _tell(self, at: int) -> None:
        if self._axis is not None:
            self.show_axis(self._axis, at)
            self.moved.emit(at)


class SweepPlot(QWidget):
    """Draws the sweep it is given, the one it is compared with, or their difference.

    Attributes:
        picked: (fields,) Cursor fields that a click chose.
        hovered: (words,) what is under the pointer.
        asked: (row, column, where) of a cell whose verbs are wanted.
        sweep: The present sweep; None while there is none.
        kept: The sweep it is compared with, so far.
        shown: What is drawn, on two axes.
        pair: The prompts' tokens.
        selected: What the cursor points at.
        pins: Places that are framed.
        group: How many heads share a key/value head.
        verified: What a check of one cell has found.
        is_paused: Whether the sweep rests.
        is_stale: Whether what is drawn answers an older question.
    """

    picked = Signal(object)
    hovered = Signal(str)
    asked = Signal(int, int, object)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sweep: Sweep | None = None
        self.kept: Sweep | None = None
        self.shown: Sweep | None = None
        self.pair: PairReading | None = None
        self.selected, self.pins, self.group = Cursor(), tuple[Cursor, ...](), 1
        self.verified, self.is_paused, self.is_stale = "", False, False
        self._title = title
        self._end: float | None = None
        self._counted: tuple[object, ...] = ()
        self._sides: tuple[Sweep, Sweep] | None = None
        self._make()
        self._lay_out()
        self._connect()
        self.compare.show_kept(None)
        self.draw()

    def _make(self) -> None:
        self.legend = caption("", self)
        self.legend.setWordWrap(True)
        self.legend.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.refusal = sentence(self)
        self.compare = CompareRow(self)
        self.slider = PlaceSlider(self)
        self.heatmap = Heatmap(theme.diverging, self.words, parent=self)
        self.heatmap.setAccessibleName(self._title)
        self.heatmap.setToolTip(
            "Click a cell, or move with the arrow keys, to select it in every pane; right-click "
            "for what to ask of it next."
        )
        self.levels = LevelBar(self)
        self.table = TopCells(self)
        self.estimates = EstimatePlot(self)
        self.remarks = caption("", self)
        self.remarks.setWordWrap(True)
        self.remarks.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.remarks.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.tools = SweepTools(self)

    def _connect(self) -> None:
        self.heatmap.picked.connect(self.picked)
        self.heatmap.hovered.connect(self.hovered)
        self.heatmap.asked.connect(self.asked)
        self.table.picked.connect(self.picked)
        self.estimates.picked.connect(self.picked)
        self.estimates.hovered.connect(self.hovered)
        self.levels.ranged.connect(self._range)
        self.slider.moved.connect(self._slide)
        self.tools.altered.connect(self.draw)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        picture = QWidget(self)
        row = QHBoxLayout(picture)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        row.addWidget(self.heatmap, 1)
        row.addWidget(self.levels)
        parts = QSplitter(Qt.Orientation.Vertical, self)
        parts.setChildrenCollapsible(False)
        for widget, share in ((picture, 3), (self.table, 2), (self.estimates, 2)):
            parts.addWidget(widget)
            parts.setStretchFactor(parts.count() - 1, share)
        for widget in (self.legend, self.refusal, self.compare, self.slider):
            column.addWidget(widget)
        column.addWidget(parts, 1)
        column.addWidget(self.remarks)
        column.addWidget(self.tools)

    def place(self, row: int, column: int) -> Cursor:
        """Return the place that a cell of the picture stands for."""
        assert self.shown is not None
        fields = cells.cursor_at(self.shown, (row, column), self.group)
        fixed = self._fixed()
        axes = {axis.name for axis in self.shown.axes}
        if "layer" not in axes:  # the edges of one head
            return replace(fixed, **fields)
        hidden = {"position": fixed.position} if self._hidden() is not None else {}
        return Cursor(**{**hidden, **fields})

    def words(self, row: int, column: int) -> str:
        """Return what is known of a cell of the picture."""
        if self.shown is None:
            return ""
        if self._sides is not None:
            return compare.describe(*self._sides)(row, column)
        name = cells.cell_name(self.shown, row, column)
        where = self._where()
        if where:
            name += f" · {where}"
        return f"{name}: {cells.cell_words(self.shown, row, column)}"

    @Slot()
    def draw(self) -> None:
        """Draw what is to be seen now."""
        chosen = self._chosen()
        axis = None if chosen is None else faces.hidden_axis(chosen)
        self.slider.show_axis(axis, self._at(axis))
        self.shown = None if chosen is None else faces.face(chosen, self.slider.at)
        self.levels.setVisible(self.shown is not None)
        self.refusal.setVisible(bool(self.refusal.text()))
        self.tools.show_sweep(self.sweep)
        self._draw_extras(chosen)
        if self.shown is None:
            self.heatmap.show_picture(None)
            return
        self._keep_range(self.shown)
        is_small = self._sides is None and self.shown.axes[-1].name == "source"
        end = self._end or (cells.largest(self.shown) if is_small else None)
        setting = Setting(self.group, self.pair, end, self.pins, self._fixed())
        picture, limit = draw(self.shown, setting)
        self.heatmap.show_picture(picture)
        if self.is_stale:
            self.heatmap.show_stale()
        self.levels.show_end(limit, is_own=self._end is not None)
        counted = " and ".join(axis.name.replace("_", " ") for axis in self.shown.axes)
        self.heatmap.setAccessibleName(
            f"{self._title} by {counted.replace('key value', 'key/value')}"
        )
        self.heatmap.show_cursor(cells.cursor_on(self.shown, self.selected, self.group))

    @property
    def side(self) -> str:
        """What is drawn: "A", "B" or "A − B"; B where the two can't be subtracted."""
        side = self.compare.side
        is_apart = self.kept and self.sweep and compare.obstacle(self.kept, self.sweep)
        return "B" if side == "A − B" and is_apart else side

    def _chosen(self) -> Sweep | None:
        """Return the sweep of the chosen side, and say what its colours count."""
        self._sides, side, b = None, self.compare.side, self.sweep
        reason = ""
        if side == "A − B" and self.kept is not None and b is not None:
            reason = compare.obstacle(self.kept, b)
            if not reason:
                at = self._at(faces.hidden_axis(b))
                self._sides = faces.face(self.kept, at), faces.face(b, at)
                self._tell(compare.legend(self.kept, b), "Each cell of A less the same cell of B.")
                return compare.difference(self.kept, b)
        chosen = self.kept if side == "A" else b
        if chosen is None:
            self._tell("", "")
        else:
            why = reason or cells.refusal(chosen)
            self._tell(cells.legend(chosen), cells.legend_tip(chosen), why)
        return chosen

    def _tell(self, legend: str, tip: str, refusal: str = "") -> None:
        self.legend.setText(legend)
        self.legend.setToolTip(tip)
        self.refusal.setText(refusal)

    def _keep_range(self, shown: Sweep) -> None:
        """Forget the user's range where colours count something else than when it was chosen."""
        counted = shown.metric, shown.shown_unit, self._sides is None
        if counted != self._counted:
            self._counted, self._end = counted, None

    def _draw_extras(self, sweep: Sweep | None) -> None:
        """Draw the table and the plot where they are open, and what is said below.

        Args:
            sweep: The sweep of the chosen side.
        """
        tools = self.tools
        self.table.setVisible(tools.table.isChecked())
        if tools.table.isChecked():
            self.table.show_sweep(sweep, self.group)
        face = None if sweep is None else faces.face(sweep, self._at(faces.hidden_axis(sweep)))
        is_open = tools.estimate.isChecked()
        if face is not None and face.estimates is not None and is_open:
            setting = Setting(self.group, pins=self.pins, fixed=self._fixed())
            self.estimates.show_face(face, setting, self._where(), self.selected)
        self.estimates.setVisible(is_open and face is not None and face.estimates is not None)
        said = [] if sweep is None else sweep_footer.remarks(sweep, is_paused=self.is_paused)
        verified = [self.verified] if self.verified and self.compare.side == "B" else []
        self.remarks.setText(" · ".join([*said, *verified]))
        self.remarks.setToolTip("" if sweep is None else sweep_footer.tip(sweep))
        self.remarks.setVisible(bool(self.remarks.text()))

    def _hidden(self) -> Axis | None:
        """Return the axis that the slider moves along, if there is one."""
        chosen = self.kept if self.compare.side == "A" else self.sweep
        return None if chosen is None else faces.hidden_axis(chosen)

    def _where(self) -> str:
        """Return where the slider stands, in words; "" without one."""
        axis = self._hidden()
        if axis is None:
            return ""
        at, label = axis.coordinates[self.slider.at], axis.labels[self.slider.at]
        return f"at ‘{label}’" if at is None else f"position {at} ‘{label}’"

    def _at(self, axis: Axis | None) -> int:
        """Return the place on the hidden axis: the selected position, else where the slider is."""
        if axis is None:
            return 0
        position = self.selected.position
        if position is not None and position in axis.coordinates:
            return axis.coordinates.index(position)
        return min(self.slider.at, len(axis) - 1)

    def _fixed(self) -> Cursor:
        """Return where the picture stands on what it does not show."""
        axis = self._hidden()
        if axis is None:
            return self.selected
        return replace(self.selected, position=axis.coordinates[self.slider.at])

    @Slot(int)
    def _slide(self, at: int) -> None:
        axis = self._hidden()
        if axis is not None and axis.coordinates[at] is not None:
            self.picked.emit({axis.name: axis.coordinates[at]})
        else:
            self.draw()

    @Slot(object)
    def _range(self, end: float | None) -> None:
        self._end = end
        self.draw()
