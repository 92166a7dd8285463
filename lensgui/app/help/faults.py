"""What is said of a fault of lensgui's own: what happened, what to do, and the details folded."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from lensgui.app.window.actions import ACTIONS
from lensgui.panes import theme
from lensgui.panes.controls.controls import button, headline, sentence

WIDTH, FOLDED, UNFOLDED = 560, 150, 420  # pixels, times the zoom
TITLE = "Something went wrong in lensgui itself"
WHAT_TO_DO = (
    "What you do is kept, and the window can still be used: save the session under another name to "
    "be safe. If it happens again, copy the details and report them; they hold no prompts."
)
AND_MORE = "It has happened {count} times; the details are of the last."


class FaultDialog(QDialog):
    """One for all faults of a window, which does not wait for an answer.

    Attributes:
        details: Where in the program it was.
    """

    def __init__(self, parent: QWidget, log_path: Path | None) -> None:
        super().__init__(parent)
        self.setWindowTitle("lensgui")
        self.setModal(False)
        self._count = 0
        self.what, self.more = sentence(self), sentence(self)
        advice = sentence(self)
        advice.setText(WHAT_TO_DO + (f" The log is {log_path}." if log_path is not None else ""))
        self.details = self._folded()
        self.unfold = button(ACTIONS["fault_details"], self)
        self.unfold.setCheckable(True)
        self.copy = button(ACTIONS["copy_fault"], self)
        self.shut = button(ACTIONS["close_fault"], self)
        row = QHBoxLayout()
        row.addWidget(self.unfold)
        row.addStretch(1)
        row.addWidget(self.copy)
        row.addWidget(self.shut)
        column = QVBoxLayout(self)
        for part in (headline(TITLE, self), self.what, advice, self.more):
            column.addWidget(part)
        column.addWidget(self.details, 1)
        column.addLayout(row)
        for each in (self.unfold, self.copy, self.shut):
            each.setAutoRaise(False)
        self.unfold.toggled.connect(self._unfold)
        self.copy.clicked.connect(self._copy)
        self.shut.clicked.connect(self.close)
        self.resize(theme.zoomed(WIDTH), theme.zoomed(FOLDED))

    def _folded(self) -> QPlainTextEdit:
        details = QPlainTextEdit(self)
        details.setReadOnly(True)
        details.setTabChangesFocus(True)
        details.setFont(theme.mono_font(theme.SMALL_POINTS))
        details.setAccessibleName("Details of the fault")
        details.setToolTip("Where in the program it was.")
        details.hide()
        return details

    @Slot(str, str)
    def show_fault(self, what: str, details: str) -> None:
        """Say what happened; another fault takes the place of the one that is shown."""
        self._count = self._count + 1 if self.isVisible() else 1
        self.what.setText(what)
        self.more.setText(AND_MORE.format(count=self._count) if self._count > 1 else "")
        self.more.setVisible(self._count > 1)
        self.details.setPlainText(details)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.show()

    @Slot(bool)
    def _unfold(self, is_unfolded: bool) -> None:
        self.details.setVisible(is_unfolded)
        height = theme.zoomed(UNFOLDED if is_unfolded else FOLDED)
        self.resize(self.width(), height)

    @Slot()
    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(f"{self.what.text()}\n\n{self.details.toPlainText()}")
