"""What happened since the window was opened: messages, faults, and what the worker logs."""

from __future__ import annotations

import contextlib
import logging
from datetime import datetime

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDockWidget,
    QHBoxLayout,
    QMainWindow,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from lensgui.app.window.actions import ACTIONS
from lensgui.panes import theme
from lensgui.panes.controls.controls import button

MOST_LINES = 5_000
FORMAT = "%(levelname)s %(name)s: %(message)s"


class _Lines(QObject):
    """Passes lines on from any thread.

    Attributes:
        said: (line,) something was logged.
    """

    said = Signal(str)


class _Handler(logging.Handler):
    def __init__(self, lines: _Lines) -> None:
        super().__init__(logging.INFO)
        self._lines = lines
        self.setFormatter(logging.Formatter(FORMAT))

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a line on, unless the window is gone."""
        with contextlib.suppress(RuntimeError):
            self._lines.said.emit(self.format(record))


class LogDock(QDockWidget):
    """The lines, to be read and copied; hidden at first.

    Attributes:
        text: What is written.
    """

    def __init__(self, window: QMainWindow) -> None:
        super().__init__("Log", window)
        self.setObjectName("Log")
        self.toggleViewAction().setObjectName(ACTIONS["show_or_hide"].name)
        self.text = self._text()
        self.copy = button(ACTIONS["copy_log"], self)
        self.clear = button(ACTIONS["clear_log"], self)
        row = QHBoxLayout()
        row.addStretch(1)
        for part in (self.copy, self.clear):
            part.setAutoRaise(False)
            row.addWidget(part)
        inside = QWidget(self)
        column = QVBoxLayout(inside)
        column.setContentsMargins(6, 2, 6, 4)
        column.addWidget(self.text, 1)
        column.addLayout(row)
        self.setWidget(inside)
        self.copy.clicked.connect(self._copy)
        self.clear.clicked.connect(self.text.clear)
        self._lines = _Lines(self)
        self._lines.said.connect(self.add, Qt.ConnectionType.QueuedConnection)
        self._handler = _Handler(self._lines)
        logging.getLogger("lensgui").addHandler(self._handler)
        window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self)
        self.hide()

    def _text(self) -> QPlainTextEdit:
        text = QPlainTextEdit(self)
        text.setReadOnly(True)
        text.setMaximumBlockCount(MOST_LINES)
        text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        text.setTabChangesFocus(True)
        text.setFont(theme.mono_font(theme.SMALL_POINTS + 0.5))
        text.setAccessibleName("Log")
        text.setToolTip("What lensgui has said since this window was opened.")
        return text

    @Slot(str)
    def add(self, line: str) -> None:
        """Add a line with the time of day; "" adds nothing."""
        if line:
            self.text.appendPlainText(f"{datetime.now().astimezone():%H:%M:%S} {line}")

    @Slot()
    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())

    def release(self) -> None:
        """Hear nothing more."""
        logging.getLogger("lensgui").removeHandler(self._handler)
