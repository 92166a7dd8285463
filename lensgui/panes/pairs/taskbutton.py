"""A button with a menu of the tasks that prompt pairs can be drawn from."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from lensgui.prompts.tasks import TASKS, Task


class TaskButton(QToolButton):
    """Lets the user choose a task, unless it is known which one is meant.

    Attributes:
        chosen: (task,) that pairs are to be drawn from.
    """

    chosen = Signal(object)

    def __init__(self, text: str, name: str, tip: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._known: Task | None = None
        self.setText(text)
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self._menu = QMenu(self)
        self._menu.setToolTipsVisible(True)
        for task in TASKS:
            action = self._menu.addAction(task.title)
            action.setToolTip(task.about)
            action.setData(task)
        self._menu.triggered.connect(self._choose)
        self.clicked.connect(self._press)
        self.show_known(None)

    def show_known(self, task: Task | None) -> None:
        """Take a task that a press draws from at once; None to ask by the menu."""
        self._known = task
        self.setMenu(None if task is not None else self._menu)  # type: ignore[arg-type]
        self.setPopupMode(self.ToolButtonPopupMode.InstantPopup)

    def show_digits(self, digits: int) -> None:
        """Offer what suits a vocabulary.

        Args:
            digits: How many digits of a number make one token.
        """
        for action in self._menu.actions():
            action.setVisible(action.data().digits in (0, digits))

    @Slot(QAction)
    def _choose(self, action: QAction) -> None:
        self.chosen.emit(action.data())

    @Slot()
    def _press(self) -> None:
        if self._known is not None:
            self.chosen.emit(self._known)
