"""The menus and keys of the window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import cached_property, partial
from operator import attrgetter
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSettings, Qt, Slot
from PySide6.QtGui import QAction, QActionGroup, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QWidget,
)

from lensgui.app.commands.dialogs import HistoryDialog, show_sheet
from lensgui.app.commands.entries import Entry
from lensgui.app.commands.matches import Uses
from lensgui.app.commands.search import Search
from lensgui.app.help.help import Help
from lensgui.app.sessions.choosing import RecentMenu
from lensgui.app.sessions.host import Host
from lensgui.app.sessions.sessions import Sessions
from lensgui.app.settings.appearance import CHOICES
from lensgui.app.stage.speaker import Speaker
from lensgui.app.stage.stage import Stage
from lensgui.app.stage.strip import Strip
from lensgui.app.window.actions import ACTIONS, BEFORE, COMMANDS, MENUS, Command, is_bare
from lensgui.app.window.window import MainWindow
from lensgui.jobs.progress import Progress
from lensgui.panes import theme
from lensgui.panes.controls.controls import menu_line
from lensgui.panes.pane import Pane
from lensgui.panes.pictures.number_table import show_table_of
from lensgui.panes.start.start import StartPane
from lensgui.panes.token_text import plain_tip
from lensgui.state.examples import TOY, Example, examples, find
from lensgui.state.tours import tours

COMMANDING = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
KEYS = QEvent.Type.KeyPress, QEvent.Type.KeyRelease
TYPED_INTO = (QLineEdit, QPlainTextEdit, QAbstractSpinBox)


def is_typed_into(widget: QWidget | None) -> bool:
    """Whether keys write text into a widget, and mean nothing else."""
    return isinstance(widget, TYPED_INTO)


class Commands(QObject):
    """Gives a window its menus and keys.

    Attributes:
        window: The window.
        sessions: Its session as a file.
        search: Finds everything in it.
        help: Its guide, its log and its faults.
        history: Lists its steps.
    """

    def __init__(
        self,
        window: MainWindow,
        history: QSettings | None,
        sessions: Sessions,
        make_exporting: Callable[[], Any],
        help_: Help,
    ) -> None:
        super().__init__(window)
        self.window, self.sessions, self._make_exporting = window, sessions, make_exporting
        self.help = help_
        self.stage = Stage(Host(window))
        self.stage.begun.connect(self._keep_answers)
        self.strip = Strip(self.stage, window)
        self.speaker = Speaker(self.stage, window)
        window.addToolBar(Qt.ToolBarArea.BottomToolBarArea, self.strip)
        self._present: Any = None
        self._touring: Any = None
        self.search = Search(window, Uses(history))
        self.search.sources += [help_.entries, self._scenes, self._tours]
        self.history = HistoryDialog(window.session.undo_stack, window)
        self._bare: dict[str, QAction] = {}
        menus = {title: window.menuBar().addMenu(title) for title in MENUS}
        for command in COMMANDS:
            self._add(command, menus.get(command.menu, window))
        self._add_files(menus["&File"])
        self._add_panes(menus["&View"])
        self._add_colors(menus["&View"])
        for example in examples():
            line = menu_line(menus["E&xamples"], ACTIONS["example"], example.title, example.about)
            line.triggered.connect(_doing(open_example, window, example))
        for menu in menus.values():
            menu.setToolTipsVisible(True)
        for pane in window.panes.values():
            pane.taken.connect(partial(self._take, pane))
        self._connect_start()
        window.installEventFilter(self)
        window.pacing.progressed.connect(self._show_progress)

    @cached_property
    def exporting(self) -> Any:  # an `Exporting`
        """What takes its pictures home, imported when it is first wanted: windows open sooner."""
        return self._make_exporting()

    @property
    def touring(self) -> Any:  # a `Touring`
        """What leads through examples, imported when it is first wanted."""
        if self._touring is None:
            from lensgui.app.tours.touring import Touring

            self._touring = Touring(self.window)
            self._touring.said.connect(self.window.status.show_sentence)
        return self._touring

    @property
    def present(self) -> Any:  # a `Present`
        """What shows panes to an audience, imported when it is first wanted."""
        if self._present is None:
            from lensgui.app.stage.present import Present

            self._present = Present(self.window, self.stage, self.speaker, self.help)
        return self._present

    def close(self) -> bool:
        """End what was begun; return whether it ended in time."""
        return "exporting" not in self.__dict__ or bool(self.exporting.close())

    def _take(self, pane: Pane, widget: QWidget | None, how: str) -> None:
        self.exporting.take(pane, widget, how)

    def step(self, field: str, by: int) -> None:
        """Move the selection along one of the cursor's fields; layers as they are seen."""
        is_upwards = field == "layer" and theme.pictures().rises
        self.window.selection.step(field, -by if is_upwards else by)

    @Slot()
    def show_keys(self) -> None:
        """Show what every key and click does."""
        show_sheet(self.window)

    @Slot()
    def show_table(self) -> None:
        """Show the numbers of the picture that has the keyboard as a table."""
        said = show_table_of(self.window.focusWidget(), self.window)
        self.window.status.show_sentence(said)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Do what a key means that no widget took; one is held."""
        if event.type() == QEvent.Type.WindowDeactivate:
            self._hold(is_held=False)  # it may be let go elsewhere
        if event.type() not in KEYS or not isinstance(event, QKeyEvent):
            return False
        action = self._bare.get(QKeySequence(event.key()).toString())
        is_elsewhere = watched is not self.window  # a menu, say, while the key is held
        if is_elsewhere and (event.type() == KEYS[0] or action is None):
            return False
        is_pressed = event.type() == QEvent.Type.KeyPress
        is_taken = event.modifiers() & COMMANDING or is_typed_into(QApplication.focusWidget())
        if action is None or (is_pressed and is_taken):
            return False
        if action.objectName() == BEFORE:
            if not event.isAutoRepeat():
                self._hold(is_held=is_pressed)
        elif is_pressed:
            action.trigger()
        return is_pressed

    def _hold(self, *, is_held: bool) -> None:
        """Show what is so without interventions until the key is let go, wherever that is."""
        application = QApplication.instance()
        if application is not None:
            application.removeEventFilter(self)
            if is_held:
                application.installEventFilter(self)
        self.window.intervening.hold(is_held)

    def _add(self, command: Command, owner: QWidget) -> None:
        action = menu_line(owner, command)
        action.triggered.connect(_doing(self._do, command.slot, *command.arguments))
        shortcuts = [key for key in command.keys if not is_bare(key)]
        action.setShortcuts([QKeySequence(key) for key in shortcuts])
        self._bare |= {key: action for key in command.keys if is_bare(key)}
        self.window.actions_by_name[command.name] = action

    def _do(self, slot: str, *arguments: object) -> None:
        attrgetter(slot)(self)(*arguments)

    def _add_files(self, menu: QMenu) -> None:
        """Offer the last files, and to keep answers in the next."""
        recent = RecentMenu(self.sessions.recent, menu)
        recent.chosen.connect(self.sessions.open_file)
        menu.insertMenu(self.window.actions_by_name["save_session"], recent)
        answers = self.window.actions_by_name["save_answers"]
        answers.setCheckable(True)
        menu.aboutToShow.connect(partial(self._show_size, answers))
        self.search.sources.append(self._recent)

    def _recent(self, window: MainWindow) -> Iterator[Entry]:
        """Yield the files that were open last."""
        for path in self.sessions.recent.paths:
            yield Entry(path.name, "file", partial(self.sessions.open_file, path))

    @Slot()
    def _keep_answers(self) -> None:
        """Keep answers in the file, as a talk has to do without waiting."""
        self.sessions.with_answers = True

    def _scenes(self, window: MainWindow) -> Iterator[Entry]:
        """Yield the scenes."""
        for at, scene in enumerate(self.stage.scenes):
            yield Entry(f"{at + 1}. {scene.name}", "scene", partial(self.stage.show, at))

    def _connect_start(self) -> None:
        """Have the start page do what its buttons say, and list the last files."""
        page, window = self.window.panes[StartPane.title], self.window
        assert isinstance(page, StartPane)
        self.start_page = page
        page.example_wanted.connect(self._open_named)
        page.tour_wanted.connect(self._begin_tour)
        page.file_wanted.connect(self.sessions.open_file)
        page.model_wanted.connect(window.model_bar.open_named)
        self.sessions.titled.connect(self._list_files)
        self.sessions.failed.connect(self._list_files)
        self._list_files()

    @Slot()
    def _list_files(self) -> None:
        self.start_page.show_files(self.sessions.recent.paths)

    def _open_named(self, name: str) -> None:
        """Open an example, and show where there is most to see in it."""
        open_example(self.window, find(name))
        self.window.show_pane("Attention")

    def _tours(self, window: MainWindow) -> Iterator[Entry]:
        """Yield the tours."""
        for name in tours():
            begin = partial(self._begin_tour, name)
            yield Entry(f"Tour: {find(name).title}", "example", begin)

    def _begin_tour(self, name: str) -> None:
        self.touring.start(name)

    def _show_size(self, action: QAction) -> None:
        """Say whether answers are kept in the file, and how large they are."""
        size = self.sessions.size_of_answers() / 1e6
        action.setText(f"With &answers ({size:.1f} MB)")
        action.setChecked(self.sessions.with_answers)

    def _add_panes(self, menu: QMenu) -> None:
        menu.addSeparator()
        for title, dock in self.window.docks.items():
            action = dock.toggleViewAction()
            action.setObjectName(ACTIONS["show_or_hide"].name)
            action.setToolTip(plain_tip(f"Show or hide the pane “{title}”."))
            menu.addAction(action)

    def _add_colors(self, menu: QMenu) -> None:
        menu.addSeparator()
        group, appearance = QActionGroup(menu), self.window.appearance
        for choice in CHOICES:
            text, tip = f"{choice.capitalize()} colours", f"Draw the window in {choice} colours."
            action = menu_line(menu, ACTIONS["colors"], text, tip)
            action.triggered.connect(_doing(appearance.choose, choice))
            action.setCheckable(True)
            action.setChecked(choice == appearance.choice)
            action.setData(choice)
            group.addAction(action)

    @Slot(object)
    def _show_progress(self, progress: Progress) -> None:
        self.window.actions_by_name["stop"].setEnabled(bool(progress.what))


def _doing(act: Callable[..., object], *arguments: object) -> Callable[[bool], None]:
    """Return what does something when a line of a menu is chosen, ticked or not."""

    def do(_: bool = False) -> None:
        act(*arguments)

    return do


def open_example(window: MainWindow, example: Example) -> None:
    """Open an example with its selection, in the model that is open if it can be."""
    model = window.session.document.model
    if example.name == TOY:
        settings = window.appearance.preferences.settings
        model = replace(example.document.model, device=settings.device, dtype=settings.dtype)
    window.session.edit(model=model, pair=example.document.pair, is_average=False)
    window.selection.move(**asdict(example.cursor))
    window.status.show_sentence(example.about)
