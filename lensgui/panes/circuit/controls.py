"""What is chosen above the circuit board, and what is done with it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QToolButton, QWidget

from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.circuit import board_groups as groups
from lensgui.panes.circuit.board_choices import (
    BANDS,
    COUNTS,
    MEASURED,
    NODES,
    RANKINGS,
    REFERENCES,
)
from lensgui.panes.controls.chooser import Chooser
from lensgui.panes.controls.controls import button
from lensgui.panes.controls.flow import Flow
from lensgui.panes.token_text import plain_tip
from lensgui.state.views import BoardNodes, BoardView, Measured
from lensgui.terms.circuits.graph import Ranking
from lensgui.terms.circuits.nodes import Reference


class BoardControls(QWidget):
    """Rows of choices and buttons.

    Attributes:
        chosen: (changes,) fields of the view that the user set otherwise.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.reference: Chooser[Reference] = Chooser("What stands in", [("", REFERENCES)], self)
        self.nodes: Chooser[BoardNodes] = Chooser("Which nodes", [("", NODES)], self)
        self.by: Chooser[Ranking] = Chooser("How edges are ranked", [("", RANKINGS)], self)
        self.most: Chooser[int] = Chooser("How many edges", [("", COUNTS)], self)
        self.measured: Chooser[Measured] = Chooser("What is measured", [("", MEASURED)], self)
        self.band: Chooser[float] = Chooser("Band of a suggestion", [("", BANDS)], self)
        self.suggest = _toggle("suggest_circuit", self)
        self.menu = button(PANE_ACTIONS["circuit_menu"], self)
        self.exact = _toggle("check_edges", self)
        self.fades, self.free = _toggle("board_paths", self), _toggle("board_free", self)
        self.tidy = button(PANE_ACTIONS["board_tidy"], self)
        self.pin = button(PANE_ACTIONS["pin_board"], self)
        self.group = button(PANE_ACTIONS["group_heads"], self)
        self.name = QLineEdit(self)
        self.name.setAccessibleName("Name of the group")
        self.name.setPlaceholderText("name of the group")
        self.name.setMaxLength(groups.LONGEST)
        self.name.setToolTip(
            plain_tip("What the selected heads are called as a group; Return renames one.")
        )
        row = Flow(self, spacing=6)
        for part in (
            *(self.reference, self.nodes, self.by, self.most, self.measured),
            *(self.suggest, self.band, self.menu),
            *(self.exact, self.fades, self.free, self.tidy, self.pin, self.group, self.name),
        ):
            part.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            row.addWidget(part)
        self._connect()

    def _connect(self) -> None:
        self.reference.chosen.connect(lambda to: self.chosen.emit({"reference": to}))
        self.nodes.chosen.connect(lambda to: self.chosen.emit({"nodes": to}))
        self.by.chosen.connect(lambda to: self.chosen.emit({"by": to}))
        self.most.chosen.connect(lambda to: self.chosen.emit({"most": to}))
        self.measured.chosen.connect(lambda to: self.chosen.emit({"measured": to}))
        self.band.chosen.connect(lambda to: self.chosen.emit({"band": to}))
        self.exact.clicked.connect(lambda is_on: self.chosen.emit({"is_exact": is_on}))
        self.fades.clicked.connect(lambda is_on: self.chosen.emit({"fades": is_on}))
        self.free.clicked.connect(lambda is_on: self.chosen.emit({"is_free": is_on, "places": ()}))
        self.tidy.clicked.connect(lambda: self.chosen.emit({"places": ()}))

    def show_view(self, view: BoardView) -> None:
        """Show how the board is set."""
        for chooser, value in (
            (self.reference, view.reference),
            (self.nodes, view.nodes),
            (self.by, view.by),
            (self.most, view.most),
            (self.measured, view.measured),
            (self.band, view.band),
        ):
            chooser.show_value(value)
        for switch, is_on in (
            (self.exact, view.is_exact),
            (self.fades, view.fades),
            (self.free, view.is_free),
        ):
            switch.setChecked(is_on)
        self.tidy.setEnabled(bool(view.places))

    def show_search(self, *, is_on: bool) -> None:
        """Show whether a circuit is looked for."""
        self.suggest.setChecked(is_on)
        self.suggest.setText("Stop" if is_on else PANE_ACTIONS["suggest_circuit"].text)

    def show_group(self, name: str, count: int) -> None:
        """Show what the selected heads are called as a group; "" while they are none.

        Args:
            name: That.
            count: How many are selected.
        """
        self.group.setText("Ungroup" if name else PANE_ACTIONS["group_heads"].text)
        for part in (self.group, self.name):
            part.setEnabled(count > 1)
        if not self.name.hasFocus() or name:
            self.name.setText(name)


def _toggle(name: str, parent: QWidget) -> QToolButton:
    """Return a button that stays pressed."""
    made = button(PANE_ACTIONS[name], parent)
    made.setCheckable(True)
    return made
