"""The one line below the prompts: what is wrong with them, and the way out."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from lensgui.jobs.answers.readings import PairReading, Replacement
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.chip import Chip
from lensgui.panes.controls.chips import ChipRow
from lensgui.panes.controls.controls import Elided, button, dress
from lensgui.panes.token_text import percent, plain_tip, shorten, visible

MOST_LETTERS = 20  # of a word that is offered


class MessageLine(QWidget):
    """Sentences about the prompts, words that would give them as many tokens, and ways out.

    Attributes:
        fitted: (index,) of the word that was clicked.
        alone: The user wants the clean prompt alone.
        likely_requested: The user wants the likely tokens as answers.
        hovered: (words,) of the word that is pointed at.
    """

    fitted = Signal(int)
    alone = Signal()
    likely_requested = Signal()
    hovered = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        policy = self.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.setSizePolicy(policy)
        self.label = Elided(Qt.AlignmentFlag.AlignLeft, self)
        self.label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.label.setAccessibleName("What is to be known of the prompts")
        self.fitting = ChipRow(self, flow="fits")
        dress(self.fitting, PANE_ACTIONS["fitting_word"])
        self.drop = button(PANE_ACTIONS["clean_only"], self)
        self.likely = button(PANE_ACTIONS["likely_answers"], self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self.label, self.likely, self.drop):
            row.addWidget(widget)
        row.addWidget(self.fitting, 1)
        self._take_room()
        self.fitting.clicked.connect(self.fitted)
        self.fitting.hovered.connect(self.hovered)
        self.drop.clicked.connect(self._drop)
        self.likely.clicked.connect(self._ask_for_likely)
        self.show_lengths(None)
        self.show_likely("", "")

    def changeEvent(self, event: QEvent) -> None:
        """Take the height that another font needs."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._take_room()

    def _take_room(self) -> None:
        self.setFixedHeight(max(self.drop.sizeHint().height(), round(self.fitting.line_height())))

    def show_sentences(self, faults: Sequence[str], notices: Sequence[str]) -> None:
        """Say what is wrong, else what is worth knowing: the first, and how many more there are."""
        said = [*faults, *notices]
        more = f" (and {len(said) - 1} more)" if len(said) > 1 else ""
        self.label.setText(f"{said[0]}{more}" if said else "")
        self.label.setToolTip(plain_tip("\n".join(said)))
        self.label.setAccessibleDescription("\n".join(said))
        role = QPalette.ColorRole
        self.label.setForegroundRole(role.BrightText if faults else role.PlaceholderText)

    def show_lengths(self, reading: PairReading | None) -> None:
        """Offer to leave the corrupted prompt out, if it has another number of tokens."""
        self.drop.setVisible(reading is not None and reading.is_unequal)

    def show_likely(self, answer: str, distractor: str) -> None:
        """Offer other answers; "" for none."""
        words = " and ".join(shorten(visible(text), MOST_LETTERS) for text in (answer, distractor))
        self.likely.setText(f"answers: use {words}".replace("&", "&&"))
        self.likely.setVisible(bool(answer))

    def show_fitting(self, found: Sequence[Replacement]) -> None:
        """Offer words."""
        self.fitting.show_chips([_chip(choice) for choice in found])

    @Slot()
    def _ask_for_likely(self) -> None:
        self.likely_requested.emit()

    @Slot()
    def _drop(self) -> None:
        self.alone.emit()


def _chip(choice: Replacement) -> Chip:
    return Chip(
        shorten(choice.new, MOST_LETTERS),
        f"“{choice.new}” instead of “{choice.old}”: the model expects its beginning there with "
        f"probability {choice.probability:.2g}",
        percent(choice.probability),
    )
