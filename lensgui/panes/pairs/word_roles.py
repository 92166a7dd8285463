"""Naming words of prompts by their part, by which positions of different prompts are matched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.chip import Chip
from lensgui.panes.controls.chips import ChipRow
from lensgui.panes.controls.controls import dress, plain_label, sentence
from lensgui.panes.token_text import visible
from lensgui.prompts.pair import PairRow, Role, words_of

USUAL = ("IO", "S1", "S2", "end")  # as Wang et al. 2022 call them
LONGEST = 12  # letters of a name
NOT_ALIKE = "{count} of {total} rows have another number of words and keep the names they have."


def named(row: PairRow, word: int, name: str) -> PairRow:
    """Return a row with a word named, and no other by that name; "" takes its name away.

    Args:
        row: The row.
        word: The number of the word in the clean prompt.
        name: Its part.
    """
    end = words_of(row.pair.clean)[word].end()
    rest = [role for role in row.roles if role.end != end and role.name != name]
    roles = [*rest, Role(name, end)] if name else rest
    return replace(row, roles=tuple(sorted(roles, key=lambda role: role.end)))


def suggested(row: PairRow) -> PairRow:
    """Return a row with the names that its answers suggest, where it has none of its own.

    The answer's place is IO, the distractor's are S1, S2 …, and the last word is the end.
    """
    found = words_of(row.pair.clean)
    if row.roles or not found:
        return row
    answer, distractor = row.pair.answer.strip(), row.pair.distractor.strip()
    roles = [Role("IO", word.end()) for word in found if word.group() == answer][-1:]
    places = [word.end() for word in found if word.group() == distractor]
    roles += [Role(f"S{at + 1}", end) for at, end in enumerate(places)]
    taken = {role.end for role in roles}
    if found[-1].end() not in taken:
        roles.append(Role("end", found[-1].end()))
    return replace(row, roles=tuple(sorted(roles, key=lambda role: role.end)))


class WordRoles(QDialog):
    """Shows the words of one row; a click chooses one, and a name is given to it.

    Attributes:
        changed: (rows,) all rows of the table, with their names.
    """

    changed = Signal(object)

    def __init__(self, rows: Sequence[PairRow], at: int, parent: QWidget | None = None) -> None:
        """Ask.

        Args:
            rows: All rows of the table.
            at: Which is shown.
            parent: The pane.
        """
        super().__init__(parent)
        self._rows, self._at = tuple(rows), at
        self._word = 0
        self.setWindowTitle("Name words by their part")
        self.setMinimumWidth(480)
        self.words = ChipRow(self)
        dress(self.words, PANE_ACTIONS["word"], title="Words of the clean prompt")
        self.name = QComboBox(self)
        self.name.setEditable(True)
        self.name.addItems(("", *USUAL))
        line = self.name.lineEdit()
        assert line is not None
        for widget in (self.name, line):
            widget.setAccessibleName("Part of the chosen word")
            widget.setToolTip("What part the word plays, such as IO, S1, S2 or end; none for none.")
        all_rows = PANE_ACTIONS["name_in_all_rows"]
        self.all_rows = dress(QCheckBox(all_rows.text, self), all_rows)
        self.all_rows.setChecked(True)
        suggest = PANE_ACTIONS["suggest_names"]
        self.suggest = dress(QPushButton(suggest.text, self), suggest)
        self.remark = sentence(self)
        self._lay_out()
        self.words.clicked.connect(self._choose)
        self.name.activated.connect(self._name)
        line.editingFinished.connect(self._name)
        self.suggest.clicked.connect(self._suggest)
        self._show()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(plain_label("is called", self))
        row.addWidget(self.name, 1)
        row.addWidget(self.suggest)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.accept)
        column = QVBoxLayout(self)
        column.addWidget(self.words)
        column.addLayout(row)
        column.addWidget(self.all_rows)
        column.addWidget(self.remark)
        column.addWidget(buttons)

    def _show(self) -> None:
        """Show the words of the row with their names."""
        row = self._rows[self._at]
        names = {role.end: role.name for role in row.roles}
        found = words_of(row.pair.clean)
        self._word = min(self._word, max(0, len(found) - 1))
        self.words.show_chips(
            [
                Chip(
                    text=visible(word.group()),
                    detail=names.get(word.end(), ""),
                    hover=f"word {number + 1}"
                    + (f", called {names[word.end()]}" if word.end() in names else ""),
                )
                for number, word in enumerate(found)
            ]
        )
        self.words.show_chosen(self._word)
        name = names.get(found[self._word].end(), "") if found else ""
        if self.name.currentText() != name:
            self.name.setEditText(name)
        others = [other for other in self._rows if len(words_of(other.pair.clean)) != len(found)]
        said = NOT_ALIKE.format(count=len(others), total=len(self._rows)) if others else ""
        self.remark.setText(said)

    @Slot(int)
    def _choose(self, word: int) -> None:
        self._word = word
        self._show()
        self.name.setFocus()

    @Slot()
    def _name(self) -> None:
        name = self.name.currentText().strip()[:LONGEST]
        count = len(words_of(self._rows[self._at].pair.clean))
        if not count:
            return
        self._take(
            tuple(
                named(row, self._word, name)
                if at == self._at
                or (self.all_rows.isChecked() and len(words_of(row.pair.clean)) == count)
                else row
                for at, row in enumerate(self._rows)
            )
        )

    @Slot()
    def _suggest(self) -> None:
        self._take(tuple(map(suggested, self._rows)))

    def _take(self, rows: tuple[PairRow, ...]) -> None:
        if rows != self._rows:
            self._rows = rows
            self.changed.emit(rows)
            self._show()
