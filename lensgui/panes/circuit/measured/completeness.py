"""Completeness: the circuit without sets of its nodes, against the whole model without them."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, Signal, Slot
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from lensgui.jobs.answers.circuits import CircuitReading
from lensgui.panes.scatter.point_plot import Points
from lensgui.panes.scatter.scatter import Scatter
from lensgui.panes.token_text import signed
from lensgui.terms.circuits.nodes import node_of
from lensgui.terms.kinds import Head
from lensgui.terms.metrics import METRICS

COMPLETENESS = "without sets of nodes"
ABOUT_COMPLETENESS = (
    "Each point is a set of nodes: the metric of the whole model without it, and of the circuit "
    "without it. On the diagonal both lose the same, so the circuit is complete (Wang et al. "
    "2022). Sets are groups of the board, and others drawn at random; click one to select its "
    "heads."
)
DRAWN = "drawn at random"
SHOWN = 8  # names of a set


class CompletenessPlot(QWidget):
    """A point for each set.

    Attributes:
        picked: (fields,) the Cursor fields of the heads of the set that was clicked.
        hovered: (words,) the set under the pointer.
    """

    picked = Signal(object)
    hovered = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sets: tuple[tuple[str, tuple[str, ...]], ...] = ()
        self.scatter = Scatter("Circuit and model without sets of nodes", ABOUT_COMPLETENESS, self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.scatter)
        self.scatter.picked.connect(self._pick)
        self.scatter.hovered.connect(self.hovered)
        self.scatter.menu_requested.connect(self._pass_on)

    def show_reading(self, found: CircuitReading | None) -> None:
        """Draw the sets that are known; None for nothing."""
        known = _known(found) if found is not None else []
        self._sets = tuple(found.knockouts[at] for at in known) if found is not None else ()
        self.scatter.show_points(points(found) if found is not None and known else None)

    @Slot(int)
    def _pick(self, number: int) -> None:
        _, members = self._sets[number]
        heads = heads_of(members)
        self.scatter.show_chosen(number)
        if heads:
            layer, head = heads[-1]
            several = heads if len(heads) > 1 else ()
            self.picked.emit({"layer": layer, "head": head, "heads": several})

    @Slot(object, object)
    def _pass_on(self, number: int | None, where: QPoint) -> None:
        """Let the pane offer what can be done with the plot."""
        reason = QContextMenuEvent.Reason.Mouse
        QApplication.sendEvent(self, QContextMenuEvent(reason, self.mapFromGlobal(where), where))


def heads_of(names: tuple[str, ...]) -> tuple[Head, ...]:
    """Return the heads among some nodes, by their labels."""
    places = (node_of(name).place for name in names)
    return tuple(place for place in places if place is not None)


def points(found: CircuitReading) -> Points:
    """Return a point for each set that is known."""
    known = _known(found)
    circuit, model = found.completeness[:, known].astype(np.float64)
    sets = [found.knockouts[at] for at in known]
    unit = f" {METRICS[found.metric_name].unit}".rstrip()

    def describe(number: int) -> str:
        name, members = sets[number]
        more = f" and {len(members) - SHOWN} more" * (len(members) > SHOWN)
        listed = ", ".join(members[:SHOWN]) + more
        return (
            f"{name}, {listed}: circuit without {signed(circuit[number])}, whole model without "
            f"{signed(model[number])}{unit}"
        )

    names = [f"random {at + 1}" if name == DRAWN else name for at, (name, _) in enumerate(sets)]
    titles = f"whole model without,{unit}".removesuffix(","), "circuit without"
    return Points(model, circuit, names, describe, *titles, is_diagonal=True)


def farthest(found: CircuitReading) -> float:
    """Return the largest |circuit without − model without| over the sets; NaN for none."""
    circuit, model = found.completeness
    known = _known(found)
    return float(np.abs(circuit - model)[known].max()) if known else float("nan")


def _known(found: CircuitReading) -> list[int]:
    return np.flatnonzero(np.isfinite(found.completeness).all(0)).tolist()
