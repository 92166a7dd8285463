"""Through which of its inputs a set of heads is fed: all paths together, and which to show."""

from __future__ import annotations

from functools import partial

import numpy as np
from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QFontMetrics, QPalette
from PySide6.QtWidgets import QButtonGroup, QToolButton, QWidget

from lensgui.jobs.answers.arrays import Axis, CellState, Sweep
from lensgui.panes import theme
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.controls import button
from lensgui.panes.controls.flow import Flow
from lensgui.panes.figures.figure import Bars, Data
from lensgui.panes.sweep_view import cells
from lensgui.panes.token_text import percent, plain_tip, precise, signed
from lensgui.terms.kinds import HeadInput

INPUTS: dict[HeadInput, tuple[str, str]] = {
    "q": ("queries", "what the heads look for"),
    "k": ("keys", "what the heads' sources are found by, shared within a group of heads"),
    "v": ("values", "what the heads hand on, shared within a group of heads"),
    "pattern": ("patterns", "queries and keys at once, so where the heads look"),
}
NOT_ADDITIVE = "the four do not add up"
WIDEST = "−100 %"
AROUND = 10  # pixels


class InputTotals(QWidget):
    """A button for each input: what all paths into it carry together; one of them is shown.

    Attributes:
        value: The input that is shown to be looked at.
        is_stale: Whether what is written answers an older question.
        totals: What is written; None for nothing known.
        chosen: (changes,) the field of the view: the user wants to see another.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.value: HeadInput = "q"
        self.is_stale = False
        self.totals: Sweep | None = None
        self.buttons: dict[HeadInput, QToolButton] = {}
        group = QButtonGroup(self)
        row = Flow(self, spacing=3)
        for name, (plural, what) in INPUTS.items():
            title, tip = f"Paths into {plural}", f"Show who feeds {what}."
            each = button(PANE_ACTIONS["paths_into"], self, text=name, title=title, tip=tip)
            each.setCheckable(True)
            each.setAutoRaise(False)
            each.clicked.connect(partial(self._choose, name))
            group.addButton(each)
            row.addWidget(each)
            self.buttons[name] = each
        self._set_fonts()
        self.show_totals(None)

    def show_value(self, value: HeadInput) -> None:
        """Show which input is looked at, without saying so."""
        if value != self.value:
            self.value = value
            self._mark()

    def _mark(self) -> None:
        value = self.value
        for name, each in self.buttons.items():
            each.setChecked(name == value)
            each.setFont(self._bold if name == value else self._plain)

    def changeEvent(self, event: QEvent) -> None:
        """Give the buttons the room that another font needs."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._set_fonts()

    def _set_fonts(self) -> None:
        fonts = [theme.text_font(theme.SMALL_POINTS + 0.5, bold=bold) for bold in (False, True)]
        self._plain, self._bold = fonts
        widest = QFontMetrics(self._bold)
        for name, each in self.buttons.items():  # numbers that come later move nothing
            each.setFixedWidth(widest.horizontalAdvance(f"{name} {WIDEST}") + AROUND)
        self._mark()

    def show_totals(self, totals: Sweep | None, *, is_stale: bool = False) -> None:
        """Write what all paths carry together, dimmed if it is old; None for nothing known."""
        self.totals, self.is_stale = totals, is_stale
        role = QPalette.ColorRole.PlaceholderText if is_stale else QPalette.ColorRole.ButtonText
        for at, (name, each) in enumerate(self.buttons.items()):
            plural, what = INPUTS[name]
            if totals is None or totals.states[at] != CellState.EXACT:
                number, words = "…", "not known yet"
            else:
                change = float(totals.values[at])
                share = percent(change / totals.scale)
                number = signed(change, 2) if totals.refusal else share
                words = f"all paths at once: {cells.cell_words(totals, at)}; {NOT_ADDITIVE}"
            each.setText(f"{name} {number}")
            each.setForegroundRole(role)
            each.setToolTip(plain_tip(f"Paths into {plural}, {what}: {words}."))
            each.setAccessibleDescription(words)

    def shown_bars(self) -> Bars | None:
        """Return what is written as bars; None while nothing is known."""
        totals = self.totals
        if totals is None:
            return None
        known = np.where(totals.states == CellState.EXACT, totals.shown, np.nan).astype(np.float64)
        names = [f"{name} ({plural})" for name, (plural, _) in INPUTS.items()]
        axis = Axis("input", tuple(range(len(names))), tuple(INPUTS))
        words = ["…" if value != value else precise(value) for value in known.tolist()]
        counted = f"{totals.metric}, {totals.shown_unit}"
        return Bars("", names, known, words, counted, Data((axis,), {"value": known}))

    def _choose(self, name: HeadInput, checked: bool = True) -> None:
        self.chosen.emit({"input": name})
