"""Where the answer lives: activation patching of every place of one kind."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from lensgui.jobs.answering import Answer
from lensgui.jobs.reports import ModelCard, PairReading
from lensgui.jobs.requests import ReadPair, Request
from lensgui.jobs.slices import Sweep
from lensgui.panes import cells, snippets, theme
from lensgui.panes.chooser import Chooser
from lensgui.panes.heatmap import Heatmap
from lensgui.panes.kinds import DIRECTIONS, KINDS
from lensgui.panes.pane import Pane
from lensgui.panes.parts import caption, sentence
from lensgui.panes.picture import Picture
from lensgui.panes.spelling import is_of, names, signed, visible
from lensgui.state.document import Document
from lensgui.state.selection import Cursor

EMPTY_STATE = (
    "Type a corrupted prompt with as many tokens as the clean one, and the sweep starts by itself."
)
AXIS_NAMES = {"key_value_head": "key/value head"}


class PatchingPane(Pane):
    """How much each place of one run moves the answer of the other.

    Attributes:
        number: Which of the document's views it shows.
    """

    title: ClassVar[str] = "Activation patching"
    about: ClassVar[str] = "One run's activations are put into the other, one place at a time."
    number: ClassVar[int] = 0

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sweep: Sweep | None = None
        self._document: Document | None = None
        self._pair: PairReading | None = None
        self._group = 1
        self._cursor = Cursor()
        self.kind = Chooser("Kind of activation that is patched", KINDS, self)
        self.direction = Chooser("Direction of patching", DIRECTIONS, self)
        self.direction.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.direction.setSizeAdjustPolicy(Chooser.SizeAdjustPolicy.AdjustToContents)
        self.legend = caption("", self)
        self.legend.setWordWrap(True)
        self.legend.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.refusal = sentence(self)
        self.refusal.hide()
        self.heatmap = Heatmap(theme.diverging, self._words, parent=self)
        self.heatmap.setAccessibleName(self.title)
        self._empty_states = {self.heatmap: EMPTY_STATE}
        self.kind.chosen.connect(self._edit_kind)
        self.direction.chosen.connect(self._edit_direction)
        self.heatmap.picked.connect(self.picked)
        self.heatmap.hovered.connect(self.hovered)
        choices = QHBoxLayout()
        choices.setSpacing(6)
        choices.addWidget(self.kind, 1)
        choices.addWidget(self.direction)
        self.column.addLayout(choices)
        self.column.addWidget(self.legend)
        self.column.addWidget(self.refusal)
        self.column.addWidget(self.heatmap, 1)

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Return a sweep over all places of the chosen kind, once there are two prompts."""
        if not document.pair.is_complete:
            return {}
        return {
            "pair": ReadPair(document.model, document.pair),
            "sweep": document.patching(self.number),
        }

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to compute the sweep."""
        return snippets.patching(document, self.number)

    def show_card(self, card: ModelCard) -> None:
        """Take note of how many heads share their keys and values."""
        super().show_card(card)
        self._group = cells.group_size(card)

    def show_document(self, document: Document) -> None:
        """Show what is patched, and which way."""
        self._document = document
        view = document.views[self.number]
        self.kind.show_value(view.kind)
        self.direction.show_value(view.direction)

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline the selected cell."""
        self._cursor = cursor
        if self.sweep is not None:
            cursor = cells.cursor_on(self.sweep, cursor, self._group)
        self.heatmap.show_cursor(cursor)

    def expect(self, name: str) -> None:
        """Say again what to do while there is nothing to see."""
        super().expect(name)
        if name == "sweep":
            self._say_if_empty(self._empty_states)

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

    def show_failure(self, name: str, sentence: str) -> None:
        """Say why there is no sweep, and nothing else."""
        super().show_failure(name, sentence)
        if name == "sweep":
            self._say_if_empty({self.heatmap: ""})

    def clear(self, name: str) -> None:
        """Forget a sweep that nobody asks for any more."""
        super().clear(name)
        if name == "sweep":
            self.sweep = None
            self.legend.setText("")
            self.refusal.hide()
            self.heatmap.show_picture(None)
            self._say_if_empty(self._empty_states)

    @Slot(object)
    def _edit_kind(self, kind: object) -> None:
        self._edit_view(kind=kind)

    @Slot(object)
    def _edit_direction(self, direction: object) -> None:
        self._edit_view(direction=direction)

    def _edit_view(self, **changes: object) -> None:
        if self._document is not None:
            self.edited.emit({"views": self._document.with_view(self.number, **changes)})

    def _draw(self) -> None:
        sweep = self.sweep
        if sweep is None:
            return
        self.refusal.setText(sweep.refusal)
        self.refusal.setVisible(bool(sweep.refusal))
        self.legend.setText(cells.legend(sweep))
        self.legend.setToolTip(cells.legend_tip(sweep))
        shown, limit = cells.scaled(sweep)
        rows, columns = cells.cursor_axes(sweep, self._group)
        reading = self._pair.corrupted if self._pair else None
        is_current = self._pair is not None and is_of(columns, reading)
        counted = AXIS_NAMES.get(sweep.axes[1].name, sweep.axes[1].name)
        self.heatmap.setAccessibleName(f"{self.title} by layer and {counted}")
        self.heatmap.show_picture(
            Picture(
                rows=rows,
                columns=columns,
                shades=cells.shades(shown),
                states=sweep.states,
                row_names=[visible(label) for label in rows.labels],
                column_names=names(columns, reading),
                marked=frozenset(self._pair.differing if self._pair and is_current else ()),
                overflow=np.abs(shown) > 1.005,
                numbers=lambda row, column: _number(float(shown[row, column] * limit)),
                scale=(signed(limit, 1), "0", signed(-limit, 1)),
            )
        )
        self.show_cursor(self._cursor)

    def _words(self, row: int, column: int) -> str:
        if self.sweep is None:
            return ""
        name = cells.cell_name(self.sweep, row, column)
        return f"{name}: {cells.cell_words(self.sweep, row, column)}"


def _number(value: float) -> str:
    return signed(value, 2) if abs(value) >= 0.005 else "0"


class SecondPatchingPane(PatchingPane):
    """Another sweep beside the first."""

    title: ClassVar[str] = "Patching 2"
    number: ClassVar[int] = 1


class ThirdPatchingPane(PatchingPane):
    """A third sweep."""

    title: ClassVar[str] = "Patching 3"
    number: ClassVar[int] = 2
