"""A box to choose one of several named things from, in groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QPaintEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from lensgui.panes import theme
from lensgui.panes.token_text import plain_tip

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
AROUND_TEXT = 4  # pixels
LEAST_LETTERS = 9  # of the chosen thing's name, however narrow the pane is


@dataclass(frozen=True, slots=True)
class Option(Generic[T_co]):
    """One thing to choose.

    Attributes:
        value: What is chosen.
        name: What the box says.
        tip: What it means, in one sentence; see `theme.coloured`.
    """

    value: T_co
    name: str
    tip: str


Groups = Sequence[tuple[str, Sequence[Option[T]]]]


class Box(QComboBox):
    """A box whose text is cut off with a sign where there is no room for all of it."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the box, with a sign where its text is cut off."""
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        control = QStyle.ComplexControl.CC_ComboBox
        where = QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(control, option, where, self).width() - AROUND_TEXT
        option.currentText = self.fontMetrics().elidedText(
            self.currentText(), Qt.TextElideMode.ElideRight, room
        )
        painter.drawComplexControl(control, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


class Chooser(Box, Generic[T]):
    """Shows the chosen option, and says when the user chose another.

    Attributes:
        chosen: (value,) of the option that the user chose.
    """

    chosen = Signal(object)

    def __init__(self, name: str, groups: Groups[T], parent: QWidget) -> None:
        """Fill the box.

        Args:
            name: Its accessible name.
            groups: Options under a heading each; a heading "" is not shown.
            parent: The pane it is in.
        """
        super().__init__(parent)
        self._options: list[Option[T] | None] = []  # None for a heading
        items = QStandardItemModel(self)
        for heading, options in groups:
            if heading:
                self._options.append(None)
                items.appendRow(_heading(heading))
            for option in options:
                self._options.append(option)
                item = QStandardItem(option.name)
                item.setToolTip(plain_tip(theme.coloured(option.tip)))
                items.appendRow(item)
        self.setModel(items)
        self.setAccessibleName(name)
        self.setMaxVisibleItems(len(self._options))
        self.setSizeAdjustPolicy(self.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(LEAST_LETTERS)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._widen_list()
        self.activated.connect(self._tell)
        self.show_value(self._known()[0].value)

    @property
    def value(self) -> T | None:
        """What is chosen; None if that is not among the options."""
        index = self.currentIndex()
        option = self._options[index] if index >= 0 else None
        return option.value if option else None

    def show_value(self, value: object) -> None:
        """Show what is chosen, without saying so; nothing if it is not among the options."""
        known = [option.value if option else None for option in self._options]
        index = known.index(value) if value in known else -1
        self.setCurrentIndex(index)
        option = self._options[index] if index >= 0 else None
        self._describe(option.tip if option else "")

    def rename(self, value: object, name: str, tip: str) -> None:
        """Call one of the options something else."""
        options = enumerate(self._options)
        index, option = next((at, one) for at, one in options if one and one.value == value)
        self._options[index] = replace(option, name=name, tip=tip)
        self.setItemText(index, name)
        self.setItemData(index, plain_tip(theme.coloured(tip)), Qt.ItemDataRole.ToolTipRole)
        if index == self.currentIndex():
            self._describe(tip)

    def changeEvent(self, event: QEvent) -> None:
        """Write the list in another font, and name colours as they are now."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._explain()
        if event.type() == QEvent.Type.FontChange:
            self._widen_list()

    def _explain(self) -> None:
        for row, option in enumerate(self._options):
            if option is not None:
                tip = plain_tip(theme.coloured(option.tip))
                self.setItemData(row, tip, Qt.ItemDataRole.ToolTipRole)
                if row == self.currentIndex():
                    self._describe(option.tip)

    def _widen_list(self) -> None:
        for row, option in enumerate(self._options):
            if option is None:
                bold = theme.text_font(theme.SMALL_POINTS, bold=True)
                self.setItemData(row, bold, Qt.ItemDataRole.FontRole)
        widest = max(self.fontMetrics().horizontalAdvance(item.name) for item in self._known())
        self.view().setMinimumWidth(widest + 40)

    def _known(self) -> list[Option[T]]:
        return [option for option in self._options if option is not None]

    def _describe(self, tip: str) -> None:
        self.setToolTip(plain_tip(theme.coloured(tip)))
        self.setAccessibleDescription(theme.coloured(tip))

    @Slot(int)
    def _tell(self, index: int) -> None:
        option = self._options[index]
        if option is not None:
            self._describe(option.tip)
            self.chosen.emit(option.value)


def _heading(text: str) -> QStandardItem:
    item = QStandardItem(text)
    item.setFlags(Qt.ItemFlag.NoItemFlags)
    return item
