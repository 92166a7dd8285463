"""A pane's dock: its frame, its place in the window, and the list of all panes."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal, Slot
from PySide6.QtGui import QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QLayout,
    QMainWindow,
    QScrollArea,
    QTabBar,
    QWidget,
)

from lensgui.panes import theme
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.controls.controls import Elided, button
from lensgui.panes.inspector.inspector import InspectorPane
from lensgui.panes.pairs.pair_table import PairTablePane
from lensgui.panes.pane import Pane
from lensgui.panes.patching.necessary_sufficient import NecessaryPane
from lensgui.panes.patching.patching import PatchingPane, SecondPatchingPane, ThirdPatchingPane
from lensgui.panes.patching.who_feeds import FeedersPane
from lensgui.panes.prompt.prompt import PromptPane
from lensgui.panes.token_text import plain_tip

LEAST = QSize(200, 120)  # so that five panes stand side by side in 1024 pixels
ROWS = (("Prompt",), ("Attention", "Activation patching", "Inspector"))
BEHIND = {  # panes that share a place: the first is in front
    "Attention": ("Prompt pairs",),
    "Activation patching": ("Necessary or sufficient", "Who feeds it"),
}
BESIDE = ("Patching 2", "Patching 3")  # hidden until asked for, then to the right of the first
WIDTHS = {"Attention": 520, "Activation patching": 420, "Inspector": 340}
HEIGHTS = {"Prompt": 190, "Attention": 520}
COLUMNS = ("Activation patching", *BESIDE)  # share what the panes at their sides leave
LEAST_SIDES = {"Attention": 340, "Inspector": 220}
PANES: tuple[type[Pane], ...] = (
    PromptPane,
    AttentionPane,
    PatchingPane,
    NecessaryPane,
    FeedersPane,
    InspectorPane,
    PairTablePane,
    SecondPatchingPane,
    ThirdPatchingPane,
)
MOST_STEPS = 500  # from one control to the next that is seen


class Frame(QScrollArea):
    """Gives a pane all the room there is, and asks the window for little of it.

    A pane that needs more than it is given would else widen or heighten the whole window.
    """

    def __init__(self, pane: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._pane = pane
        self.setWidget(pane)

    def sizeHint(self) -> QSize:
        """Return what the pane likes."""
        return self._pane.sizeHint()

    def minimumSizeHint(self) -> QSize:
        """Return the least useful size of any pane."""
        return LEAST

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the pane the new room."""
        super().resizeEvent(event)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Give the pane more where its parts need it."""
        result = super().eventFilter(watched, event)
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return result

    def _fit(self) -> None:
        pane, room = self._pane, self.viewport().size()
        layout = pane.layout()
        if layout is None:
            pane.resize(room)
            return
        width = max(room.width(), layout.totalMinimumSize().width())
        least = layout.totalMinimumSize().height()
        if layout.hasHeightForWidth():
            least = layout.totalMinimumHeightForWidth(width)
        pane.resize(width, max(room.height(), least))


def arrange(window: QMainWindow, docks: Mapping[str, QDockWidget]) -> None:
    """Put every pane in its place."""
    layout = window.layout()
    assert layout is not None
    limits = layout.sizeConstraint()
    layout.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
    for dock in filter(QDockWidget.isFloating, docks.values()):
        dock.setFloating(False)
    _place(window, docks)
    layout.activate()
    layout.setSizeConstraint(limits)  # on the way, docks may want more than the window has


def _place(window: QMainWindow, docks: Mapping[str, QDockWidget]) -> None:
    above: QDockWidget | None = None
    for row in ROWS:
        left = docks[row[0]]
        if above is None:
            window.addDockWidget(Qt.DockWidgetArea.TopDockWidgetArea, left)
        else:
            window.splitDockWidget(above, left, Qt.Orientation.Vertical)
        for title in row[1:]:
            window.splitDockWidget(left, docks[title], Qt.Orientation.Horizontal)
            left = docks[title]
        above = docks[row[0]]
    for title, dock in docks.items():  # a pane that is shown only to be placed widens the window
        dock.setVisible(title not in BESIDE)
    _place_the_others(window, docks)
    for bar in window.findChildren(QTabBar):
        bar.setAccessibleName("Panes that share this place")
        bar.setToolTip("Click a name to bring that pane to the front.")
    for sizes, way in ((WIDTHS, Qt.Orientation.Horizontal), (HEIGHTS, Qt.Orientation.Vertical)):
        window.resizeDocks([docks[title] for title in sizes], list(sizes.values()), way)


def make_room(window: QMainWindow, docks: Mapping[str, QDockWidget], title: str) -> None:
    """Share the width out anew when a sweep is shown beside others."""
    if title not in BESIDE:
        return
    columns = [name for name in COLUMNS if docks[name].isVisible()]
    sides = {name: width for name, width in LEAST_SIDES.items() if docks[name].isVisible()}
    share = max(1, window.width() - sum(sides.values())) // max(1, len(columns))
    widths = {**sides, **dict.fromkeys(columns, share)}
    window.resizeDocks(
        [docks[name] for name in widths], list(widths.values()), Qt.Orientation.Horizontal
    )


def _place_the_others(window: QMainWindow, docks: Mapping[str, QDockWidget]) -> None:
    beside = docks["Activation patching"]
    for title in BESIDE:
        window.splitDockWidget(beside, docks[title], Qt.Orientation.Horizontal)
        beside = docks[title]
    for front, others in BEHIND.items():
        for title in others:
            window.tabifyDockWidget(docks[front], docks[title])
        docks[front].raise_()


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
        name.setToolTip(plain_tip(pane.about))
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 2, 4, 0)
        row.addWidget(name, 1)
        row.addWidget(self.copy)


class Dock(QDockWidget):
    """Holds one pane.

    Attributes:
        pane: What it holds.
        copied: (Pane,) when its code is requested.
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
    def _come_forward(self, is_valid: bool) -> None:
        if is_valid:
            self.raise_()

    @Slot()
    def _copy(self) -> None:
        self.copied.emit(self.pane)
