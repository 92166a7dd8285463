"""The line that says which model a session needs that is not here, and the ways out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFileDialog, QToolBar, QWidget

from lensgui.app.window.actions import ACTIONS
from lensgui.app.window.toolbar import allow_hub
from lensgui.models import known_models
from lensgui.models.aliases import ALIASES
from lensgui.panes.controls.controls import button, plain_label
from lensgui.panes.files import files_folder
from lensgui.state.session import Session
from lensgui.state.sessions.saved import ModelReference

SIDE = 8  # pixels left and right of the words


class AbsentBar(QToolBar):
    """Model not here: NAME · Get · Locate · Use another.

    Attributes:
        fetch_requested: (name,) the user wants the model to be fetched.
        another_requested: The user wants to choose another model.
    """

    fetch_requested = Signal(str)
    another_requested = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.toggleViewAction().setText("")  # nobody opens it by hand
        self.setAccessibleName("Model not here")
        self._session = session
        self._name = ""
        self.setObjectName("Model not here")
        self.setMovable(False)
        self.words = plain_label(parent=self)
        self.words.setContentsMargins(SIDE, 0, SIDE, 0)
        self.words.setWordWrap(True)
        self.get = button(ACTIONS["get_model"], self)
        self.locate = button(ACTIONS["locate_model"], self)
        self.another = button(ACTIONS["use_another"], self)
        for part in (self.words, self.get, self.locate, self.another):
            self.addWidget(part)
        for part in (self.get, self.locate, self.another):
            part.setAutoRaise(False)  # a toolbar flattens its buttons
        self.get.clicked.connect(self._get)
        self.locate.clicked.connect(self._locate)
        self.another.clicked.connect(self.another_requested)
        self.hide()

    @Slot(object)
    def show_reference(self, model: ModelReference | None) -> None:
        """Say which model is needed; None hides the line."""
        self.setVisible(model is not None)
        if model is not None:
            self._name = model.name
            text = f"Model not here: {model.name}"
            needed = self.words.fontMetrics().horizontalAdvance(text) + 3 * SIDE
            self.words.setText(text)
            self.words.setMinimumWidth(min(needed, self.window().width() * 3 // 5))
            self.get.setEnabled(can_be_fetched(model.name))

    @Slot()
    def _get(self) -> None:
        allow_hub()
        self.fetch_requested.emit(self._name)

    @Slot()
    def _locate(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, f"Where is {self._name}?", files_folder())
        if folder:
            key = self._session.document.model
            self._session.edit(model=replace(key, source=str(Path(folder))))


def can_be_fetched(name: str) -> bool:
    """Whether a name is one that models are fetched by, and no path."""
    is_of_hub = name.count("/") == 1 and not name.startswith(("/", ".", "~"))
    return is_of_hub or name in ALIASES or name in {one.name for one in known_models.CATALOGUE}
