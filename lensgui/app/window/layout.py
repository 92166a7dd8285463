"""Where every pane stands: the list of all panes, their places, and their sizes at first."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QByteArray, QChildEvent, QEvent, QObject, QSize, Qt
from PySide6.QtWidgets import QDockWidget, QLayout, QMainWindow, QTabBar

from lensgui.app.sessions.placement import placed
from lensgui.app.window.docks import Dock
from lensgui.panes import theme
from lensgui.panes.ablation.ablation import AblationPane
from lensgui.panes.activation.activation import ActivationPane
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.attribution.attribution import AttributionPane
from lensgui.panes.circuit.circuit import CircuitPane
from lensgui.panes.controls.controls import Shares
from lensgui.panes.generation.generation import GenerationPane
from lensgui.panes.heads.heads import HeadsPane
from lensgui.panes.inspector.inspector import InspectorPane
from lensgui.panes.interventions.tray import InterventionsPane
from lensgui.panes.lens.lens import LensPane
from lensgui.panes.neurons.neurons import NeuronsPane
from lensgui.panes.pairs.pair_table import PairTablePane
from lensgui.panes.pane import Pane
from lensgui.panes.patching.all_kinds import AllKindsPane
from lensgui.panes.patching.necessary_sufficient import NecessaryPane
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.patching.who_feeds import FeedersPane
from lensgui.panes.prompt.prompt import PromptPane
from lensgui.panes.start.start import StartPane
from lensgui.panes.strength.strength import StrengthPane
from lensgui.state.layout import Layout

ROWS = (("Prompt",), ("Attention", "Activation patching", "Inspector"))
BEHIND = {  # panes that share a place: the first is in front
    "Attention": ("Attribution", "Lens", "Heads", "Neurons", "Activation", "Prompt pairs", "Start"),
    "Activation patching": (
        "All kinds at once",
        "Necessary or sufficient",
        "Who feeds it",
        "Circuit",
    ),
    "Inspector": ("Interventions", "Strength", "Ablation", "Generation"),
}
WIDTHS = {"Attention": 520, "Activation patching": 420, "Inspector": 340}
PANES: tuple[type[Pane], ...] = (
    PromptPane,
    AttentionPane,
    PatchingPane,
    AllKindsPane,
    NecessaryPane,
    FeedersPane,
    CircuitPane,
    ActivationPane,
    AttributionPane,
    LensPane,
    HeadsPane,
    NeuronsPane,
    InspectorPane,
    InterventionsPane,
    StrengthPane,
    AblationPane,
    GenerationPane,
    PairTablePane,
)
DOCKED: tuple[type[Pane], ...] = (*PANES, StartPane)  # the last shows no numbers
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


class TabBars(QObject):
    """Names the bars of panes that share a place, whenever Qt makes one."""

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Dress a new bar."""
        if event.type() == QEvent.Type.ChildPolished and isinstance(event, QChildEvent):
            bar = event.child()
            if isinstance(bar, QTabBar):
                bar.setAccessibleName("Panes that share this place")
                bar.setToolTip("Click a name to bring that pane to the front.")
                bar.setMovable(False)  # QTabBar.slide crashes where a tab goes while it is dragged
        return False


class Solo:
    """One pane in all the room there is, and the way back; the window it belongs to has it.

    Attributes:
        title: The pane that is alone; "" for all.
        layout: Where all stood before; None while all are there.
    """

    def __init__(self) -> None:
        self.title = ""
        self.layout: Layout | None = None
        self._before = QByteArray()

    def toggle(self, window: QMainWindow, docks: Mapping[str, Dock], title: str) -> None:
        """Show a pane alone, or all that were there before."""
        is_end = title == self.title
        self.end(window, docks)
        if is_end:
            return
        self._before, self.layout = window.saveState(), placed(window, docks)
        self.title = title
        for other in docks.values():
            if other is not docks[title] and not other.isFloating():
                other.hide()
        docks[title].bar.show_solo(is_solo=True)

    def end(self, window: QMainWindow, docks: Mapping[str, Dock]) -> None:
        """Show again what was there before."""
        if self.title:
            self.forget(docks)
            window.restoreState(self._before)

    def forget(self, docks: Mapping[str, Dock]) -> None:
        """Leave all as it is: it is put elsewhere now."""
        if self.title:
            docks[self.title].bar.show_solo(is_solo=False)
            self.title, self.layout = "", None


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
    for shares in window.findChildren(Shares):
        shares.reset()
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
    window.resizeDocks(
        [docks[title] for title in WIDTHS], list(WIDTHS.values()), Qt.Orientation.Horizontal
    )
    docks["Prompt"].fold(is_folded=False)
    fit_prompts(window, docks["Prompt"])


def fit_prompts(window: QMainWindow, dock: Dock) -> None:
    """Give prompts the height they need; in a low window, one line."""
    if window.height() < theme.zoomed(LOW):
        dock.is_folded_for_room |= not dock.is_folded
        dock.fold(is_folded=True)
        return
    if dock.is_folded_for_room:
        dock.is_folded_for_room = False
        dock.fold(is_folded=False)
    if not dock.is_folded:
        dock.be_tall(_height_of(dock, window.size()))


def _height_of(dock: Dock, room: QSize) -> int:
    """Return how tall a dock across a whole window has to be, so that nothing of it is hidden."""
    column, pane = dock.pane.column, dock.pane
    is_short = room.height() < theme.zoomed(SHORT)
    needed = column.totalMinimumHeightForWidth if is_short else column.totalHeightForWidth
    return needed(room.width()) + dock.sizeHint().height() - pane.sizeHint().height()


def _place_the_others(window: QMainWindow, docks: Mapping[str, Dock]) -> None:
    for front, others in BEHIND.items():
        for title in others:
            window.tabifyDockWidget(docks[front], docks[title])
        docks[front].raise_()
