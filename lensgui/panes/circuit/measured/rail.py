"""Beside the board: how well what is on it stands for the model, and what each node matters."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from lensgui.jobs.answers.circuits import CircuitReading, CurveReading
from lensgui.panes.circuit.board_choices import BESIDE
from lensgui.panes.circuit.measured import completeness, curve_plot, suggesting
from lensgui.panes.circuit.measured.completeness import COMPLETENESS, CompletenessPlot, farthest
from lensgui.panes.circuit.measured.curve_plot import CurvePlot
from lensgui.panes.circuit.measured.explained import PARTS, ExplainedView, sheet
from lensgui.panes.circuit.measured.suggesting import Suggesting
from lensgui.panes.controls.chooser import Chooser
from lensgui.panes.controls.controls import Lines, headline
from lensgui.panes.figures.figure import Bars, Data, numbered
from lensgui.panes.figures.shown import Shown
from lensgui.panes.python.figures import NO_CODE, Code
from lensgui.panes.sweep_view.panels import cloud
from lensgui.panes.sweep_view.whiskers import Whisker, Whiskers
from lensgui.panes.token_text import plain_tip, signed
from lensgui.state.selection import Cursor
from lensgui.state.views import Beside
from lensgui.terms.circuits.nodes import node_of
from lensgui.terms.metrics import METRICS

MINIMALITY = "without each node"
ABOUT_MINIMALITY = (
    "How much the metric of the circuit changes when this node goes too: 0 could go (minimality, "
    "Wang et al. 2022). Click a row to select it."
)
ABOUT_FAITHFULNESS = (
    "(circuit − nothing) / (whole model − nothing): 0 is nothing, 1 the whole model. A circuit "
    "above 1 leaves out what works against the answer. Of several pairs the ratio of the means, "
    "with where it lies in 95 % of resamples of the pairs."
)


class Rail(QWidget):
    """Faithfulness with its caption and its three raw numbers, and one picture below.

    Attributes:
        picked: (fields,) the Cursor fields of a node that was clicked.
        hovered: (words,) what is under the pointer.
    """

    picked = Signal(object)
    hovered = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.beside: Chooser[Beside] = Chooser("What stands beside it", [("", BESIDE)], self)
        self.sets = CompletenessPlot(self)
        self.sets.picked.connect(self.picked)
        self.sets.hovered.connect(self.hovered)
        self.ratio, self.numbers, self.caption = headline("", self), Lines(4, self), Lines(5, self)
        self.ratio.setToolTip(plain_tip(ABOUT_FAITHFULNESS))
        self.bars = Whiskers(self, is_whole=True)
        self.bars.setAccessibleName("What the circuit loses without each node")
        self.bars.setToolTip(plain_tip(ABOUT_MINIMALITY))
        self.bars.picked.connect(self.picked)
        self.bars.hovered.connect(self.hovered)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 0, 0, 0)
        room = QScrollArea(self)
        room.setWidgetResizable(True)
        room.setFrameShape(QFrame.Shape.NoFrame)
        room.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        room.setWidget(self.bars)
        self.curve, self._room, self._title = CurvePlot(self), room, Lines(2, self)
        self.curve.hovered.connect(self.hovered)
        for part in (self.ratio, self.numbers, self.caption, self.beside, self._title):
            column.addWidget(part)
        self.parts = ExplainedView(self)
        self.parts.picked.connect(self.picked)
        self._rest = QWidget(self)  # below what is said of a search
        for picture in (room, self.sets, self.parts, self.curve, self._rest):
            column.addWidget(picture, 1)

    def show_reading(
        self,
        found: CircuitReading | None,
        cursor: Cursor,
        beside: Beside,
        where: str,
        again: str,
        *,
        is_stale: bool,
    ) -> None:
        """Show what is known; None for nothing.

        Args:
            found: That.
            cursor: What is selected.
            beside: What of it is shown below the numbers.
            where: On which prompts it is measured, in words; "" for all that there are.
            again: The faithfulness with something else in place of what is cut, in words.
            is_stale: Whether it answers an older question.
        """
        self._show_parts(beside if found is not None or beside == "parts" else "minimality")
        self.beside.show_value(beside)
        self._title.setText(self._heading(found, beside))
        self._title.setToolTip(plain_tip(self._title.text()))
        self.sets.show_reading(found)
        self.sets.scatter.show_stale(is_stale)
        self.ratio.setText(said(found) if found is not None else "")
        told = (numbers(found), again) if found is not None else ()
        self.numbers.setText("; ".join(filter(None, told)))
        self.caption.setText("; ".join(filter(None, (where, found.caption))) if found else "")
        for part in (self.numbers, self.caption):
            part.setToolTip(plain_tip(part.text()))
        rows = whiskers(found) if found is not None else ()
        self.bars.show_whiskers(rows, cursor, "" if found is not None else "not known yet")
        self.bars.show_stale(is_stale)

    def show_curve(self, found: CurveReading | None, *, is_stale: bool) -> None:
        """Show circuits by size instead; None for nothing."""
        self._show_parts("curve")
        known = found is not None and bool(np.isfinite(found.faithfulness).any())
        self.ratio.setText("faithfulness by size" if known else "")
        drawn = found.drawn.shape[1] if found is not None else 0
        words = f"grey: {drawn} circuits of as many edges drawn at random for each size"
        self.numbers.setText(words if known else "")
        self.caption.setText(found.caption if found is not None else "")
        for part in (self.numbers, self.caption):
            part.setToolTip(plain_tip(part.text()))
        self.curve.show_reading(found)
        self.curve.show_stale(is_stale)

    def _show_parts(self, which: str) -> None:
        self.curve.setVisible(which == "curve")
        self._room.setVisible(which == "minimality")
        self.sets.setVisible(which == "completeness")
        self.parts.setVisible(which == "parts")
        self._rest.setVisible(which == "search")
        for part in (self.beside, self._title):
            part.setVisible(which not in ("curve", "search"))

    def show_search(self, search: Suggesting) -> None:
        """Show how far a circuit is found instead."""
        found = search.reading
        self._show_parts("search")
        self.ratio.setText(suggesting.said(found))
        self.numbers.setText(suggesting.numbers(found))
        self.caption.setText(suggesting.stage(found, is_of_others=search.is_of_others))
        for part in (self.numbers, self.caption):
            part.setToolTip(plain_tip(part.text()))

    def _heading(self, found: CircuitReading | None, beside: Beside) -> str:
        of = unit(found) if found is not None else ""
        if beside == "parts":
            return PARTS + f"; numbers are estimates (EAP-IG){f', in{of}' if of else ''}"
        if beside == "minimality":
            sets = len(found.knockouts) if found is not None else 0
            return MINIMALITY + f", the largest over {sets + 1} sets" * bool(sets)
        apart = farthest(found) if found is not None else np.nan
        known = f": at most {apart:.2f} apart"
        return COMPLETENESS + known * bool(np.isfinite(apart))

    def pictures(
        self,
        reading: CircuitReading | None,
        curve: CurveReading | None,
        beside: Beside,
        *,
        is_stale: bool,
    ) -> list[Shown]:
        """Return what is shown as it is taken home, the curve where there is one.

        Args:
            reading: What is known of the circuit.
            curve: What is known of circuits by size, where these are shown instead.
            beside: What is shown of the circuit.
            is_stale: Whether it answers an older question.
        """
        if curve is not None:
            values = "torch.stack([curve.faithfulness, curve.drawn_faithfulness.mean(1)])"
            says = f"Faithfulness by size. {curve.caption}."
            drawn = (curve_plot.lines(curve),)
            return [Shown(self.curve, "by size", drawn, says, is_stale, code=Code((values,)))]
        if reading is None:
            return []
        says = f"{said(reading)}. {numbers(reading)}. {reading.caption}"
        if beside == "parts" and self.parts.shown:
            rows = (sheet(self.parts.shown),)
            return [Shown(self.parts, PARTS, rows, says, is_stale, code=NO_CODE)]
        if beside == "completeness":
            if not np.isfinite(reading.completeness).all(0).any():
                return []
            drawn_ = (cloud(completeness.points(reading)),)
            values = "torch.tensor([(one.model, one.circuit) for one in measured.completeness]).T"
            return [Shown(self.sets, COMPLETENESS, drawn_, says, is_stale, code=Code((values,)))]
        if not (bars := panels(reading)):
            return []
        values = f"[measured.minimality[node_of(name)] for name in {bars[0].names!r}]"
        return [Shown(self.bars, MINIMALITY, bars, says, is_stale, code=Code((values,)))]


def unit(found: CircuitReading) -> str:
    """Return the metric's unit with a space before it; "" for none."""
    return f" {METRICS[found.metric_name].unit}".rstrip()


def said(found: CircuitReading) -> str:
    """Return the faithfulness, with its interval."""
    if not np.isfinite(found.faithfulness):
        return "faithfulness undefined: nothing scores as the whole model"
    low, high = found.ends
    ends = f" (95 %: {low:.2f} to {high:.2f})" if np.isfinite(low) else ""
    return f"faithfulness {found.faithfulness:.2f}{ends}".replace("-", "−")


def again(found: CircuitReading | None, name: str) -> str:
    """Return the faithfulness with something else in place of what is cut; "" while unknown."""
    if found is None or found.pairs < found.total_pairs or not np.isfinite(found.faithfulness):
        return ""
    return f"with {name} in its place: faithfulness {found.faithfulness:.2f}".replace("-", "−")


def numbers(found: CircuitReading) -> str:
    """Return the three raw numbers."""
    parts = ((found.circuit, "circuit"), (found.empty, "nothing"), (found.model, "whole model"))
    each = ", ".join(f"{name} {signed(value)}" for value, name in parts)
    pairs = ""
    if found.total_pairs > 1:
        so_far = " so far" if found.pairs < found.total_pairs else ""
        pairs = f"; mean of {found.pairs} pairs{so_far}"
    one = "; one pair, so no interval" if found.total_pairs == 1 else ""
    return f"{found.metric_name}: {each}{unit(found)}{pairs}{one}"


def whiskers(found: CircuitReading) -> tuple[Whisker, ...]:
    """Return a row for each node that is known, the largest first."""
    rows = []
    for name, value in zip(found.parts, found.minimality.tolist(), strict=True):
        if np.isfinite(value):
            node = node_of(name)
            places = {"layer": node.layer, "head": node.head}
            fields = {field: at for field, at in places.items() if at is not None}
            words = f"{name}: {signed(value)}{unit(found)} of change when it goes too"
            rows.append(Whisker(name, fields, value, value, value, words))
    return tuple(sorted(rows, key=lambda row: -row.mean))


def panels(found: CircuitReading) -> tuple[Bars, ...]:
    """Return the rows as they are taken home; () for none."""
    rows = whiskers(found)
    if not rows:
        return ()
    values = np.array([row.mean for row in rows], np.float64)
    names = [row.name for row in rows]
    counted = f"change of {found.metric_name},{unit(found)}".removesuffix(",")
    data = Data((numbered("node", names),), {"change": values})
    return (Bars("", names, values, [signed(row.mean) for row in rows], counted, data),)
