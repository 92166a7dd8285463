"""Activation: what any hook point of the model holds, two axes at a time."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from PySide6.QtCore import QPoint, Slot
from PySide6.QtWidgets import QComboBox, QGridLayout, QSizePolicy, QWidget

from lensgui.jobs.answers.activations import ActivationSlice, MappedPoint, ModelMap
from lensgui.jobs.answers.arrays import Axis, CellState
from lensgui.jobs.answers.readings import PairReading
from lensgui.jobs.questions.activation_requests import MapModel, ReadActivation
from lensgui.jobs.request import Request
from lensgui.jobs.requests import ReadPair
from lensgui.panes import menus, theme
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.activation.model_map import ModelMapView, words_of
from lensgui.panes.activation.places import Places
from lensgui.panes.controls.controls import Lines, dress
from lensgui.panes.controls.flow import Flow
from lensgui.panes.controls.side_box import SideBox
from lensgui.panes.figures.figure import Cells, Scale, data_of
from lensgui.panes.figures.shown import Shown
from lensgui.panes.pane import Pane
from lensgui.panes.pictures.heatmap import Heatmap
from lensgui.panes.pictures.picture import Picture
from lensgui.panes.python import readings as script
from lensgui.panes.python.figures import Code
from lensgui.panes.theme import Table, Theme
from lensgui.panes.token_text import names, plain_tip
from lensgui.prompts.sides import CAPTIONS, is_difference, lacking, one_side
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.state.views import AT_FIRST, ActivationView

NOTHING = "Type a prompt to see what each hook point of the model holds."
LINKED = ("position", "head", "source", "neuron")  # axes that the selection names
MAP, SLICE = "map", "slice"  # the pane's names for its questions
REACHED = 0.999  # of the numbers that the colours reach: single widths of a stream can be huge
HALF = 127  # steps of colour on either side of 0
USUAL = "usual"  # what an axis's box says while the pane chooses


class ActivationPane(Pane):
    """A map of the selected layer's hook points, and what one of them holds."""

    title: ClassVar[str] = "Activation"
    guide: ClassVar[str] = "activation.md"
    view_name: ClassVar[str] = "activation"
    about: ClassVar[str] = "What any hook point of the model holds, picked on a map."

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cursor, self._end, self._is_signed = Cursor(), 1.0, True
        self.name = dress(QComboBox(self), PANE_ACTIONS["hook_point"])
        which = "Which prompt is read, or clean minus corrupted."
        self.side = SideBox("Prompt that is read", which, self)
        self.down, self.across = QComboBox(self), QComboBox(self)
        for box, which in ((self.down, "down"), (self.across, "across")):
            box.setAccessibleName(f"Axis {which}")
            tip = f"Which axis goes {which} the picture; the others have sliders."
            box.setToolTip(plain_tip(tip))
        self.map = ModelMapView(self)
        self.legend = Lines(3, self)
        self.heatmap = Heatmap(self._table, self._cell_words, parent=self)
        self.heatmap.setAccessibleName("The activation")
        self.heatmap.setToolTip(plain_tip("Click a cell to select its position, head or neuron."))
        self.places = Places(self)
        self.statistics = Lines(3, self)
        self._empty_states = {self.heatmap: NOTHING, self.map: ""}
        self._lay_out()
        self._connect()
        self._draw()

    def _lay_out(self) -> None:
        row = Flow(spacing=6)
        for box in (self.name, self.side, self.down, self.across):
            box.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            row.addWidget(box)
        grid = QGridLayout()
        grid.setSpacing(4)
        grid.addWidget(self.map, 0, 0, 4, 1)
        for at, part in enumerate((self.legend, self.heatmap, self.places, self.statistics)):
            grid.addWidget(part, at, 1)
        grid.setRowStretch(1, 1)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        self.column.addLayout(row)
        self.column.addLayout(grid, 1)

    def _connect(self) -> None:
        self.name.activated.connect(lambda at: self._choose_name(self.name.itemText(at)))
        self.side.chosen.connect(self.set_view)
        self.down.activated.connect(lambda at: self.set_view({"down": _said(self.down, at)}))
        self.across.activated.connect(lambda at: self.set_view({"across": _said(self.across, at)}))
        self.map.chosen.connect(self._choose_name)
        self.places.moved.connect(self._move)
        self.heatmap.picked.connect(self.picked)
        for part in (self.map, self.heatmap):
            part.hovered.connect(self.hovered)
        self.heatmap.menu_requested.connect(self._show_verbs)

    @property
    def _view(self) -> ActivationView:
        views = self._document.views if self._document is not None else AT_FIRST
        return views.activation

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Return the map of the selected layer, and the activation that is chosen."""
        view, pair, model = document.views.activation, document.pair, document.model
        if not pair.clean or lacking(pair, view.side):
            return {}
        layer = cursor.layer or 0
        return {
            "pair": ReadPair(model, pair),
            MAP: MapModel(model, pair, layer, cursor.position, one_side(view.side)),
            SLICE: ReadActivation(
                model,
                pair,
                script.full_name(view.name, layer),
                view.side,
                view.down,
                view.across,
                self._places_of(view, cursor),
            ),
        }

    def _places_of(self, view: ActivationView, cursor: Cursor) -> tuple[tuple[str, int], ...]:
        """Return where axes stand: where the selection says so, there."""
        found = dict(view.places)
        for name in LINKED:
            place = getattr(cursor, name, None)
            if place is not None:
                found[name] = place
        if self.card is not None and cursor.head is not None:
            group = max(1, self.card.n_heads // max(1, self.card.n_key_value_heads))
            found["key_value_head"] = cursor.head // group
        return tuple(sorted(found.items()))

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to read the activation from a cache, and the slice that is shown."""
        return script.activation(document, cursor, self.answer(SLICE, ActivationSlice))

    def shown(self) -> list[Shown]:
        """Return the slice."""
        found, picture = self.answer(SLICE, ActivationSlice), self.heatmap.picture
        if found is None or picture is None or picture.values is None:
            return []
        low = -self._end if self._is_signed else 0.0
        counted = f"{self._name()}, activation"
        scale = Scale(low, self._end, counted, is_signed=self._is_signed)
        panel = Cells("", picture, scale, data_of(picture, picture.values, "value"))
        says = f"{self._counted(found)}. {self._statistics(found)}"
        return [
            Shown(self.heatmap, "", (panel,), says, self.heatmap.is_stale, code=Code(("shown",)))
        ]

    def show_document(self, document: Document) -> None:
        """Show what is asked, and what can be chosen."""
        self._document = document
        self.side.show_side(document.views.activation.side)
        self._draw()

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline what is selected."""
        self._cursor = cursor
        self.heatmap.show_cursor(cursor)

    def draw_reply(self, name: str) -> None:
        """Draw what is known."""
        self._draw()

    def _draw(self) -> None:
        view = self._view
        found_map = self.answer(MAP, ModelMap)
        self.map.show_map(found_map)
        self.map.show_stale(self.is_stale(MAP))
        self.map.show_chosen(view.name)
        self._offer_names(found_map)
        found = self.answer(SLICE, ActivationSlice)
        self._offer_axes(found)
        self._scale(found)
        self.heatmap.show_picture(None if found is None else self._picture(found))
        self.heatmap.show_stale(self.is_stale(SLICE))
        self.places.show_places(() if found is None else found.others)
        self.legend.setText("" if found is None else self._counted(found))
        self.legend.setToolTip(plain_tip(self._point_words(found_map)))
        self.statistics.setText("" if found is None else self._statistics(found))
        self._say_if_empty({self.heatmap: self._why_empty(found), self.map: ""}, SLICE)

    def _why_empty(self, found: ActivationSlice | None) -> str:
        if found is not None:
            return ""
        pair = self._document.pair if self._document is not None else None
        return (
            lacking(pair, self._view.side) if pair is not None and pair.clean else ""
        ) or NOTHING

    def _offer_names(self, found: ModelMap | None) -> None:
        """Offer the hook points of the model."""
        offered = [self._view.name] if found is None else [point.short for point in found.points]
        if self._view.name not in offered:
            offered.append(self._view.name)
        if offered != [self.name.itemText(at) for at in range(self.name.count())]:
            self.name.clear()
            self.name.addItems(offered)
        self.name.setCurrentText(self._view.name)

    def _offer_axes(self, found: ActivationSlice | None) -> None:
        """Offer the axes of the activation; the two on screen are chosen."""
        if found is None:
            return
        every = [*(axis.name for axis in found.axes), *(axis.name for axis, _ in found.others)]
        every.sort()
        for box, axis in ((self.down, found.axes[0]), (self.across, found.axes[1])):
            if every != [box.itemText(at) for at in range(box.count())]:
                box.clear()
                box.addItems(every)
            box.setCurrentText(axis.name)

    def _scale(self, found: ActivationSlice | None) -> None:
        """Fit the colours: signed where numbers are, and as far as nearly all of them reach."""
        known = np.zeros(0) if found is None else found.values[found.states == CellState.EXACT]
        sizes = np.abs(known)
        self._is_signed = is_difference(self._view.side) or bool((known < 0).any())
        self._end = float(np.quantile(sizes, REACHED)) if sizes.size else 1.0
        self._end = self._end or float(sizes.max(initial=0.0)) or 1.0

    def _picture(self, found: ActivationSlice) -> Picture:
        values, rows, columns = found.values, *found.axes
        share = np.nan_to_num(values, posinf=0.0, neginf=0.0) / self._end
        if self._is_signed:
            shades = np.rint(128 + HALF * np.clip(share, -1, 1))
        else:
            shades = np.rint(255 * np.clip(share, 0, 1))
        low = f"−{_number(self._end)}" if self._is_signed else "0"
        middle = "0" if self._is_signed else _number(self._end / 2)
        return Picture(
            rows=rows,
            columns=columns,
            shades=shades.astype(np.uint8),
            states=found.states,
            row_names=self._names(rows),
            column_names=self._names(columns),
            overflow=(np.abs(share) > 1.001) & (found.states == CellState.EXACT),
            values=np.where(np.isfinite(values), values, np.nan),
            scale=(_number(self._end), middle, low),
        )

    def _names(self, axis: Axis) -> list[str]:
        """Return what places are called: positions by their tokens."""
        if axis.name not in ("position", "source"):
            return list(axis.labels)
        pair = self.answer("pair", PairReading)
        return names(axis, None if pair is None else getattr(pair, one_side(self._view.side)))

    def _table(self, colors: Theme) -> Table:
        return theme.diverging(colors) if self._is_signed else theme.sequential(colors)

    def _name(self) -> str:
        return script.full_name(self._view.name, self._cursor.layer or 0)

    def _point_words(self, found: ModelMap | None) -> str:
        """Return all that is said of the hook point that is chosen."""
        point = self._point(found)
        return "" if point is None or found is None else words_of(point, found.position)

    def _point(self, found: ModelMap | None) -> MappedPoint | None:
        points = () if found is None else found.points
        return next((point for point in points if point.short == self._view.name), None)

    def _counted(self, found: ActivationSlice) -> str:
        """Say what is shown, of which prompt, and where the other axes stand."""
        whose = CAPTIONS[self._view.side]
        at = [f"{axis.name.replace('_', ' ')} {axis.labels[place]}" for axis, place in found.others]
        point = self._point(self.answer(MAP, ModelMap))
        formula = f" = {point.formula}" if point is not None and point.formula else ""
        end = f"colours to {'±' * self._is_signed}{_number(self._end)}, fitted"
        return ", ".join(filter(None, (f"{self._name()}{formula}", whose, *at, end)))

    def _statistics(self, found: ActivationSlice) -> str:
        """Say mean, norm and largest entries of the whole activation."""
        largest = "; ".join(f"{_number(value)} at {place}" for place, value in found.largest)
        whole = f"All of it: mean {_number(found.mean)}, norm {_number(found.norm)}"
        return f"{whole}. Largest: {largest}."

    def _cell_words(self, row: int, column: int) -> str:
        found, picture = self.answer(SLICE, ActivationSlice), self.heatmap.picture
        if found is None or picture is None:
            return ""
        if row >= found.values.shape[0] or column >= found.values.shape[1]:
            return ""
        said = []
        both = ((row, picture.row_names), (column, picture.column_names))
        for axis, (at, called) in zip(found.axes, both, strict=True):
            name = axis.name.replace("_", " ")
            is_token = axis.name in ("position", "source")
            said.append(f"{name} {at} ‘{called[at]}’" if is_token else f"{name} {at}")
        if found.states[row, column] == CellState.MASKED:
            return f"{', '.join(said)}: not looked at (a later token)"
        return f"{', '.join(said)}: {_number(float(found.values[row, column]), 5)}"

    @Slot(str)
    def _choose_name(self, name: str) -> None:
        self.set_view({"name": name, "down": "", "across": ""})

    @Slot(str, int)
    def _move(self, axis: str, place: int) -> None:
        """Go along an axis: of the selection, if that has it."""
        if axis in LINKED and hasattr(self._cursor, axis):
            layer = {} if self._cursor.layer is None else {"layer": self._cursor.layer}
            self.picked.emit({**layer, axis: place} if axis == "head" else {axis: place})
            return
        if axis == "key_value_head" and self.card is not None:
            group = max(1, self.card.n_heads // max(1, self.card.n_key_value_heads))
            self.picked.emit({"layer": self._cursor.layer or 0, "head": place * group})
            return
        rest = tuple((name, at) for name, at in self._view.places if name != axis)
        self.set_view({"places": tuple(sorted((*rest, (axis, place))))})

    @Slot(int, int, object)
    def _show_verbs(self, row: int, column: int, where: QPoint) -> None:
        """Show what can be done with a cell."""
        if self._document is None:
            return
        found = menus.of_place(self, self._cursor, self._document.pins)
        menus.show_menu(self, [*found, menus.copying(self._cell_words(row, column))], where)


def _said(box: QComboBox, at: int) -> str:
    return box.itemText(at)


def _number(value: float, digits: int = 3) -> str:
    """Return a number with so many figures, a true minus included."""
    return f"{value:.{digits}g}".replace("-", "−")
