"""Where every head looks, and where one head looks exactly."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from lensgui.circuits.questions import Prompt
from lensgui.jobs.answering import Answer
from lensgui.jobs.reports import PairReading
from lensgui.jobs.requests import AttentionGrid, AttentionHead, ReadPair, Request
from lensgui.jobs.slices import Atlas, Slice
from lensgui.panes import snippets, theme
from lensgui.panes.headgrid import HeadGrid
from lensgui.panes.heatmap import Heatmap
from lensgui.panes.pane import Pane
from lensgui.panes.parts import headline
from lensgui.panes.picture import Picture
from lensgui.panes.spelling import is_of, names, percent, visible
from lensgui.state.document import Document
from lensgui.state.selection import Cursor

HIDE_FIRST = "hide position 0"
NO_PROMPT = "Type a prompt to see every head's attention."
NO_HEAD = "Click a head in the grid to see where it looks."


class AttentionPane(Pane):
    """A grid of all heads beside the selected head's attention, token by token."""

    title: ClassVar[str] = "Attention"
    about: ClassVar[str] = "Where each head looks: rows are destinations, columns are sources."

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.slice: Slice | None = None
        self._pair: PairReading | None = None
        self._cursor = Cursor()
        self._is_shared_by_hand = False
        self.side = QComboBox(self)
        self.side.addItems(["clean", "corrupted"])
        self.hide_first = QCheckBox(HIDE_FIRST, self)
        self.hide_first.setChecked(True)
        self.grid = HeadGrid(self)
        self.name = headline("", self)
        self.head = Heatmap(theme.sequential, self._words, square=True, parent=self)
        self._empty_states = {self.grid: NO_PROMPT, self.head: NO_HEAD}
        self._lay_out()
        self._connect()

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Return every head's thumbnail, and the selected head exactly."""
        prompt = self._prompt(document)
        if not prompt.text:
            return {}
        wanted: dict[str, Request] = {
            "pair": ReadPair(document.model, document.pair),
            "grid": AttentionGrid(document.model, prompt, self.hide_first.isChecked()),
        }
        if cursor.layer is not None and cursor.head is not None:
            wanted["head"] = AttentionHead(document.model, prompt, cursor.layer, cursor.head)
        return wanted

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to get the selected head's attention."""
        return snippets.attention(document, cursor, corrupted=self._is_corrupted)

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline the selected head, and its cell."""
        self._cursor = cursor
        self.grid.show_cursor(cursor)
        self.head.show_cursor(cursor)
        chosen = cursor.layer is not None and cursor.head is not None
        self.name.setText(f"L{cursor.layer}H{cursor.head}" if chosen else "")

    def show_answer(self, name: str, answer: Answer) -> None:
        """Fill in the layers known so far, or the head."""
        super().show_answer(name, answer)
        match answer:
            case Atlas():
                self.grid.show_atlas(answer)
                self._share_out()
                self._show_share(answer)
            case Slice():
                self.slice = answer
                self._draw_head()
            case PairReading():
                self._pair = answer
                self._draw_head()

    def show_pending(self, name: str) -> None:
        """Dim what answers an older question."""
        super().show_pending(name)
        if name == "grid":
            self.grid.show_stale()
        elif name == "head":
            self.head.show_stale()

    def clear(self, name: str) -> None:
        """Forget a picture that nobody asks for any more."""
        super().clear(name)
        if name == "grid":
            self.grid.show_atlas(None)
            self.hide_first.setText(HIDE_FIRST)
        elif name == "head":
            self.slice = None
            self.head.show_picture(None)

    @property
    def _is_corrupted(self) -> bool:
        return self.side.currentIndex() == 1

    def _prompt(self, document: Document) -> Prompt:
        pair = document.pair
        return pair.corrupted_prompt if self._is_corrupted else pair.clean_prompt

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the width anew."""
        super().resizeEvent(event)
        self._share_out()

    @Slot()
    def _keep_shares(self) -> None:
        self._is_shared_by_hand = True

    def _share_out(self) -> None:
        """Give the grid the width it can use, but less than half; the head takes the rest."""
        if not self._is_shared_by_hand:
            whole = self._splitter.width()
            wanted = min(self.grid.width_for(self.grid.height()), whole * 9 // 20)
            self._splitter.setSizes([wanted, whole - wanted])

    def _lay_out(self) -> None:
        switches = QHBoxLayout()
        switches.setSpacing(10)
        switches.addWidget(self.side)
        switches.addWidget(self.hide_first)
        switches.addStretch(1)
        left = QWidget(self)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.grid, 1)
        right = QWidget(self)
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.name)
        column.addWidget(self.head, 1)
        splitter = QSplitter(Qt.Orientation.Horizontal, self, childrenCollapsible=False)
        splitter.addWidget(left)
        splitter.addWidget(right)
        splitter.setStretchFactor(1, 1)
        splitter.splitterMoved.connect(self._keep_shares)
        self._splitter = splitter
        self.column.addLayout(switches)
        self.column.addWidget(splitter, 1)

    def _connect(self) -> None:
        for part in (self.grid, self.head):
            part.picked.connect(self.picked)
            part.hovered.connect(self.hovered)
        self.side.currentIndexChanged.connect(self._alter)
        self.hide_first.toggled.connect(self._alter)
        self.side.setAccessibleName("Prompt whose attention is shown")
        self.side.setToolTip("Which prompt's attention is shown.")
        self.hide_first.setAccessibleName("Hide position 0 in the grid")
        self.hide_first.setToolTip(
            "Leave position 0 out of the grid and share each row among the rest: most heads rest "
            "there (an attention sink), which would swamp everything else."
        )
        self.head.setAccessibleName("Attention of the selected head")

    @Slot()
    def _alter(self) -> None:
        self.altered.emit()

    def _show_share(self, atlas: Atlas) -> None:
        known = atlas.first_share[: atlas.layers]
        known = known[np.isfinite(known)]
        share = f" (it holds {percent(float(known.mean()))})" if known.size else ""
        self.hide_first.setText(HIDE_FIRST + share)

    def _draw_head(self) -> None:
        if self.slice is None:
            return
        rows, columns = self.slice.axes
        reading = getattr(self._pair, self.side.currentText(), None)
        marked = frozenset(self._pair.differing if self._pair and is_of(rows, reading) else ())
        self.head.show_picture(
            Picture(
                rows=rows,
                columns=columns,
                shades=(np.nan_to_num(self.slice.values).clip(0, 1) * 255).astype(np.uint8),
                states=self.slice.states,
                row_names=names(rows, reading),
                column_names=names(columns, reading),
                marked=marked,
                marked_rows=marked,
                numbers=self._number,
                scale=("1.0", "0.5", "0.0"),
            )
        )
        self.head.show_cursor(self._cursor)

    def _number(self, row: int, column: int) -> str:
        if self.slice is None or self.slice.values[row, column] < 0.005:
            return ""
        return f"{self.slice.values[row, column]:.2f}".lstrip("0") or "0"

    def _words(self, row: int, column: int) -> str:
        if self.slice is None:
            return ""
        rows, columns = self.slice.axes
        ends = (
            f"‘{visible(rows.labels[row])}’ ({rows.coordinates[row]}) → "
            f"‘{visible(columns.labels[column])}’ ({columns.coordinates[column]})"
        )
        if (columns.coordinates[column] or 0) > (rows.coordinates[row] or 0):
            return f"{self.name.text()} · {ends}: masked, a causal model never looks ahead"
        return f"{self.name.text()} · {ends}: {self.slice.values[row, column]:.3f}"
