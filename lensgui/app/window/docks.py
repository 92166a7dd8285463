"""A pane's frame: its name, its buttons, its place in the window."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication, QDockWidget, QHBoxLayout, QWidget

from lensgui.app.window.frame import Frame
from lensgui.panes import theme
from lensgui.panes.controls.controls import Elided, button
from lensgui.panes.pane import Pane

MOST_STEPS = 500  # from one control to the next that is seen


def is_in_front(widget: QWidget | None) -> bool:
    """Return whether a widget is in no dock, or in one that is not behind a tab."""
    while widget is not None and not isinstance(widget, Dock):
        widget = widget.parentWidget()
    return widget is None or widget.pane.is_in_front


class TitleBar(QWidget):
    """The strip above a pane; it can be dragged, and holds the pane's buttons."""

    def __init__(self, pane: Pane, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.copy = button(
            "Copy as Python",
            f"{pane.title}: copy as Python",
            "Copy a few lines of Python that compute what this pane shows.",
            self,
        )
        self.copy.setFont(theme.text_font(theme.SMALL_POINTS))
        self.copy.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        name = Elided(Qt.AlignmentFlag.AlignLeft, self)
        name.setText(pane.title)
        name.setFont(theme.text_font(theme.SMALL_POINTS + 0.5, bold=True))
        name.setToolTip(pane.about)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 2, 4, 0)
        row.addWidget(name, 1)
        row.addWidget(self.copy)


class Dock(QDockWidget):
    """Holds one pane.

    Attributes:
        pane: What it holds.
        copied: (Pane,) when its code is wanted.
    """

    copied = Signal(object)

    def __init__(self, pane: Pane, parent: QWidget | None = None) -> None:
        super().__init__(pane.title, parent)
        self.pane = pane
        self.setObjectName(pane.title)
        self.setWidget(Frame(pane, self) if pane.scrolls else pane)
        self.setAllowedAreas(Qt.DockWidgetArea.AllDockWidgetAreas)
        bar = TitleBar(pane, self)
        bar.copy.clicked.connect(self._copy)
        self.setTitleBarWidget(bar)
        self.visibilityChanged.connect(self._keep_visibility)
        self.toggleViewAction().triggered.connect(self._come_forward)

    @Slot(bool)
    def _keep_visibility(self, is_visible: bool) -> None:
        self.pane.is_in_front = is_visible  # behind a tab, Qt still calls a pane visible

    def focusNextPrevChild(self, next: bool) -> bool:
        """Pass over what stands behind a tab, which Qt calls visible too."""
        for _ in range(MOST_STEPS):
            if not super().focusNextPrevChild(next):
                return False
            if is_in_front(QApplication.focusWidget()):
                break
        return True

    @Slot(bool)
    def _come_forward(self, is_wanted: bool) -> None:
        if is_wanted:
            self.raise_()

    @Slot()
    def _copy(self) -> None:
        self.copied.emit(self.pane)
