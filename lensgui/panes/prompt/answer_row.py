"""What is asked of two prompts: answer, distractor, metric and beginning of sequence, in a row."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QSizePolicy, QWidget

from lensgui.jobs.answers.models import ModelCard
from lensgui.jobs.answers.readings import PairReading, Token
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.chip import Chip
from lensgui.panes.controls.chips import ChipRow
from lensgui.panes.controls.chooser import Chooser, Option
from lensgui.panes.controls.controls import Elided, caption, dress
from lensgui.panes.controls.flow import Flow
from lensgui.panes.prompt.token_picker import TokenPicker
from lensgui.panes.prompt.token_rows import SIDES
from lensgui.panes.token_text import plain_tip, shorten, signed, spell
from lensgui.prompts.pair import SEPARATOR, PromptPair
from lensgui.terms.metric import MetricName
from lensgui.terms.metrics import METRICS

SWAP = PANE_ACTIONS["swap_prompts"]
MOST_LETTERS = 9  # of a token that was meant
WIDEST = "clean +4.605, corrupted −6.474 logits"  # that has room whole, or about
NO_BOS = "none"
METRIC_TIP = "What the metric reads at the last position of each prompt."
DIGITS = {"probability": 4, "ranks": 0}  # of units that go without saying


class AnswerRow(QWidget):
    """Answer, distractor, metric, beginning of sequence, and what the metric is.

    Attributes:
        edited: (changes,) fields of the pair that the user changed.
        sought: (text,) to look for in the vocabulary; None once nothing is sought.
    """

    edited = Signal(object)
    sought = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pair: PromptPair | None = None
        self.fields = {name: TokenPicker(self) for name in ("answer", "distractor")}
        self.resolved = {
            name: ChipRow(self, flow="fits", takes_focus=False, letters=MOST_LETTERS)
            for name in self.fields
        }
        options = [Option(name, name, kind.about) for name, kind in METRICS.items()]
        self.measure = Chooser("Metric", [("", options)], self)
        self.bos = QComboBox(self)
        self.swap = dress(QPushButton(SWAP.text, self), SWAP)
        self.difference = Elided(Qt.AlignmentFlag.AlignLeft, self, widest=WIDEST)
        self._lay_out()
        self._connect()
        self._name_parts()

    def show_pair(self, pair: PromptPair) -> None:
        """Show what is asked now."""
        self._pair = pair
        self.fields["answer"].show_text(pair.answer)
        self.fields["distractor"].show_text(pair.distractor)
        self.measure.show_value(pair.metric)
        self._show_bos(pair.bos)

    def show_card(self, card: ModelCard) -> None:
        """Offer the model's control tokens to begin with."""
        self.bos.blockSignals(True)
        self.bos.clear()
        self.bos.addItem(NO_BOS, False)
        if card.bos:
            self.bos.addItem(f"{card.bos} (the tokenizer's)", True)
        for choice in card.bos_choices:
            if choice != card.bos:
                self.bos.addItem(choice, choice)
        self.bos.blockSignals(False)
        if self._pair is not None:
            self._show_bos(self._pair.bos)

    def show_reading(self, reading: PairReading | None) -> None:
        """Show which tokens were meant, and the metric of each prompt."""
        pair = self._pair
        answers = {
            "answer": reading.answer if reading else None,
            "distractor": reading.distractor if reading else None,
        }
        for (name, token), rank in zip(answers.items(), ("likeliest", "second"), strict=True):
            typed = getattr(pair, name, "")
            self.resolved[name].show_chips(_chips(token, typed))
            self.fields[name].setPlaceholderText(f"{rank}: {spell(token)}" if token else rank)
        self._show_metric(reading)

    def _show_metric(self, reading: PairReading | None) -> None:
        """Show the metric of each prompt; where there is room also without interventions."""
        whole, short = (
            _words(reading, self._pair, says_before=says) if self._pair else ""
            for says in (True, False)
        )
        self.difference.setText(whole)
        self.difference.shorter = short if short != whole else ""
        more = f"{whole}; “was”: without interventions." if short != whole else ""
        self.difference.setToolTip(plain_tip("\n".join(filter(None, (METRIC_TIP, more)))))

    def show_stale(self, is_stale: bool) -> None:
        """Dim what is read of the prompts if it answers an older question."""
        for row in self.resolved.values():
            row.show_stale(is_stale)
        role = QPalette.ColorRole
        self.difference.setForegroundRole(role.PlaceholderText if is_stale else role.WindowText)

    def _lay_out(self) -> None:
        row = Flow(self, spacing=8)
        for name, field in self.fields.items():
            parts = caption(name.capitalize(), self), field, self.resolved[name]
            row.addWidget(_side_by_side(self, *parts))
        row.addWidget(self.swap)
        row.addWidget(_side_by_side(self, caption("BOS", self), self.bos))
        row.addWidget(_side_by_side(self, caption("Metric", self), self.measure))
        reading = _side_by_side(self, self.difference)
        reading.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        row.addWidget(reading)
        self.bos.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.bos.setMinimumContentsLength(8)
        self.measure.setSizePolicy(self.bos.sizePolicy())
        self.measure.setMinimumContentsLength(15)

    def _connect(self) -> None:
        self.fields["answer"].typed.connect(self._edit_answer)
        self.fields["distractor"].typed.connect(self._edit_distractor)
        for field in self.fields.values():
            field.sought.connect(self.sought)
        self.bos.activated.connect(self._edit_bos)
        self.measure.chosen.connect(self._edit_metric)
        self.swap.clicked.connect(self._swap)

    def _name_parts(self) -> None:
        tips: dict[QWidget, tuple[str, str]] = {
            self.fields["answer"]: (
                "Answer token",
                "The token the clean prompt calls for, its leading space included; empty for the "
                f"likeliest; a “{SEPARATOR}” between tokens that count as one, such as 8{SEPARATOR}"
                "9.",
            ),
            self.fields["distractor"]: (
                "Distractor token",
                "The token the answer is compared with; empty for the second likeliest; a "
                f"“{SEPARATOR}” between tokens that count as one.",
            ),
            self.bos: (
                "Beginning-of-sequence token",
                "What is put in front of both prompts; it changes every number.",
            ),
            self.difference: (
                "Metric of both prompts",
                METRIC_TIP,
            ),
        }
        for widget, (name, tip) in tips.items():
            widget.setAccessibleName(name)
            widget.setToolTip(plain_tip(tip))
        for name, row in self.resolved.items():
            row.setAccessibleName(f"The {name}, as the model reads it")
            row.setToolTip(
                plain_tip(f"The token that the model reads as {name}, leading space included.")
            )

    def _show_bos(self, bos: bool | str) -> None:
        index = next((at for at in range(self.bos.count()) if self.bos.itemData(at) == bos), None)
        if index is None:
            names = {False: NO_BOS, True: "the tokenizer's"}
            self.bos.addItem(bos if isinstance(bos, str) else names[bos], bos)
            index = self.bos.count() - 1
        self.bos.setCurrentIndex(index)

    @Slot(str)
    def _edit_answer(self, text: str) -> None:
        self.edited.emit({"answer": text})

    @Slot(str)
    def _edit_distractor(self, text: str) -> None:
        self.edited.emit({"distractor": text})

    @Slot()
    def _edit_bos(self) -> None:
        self.edited.emit({"bos": self.bos.currentData()})

    @Slot(object)
    def _edit_metric(self, name: MetricName) -> None:
        self.edited.emit({"metric": name})

    @Slot()
    def _swap(self) -> None:
        if self._pair is not None:
            self.edited.emit(
                {
                    "clean": self._pair.corrupted,
                    "corrupted": self._pair.clean,
                    "answer": self._pair.distractor,
                    "distractor": self._pair.answer,
                }
            )


def _side_by_side(parent: QWidget, *parts: QWidget) -> QWidget:
    """Return one widget that holds several, and stays in one line."""
    whole = QWidget(parent)
    row = QHBoxLayout(whole)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(6)
    for part in parts:
        row.addWidget(part)
    return whole


def _chips(token: Token | None, typed: str) -> list[Chip]:
    """Return the chip of a token, with how many more count with it."""
    if token is None:
        return []
    others = 0 if typed == token.text else typed.count(SEPARATOR)
    return [Chip(shorten(spell(token), MOST_LETTERS), detail=f"+{others}" if others else "")]


def _words(reading: PairReading | None, pair: PromptPair, *, says_before: bool) -> str:
    """Return what the metric reads, in words, and perhaps what it reads without interventions."""
    if reading is None:
        return ""
    unit = METRICS[pair.metric].unit
    sides = ((side, getattr(reading, side)) for side in SIDES)
    digits, parts = DIGITS.get(unit, 3), []
    for side, prompt in sides:
        if prompt is not None and prompt.metric is not None:
            before = prompt.metric_before if says_before else None
            was = "" if before is None else f" (was {signed(before, digits)})"
            parts.append(f"{side} {signed(prompt.metric, digits)}{was}")
    if not parts:
        return ""
    return ", ".join(parts) + f" {unit}" * (unit not in DIGITS)
