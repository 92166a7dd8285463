"""A sweep and all that belongs to it: picture, colour bar, slider, table, estimates, comparison."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QSlider, QVBoxLayout, QWidget

from lensgui.jobs.answers.arrays import Axis, Sweep
from lensgui.jobs.answers.readings import PairReading
from lensgui.panes import theme
from lensgui.panes.controls.controls import Lines, line
from lensgui.panes.figures.shown import Shown
from lensgui.panes.sweep_view import cells, compare, faces, panels, sweep_footer
from lensgui.panes.sweep_view.compare import CompareRow
from lensgui.panes.sweep_view.estimate_plot import EstimatePlot
from lensgui.panes.sweep_view.faces import NOWHERE, Setting
from lensgui.panes.sweep_view.sweep_footer import SweepTools
from lensgui.panes.sweep_view.sweep_picture import SweepPicture
from lensgui.panes.sweep_view.whiskers import Whiskers
from lensgui.panes.token_text import plain_tip, visible
from lensgui.state.selection import Cursor
from lensgui.state.views import AT_FIRST, Compared, PatchingView

TIP = (
    "Click a cell, or move with the arrow keys, to select it in every pane; right-click for what "
    "to ask of it next."
)


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


@dataclass(frozen=True, slots=True)
class SweepContents:
    """What a view of a sweep draws.

    Attributes:
        sweep: The present sweep; None while there is none.
        kept: The sweep it is compared with, so far.
        pair: The prompts' tokens.
        selected: What the cursor points at.
        pins: Places that are framed.
        group: How many heads share a key/value head.
        verified: What a check of one cell has found.
        is_paused: Whether the user lets the sweep rest.
        is_stopped: Whether it was stopped with all else.
        is_stale: Whether it answers an older question.
        is_averaged: Whether means over pairs are asked for.
        view: How all this is shown.
    """

    sweep: Sweep | None = None
    kept: Sweep | None = None
    pair: PairReading | None = None
    selected: Cursor = NOWHERE
    pins: tuple[Cursor, ...] = ()
    group: int = 1
    verified: str = ""
    is_paused: bool = False
    is_stopped: bool = False
    is_stale: bool = False
    is_averaged: bool = False
    view: PatchingView = AT_FIRST.patching


class SweepPlot(QWidget):
    """Draws the sweep it is given, the one it is compared with, or their difference.

    Attributes:
        picked: (fields,) Cursor fields that a click chose.
        hovered: (words,) what is under the pointer.
        menu_requested: (row, column, where) of a cell whose menu is requested.
        verb_requested: (verb, row, column) of a cell, as of a `Heatmap`.
        chosen: (changes,) fields of the view that the user set otherwise.
        given: What it is to draw.
        face: What is drawn of it, on two axes.
    """

    picked = Signal(object)
    hovered = Signal(str)
    menu_requested = Signal(int, int, object)
    verb_requested = Signal(str, int, int)
    chosen = Signal(object)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.given, self._pictures = SweepContents(), theme.pictures()
        self.face: Sweep | None = None
        self._title = title
        self._sides: tuple[Sweep, Sweep] | None = None
        self.picture = SweepPicture(title, TIP, self.words, self)
        self.heatmap, self.levels = self.picture.heatmap, self.picture.levels
        self.table = self.picture.table
        self.legend = self.picture.legend
        self.compare = CompareRow(self)
        self.slider = PlaceSlider(self)
        self.estimates = EstimatePlot(self)
        self.whiskers = Whiskers(self)
        self.remarks = Lines(1, self)
        self.tools = SweepTools(self)
        self._lay_out()
        self._connect()
        self.compare.show_compared(None, None, "B")
        self._draw()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for row in (self.compare, self.slider):
            self.picture.above.addWidget(row)
        self.picture.add_part(self.estimates, 2)
        self.picture.add_part(self.whiskers, 2)
        column.addWidget(self.picture, 1)
        column.addWidget(self.remarks)
        column.addWidget(self.tools)

    def _connect(self) -> None:
        for part in (self.picture, self.estimates, self.whiskers):
            part.picked.connect(self.picked)
            part.hovered.connect(self.hovered)
        self.picture.menu_requested.connect(self.menu_requested)
        self.picture.verb_requested.connect(self.verb_requested)
        self.estimates.verb_requested.connect(self.verb_requested)
        self.slider.moved.connect(self._slide)
        self.compare.chosen.connect(self._choose_side)
        self.picture.chosen.connect(self.chosen)
        self.tools.chosen.connect(self.chosen)

    def show_sweeps(self, given: SweepContents) -> None:
        """Draw what is known by now, if anything of it or of how pictures are drawn is new."""
        pictures = theme.pictures()
        if (given, pictures) != (self.given, self._pictures):
            self.given, self._pictures = given, pictures
            self._draw()

    def place(self, row: int, column: int) -> Cursor:
        """Return the place that a cell of the picture stands for."""
        assert self.face is not None
        fields = cells.cursor_at(self.face, (row, column), self.given.group)
        fixed = self._fixed()
        axes = {axis.name for axis in self.face.axes}
        if "layer" not in axes:  # the edges of one head
            return replace(fixed, heads=(), **fields)
        hidden: dict[str, Any] = {"position": fixed.position} if self._hidden() is not None else {}
        return Cursor(**{**hidden, **fields})

    def words(self, row: int, column: int) -> str:
        """Return what is known of a cell of the picture."""
        if self.face is None:
            return ""
        if self._sides is not None:
            return compare.describe(*self._sides)(row, column)
        name = cells.cell_name(self.face, row, column)
        where = self._where()
        if where:
            name += f" · {where}"
        return f"{name}: {cells.cell_words(self.face, row, column)}"

    def _draw(self) -> None:
        given, chosen = self.given, self._chosen()
        axis = None if chosen is None else faces.hidden_axis(chosen)
        self.slider.show_axis(axis, self._at(axis))
        face = self.face = None if chosen is None else faces.face(chosen, self.slider.at)
        self.tools.show_sweep(given.sweep, is_paused=given.is_paused, is_stopped=given.is_stopped)
        self.tools.show_view(given.view, is_averaged=given.is_averaged)
        self._draw_extras(chosen)
        is_small = face is not None and self._sides is None and face.axes[-1].name == "source"
        end = cells.largest(face) if face is not None and is_small else None
        setting = Setting(given.group, given.pair, end, given.pins, self._fixed())
        self.picture.show_face(
            face,
            setting,
            given.view.range,
            is_difference=self._sides is not None,
            is_stale=given.is_stale,
        )
        if face is not None:
            counted = " and ".join(axis.name.replace("_", " ") for axis in face.axes)
            self.heatmap.setAccessibleName(
                f"{self._title} by {counted.replace('key value', 'key/value')}"
            )
            self.heatmap.show_cursor(cells.cursor_on(face, given.selected, given.group))

    def _chosen(self) -> Sweep | None:
        """Return the sweep of the chosen side, and say what its colours count."""
        side, a, b = self.given.view.side, self.given.kept, self.given.sweep
        self._sides, reason = None, ""
        if side == "A − B" and a is not None and b is not None:
            reason = compare.obstacle(a, b)
            if not reason:
                at = self._at(faces.hidden_axis(b))
                self._sides = faces.face(a, at), faces.face(b, at)
                self.picture.say(compare.legend(a, b), "Each cell of A less the same cell of B.")
                return compare.difference(a, b)
        chosen = a if side == "A" else b
        if chosen is None:
            self.picture.say("")
        else:
            counted, why = cells.legend(chosen), reason or cells.refusal(chosen)
            self.picture.say("" if reason else counted, cells.legend_tip(chosen), why)
        return chosen

    def _draw_extras(self, sweep: Sweep | None) -> None:
        """Draw the table and the plot where they are open, and what is said below.

        Args:
            sweep: The sweep of the chosen side.
        """
        given, view, face = self.given, self.given.view, self.face
        self.table.setVisible(view.shows_table)
        if view.shows_table:
            self.table.show_sweep(sweep, given.group)
        has_plot = view.shows_estimates and face is not None and face.estimates is not None
        if face is not None and has_plot:
            setting = Setting(given.group, pins=given.pins, fixed=self._fixed())
            self.estimates.show_face(face, setting, self._where(), given.selected)
        self.estimates.setVisible(has_plot)
        has_intervals = view.shows_intervals and sweep is not None
        is_mean = has_intervals and sweep is not None and sweep.spread is not None
        self.whiskers.setVisible(is_mean)
        if is_mean:
            self.whiskers.show_sweep(sweep, given.group, given.selected)
        said = [] if sweep is None else sweep_footer.remarks(sweep, is_paused=given.is_paused)
        verified = [given.verified] if given.verified and view.side == "B" else []
        self.remarks.setText(" · ".join([*said, *verified]))
        tips = [self.remarks.text(), "" if sweep is None else sweep_footer.tip(sweep)]
        self.remarks.setToolTip(plain_tip("\n".join(filter(None, tips))))

    def _hidden(self) -> Axis | None:
        """Return the axis that the slider moves along, if there is one."""
        chosen = self.given.kept if self.given.view.side == "A" else self.given.sweep
        return None if chosen is None else faces.hidden_axis(chosen)

    def _where(self) -> str:
        """Return where the slider stands, in words; "" without one."""
        axis = self._hidden()
        if axis is None:
            return ""
        at, label = axis.coordinates[self.slider.at], visible(axis.labels[self.slider.at])
        return f"at ‘{label}’" if at is None else f"position {at} ‘{label}’"

    def _at(self, axis: Axis | None) -> int:
        """Return the place on the hidden axis: the selected position, else that of the view."""
        if axis is None:
            return 0
        position = self.given.selected.position
        if position is not None and position in axis.coordinates:
            return axis.coordinates.index(position)
        place, last = self.given.view.place, len(axis) - 1
        return last if place is None else min(place, last)

    def _fixed(self) -> Cursor:
        """Return where the picture stands on what it does not show."""
        axis = self._hidden()
        if axis is None:
            return self.given.selected
        return replace(self.given.selected, position=axis.coordinates[self.slider.at])

    def shown(self, kind: str, both: str = "") -> list[Shown]:
        """Return the pictures that are drawn, as they are taken home.

        Args:
            kind: The words for what is patched.
            both: What the two sweeps are whose difference is drawn, in sentences.
        """
        face, where = self.face, self._where()
        if face is None:
            return []
        says = panels.says(face, kind) if self._sides is None else f"{self.legend.text()}. {both}"
        says += f" Shown at {where.removeprefix('at ')}." * bool(where)
        found = self.picture.shown(says, kind, self._expression())
        points, is_stale = self.estimates.scatter.points, self.given.is_stale
        if self.estimates.isVisibleTo(self) and points is not None:
            panel = panels.cloud(points)
            found.append(Shown(self.estimates, "estimate against exact", (panel,), says, is_stale))
        if self.whiskers.isVisibleTo(self) and self.whiskers.shown:
            panel_ = panels.intervals(self.whiskers.shown, faces.counted(face))
            tip = f"{says} Bars: means; lines: 95 % of resamples of the pairs."
            code = panels.sorted_code(len(self.whiskers.shown))
            found.append(Shown(self.whiskers, "intervals", (panel_,), tip, is_stale, code=code))
        return found

    def _expression(self) -> str:
        """Return how the copied lines, whose sweep is whole, get at what is drawn of it."""
        axis, chosen = self._hidden(), self.given.sweep
        if axis is None or chosen is None:
            return "shown"
        number = [each.name for each in chosen.axes].index(axis.name)
        return f"shown.select({number}, {self.slider.at})"

    @Slot(int)
    def _slide(self, at: int) -> None:
        axis = self._hidden()
        if axis is not None and axis.coordinates[at] is not None:
            self.picked.emit({axis.name: axis.coordinates[at]})
        else:
            self.chosen.emit({"place": at})

    @Slot(str)
    def _choose_side(self, side: Compared) -> None:
        self.chosen.emit({"side": side})
