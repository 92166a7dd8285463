"""The settings as they are now, for all who use them."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from lensgui.app.settings.file import SettingsFile
from lensgui.state import settings
from lensgui.state.settings import TABLE, Settings, Value
from lensgui.terms.errors import ModelError

SAFE = "Safe mode: settings are as at first, and changes last until the window is closed."


class Preferences(QObject):
    """Holds the settings, keeps each change in the file, and says what has changed.

    Attributes:
        settings: As they are.
        remark: What can't be used of the file, or that none is used; "" for neither.
        is_safe: Whether the file is neither read nor written.
        changed: (names,) of settings that are others now.
        failed: (sentence,) why a change is not kept.
    """

    changed = Signal(object)
    failed = Signal(str)

    def __init__(self, file: SettingsFile | None) -> None:
        """Read the settings.

        Args:
            file: Where they are kept; None in safe mode.
        """
        super().__init__()
        self._file = file
        self.settings, self.remark = Settings(), SAFE
        if file is not None:
            said, aside = file.read()
            self.settings, faults = settings.read(said)
            self.remark = aside or faults

    @property
    def is_safe(self) -> bool:
        """Whether the file is neither read nor written."""
        return self._file is None

    def change(self, **values: Value) -> None:
        """Set some of them, and keep them even if they were as they are: the file may differ.

        Raises:
            KeyError: If there is no setting of a name.
        """
        before, self.settings = self.settings, settings.having(self.settings, values)
        now = {name: getattr(self.settings, name) for name in values}
        if self._file is not None:
            try:
                self._file.write({name: settings.written(name, now[name]) for name in now})
            except ModelError as error:
                self.failed.emit(str(error))
        others = frozenset(name for name in now if now[name] != getattr(before, name))
        if others:
            self.changed.emit(others)

    def restore(self, *names: str) -> None:
        """Set some of them, or without names all, as at first."""
        self.change(**{name: TABLE[name].default for name in names or TABLE})
