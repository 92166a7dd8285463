"""What is typed or chosen to be opened next, and what it needs before it is fetched."""

from __future__ import annotations

import os
from typing import Any

from PySide6.QtCore import QStringListModel, Qt, Signal, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QCompleter, QFileDialog, QLineEdit, QListView, QVBoxLayout, QWidget

from lensgui.app.models import words
from lensgui.app.models.working import Working
from lensgui.app.window.actions import ACTIONS
from lensgui.jobs.downloads import Child
from lensgui.models import library
from lensgui.panes.controls.controls import announce, button, dress, sentence
from lensgui.panes.controls.flow import Flow
from lensgui.panes.files import files_folder
from lensgui.terms.homes import expanded
from lensgui.terms.model_key import ModelKey

FILTER = "Weights (*.gguf *.safetensors)"
HINT = "gpt2-small, owner/name or a path"
SHOWN = 10  # names that are offered at once


def is_path(name: str) -> bool:
    """Whether what was typed can only be a path, of which the hub is never asked."""
    return os.path.isabs(name) or name.startswith((".", "~")) or os.path.exists(name)


class Another(QWidget):
    """A name or a path, what it needs, and the button that opens it.

    Attributes:
        get_requested: (facts,) it is to be fetched if need be, and opened.
        facts: What was found about what is typed; None while that is not known.
    """

    get_requested = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.facts: dict[str, Any] | None = None
        self._key, self._is_busy = ModelKey(), False
        self.child = Child(self, doing="be looked up")
        self.field = dress(QLineEdit(self), ACTIONS["models_name"])
        self.field.setPlaceholderText(HINT)
        self.field.setClearButtonEnabled(True)
        self._names = QStringListModel(self)
        completer = QCompleter(self._names, self.field)
        popup = QListView()
        completer.setPopup(popup)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setMaxVisibleItems(SHOWN)
        popup.setAccessibleName("Names that are known")
        self.field.setCompleter(completer)
        self.look_up = button(ACTIONS["models_look_up"], self)
        self.folder = button(ACTIONS["models_folder"], self)
        self.file = button(ACTIONS["models_file"], self)
        self.get = button(ACTIONS["models_get"], self)
        self.needs, self.warning = sentence(self), sentence(self)
        self.warning.setForegroundRole(QPalette.ColorRole.BrightText)
        self.working = Working("Cancel looking up", "Ask no further.", self)
        self._lay_out()
        self._connect()
        self._show()

    def _lay_out(self) -> None:
        row = Flow()
        for part in (self.look_up, self.folder, self.file, self.get):
            row.addWidget(part)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.field)
        column.addLayout(row)
        for line in (self.working, self.needs, self.warning):
            column.addWidget(line)

    def _connect(self) -> None:
        self.field.returnPressed.connect(self.ask)
        self.field.textChanged.connect(self._forget)
        self.look_up.clicked.connect(self.ask)
        self.folder.clicked.connect(self._choose_folder)
        self.file.clicked.connect(self._choose_file)
        self.get.clicked.connect(self._get)
        self.working.cancelled.connect(self.child.cancel)
        self.child.said.connect(self._take)
        self.child.failed.connect(self._fail)
        self.child.finished.connect(self._end)
        self.child.stopped.connect(self._end)

    def offer_names(self) -> None:
        """Complete names of models that were used here, and known ones."""
        self._names.setStringList(library.typed_before())

    def show_key(self, key: ModelKey) -> None:
        """Say what is needed to open it in another way."""
        self._key = key
        self._show()

    def show_busy(self, is_busy: bool) -> None:
        """Whether something is fetched, which is done one at a time."""
        self._is_busy = is_busy
        self._show()

    def show_facts(self, name: str, facts: dict[str, Any]) -> None:
        """Say what a model of some name needs."""
        self.field.setText(name)
        self.facts = facts
        self._show()

    @Slot()
    def ask(self) -> None:
        """Ask what the model of this name needs: of the hub's, this is when the network is used."""
        name = self.field.text().strip()
        if not name or self.child.is_running:
            return
        self.facts = None
        self.child.ask(name, "info", str(expanded(name)), online=not is_path(name))
        self.working.begin(f"Looking {name} up …")
        self._show()

    @Slot(object)
    def _take(self, event: dict[str, Any]) -> None:
        if event.get("event") == "info" and self.child.name == self.field.text().strip():
            self.facts = event
            announce(
                self.needs, f"{words.needs(event, self._key)} {words.warning(event, self._key)}"
            )

    @Slot(str)
    def _fail(self, sentence: str) -> None:
        self._end()
        self.warning.setText(sentence)
        self.warning.show()
        announce(self.warning, sentence)

    @Slot()
    def _end(self) -> None:
        self.working.show_fetched(None)
        self._show()

    @Slot()
    def _forget(self) -> None:
        """What was found is about another name than what stands there now."""
        self.facts = None
        self._show()

    @Slot()
    def _choose_folder(self) -> None:
        self._choose(
            QFileDialog.getExistingDirectory(self, "Choose a model's folder", files_folder())
        )

    @Slot()
    def _choose_file(self) -> None:
        title = "Choose a file of weights"
        self._choose(QFileDialog.getOpenFileName(self, title, files_folder(), FILTER)[0])

    def _choose(self, path: str) -> None:
        if path:
            self.field.setText(path)
            self.ask()

    @Slot()
    def _get(self) -> None:
        if self.facts is not None:
            self.get_requested.emit(self.facts)

    def _show(self) -> None:
        """Say what is known, and offer what can be done with it."""
        facts = self.facts
        self.look_up.setEnabled(bool(self.field.text().strip()) and not self.child.is_running)
        self.get.setText("Open" if facts is None else words.verb(facts))
        can_be_had = facts is not None and words.can_be_had(facts)
        self.get.setEnabled(can_be_had and not self._is_busy)
        self.needs.setText("" if facts is None else words.needs(facts, self._key))
        self.warning.setText("" if facts is None else words.warning(facts, self._key))
        for line in (self.needs, self.warning):
            line.setVisible(bool(line.text()))
