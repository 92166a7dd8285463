"""Where every pane stands: the list of all panes, their places, and their sizes at first."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDockWidget, QLayout, QMainWindow, QTabBar

from lensgui.app.window.docks import Dock
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.inspector.inspector import InspectorPane
from lensgui.panes.pairs.pair_table import PairTablePane
from lensgui.panes.pane import Pane
from lensgui.panes.patching.all_kinds import AllKindsPane
from lensgui.panes.patching.necessary_sufficient import NecessaryPane
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.patching.who_feeds import FeedersPane
from lensgui.panes.prompt.prompt import PromptPane

ROWS = (("Prompt",), ("Attention", "Activation patching", "Inspector"))
BEHIND = {  # panes that share a place: the first is in front
    "Attention": ("Prompt pairs",),
    "Activation patching": ("All kinds at once", "Necessary or sufficient", "Who feeds it"),
}
WIDTHS = {"Attention": 520, "Activation patching": 420, "Inspector": 340}
PANES: tuple[type[Pane], ...] = (
    PromptPane,
    AttentionPane,
    PatchingPane,
    AllKindsPane,
    NecessaryPane,
    FeedersPane,
    InspectorPane,
    PairTablePane,
)
LOW = 600  # pixels: in a lower window, prompts are folded at first
SHORT = 768  # pixels: in a lower window, a prompt has one line at first
AROUND = 40  # pixels of a screen's height that the window's own frame needs


def fit_screen(window: QMainWindow) -> None:
    """Make a window that is not shown yet no larger than its screen."""
    available = window.screen().availableGeometry().size()
    available.setHeight(available.height() - AROUND)
    for dock in window.findChildren(Dock):
        if dock.pane.folds and available.height() < LOW:
            dock.fold(is_folded=True)  # else the window can't be so low
    window.resize(window.size().boundedTo(available))


def arrange(window: QMainWindow, docks: Mapping[str, Dock]) -> None:
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


def _place(window: QMainWindow, docks: Mapping[str, Dock]) -> None:
    above: Dock | None = None
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
    for dock in docks.values():
        dock.show()
    _place_the_others(window, docks)
    for bar in window.findChildren(QTabBar):
        bar.setAccessibleName("Panes that share this place")
        bar.setToolTip("Click a name to bring that pane to the front.")
    window.resizeDocks(
        [docks[title] for title in WIDTHS], list(WIDTHS.values()), Qt.Orientation.Horizontal
    )
    is_low = window.height() < LOW
    docks["Prompt"].fold(is_folded=is_low)
    if not is_low:
        docks["Prompt"].be_tall(_height_of(docks["Prompt"], window.size()))


def _height_of(dock: Dock, room: QSize) -> int:
    """Return how tall a dock across a whole window has to be, so that nothing of it is hidden."""
    column, pane = dock.pane.column, dock.pane
    is_short = room.height() < SHORT
    needed = column.totalMinimumHeightForWidth if is_short else column.totalHeightForWidth
    return needed(room.width()) + dock.sizeHint().height() - pane.sizeHint().height()


def _place_the_others(window: QMainWindow, docks: Mapping[str, Dock]) -> None:
    for front, others in BEHIND.items():
        for title in others:
            window.tabifyDockWidget(docks[front], docks[title])
        docks[front].raise_()
