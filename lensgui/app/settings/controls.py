"""What each kind of setting is set with: each shows a value, and says what the user chose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QFontDatabase, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QWidget,
)

from lensgui.app.window.actions import ACTIONS
from lensgui.panes.controls.controls import button
from lensgui.panes.token_text import plain_tip
from lensgui.state.settings import Choice, Family, Flag, Number, Setting

LETTERS = 16  # that a box has room for at least
AWAY = "{} (not on this machine)"
STILL = Qt.FocusPolicy.StrongFocus  # the wheel, which scrolls, goes by


class ChoiceBox(QComboBox):
    """One of some values.

    Attributes:
        chosen: (value,) the user chose.
    """

    chosen = Signal(object)

    def __init__(self, options: Sequence[tuple[str, str]], parent: QWidget) -> None:
        super().__init__(parent)
        self._options = tuple(options)
        self.setFocusPolicy(STILL)
        self.setSizeAdjustPolicy(self.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(LETTERS)
        self.show_options(self._options)
        self.activated.connect(self._tell)

    def show_options(self, options: Sequence[tuple[str, str]]) -> None:
        """Offer other values, (value, title) each; what is chosen stays so."""
        value = self.currentData()
        self.clear()
        for one, title in options:
            self.addItem(title, one)
        if value is not None:
            self.show_value(value)

    def show_value(self, value: Any) -> None:
        """Show what is chosen, even if it is not offered."""
        at = self.findData(value)
        if at < 0:
            self.addItem(dict(self._options).get(value, AWAY.format(value)), value)
            at = self.count() - 1
        self.setCurrentIndex(at)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the list, unless the keyboard is here."""
        super().wheelEvent(event) if self.hasFocus() else event.ignore()

    @Slot()
    def _tell(self) -> None:
        self.chosen.emit(self.currentData())


class NumberBox(QDoubleSpinBox):
    """A number in its unit; what is typed counts once it is whole.

    Attributes:
        chosen: (value,) the user chose.
    """

    chosen = Signal(object)

    def __init__(self, kind: Number, parent: QWidget) -> None:
        super().__init__(parent)
        self._kind = kind
        self.setFocusPolicy(STILL)
        self.setDecimals(0)
        self.setRange(kind.least / kind.one, kind.most / kind.one)
        self.setSingleStep(kind.step / kind.one)
        self.setSuffix(f" {kind.unit}" if kind.unit else "")
        self.setSpecialValueText(kind.zero)
        self.setKeyboardTracking(False)
        self.valueChanged.connect(self._tell)

    def show_value(self, value: Any) -> None:
        """Show a number."""
        with QSignalBlocker(self):
            self.setValue(value / self._kind.one)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the list, unless the keyboard is here."""
        super().wheelEvent(event) if self.hasFocus() else event.ignore()

    @Slot()
    def _tell(self) -> None:
        self.chosen.emit(self.value() * self._kind.one)


class FlagBox(QCheckBox):
    """On or off.

    Attributes:
        chosen: (value,) the user chose.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(ACTIONS["switch"].text, parent)
        self.setObjectName(ACTIONS["switch"].name)
        self.clicked.connect(self._tell)

    def show_value(self, value: Any) -> None:
        """Show whether it is on."""
        self.setChecked(bool(value))

    @Slot(bool)
    def _tell(self, is_on: bool) -> None:
        self.chosen.emit(is_on)


class FolderField(QWidget):
    """A folder's path, and a button that chooses another one.

    Attributes:
        chosen: (value,) the user chose.
    """

    chosen = Signal(object)

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.path = QLineEdit(self, readOnly=True, placeholderText="none")
        self.path.setAccessibleName(title)
        self.path.setToolTip("The folder; the button beside it chooses another one.")
        self.browse = button(ACTIONS["choose_folder"], self, title=f"Choose: {title}")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.path, 1)
        row.addWidget(self.browse)
        self.setFocusProxy(self.browse)
        self.browse.clicked.connect(self._choose)

    def show_value(self, value: Any) -> None:
        """Show a path."""
        self.path.setText(str(value))

    @Slot()
    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Choose a folder", self.path.text())
        if folder:
            self.chosen.emit(folder)


Control = ChoiceBox | NumberBox | FlagBox | FolderField


def control(setting: Setting, parent: QWidget) -> Control:
    """Return what a setting is set with."""
    kind = setting.kind
    found: Control
    if isinstance(kind, Choice):
        found = ChoiceBox(kind.options, parent)
    elif isinstance(kind, Number):
        found = NumberBox(kind, parent)
    elif isinstance(kind, Flag):
        found = FlagBox(parent)
    elif isinstance(kind, Family):
        found = ChoiceBox(families(kind), parent)
    else:
        found = FolderField(setting.title, parent)
    found.setAccessibleName(setting.title)
    found.setAccessibleDescription(setting.sentence)
    found.setToolTip(plain_tip(setting.sentence))
    found.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return found


def families(kind: Family) -> list[tuple[str, str]]:
    """Return the families of fonts that there are, the bundled one first."""
    there = [
        name
        for name in QFontDatabase.families()
        if name != kind.bundled and not QFontDatabase.isPrivateFamily(name)
    ]
    if kind.is_fixed:
        there = [name for name in there if QFontDatabase.isFixedPitch(name)]
    return [("", f"{kind.bundled} (bundled)"), *((name, name) for name in there)]
