"""The dialog of all settings, which are found by their words and applied at once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from lensgui.app.settings.controls import ChoiceBox, control
from lensgui.app.settings.preferences import Preferences
from lensgui.app.window.actions import ACTIONS
from lensgui.models import store
from lensgui.panes import theme
from lensgui.panes.controls.controls import button, caption, headline, plain_label
from lensgui.panes.token_text import plain_tip
from lensgui.state.settings import SECTIONS, TABLE, Choice, Section, Setting, Value
from lensgui.terms.model_key import BEST_DEVICE

SIZE = 680, 620  # pixels, times the zoom
NOTHING = "No setting has these words."
ALWAYS = BEST_DEVICE, "cpu"  # devices that are there before anybody has looked


@dataclass(frozen=True, slots=True)
class Fact:
    """What is not set here, but belongs here.

    Attributes:
        section: Where it is listed.
        title: What it is called.
        sentence: What it is for.
        words: Says how it is at present.
        folder: A folder to be opened.
    """

    section: Section
    title: str
    sentence: str
    words: Callable[[], str]
    folder: Callable[[], Path]


def models_size() -> str:
    """Return how much disk the models take, and how much is free beside them."""
    folder = store.models_folder()
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return f"{size / 1e9:.2f} GB; {shutil.disk_usage(there).free / 1e9:.1f} GB of the disk are free"


FACTS = (
    Fact(
        "Files",
        "Home of lensgui",
        "Where models, measurements, the log and these settings are kept. To have it elsewhere, "
        f"set {store.HOME_VARIABLE} to a folder before lensgui starts.",
        lambda: str(store.home()),
        store.home,
    ),
    Fact(
        "Files",
        "Models on disk",
        "Models that were fetched, imported or converted: File ▸ Models… lists them, and "
        "deletes one to free its room.",
        models_size,
        store.models_folder,
    ),
)


class Row(QWidget):
    """A title over its sentence, and what stands beside them.

    Attributes:
        words: What it is found by.
    """

    def __init__(self, title: str, sentence: str, words: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.words = f"{title} {sentence} {words}".casefold()
        self.title = plain_label(title, self)
        self.title.setToolTip(plain_tip(sentence))
        said = caption(sentence, self)
        said.setWordWrap(True)
        texts = QVBoxLayout()
        texts.setSpacing(1)
        texts.addWidget(self.title)
        texts.addWidget(said)
        texts.addStretch(1)
        self.line = QHBoxLayout(self)
        self.line.setContentsMargins(0, 2, 0, 6)
        self.line.addLayout(texts, 3)

    def add(self, part: QWidget, share: int = 0) -> None:
        """Add something at the right."""
        self.line.addWidget(part, share, Qt.AlignmentFlag.AlignTop)


class SettingRow(Row):
    """What sets one setting, and sets it back."""

    def __init__(self, setting: Setting, preferences: Preferences, parent: QWidget) -> None:
        kind = setting.kind
        options = " ".join(title for _, title in kind.options) if isinstance(kind, Choice) else ""
        super().__init__(setting.title, setting.sentence, options, parent)
        self.setting, self._preferences = setting, preferences
        self.control = control(setting, self)
        self.title.setBuddy(self.control)
        used = kind.words(setting.default)
        tip, title = f"Set it as at first: {used}.", f"Default: {setting.title}"
        self.reset = button(ACTIONS["default"], self, title=title, tip=tip)
        self.add(self.control, 2)
        self.add(self.reset)
        self.control.chosen.connect(self._change)
        self.reset.clicked.connect(self._restore)
        self.show_value()

    def show_value(self) -> None:
        """Show how it is set."""
        value = getattr(self._preferences.settings, self.setting.name)
        self.control.show_value(value)
        self.reset.setEnabled(value != self.setting.default)

    @Slot(object)
    def _change(self, value: Value) -> None:
        self._preferences.change(**{self.setting.name: value})

    @Slot()
    def _restore(self) -> None:
        self.control.setFocus()  # the button is about to be of no use
        self._preferences.restore(self.setting.name)


class FactRow(Row):
    """How something is that is not set here."""

    def __init__(self, fact: Fact, parent: QWidget) -> None:
        super().__init__(fact.title, fact.sentence, "", parent)
        self._fact = fact
        self.said = QLineEdit(self, readOnly=True)
        self.said.setAccessibleName(fact.title)
        self.said.setToolTip(plain_tip(fact.sentence))
        title = f"Open folder: {fact.title}"
        self.show_folder = button(ACTIONS["open_folder_of"], self, title=title)
        self.add(self.said, 2)
        self.add(self.show_folder)
        self.show_folder.clicked.connect(self._open)

    def show_value(self) -> None:
        """Show how it is."""
        self.said.setText(self._fact.words())
        self.said.setCursorPosition(0)

    @Slot()
    def _open(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._fact.folder())))


class SettingsDialog(QDialog):
    """Every setting, beside the window, which goes on.

    Attributes:
        rows: What sets each setting, by its name.
        search: Leaves the rows that have every word of it.
        restore: Sets all as at first.
    """

    def __init__(self, preferences: Preferences, window: QWidget) -> None:
        super().__init__(window)
        self._preferences, self._window = preferences, window
        self.setWindowTitle("Settings")
        self.search = QLineEdit(self, placeholderText="Search settings", clearButtonEnabled=True)
        self.search.setAccessibleName("Search settings")
        self.search.setToolTip("Leaves the settings that have every word of it.")
        self.nothing = caption(NOTHING, self)
        self.rows: dict[str, SettingRow] = {}
        self._facts: list[FactRow] = []
        self._sections: list[tuple[QLabel, list[Row]]] = []
        area = self._list()
        self.restore = button(ACTIONS["all_defaults"], self)
        column = QVBoxLayout(self)
        for part in (self.search, self.nothing, area, self.restore):
            column.addWidget(part)
        self.search.textChanged.connect(self._find)
        self.restore.clicked.connect(self._restore)
        preferences.changed.connect(self._show)
        self._find("")

    def _list(self) -> QScrollArea:
        inside = QWidget(self)
        column = QVBoxLayout(inside)
        column.setContentsMargins(4, 0, 8, 0)
        for section in SECTIONS:
            heading = headline(section, inside)
            rows: list[Row] = []
            for setting in TABLE.values():
                if setting.section == section:
                    self.rows[setting.name] = SettingRow(setting, self._preferences, inside)
                    rows.append(self.rows[setting.name])
            facts = [FactRow(fact, inside) for fact in FACTS if fact.section == section]
            self._facts += facts
            rows += facts
            self._sections.append((heading, rows))
            for part in (heading, *rows):
                column.addWidget(part)
        column.addStretch(1)
        area = QScrollArea(self, widgetResizable=True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its rows are gone to, and are shown then
        area.setWidget(inside)
        return area

    def open_for(self, devices: tuple[str, ...], name: str = "") -> None:
        """Show it in front, at one setting, or with the search ready to be typed into.

        Args:
            devices: Those that are there.
            name: The setting that is gone to; "" for none.
        """
        self.search.setText(TABLE[name].title if name else "")
        device = self.rows["device"]
        if isinstance(device.control, ChoiceBox) and isinstance(device.setting.kind, Choice):
            there = {*ALWAYS, *devices}
            options = [option for option in device.setting.kind.options if option[0] in there]
            device.control.show_options(options)
        for fact in self._facts:
            fact.show_value()
        if not self.isVisible():
            width, height = map(theme.zoomed, SIZE)
            self.resize(min(width, self._window.width()), min(height, self._window.height()))
        self.show()
        self.raise_()
        self.activateWindow()
        self.search.selectAll()
        (self.rows[name].control if name else self.search).setFocus()

    @Slot(str)
    def _find(self, text: str) -> None:
        words = text.casefold().split()
        found = False
        for heading, rows in self._sections:
            for row in rows:
                row.setVisible(all(word in row.words for word in words))
            is_any = any(not row.isHidden() for row in rows)
            heading.setVisible(is_any)
            found |= is_any
        self.nothing.setVisible(not found)

    @Slot(object)
    def _show(self, names: frozenset[str]) -> None:
        for name in names:
            self.rows[name].show_value()

    @Slot()
    def _restore(self) -> None:
        self._preferences.restore()
