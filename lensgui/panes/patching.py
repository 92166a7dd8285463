"""Where the answer lives: activation patching of the residual stream."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QWidget

from lensgui.jobs.requests import Patching, ReadPair, Request
from lensgui.jobs.slices import Answer, CellState, PairReading, Sweep
from lensgui.panes import snippets, theme
from lensgui.panes.heatmap import Heatmap
from lensgui.panes.pane import Pane
from lensgui.panes.parts import caption, sentence
from lensgui.panes.picture import Picture
from lensgui.panes.spelling import is_of, names, signed, visible
from lensgui.state.document import Document
from lensgui.state.selection import Cursor

UNCHANGED = (
    "unchanged: before the first differing token, so exactly the corrupted value (causality)"
)
EMPTY_STATE = (
    "Type a corrupted prompt with as many tokens as the clean one, and the sweep starts by itself."
)
WORDS = {
    CellState.UNKNOWN: "not computed yet",
    CellState.FAILED: "could not be computed",
    CellState.NOT_FINITE: "not a finite number",
    CellState.UNCHANGED: UNCHANGED,
}


class PatchingPane(Pane):
    """How much of the answer each place of the clean residual stream restores."""

    title: ClassVar[str] = "Activation patching"
    about: ClassVar[str] = (
        "The clean residual stream is put into the corrupted run, one layer and position at a time."
    )

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sweep: Sweep | None = None
        self._pair: PairReading | None = None
        self._cursor = Cursor()
        self.legend = caption("", self)
        self.legend.setToolTip(
            "Blue cells restore the clean answer, red ones push further from it; 0 changes nothing."
        )
        self.refusal = sentence(self)
        self.refusal.hide()
        self.heatmap = Heatmap(theme.diverging, self._words, parent=self)
        self.heatmap.setAccessibleName("Activation patching by layer and position")
        self._empty_states = {self.heatmap: EMPTY_STATE}
        self.heatmap.picked.connect(self.picked)
        self.heatmap.hovered.connect(self.hovered)
        self.column.addWidget(self.legend)
        self.column.addWidget(self.refusal)
        self.column.addWidget(self.heatmap, 1)

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Return a sweep over layers and positions, once there are two prompts."""
        if not document.pair.is_complete:
            return {}
        return {
            "pair": ReadPair(document.model, document.pair),
            "sweep": Patching(document.model, document.pair),
        }

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to compute the sweep."""
        return snippets.patching(document)

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline the selected layer and position."""
        self._cursor = cursor
        self.heatmap.show_cursor(cursor)

    def show_answer(self, name: str, answer: Answer) -> None:
        """Fill in the cells swept so far."""
        super().show_answer(name, answer)
        if isinstance(answer, Sweep):
            self.sweep = answer
            self._draw()
        elif isinstance(answer, PairReading):
            self._pair = answer
            self._draw()

    def show_pending(self, name: str) -> None:
        """Dim what answers an older question."""
        super().show_pending(name)
        if name == "sweep":
            self.heatmap.show_stale()

    def clear(self, name: str) -> None:
        """Forget a sweep that nobody asks for any more."""
        super().clear(name)
        if name == "sweep":
            self.sweep = None
            self.legend.setText("")
            self.refusal.hide()
            self.heatmap.show_picture(None)

    def _draw(self) -> None:
        sweep = self.sweep
        if sweep is None:
            return
        self.refusal.setText(sweep.refusal)
        self.refusal.setVisible(bool(sweep.refusal))
        unit = "logits" if sweep.refusal else "of clean − corrupted"
        self.legend.setText(f"change of the logit difference, {unit}")
        shown, limit = scaled(sweep)
        rows, columns = sweep.axes
        reading = self._pair.corrupted if self._pair else None
        is_current = self._pair is not None and is_of(columns, reading)
        ends = (signed(limit, 1), "0", signed(-limit, 1))
        self.heatmap.show_picture(
            Picture(
                rows=rows,
                columns=columns,
                shades=shades(shown),
                states=sweep.states,
                row_names=[visible(label) for label in rows.labels],
                column_names=names(columns, reading),
                marked=frozenset(self._pair.differing if self._pair and is_current else ()),
                overflow=np.abs(shown) > 1.005,
                numbers=lambda row, column: _number(float(shown[row, column] * limit)),
                scale=ends,
            )
        )

    def _words(self, row: int, column: int) -> str:
        if self.sweep is None:
            return ""
        rows, columns = self.sweep.axes
        place = (
            f"L{rows.coordinates[row]} · position {columns.coordinates[column]} "
            f"‘{visible(columns.labels[column])}’"
        )
        return f"{place}: {cell_words(self.sweep, row, column)}"


def _number(value: float) -> str:
    return signed(value, 2) if abs(value) >= 0.005 else "0"


def cell_words(sweep: Sweep, row: int, column: int) -> str:
    """Return what one cell of a sweep says, with every number it stands for."""
    state = CellState(int(sweep.states[row, column]))
    if state in WORDS:
        return WORDS[state]
    change = float(sweep.values[row, column])
    ends = f"from {signed(sweep.corrupted)} to {signed(sweep.corrupted + change)}"
    raw = f"{signed(change)} logits, {ends}"
    estimate = "estimate: " if state is CellState.ESTIMATE else ""
    if sweep.refusal:
        return estimate + raw
    share = change / (sweep.clean - sweep.corrupted)
    return f"{estimate}{signed(share)} of clean − corrupted ({raw}; 0 is corrupted, 1 is clean)"


def scaled(sweep: Sweep) -> tuple[NDArray[np.float32], float]:
    """Return values on a scale from −1 to 1, and what 1 stands for.

    Shares keep the fixed scale; raw logits, shown where shares are undefined, take the larger of
    the two runs' distance and the largest change.
    """
    values = np.nan_to_num(sweep.values)
    distance = float(np.nan_to_num(sweep.clean - sweep.corrupted))
    if not sweep.refusal and distance:
        return values / np.float32(distance), 1.0
    limit = max(abs(distance), float(np.abs(values).max(initial=0)), 0.1)
    return values / np.float32(limit), limit


def shades(shown: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return indices into a diverging table: −1 is 1, 0 is 128, 1 is 255."""
    index: NDArray[np.uint8] = np.rint(shown.clip(-1, 1) * 127 + theme.NEUTRAL).astype(np.uint8)
    return index
