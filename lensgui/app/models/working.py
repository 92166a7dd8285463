"""A line for what runs: how far it is, and its end."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from lensgui.app.models.words import Pace
from lensgui.app.window.actions import ACTIONS
from lensgui.jobs.downloads import Fetched
from lensgui.panes.controls.controls import button, sentence

FINE = 1000  # steps of the bar


class Working(QWidget):
    """Says what runs and how far it is, with a button that ends it; hidden while nothing runs.

    Attributes:
        cancelled: It is to end.
    """

    cancelled = Signal()

    def __init__(self, title: str, tip: str, parent: QWidget) -> None:
        """Show nothing yet.

        Args:
            title: What its button is called where it stands alone.
            tip: What becomes of it then.
            parent: Where it is.
        """
        super().__init__(parent)
        self._pace = Pace()
        self.said = sentence(self)
        self.bar = QProgressBar(self)
        self.bar.setRange(0, FINE)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("How far it is")
        self.bar.setToolTip("How far it is.")
        self.cancel = button(ACTIONS["models_cancel"], self, title=title, tip=tip)
        self.cancel.clicked.connect(self.cancelled)
        below = QHBoxLayout()
        below.addWidget(self.bar, 1)
        below.addWidget(self.cancel)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.said)
        column.addLayout(below)
        self.hide()

    def begin(self, words: str) -> None:
        """Say what runs now, which can't say how far it is yet."""
        self.said.setText(words)
        self.bar.setRange(0, 0)
        self.show()

    @Slot(object)
    def show_fetched(self, fetched: Fetched | None) -> None:
        """Say how far something is; None once it has ended."""
        self.setVisible(fetched is not None)
        if fetched is not None:
            self.said.setText(self._pace.words(fetched))
            self.bar.setRange(0, FINE if fetched.total else 0)
            self.bar.setValue(round(FINE * fetched.done / fetched.total) if fetched.total else 0)
