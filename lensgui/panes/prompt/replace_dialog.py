"""Making a corrupted prompt from the clean one: names swapped, or words replaced."""

from __future__ import annotations

import re

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLineEdit,
    QWidget,
)

from lensgui.jobs.answers.readings import PairReading
from lensgui.panes import theme
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.controls import Elided, dress, plain_label, sentence
from lensgui.panes.token_text import plain_tip, spell
from lensgui.prompts.diff import changed_spans
from lensgui.prompts.pair import PromptPair

WAITING = "The prompt is being read for its distractor."
WORD = re.compile(r"\w+|\W")


def swapped(pair: PromptPair) -> str | None:
    """Return the clean prompt with two words exchanged; None if it does not say which two.

    They are the words in which the prompts differ, or answer and distractor, if the clean prompt
    has both.
    """
    names = _differing(pair) or (pair.answer.strip(), pair.distractor.strip())
    words = WORD.findall(pair.clean)
    if len(set(names)) < 2 or not all(name in words for name in names):
        return None
    other = dict((names, names[::-1]))
    return "".join(other.get(word, word) for word in words)


def replaced(text: str, old: str, new: str, *, only_last: bool) -> str:
    """Return a text with one text instead of another, everywhere or where it stands last."""
    if not old:
        return text
    if not only_last:
        return text.replace(old, new)
    before, found, after = text.rpartition(old)
    return before + new + after if found else text


def _differing(pair: PromptPair) -> tuple[str, str] | None:
    """Return the first word in which the prompts differ: the clean one's and the corrupted's."""
    if not pair.corrupted:
        return None
    clean, corrupted = (WORD.findall(text) for text in (pair.clean, pair.corrupted))
    for start, end, other_start, other_end in changed_spans(clean, corrupted):
        if end - start == other_end - other_start == 1 and clean[start].isalpha():
            return clean[start], corrupted[other_start]
    return None


class ReplaceDialog(QDialog):
    """Asks which words of the clean prompt to replace by which, and shows what comes of it.

    Attributes:
        considered: (text,) the corrupted prompt as it would be now, to be read; "" for none.
        made: (changes,) fields of the pair: the corrupted prompt, and maybe the distractor.
    """

    considered = Signal(str)
    made = Signal(object)

    def __init__(self, clean: str, old: str, parent: QWidget | None = None) -> None:
        """Ask.

        Args:
            clean: The clean prompt.
            old: What stands in the first field.
            parent: The pane.
        """
        super().__init__(parent)
        self._clean = clean
        self.setWindowTitle("Make the corrupted prompt")
        self.setMinimumWidth(460)
        self.old, self.new = QLineEdit(old, self), QLineEdit(self)
        last, distractor = PANE_ACTIONS["only_last"], PANE_ACTIONS["take_distractor"]
        self.only_last = dress(QCheckBox(last.text, self), last)
        self.takes_distractor = dress(QCheckBox(distractor.text, self), distractor)
        self.takes_distractor.setChecked(True)
        self._distractor = ""
        self._considered: str | None = None  # what was to be read last
        self._is_read = False  # so far as it can be
        self._is_accepted = False  # as soon as it is read
        self.result_label = sentence(self)
        self.counts = Elided(Qt.AlignmentFlag.AlignLeft, self)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel, self
        )
        self._lay_out()
        self.buttons.accepted.connect(self._accept)
        self.buttons.rejected.connect(self.reject)

    def _lay_out(self) -> None:
        form = QFormLayout(self)
        named = (
            (self.old, "Replace", "What stands in the clean prompt now, spaces included."),
            (self.new, "with", "What takes its place in the corrupted prompt."),
        )
        for field, name, tip in named:
            field.setFont(theme.mono_font())
            field.setAccessibleName(name.capitalize())
            field.setToolTip(plain_tip(tip))
            field.textChanged.connect(self.show_result)
            form.addRow(plain_label(name, self), field)
        self.only_last.toggled.connect(self.show_result)
        self.result_label.setAccessibleName("The corrupted prompt")
        self.result_label.setMinimumHeight(3 * self.fontMetrics().lineSpacing())
        self.counts.setAccessibleName("Tokens of both prompts")
        form.addRow(self.only_last)
        form.addRow(self.takes_distractor)
        form.addRow(self.result_label)
        form.addRow(self.counts)
        form.addRow(self.buttons)

    @property
    def corrupted(self) -> str:
        """The prompt that would be made."""
        only_last = self.only_last.isChecked()
        return replaced(self._clean, self.old.text(), self.new.text(), only_last=only_last)

    @Slot()
    def show_result(self) -> None:
        """Show what comes of it, and ask for it to be read."""
        is_found = bool(self.old.text()) and self.old.text() in self._clean
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(
            is_found and self.corrupted != self._clean
        )
        missing = f"The clean prompt has no “{self.old.text()}”."
        self.result_label.setText(self.corrupted if is_found or not self.old.text() else missing)
        is_other = is_found and self.corrupted != self._clean
        considered = self.corrupted if is_other else ""
        if considered != self._considered:
            self._considered, self._is_accepted = considered, False
            self.show_reading(None)
            self.considered.emit(considered)

    def show_reading(self, reading: PairReading | None, *, is_over: bool = False) -> None:
        """Say how many tokens both prompts have, and what comes next; None while that is unknown.

        Args:
            reading: Of the clean prompt and the one that would be made.
            is_over: Whether there will be no more to know.
        """
        other = reading.corrupted if reading is not None else None
        self._distractor = other.top[0].token.text if other is not None and other.top else ""
        self._is_read = is_over or (reading is not None and reading.complete)
        self._show_counts(reading)
        if self._is_accepted and self._is_read:
            self._accept()

    def _show_counts(self, reading: PairReading | None) -> None:
        other = reading.corrupted if reading is not None else None
        if reading is None or other is None:
            self.counts.setText("")
            return
        counts = len(reading.clean.tokens), len(other.tokens)
        same = "as many tokens" if counts[0] == counts[1] else "not as many"
        self.counts.setText(f"clean {counts[0]}, corrupted {counts[1]} tokens: {same}")
        role = QPalette.ColorRole
        is_fault = counts[0] != counts[1]
        self.counts.setForegroundRole(role.BrightText if is_fault else role.WindowText)
        if other.top:
            self.counts.setText(f"{self.counts.text()} · next {spell(other.top[0].token)}")

    @Slot()
    def _accept(self) -> None:
        """Make the prompt, once it is known what comes next of it if that is to be taken."""
        if self.takes_distractor.isChecked() and not self._is_read:
            self._is_accepted = True
            self.counts.setText(WAITING)
            return
        changes = {"corrupted": self.corrupted}
        if self.takes_distractor.isChecked() and self._distractor:
            changes["distractor"] = self._distractor
        self.made.emit(changes)
        self.accept()
