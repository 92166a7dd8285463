"""The main window: the one place where state, panes and runner are connected."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction, QCloseEvent, QGuiApplication, QShowEvent
from PySide6.QtWidgets import QMainWindow, QWidget

from lensgui.app.intervening import Intervening
from lensgui.app.settings.appearance import Appearance
from lensgui.app.window.docks import Dock, step_in_sight
from lensgui.app.window.exchange import Exchange
from lensgui.app.window.layout import DOCKED, Solo, TabBars, arrange, fit_prompts
from lensgui.app.window.statusline import Pacing, StatusLine
from lensgui.app.window.toolbar import ModelBar
from lensgui.jobs.runner import Runner
from lensgui.panes.pane import Pane
from lensgui.state.document import Document
from lensgui.state.selection import Selection
from lensgui.state.session import Session

TITLE = "lensgui"
SIZE = (1280, 800)
QUEUED = Qt.ConnectionType.QueuedConnection


class MainWindow(QMainWindow):
    """Docks, toolbar and status line around one session, one selection and one runner.

    Attributes:
        intervening: Adds what panes want done to the model.
        actions_by_name: What its menus and keys do, once it has some.
        may_close: Asks what is to become of what is not saved; whether to close then.
        called: What the application is called in its title.
        lay_out: Puts the panes where they are to be once the window is shown.
        closed: The window was closed.
        settings_requested: The user wants to see the settings.
    """

    closed = Signal()
    settings_requested = Signal()

    def __init__(
        self, session: Session, selection: Selection, runner: Runner, appearance: Appearance
    ) -> None:
        super().__init__()
        self.session, self.selection, self.runner = session, selection, runner
        self.appearance = appearance
        self.called = f"{TITLE} (safe mode)" if appearance.preferences.is_safe else TITLE
        self.may_close: Callable[[], bool] = lambda: True
        self.lay_out: Callable[[], None] = self.reset_layout
        self.setWindowTitle(TITLE)
        self.setDockNestingEnabled(True)
        self.resize(*SIZE)
        self.setCentralWidget(nothing := QWidget(self))
        nothing.hide()  # docks are all there is
        self.panes: dict[str, Pane] = {kind.title: kind() for kind in DOCKED}
        TabBars(self)
        self.docks = {title: Dock(pane, self) for title, pane in self.panes.items()}
        self.alone = Solo()
        self.model_bar = ModelBar(self)
        self.addToolBar(self.model_bar)
        self.status = StatusLine(self)
        self.setStatusBar(self.status)
        self.pacing = Pacing(self)
        self.exchange = Exchange(session, selection, runner, self.panes, self)
        self.intervening = Intervening(session, self.exchange, self.panes.values())
        self.actions_by_name: dict[str, QAction] = {}
        self._was_shown = False
        self._connect()
        self.reset_layout()
        self._show_document(session.document)
        self.exchange.show_cursor(selection.cursor)

    def _connect(self) -> None:
        exchange, runner, bar = self.exchange, self.runner, self.model_bar
        self.session.changed.connect(self._show_document)
        self.selection.changed.connect(exchange.show_cursor)
        runner.replied.connect(exchange.receive)
        runner.progressed.connect(self.pacing.take)
        self.pacing.progressed.connect(self.status.show_progress)
        self.pacing.progressed.connect(bar.show_progress)
        exchange.opened.connect(bar.show_card)
        exchange.status_message.connect(self.status.show_sentence)
        exchange.failed.connect(self.status.show_fault)
        bar.edited.connect(exchange.edit)
        self.appearance.zoomed.connect(self._fit_zoom, QUEUED)  # once all is laid out
        bar.stopped.connect(self.stop)
        self.status.stopped.connect(self.stop)
        for dock in self.docks.values():
            dock.copied.connect(self._copy)
            dock.soloed.connect(self.solo)
            dock.visibilityChanged.connect(exchange.ask, QUEUED)  # it is sent before the pane hides
            dock.pane.picked.connect(exchange.pick)
            dock.pane.edited.connect(exchange.edit)
            dock.pane.pinned.connect(exchange.pin)
            dock.pane.followed.connect(exchange.follow)
            dock.pane.unfollowed.connect(exchange.unfollow)
            dock.pane.altered.connect(exchange.ask)
            dock.pane.pane_requested.connect(self.show_pane)
            dock.pane.pane_requested.connect(exchange.begin_anew)
            dock.pane.again.connect(exchange.retry)
            dock.pane.anew.connect(exchange.compute_anew)
            dock.pane.paused.connect(exchange.pause)
            dock.pane.hovered.connect(self.status.show_readout)

    @Slot()
    def reset_layout(self) -> None:
        """Put every pane where it was at first."""
        self.alone.forget(self.docks)
        arrange(self, self.docks)

    @Slot(str)
    def show_pane(self, title: str) -> None:
        """Bring a pane to the front; where another one is alone, all are shown again."""
        if self.alone.title != title:
            self.alone.end(self, self.docks)
        self.docks[title].show()
        self.docks[title].raise_()

    @Slot(object)
    def solo(self, pane: Pane) -> None:
        """Show a pane alone, or again with the others."""
        self.alone.toggle(self, self.docks, pane.title)

    @Slot()
    def _fit_zoom(self) -> None:
        fit_prompts(self, self.docks["Prompt"])

    @Slot()
    def fold_prompts(self) -> None:
        """Fold the prompts to one line, or show them again."""
        dock = self.docks["Prompt"]
        dock.fold(is_folded=not dock.is_folded)

    def focusNextPrevChild(self, next: bool) -> bool:
        """Pass over what stands behind a tab or is folded."""
        return step_in_sight(super().focusNextPrevChild, next)

    @Slot()
    def undo(self) -> None:
        """Take back the last edit."""
        self.session.undo_stack.undo()

    @Slot()
    def stop(self) -> None:
        """Stop what runs."""
        self.runner.stop()

    @Slot(str, bool)
    def show_title(self, name: str, is_modified: bool) -> None:
        """Say what is open, and whether it is modified."""
        self.setWindowTitle(f"{name}[*] – {self.called}")
        self.setWindowModified(is_modified)

    @Slot(object)
    def _show_document(self, document: Document) -> None:
        self.model_bar.show_key(document.model)
        self.exchange.show_document(document)

    @Slot(object)
    def _copy(self, pane: Pane) -> None:
        code = pane.python(self.exchange.of(pane), self.exchange.at(pane))
        QGuiApplication.clipboard().setText(code)
        self.status.show_sentence(f"Copied {len(code.splitlines())} lines of Python.")

    def showEvent(self, event: QShowEvent) -> None:
        """Give the panes their sizes, which hold from now on only."""
        super().showEvent(event)
        if not self._was_shown:
            self._was_shown = True
            self.lay_out()
            self.exchange.ask()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Leave, once it is agreed what is lost by it; whatever runs is left behind."""
        if not self.isVisible() or self.may_close():
            super().closeEvent(event)
            self.closed.emit()
        else:
            event.ignore()
