"""Which model is open, where it runs, how far it can be trusted, and whether there is a network."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal, SignalInstance, Slot
from PySide6.QtGui import QAction, QPalette
from PySide6.QtWidgets import (
    QFileDialog,
    QInputDialog,
    QLabel,
    QMenu,
    QSizePolicy,
    QToolBar,
    QToolButton,
    QWidget,
)

from lensgui.app.window.actions import ACTIONS
from lensgui.jobs.answers.models import ModelCard
from lensgui.jobs.progress import Progress
from lensgui.models import known_models
from lensgui.panes.action import Action
from lensgui.panes.controls.controls import button, menu_line, plain_label
from lensgui.panes.files import files_folder
from lensgui.panes.token_text import plain_tip
from lensgui.terms.model_key import ABSENT, MEMORY, NUMBER_FORMATS, ModelKey

VARIABLE = "HF_HUB_OFFLINE"
LONGEST_TITLE = 56
IMPORTING = (
    "Name, such as solu-1l. Pickled weights can run code: a limited process reads their tensors, "
    "once, and keeps them as safetensors:"
)


def allow_hub() -> None:
    """Allow the hub to be reached from now on: the user has asked for a model of it.

    The hub's library reads the variable when it is imported, so an imported one is changed too.
    """
    os.environ[VARIABLE] = "0"
    constants = sys.modules.get("huggingface_hub.constants")
    if constants is not None:
        setattr(constants, VARIABLE, False)


class ModelBar(QToolBar):
    """The model's name, device, badge and processing.

    Attributes:
        edited: (changes,) another model key.
        fetch_requested: (name,) a model must be fetched before it can be opened.
        import_requested: (name,) so must one whose weights are published pickled.
        stopped: Whatever runs is to stop.
        models_requested: The user wants to see all models.
        formats_requested: The user wants to see what number formats give.
    """

    edited = Signal(object)
    fetch_requested = Signal(str)
    import_requested = Signal(str)
    stopped = Signal()
    models_requested = Signal()
    formats_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Model", parent)
        self.setObjectName("Model")
        self.setMovable(False)
        self._key: ModelKey | None = None
        self.toggleViewAction().setObjectName(ACTIONS["show_or_hide"].name)
        self._formats: Mapping[str, str] = {}  # what is known of number formats, in a few words
        self._place: dict[str, str] = {}  # device and number format of models that are opened
        self.model = _menu_button(ACTIONS["choose_model"], self)
        self.device = _menu_button(ACTIONS["choose_device"], self)
        self.badge = plain_label("not verified", self)
        self.badge.setAccessibleName("Verified")
        self.badge.setContentsMargins(8, 0, 8, 0)
        self.folded = button(ACTIONS["fold_weights"], self)
        self.folded.setCheckable(True)
        self.state = self._state_label()
        spring = QWidget(self)
        spring.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.stop = button(ACTIONS["stop"], self, text="Stop")
        self.stop.setEnabled(False)
        self.stop.clicked.connect(self.stopped)
        for part in (self.model, self.device, self.folded, self.badge, spring):
            self.addWidget(part)
        self.addWidget(self.state)
        self.addWidget(self.stop)
        for part in (self.model, self.device, self.folded, self.stop):
            part.setAutoRaise(False)  # a toolbar flattens its buttons
        self.folded.toggled.connect(self._fold)
        self.device.setText("device")
        self._fill_models()

    def _state_label(self) -> QLabel:
        label = plain_label("opening the model", self)
        label.setAccessibleName("Run state")
        label.setContentsMargins(8, 0, 8, 0)
        label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        label.setToolTip("What the worker does at present.")
        return label

    @Slot(object)
    def show_key(self, key: ModelKey) -> None:
        """Show which model is requested, before it is open."""
        if key == self._key:
            return
        if self._key is None or key.source != self._key.source:
            titles = {entry.name: entry.title for entry in known_models.CATALOGUE}
            source = key.source.removeprefix(MEMORY)
            name = titles.get(source, Path(source).name or source)
            self._name(key.source.removeprefix(ABSENT) if key.is_absent else name)
        self._key = key
        self.folded.blockSignals(True)
        self.folded.setChecked(key.folded)
        self.folded.setText("folded weights" if key.folded else "raw weights")
        self.folded.blockSignals(False)
        self._badge(None)

    @Slot(object)
    def show_card(self, card: ModelCard) -> None:
        """Show what is open."""
        self._name(card.title)
        facts = (
            f"{card.n_layers} layers, {card.n_heads} heads, {card.n_params / 1e6:.1f} M parameters"
        )
        self.model.setToolTip(
            plain_tip(f"{card.title} ({card.licence}), {facts}: click to open another.")
        )
        self.device.setText(f"{card.device} · {card.dtype}")
        self._fill_devices(card)
        self._badge(card.verified)

    def show_formats(self, words: Mapping[str, str]) -> None:
        """Say in the menu what number formats give; of one that is not named nothing is known."""
        self._formats = words
        for line in self.device.menu().actions():
            field, value = line.data() or ("", "")
            if field == "dtype":
                line.setText(self._named_format(value))

    def _named_format(self, dtype: str) -> str:
        known = self._formats.get(dtype, "")
        return f"{dtype} · {known}" if known else dtype

    @Slot(object)
    def show_progress(self, progress: Progress) -> None:
        """Say what runs, and whether it can be stopped."""
        self.state.setText(progress.what or "ready")
        self.stop.setEnabled(bool(progress.what))

    def begin_with(self, device: str, dtype: str) -> None:
        """Open models on a device and in a number format from now on."""
        self._place = {"device": device, "dtype": dtype}

    def change(self, **changes: Any) -> None:
        """Ask for the model that is open, or another one, to run in another way.

        Args:
            changes: Fields of its key.
        """
        self._edit(**changes)

    def open_source(self, source: str) -> None:
        """Ask for a model by name or path."""
        self._edit(source=source, **self._place)

    def open_named(self, name: str) -> None:
        """Open a model that is known by its name; one that is not here is fetched first."""
        if known_models.imported(name) or known_models.find(name).is_here:
            self.open_source(name)
        else:
            self.fetch_requested.emit(name)

    @Slot()
    def open_folder(self) -> None:
        """Let the user choose a model's folder."""
        folder = QFileDialog.getExistingDirectory(self, "Open a model's folder", files_folder())
        if folder:
            self.open_source(folder)

    @Slot()
    def open_hub(self) -> None:
        """Let the user type the name of a model of the hub."""
        self._ask_hub(
            "Open a model of the hub", "Name, such as openai-community/gpt2:", self.fetch_requested
        )

    @Slot()
    def import_hub(self) -> None:
        """Let the user type the name of a model whose weights are published pickled."""
        self._ask_hub("Import pickled weights", IMPORTING, self.import_requested)

    def _ask_hub(self, title: str, question: str, then: SignalInstance) -> None:
        name, is_given = QInputDialog.getText(self, title, question)
        if is_given and name.strip():
            allow_hub()
            then.emit(name.strip())

    def _fill_models(self) -> None:
        menu = self.model.menu()
        for entry in known_models.CATALOGUE:
            self._add_model(menu, entry.name, entry.title)
        self._imported = menu.addMenu("Imported")
        menu.aboutToShow.connect(self._fill_imported)
        menu.addSeparator()
        menu_line(menu, ACTIONS["models"]).triggered.connect(self._show_models)
        for name in ("open_folder", "open_hub", "import_hub"):
            menu_line(menu, ACTIONS[name]).triggered.connect(getattr(self, name))

    @Slot()
    def _show_models(self) -> None:
        self.models_requested.emit()

    @Slot()
    def _compare_formats(self) -> None:
        self.formats_requested.emit()

    @Slot()
    def _fill_imported(self) -> None:
        self._imported.clear()
        for name in known_models.imports():
            self._add_model(self._imported, name, name)
        self._imported.menuAction().setVisible(not self._imported.isEmpty())

    def _add_model(self, menu: QMenu, name: str, title: str) -> None:
        line = menu_line(menu, ACTIONS["model"], title)
        line.setData(name)
        line.triggered.connect(self._open_chosen)

    def _fill_devices(self, card: ModelCard) -> None:
        menu = self.device.menu()
        menu.clear()
        for device in card.devices:
            _choice(menu, device, ("device", device), device == card.device).triggered.connect(
                self._set_chosen
            )
        menu.addSeparator()
        for dtype in NUMBER_FORMATS:
            name = self._named_format(dtype)
            _choice(menu, name, ("dtype", dtype), dtype == card.dtype).triggered.connect(
                self._set_chosen
            )
        menu.addSeparator()
        menu_line(menu, ACTIONS["compare_formats"]).triggered.connect(self._compare_formats)

    def _name(self, title: str) -> None:
        short = title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1].rstrip() + "…"
        self.model.setText(short.replace("&", "&&"))

    def _badge(self, verified: float | None) -> None:
        role = QPalette.ColorRole.PlaceholderText
        if verified is None:
            self.badge.setText("not verified")
            self.badge.setToolTip(
                "This model was not compared with the Hugging Face forward: "
                "File ▸ Models… does that."
            )
        else:
            role = QPalette.ColorRole.WindowText
            self.badge.setText(f"✓ max |Δ| {verified:.1e} vs Hugging Face".replace("e-0", "e−"))
            self.badge.setToolTip(
                "Largest difference of any logit to the Hugging Face forward, on this machine."
            )
        self.badge.setForegroundRole(role)

    @Slot()
    def _open_chosen(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.open_named(str(action.data()))

    @Slot()
    def _set_chosen(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            field, value = action.data()
            self._edit(**{field: value})

    @Slot(bool)
    def _fold(self, folded: bool) -> None:
        self._edit(folded=folded)

    def _edit(self, **changes: Any) -> None:
        self.edited.emit({"model": replace(self._key or ModelKey(), **changes)})


def _menu_button(action: Action, parent: QWidget) -> QToolButton:
    result = button(action, parent)
    result.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    result.setMenu(QMenu(result))
    return result


def _choice(menu: QMenu, text: str, data: tuple[str, str], is_chosen: bool) -> QAction:
    action = menu_line(menu, ACTIONS["device"], text)
    action.setCheckable(True)
    action.setChecked(is_chosen)
    action.setData(data)
    return action
