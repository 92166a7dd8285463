"""Every command once: menus, shortcuts and keys are made from these tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from operator import attrgetter

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence, QShowEvent, QUndoStack
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QDialog,
    QDockWidget,
    QLineEdit,
    QMainWindow,
    QMenu,
    QPlainTextEdit,
    QUndoView,
    QVBoxLayout,
    QWidget,
)

from lensgui.app.window.appearance import CHOICES
from lensgui.panes.controls.controls import caption
from lensgui.panes.pictures.number_table import NumberTable
from lensgui.panes.theme import zoomed
from lensgui.panes.token_text import plain_tip
from lensgui.state.examples import examples
from lensgui.terms.resources import resource

Key = QKeySequence.StandardKey | str
LARGER = "Ctrl++", "Ctrl+="  # the second is where no Shift is needed for it


@dataclass(frozen=True, slots=True)
class Command:
    """Something the user can do.

    Attributes:
        menu: The menu it is in.
        text: What the menu says.
        slot: The slot that does it: the window's, or by a dotted name that of a part of it.
        keys: Its shortcut, or several; "" for none.
        tip: What it does, in a sentence.
    """

    menu: str
    text: str
    slot: str
    keys: Key | tuple[str, ...] = ""
    tip: str = ""


STEPS = {  # keys that no widget took: the field of the cursor, and how far it moves
    Qt.Key.Key_Left: ("position", -1),
    Qt.Key.Key_Right: ("position", 1),
    Qt.Key.Key_Up: ("layer", -1),
    Qt.Key.Key_Down: ("layer", 1),
    Qt.Key.Key_BracketLeft: ("head", -1),
    Qt.Key.Key_BracketRight: ("head", 1),
}
PAGES = {Qt.Key.Key_T: "show_table", Qt.Key.Key_Question: "show_keys"}
TYPED_INTO = (QLineEdit, QPlainTextEdit, QAbstractSpinBox)
COMMANDS = (
    Command(
        "&File",
        "Open model &folder…",
        "model_bar.open_folder",
        "Ctrl+O",
        "Open a model from a folder.",
    ),
    Command(
        "&File",
        "Open &hub model…",
        "model_bar.open_hub",
        "",
        "Open a model of the hub by its name.",
    ),
    Command(
        "&File",
        "&Import pickled weights…",
        "model_bar.import_hub",
        "",
        "Open a model of the hub whose weights must be read by a limited process first.",
    ),
    Command("&File", "&Quit", "close", QKeySequence.StandardKey.Quit, "Close the window."),
    Command(
        "&Edit",
        "&Undo",
        "undo",
        QKeySequence.StandardKey.Undo,
        "Take back the last edit.",
    ),
    Command(
        "&Edit",
        "&Redo",
        "session.undo_stack.redo",
        QKeySequence.StandardKey.Redo,
        "Do the edit again.",
    ),
    Command(
        "&Edit",
        "&History…",
        "history.show",
        "",
        "List every step, and go back or forward to any of them.",
    ),
    Command(
        "&Edit", "Select &back", "selection.back", "Alt+Left", "Return to what was selected before."
    ),
    Command("&Edit", "Select f&orward", "selection.forward", "Alt+Right", "Undo going back."),
    Command("&Run", "&Stop", "stop", "Ctrl+.", "Stop what runs and keep what is known."),
    Command("&Run", "&Try again", "exchange.retry", "F5", "Ask again what failed or was stopped."),
    Command("&View", "&Fold prompts", "fold_prompts", "Ctrl+J", "Fold the prompts to one line."),
    Command("&View", "Zoom &in", "appearance.zoom_in", LARGER, "Make all text larger."),
    Command("&View", "Zoom &out", "appearance.zoom_out", "Ctrl+-", "Make all text smaller."),
    Command("&View", "Usual &size", "appearance.zoom_back", "Ctrl+0", "Make all text as at first."),
    Command("&View", "&Reset layout", "reset_layout", "", "Put every pane back in its place."),
    Command(
        "&View", "Picture as a &table", "show_table", "", "The picture's numbers as a table (T)."
    ),
    Command("&Help", "&Keys and mouse", "show_keys", "F1", "What every key and click does."),
)
HISTORY_SIZE = (280, 360)  # pixels
AT_FIRST = "As it was at first"
HISTORY_HINT = "The line that is marked is what you see: click another to go there."
HISTORY_TIP = (
    "Every edit and every switch, the last one below; ↑ and ↓ step through them. What follows the "
    "marked line stays until you change something."
)
MENUS = ("&File", "&Edit", "&View", "&Run", "E&xamples", "&Help")


class HistoryDialog(QDialog):
    """Lists all steps, from the document as it was at first; it stays in front of its window.

    Attributes:
        steps: The list.
    """

    def __init__(self, stack: QUndoStack, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("History")
        self.setWindowFlag(Qt.WindowType.Tool)
        self.steps = QUndoView(stack, self)
        self.steps.setEmptyLabel(AT_FIRST)
        self.steps.setAccessibleName("Steps of the history")
        self.steps.setToolTip(plain_tip(HISTORY_TIP))
        self.steps.setUniformItemSizes(True)
        hint = caption(HISTORY_HINT, self)
        hint.setWordWrap(True)
        column = QVBoxLayout(self)
        column.addWidget(hint)
        column.addWidget(self.steps, 1)
        self.resize(*map(zoomed, HISTORY_SIZE))

    def showEvent(self, event: QShowEvent) -> None:
        """Let the arrow keys step at once."""
        super().showEvent(event)
        self.steps.setFocus()


def is_typed_into(widget: QWidget | None) -> bool:
    """Whether keys write text into a widget, and mean nothing else."""
    return isinstance(widget, TYPED_INTO)


def keys_and_mouse() -> NumberTable:
    """Return what every key and click does, as the guide has it."""
    lines = resource("guide", "keys.md").read_text(encoding="utf-8").splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    what, does = zip(*rows[1:], strict=True)  # without the heading
    return NumberTable("Keys and mouse", what, ("does",), lambda row, column: does[row])


def press(window: QMainWindow, key: int) -> bool:
    """Do what a key means that no widget took; whether it means anything.

    Args:
        window: Has a `selection`, and slots for a table and the page of keys.
        key: The key.
    """
    if is_typed_into(QApplication.focusWidget()):
        return False
    if key in STEPS:
        window.selection.step(*STEPS[Qt.Key(key)])  # type: ignore[attr-defined]
    elif key in PAGES:
        attrgetter(PAGES[Qt.Key(key)])(window)()
    return key in STEPS or key in PAGES


def fill_menus(window: QMainWindow, theme: str) -> dict[str, QAction]:
    """Make a window's menus.

    Args:
        window: Has a slot for each command, and `appearance` and `show_example`.
        theme: The appearance that is ticked at first.

    Returns:
        The actions by the names of their slots, without those of parts.
    """
    menus = {title: window.menuBar().addMenu(title) for title in MENUS}
    actions = {}
    for command in COMMANDS:
        action = menus[command.menu].addAction(command.text)
        keys = command.keys if isinstance(command.keys, tuple) else (command.keys,)
        action.setShortcuts([QKeySequence(key) for key in keys if key != ""])
        action.setStatusTip(command.tip)
        action.setToolTip(plain_tip(command.tip))
        action.triggered.connect(attrgetter(command.slot)(window))
        actions[command.slot.rpartition(".")[2]] = action
    menus["&View"].addSeparator()
    for dock in window.findChildren(QDockWidget):
        action = dock.toggleViewAction()
        action.setToolTip(plain_tip(f"Show or hide the pane “{dock.windowTitle()}”."))
        menus["&View"].addAction(action)
    _fill_themes(window, menus["&View"], theme)
    for example in examples():
        action = menus["E&xamples"].addAction(example.title)
        action.setData(example.name)
        action.setStatusTip(example.about)
        action.setToolTip(plain_tip(example.about))
        action.triggered.connect(window.show_example)  # type: ignore[attr-defined]
    for menu in menus.values():
        menu.setToolTipsVisible(True)
    return actions


def _fill_themes(window: QMainWindow, menu: QMenu, theme: str) -> None:
    menu.addSeparator()
    group = QActionGroup(window)
    for choice in CHOICES:
        action = menu.addAction(f"{choice.capitalize()} colours")
        action.setCheckable(True)
        action.setChecked(choice == theme)
        action.setData(choice)
        action.setToolTip(plain_tip(f"Draw the window in {choice} colours."))
        choose = partial(window.appearance.choose, choice)  # type: ignore[attr-defined]
        action.triggered.connect(lambda _=False, choose=choose: choose())
        group.addAction(action)
