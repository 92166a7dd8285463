"""How good the first-order estimate was on this very pair: each cell, estimate against exact."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, Signal, Slot
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from lensgui.jobs.answers.arrays import CellState, Sweep
from lensgui.panes.scatter.point_plot import Points
from lensgui.panes.scatter.scatter import Scatter
from lensgui.panes.sweep_view import cells, faces
from lensgui.panes.sweep_view.faces import Setting
from lensgui.panes.token_text import signed
from lensgui.state.selection import Cursor


class EstimatePlot(QWidget):
    """A point for each cell whose exact value is known.

    Attributes:
        picked: (fields,) the Cursor fields of the point that was clicked.
        hovered: (words,) the point under the pointer.
    """

    picked = Signal(object)
    hovered = Signal(str)
    verb_requested = Signal(str, int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._face: Sweep | None = None
        self._group = 1
        self._places: list[tuple[int, ...]] = []
        self.scatter = Scatter(
            "Estimate against exact",
            "Each cell's first-order estimate and its exact value; click a point to select it.",
            self,
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.scatter)
        self.scatter.picked.connect(self._pick)
        self.scatter.hovered.connect(self.hovered)
        self.scatter.verb_requested.connect(self._act)
        self.scatter.menu_requested.connect(self._pass_on)

    def show_face(self, face: Sweep, setting: Setting, where: str, cursor: Cursor) -> None:
        """Draw a sweep of two axes that has estimates.

        Args:
            face: The sweep.
            setting: What marks depend on.
            where: Its place in a larger sweep, in words; "" if it is a whole one.
            cursor: What is selected.
        """
        group = setting.group
        self._face, self._group = face, group
        found = np.argwhere(face.states == CellState.EXACT)
        self._places = [tuple(place) for place in found.tolist()]
        self.scatter.show_points(_points(face, self._places, where))
        cell = cells.cell_of(face, cursor, group)
        pins = faces.pinned_cells(face, setting.pins, setting.fixed, group)
        number = {place: at for at, place in enumerate(self._places)}
        pinned = [number[pin] for pin in pins if pin in number]
        self.scatter.show_chosen(number.get(cell) if cell is not None else None, pinned)

    @Slot(object, object)
    def _pass_on(self, number: int | None, where: QPoint) -> None:
        """Let the pane offer what can be done with the plot: points have no verbs."""
        reason = QContextMenuEvent.Reason.Mouse
        QApplication.sendEvent(self, QContextMenuEvent(reason, self.mapFromGlobal(where), where))

    @Slot(str, int)
    def _act(self, verb: str, number: int) -> None:
        row, column = self._places[number]
        self.verb_requested.emit(verb, row, column)

    @Slot(int)
    def _pick(self, number: int) -> None:
        if self._face is not None:
            self.picked.emit(cells.cursor_at(self._face, self._places[number], self._group))


def _points(face: Sweep, places: list[tuple[int, ...]], where: str) -> Points:
    assert face.estimates is not None
    index = tuple(np.array(places, int).reshape(-1, 2).T)
    exact, estimates = (
        part[index].astype(np.float64) / face.scale for part in (face.values, face.estimates)
    )
    unit = face.shown_unit
    names = [cells.cell_name(face, *place) for place in places]

    def describe(number: int) -> str:
        both = f"exact {signed(exact[number])}, estimate {signed(estimates[number])}"
        return f"{names[number]}: {both} {unit}"

    titles = f"exact, {unit}" + f" · {where}" * bool(where), "estimate"
    return Points(exact, estimates, names, describe, *titles, is_diagonal=True)
