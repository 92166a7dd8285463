"""Every command once: menus and shortcuts are made from this table."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QDockWidget, QMainWindow, QMenu

from lensgui.app.window.appearance import CHOICES
from lensgui.panes.token_text import plain_tip
from lensgui.state.examples import examples

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
)
MENUS = ("&File", "&Edit", "&View", "&Run", "E&xamples")


def fill_menus(window: QMainWindow, theme: str) -> dict[str, QAction]:
    """Make a window's menus.

    Args:
        window: Has a slot for each command, and `choose_look` and `show_example`.
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
        action.triggered.connect(window.choose_theme)  # type: ignore[attr-defined]
        group.addAction(action)
