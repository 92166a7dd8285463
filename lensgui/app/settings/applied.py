"""From a changed setting to what it is about, beside how the window looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QAction

from lensgui.app.commands.entries import Entry
from lensgui.app.settings.appearance import CHOICES, Appearance
from lensgui.app.settings.dialog import ALWAYS, SettingsDialog
from lensgui.app.window.window import MainWindow
from lensgui.jobs.answerer import Limits
from lensgui.jobs.kept import Kept
from lensgui.panes.files import set_files_folder
from lensgui.state.settings import TABLE, values

MODEL = frozenset({"device", "dtype"})
MACHINE = frozenset({"threads", "runs_bytes"})
NOT_THERE = "No such device is known on this machine."


class Applied(QObject):
    """Brings the settings to a window, at first and whenever one of them changes.

    Attributes:
        limited: (Limits,) how much of the machine the worker may use from now on.
    """

    limited = Signal(object)

    def __init__(self, appearance: Appearance, window: MainWindow, kept: Kept) -> None:
        """Apply what was set before.

        Args:
            appearance: How all looks; has the settings.
            window: What they are brought to.
            kept: The answers that are kept.
        """
        super().__init__(window)
        self._appearance, self.preferences = appearance, appearance.preferences
        self._window, self._kept = window, kept
        self._dialog: SettingsDialog | None = None
        self.limited.connect(window.runner.worker.limit)
        self.preferences.changed.connect(self._apply)
        self.preferences.failed.connect(window.status.show_fault)
        window.settings_requested.connect(self.show_dialog)
        appearance.redrawn.connect(window.exchange.draw_anew)
        self._use_machine()
        self._use_window()
        if self.preferences.remark:
            said = window.status.sentence.text(), self.preferences.remark
            window.status.show_fault(" ".join(filter(None, said)))

    @Slot()
    def show_dialog(self, name: str = "") -> None:
        """Show all settings, in front if they are shown already; at one of them if it is named."""
        if self._dialog is None:
            self._dialog = SettingsDialog(self.preferences, self._window)
        self._dialog.open_for(self._devices(), name)

    def entries(self, window: MainWindow) -> Iterator[Entry]:
        """Yield what the search finds: each setting, and each value that can be chosen for it."""
        for name, setting in TABLE.items():
            text, devices = f"Settings: {setting.title}", (*ALWAYS, *self._devices())
            yield Entry(text, "setting", partial(self.show_dialog, name))
            for value, title in values(setting):
                act = partial(self.preferences.change, **{name: value})
                reason = NOT_THERE if name == "device" and value not in devices else ""
                yield Entry(f"{text} → {title}", "setting", act, reason=reason)

    @Slot(object)
    def _apply(self, names: frozenset[str]) -> None:
        if self._window not in self._appearance.windows:
            return  # it is closed, and somebody holds it still
        if "kept_bytes" in names:
            self._kept.shrink(self.preferences.settings.kept_bytes)
        if names & MACHINE:
            self._use_machine()
        self._use_window()
        if names & MODEL:
            self._open_anew(names & MODEL)

    def _use_machine(self) -> None:
        settings = self.preferences.settings
        self.limited.emit(Limits(settings.threads, settings.runs_bytes))

    def _use_window(self) -> None:
        """Let the window's own parts know what is set."""
        settings, window = self.preferences.settings, self._window
        set_files_folder(settings.files_folder)
        window.setAnimated(settings.motion)
        window.model_bar.begin_with(settings.device, settings.dtype)
        for action in window.findChildren(QAction):
            if action.data() in CHOICES:  # of the menu of themes
                action.setChecked(action.data() == settings.look)

    def _open_anew(self, names: frozenset[str]) -> None:
        """Have the open model run as is set now.

        One that was handed over runs as it was made; of one that is not here, there are numbers.
        """
        session, settings = self._window.session, self.preferences.settings
        model = session.document.model
        if not (model.is_in_memory or model.is_absent):
            changes = {name: getattr(settings, name) for name in names}
            session.edit(model=replace(model, **changes))

    def _devices(self) -> tuple[str, ...]:
        """Return the devices that are there; () while no model was open to tell."""
        card = self._window.exchange.card
        return card.devices if card is not None else ()
