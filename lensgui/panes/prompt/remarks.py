"""What is to be said of the prompts: faults in the colour of warnings, all else in plain ink."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QVBoxLayout, QWidget

from lensgui.panes.controls.controls import sentence


class Remarks(QWidget):
    """Sentences below the prompts; at least one line tall, so that the first one moves nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.faults, self.notices = sentence(self), sentence(self)
        self.faults.setForegroundRole(QPalette.ColorRole.BrightText)
        self.notices.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.faults.setAccessibleName("What is wrong with the prompts")
        self.notices.setAccessibleName("What is to be known of the prompts")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for label in (self.faults, self.notices):
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
            label.setMinimumHeight(label.fontMetrics().lineSpacing() + 2)
            column.addWidget(label)
        self.show_sentences((), ())

    def show_sentences(self, faults: Sequence[str], notices: Sequence[str]) -> None:
        """Say what is wrong, and what is worth knowing."""
        self.faults.setText("\n".join(faults))
        self.notices.setText("\n".join(notices))
        self.faults.setVisible(bool(faults))
        self.notices.setVisible(bool(notices) or not faults)
