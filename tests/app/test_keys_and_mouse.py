"""Every key and every click has one meaning, in all panes."""

from __future__ import annotations

from collections import Counter

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import QMenu

from lensgui.app.commands.dialogs import keys_and_mouse
from lensgui.app.window.actions import ACTIONS
from lensgui.panes.pictures.number_table import TableDialog
from lensgui.state.selection import Cursor, gathered
from lensgui.terms.kinds import SweepKind
from lensgui.terms.resources import resource

pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
CONTROL = Qt.KeyboardModifier.ControlModifier
LEFT = Qt.MouseButton.LeftButton


def tables(window):
    return [one for one in window.findChildren(TableDialog) if one.isVisible()]


def heads(window, qtbot):
    """A map of layers and heads, swept."""
    with qtbot.waitSignal(window.runner.settled):
        window.session.edit(kind=SweepKind("z", "all"))
    pane = window.panes["Activation patching"]
    qtbot.waitUntil(lambda: pane.view.face is not None and pane.view.face.axes[1].name == "head")
    return pane


def test_arrows_and_brackets_move_the_selection_wherever_no_text_is_typed(window, qtbot):
    window.selection.move(layer=2, head=1, position=3)
    button = window.panes["Attention"].bar.roles
    button.setFocus()
    for key in (Qt.Key.Key_BracketLeft, Qt.Key.Key_BracketRight, Qt.Key.Key_BracketRight):
        qtbot.keyClick(button, key)
    assert window.selection.cursor.head == 2
    qtbot.keyClick(window, Qt.Key.Key_Right)
    qtbot.keyClick(window, Qt.Key.Key_Down)
    cursor = window.selection.cursor
    assert (cursor.layer, cursor.head, cursor.position) == (3, 2, 4)
    qtbot.keyClick(window, Qt.Key.Key_Left)
    qtbot.keyClick(window, Qt.Key.Key_Up)
    qtbot.keyClick(window, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    cursor = window.selection.cursor
    assert (cursor.layer, cursor.head) in ((3, 2), (2, 2))


def test_keys_stop_at_the_ends(window, qtbot):
    window.panes["Attention"].bar.roles.setFocus()
    window.selection.move(layer=0, head=0, position=0)
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_BracketLeft):
        qtbot.keyClick(window, key)
    assert window.selection.cursor == Cursor(0, 0, 0)
    for _ in range(40):
        qtbot.keyClick(window, Qt.Key.Key_Down)
        qtbot.keyClick(window, Qt.Key.Key_BracketRight)
    card, cursor = window.exchange.card, window.selection.cursor
    assert (cursor.layer, cursor.head) == (card.n_layers - 1, card.n_heads - 1)


@pytest.mark.parametrize("field", ["editor", "answer", "least"])
def test_in_a_text_field_keys_are_typed(window, qtbot, field):
    prompt, attention = window.panes["Prompt"], window.panes["Attention"]
    widget = {
        "editor": prompt.editors["clean"],
        "answer": prompt.fields["answer"],
        "least": attention.bar.least,
    }[field]
    widget.setFocus()
    before = window.selection.cursor
    for key in (Qt.Key.Key_BracketRight, Qt.Key.Key_Up, Qt.Key.Key_T, Qt.Key.Key_Question):
        qtbot.keyClick(widget, key)
    after = window.selection.cursor
    assert (after.layer, after.head) == (before.layer, before.head)
    assert not tables(window)


def test_ctrl_click_pins_a_cell_and_unpins_it(window, qtbot):
    pane = window.panes["Activation patching"]
    before = window.selection.cursor
    point = pane.heatmap.middle_of(4, 2).toPoint()
    qtbot.mouseClick(pane.heatmap, LEFT, CONTROL, point)
    assert window.session.document.pins == (Cursor(4, position=2),)
    assert window.selection.cursor == before
    assert pane.heatmap.picture.pins == ((4, 2),)
    qtbot.mouseClick(pane.heatmap, LEFT, CONTROL, point)
    assert window.session.document.pins == ()
    window.undo()
    assert window.session.document.pins == (Cursor(4, position=2),)


def test_ctrl_click_pins_in_every_picture(window, qtbot):
    attention = window.panes["Attention"]
    window.selection.move(layer=2, head=1, position=3, source=1)
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    point = attention.head.middle_of(3, 1).toPoint()
    qtbot.mouseClick(attention.head, LEFT, CONTROL, point)
    assert window.session.document.pins == (Cursor(2, 1, 3, 1),)
    window.show_pane("All kinds at once")
    tiles = window.panes["All kinds at once"].tiles
    qtbot.waitUntil(lambda: all(tile.sweep is not None for tile in tiles.tiles))
    qtbot.mouseClick(tiles.tiles[4], LEFT, CONTROL, tiles.tiles[4].middle_of(1, 1).toPoint())
    assert window.session.document.pins[1] == Cursor(1, 1)
    window.show_pane("Who feeds it")
    feeders = window.panes["Who feeds it"]
    qtbot.waitUntil(lambda: feeders.feeding is not None and not window.runner.is_busy)
    qtbot.mouseClick(feeders.heatmap, LEFT, CONTROL, feeders.heatmap.middle_of(0, 1).toPoint())
    assert window.session.document.pins[2] == Cursor(0, 1)


def test_a_point_of_a_scatter_is_pinned_has_verbs_and_leads_to_its_attention(window, qtbot):
    pane = window.panes["Necessary or sufficient"]
    window.show_pane(pane.title)
    qtbot.waitUntil(lambda: pane.scatter.points is not None and not window.runner.is_busy)
    view, where = pane.scatter.plot.viewport(), pane.scatter.middle_of(3)
    qtbot.mouseClick(view, LEFT, CONTROL, where)
    (pin,) = window.session.document.pins
    number = pane._heads.index((pin.layer, pin.head))  # it, or one that lies on it
    qtbot.mouseClick(view, Qt.MouseButton.RightButton, pos=where)
    menu = pane.findChild(QMenu)
    layer, head = pane._heads[number]
    assert f"Unpin L{layer}H{head}" in [action.text() for action in menu.actions()]
    menu.close()
    window.show_pane("Prompt pairs")
    qtbot.mouseDClick(view, LEFT, pos=where)
    cursor = window.selection.cursor
    assert (cursor.layer, cursor.head) == (layer, head)
    qtbot.waitUntil(lambda: window.panes["Attention"].is_in_front)


def test_a_double_click_on_a_head_shows_its_attention(window, qtbot):
    pane = heads(window, qtbot)
    window.show_pane("Prompt pairs")
    qtbot.waitUntil(lambda: not window.panes["Attention"].is_in_front)
    point = pane.heatmap.middle_of(3, 2).toPoint()
    qtbot.mouseDClick(pane.heatmap, LEFT, pos=point)
    cursor = window.selection.cursor
    assert (cursor.layer, cursor.head) == (3, 2)
    qtbot.waitUntil(lambda: window.panes["Attention"].is_in_front)


def test_dragging_a_part_of_a_head_moves_it_and_selects_nothing(window, qtbot):
    window.selection.move(layer=2, head=1, position=3, source=1)
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    head = window.panes["Attention"].head
    while not 0 < head._span <= 5:
        head.zoom(1.3, head.plot().topLeft())
    head._move(0, 0)
    before, cursor = head.edge_at(0, 0), window.selection.cursor
    middle = head.plot().center().toPoint()
    qtbot.mousePress(head, LEFT, pos=middle)
    qtbot.mouseMove(head, pos=middle - QPoint(60, 60))
    qtbot.mouseRelease(head, LEFT, pos=middle - QPoint(60, 60))
    assert head.edge_at(0, 0) > before
    assert window.selection.cursor == cursor
    qtbot.mouseClick(head, LEFT, pos=head.middle_of(1, 0).toPoint())
    assert (window.selection.cursor.position, window.selection.cursor.source) == head.edge_at(1, 0)


def test_the_sheet_says_what_the_guide_and_every_action_say(window, qtbot):
    window.actions_by_name["show_keys"].trigger()
    (dialog,) = tables(window)
    guide = resource("guide", "keys.md").read_text(encoding="utf-8")
    shortcuts = {action.tip: action for action in ACTIONS.values() if action.keys}
    does = [dialog.table.cell(row, 0) for row in range(len(dialog.table.rows))]
    assert all(words in guide or words in shortcuts for words in does)
    assert shortcuts.keys() < set(does)
    assert len(does) > len(shortcuts) + 10
    view = dialog.view
    longest = max(range(len(does)), key=lambda row: len(does[row]))
    lines = view.fontMetrics().horizontalAdvance(does[longest]) / view.columnWidth(0)
    assert lines > 1
    least = lines * 0.8 * view.fontMetrics().height()
    qtbot.waitUntil(lambda: view.rowHeight(longest) >= least)
    dialog.close()
    window.panes["Attention"].bar.roles.setFocus()
    for _ in range(2):
        qtbot.keyClick(window, Qt.Key.Key_Question)
    assert len(tables(window)) == 1


def test_the_sheet_finds_what_is_typed(window, qtbot):
    window.actions_by_name["show_keys"].trigger()
    (dialog,) = tables(window)
    qtbot.keyClicks(dialog.field, "ctrl text")
    assert list(dialog.table.rows) == ["Ctrl++, Ctrl+=", "Ctrl+-", "Ctrl+0"]
    assert dialog.size_line.text() == "3 × 1"
    qtbot.keyClicks(dialog.field, " nothing of the kind")
    assert list(dialog.table.rows) == []
    dialog.field.clear()
    assert len(dialog.table.rows) == len(keys_and_mouse())


def test_no_two_actions_have_the_same_key():
    keys = Counter(
        QKeySequence(key).toString() for action in ACTIONS.values() for key in action.keys
    )
    assert all(keys)
    assert set(keys.values()) == {1}


def in_heads_grid(window, qtbot):
    """The grid of heads with the keyboard, one of its heads selected."""
    grid = window.panes["Attention"].grid
    window.selection.move(layer=2, head=1, position=3, source=1)
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    grid.setFocus()
    return grid


def in_head(window, qtbot):
    """The map of a head with the keyboard."""
    in_heads_grid(window, qtbot)
    head = window.panes["Attention"].head
    head.setFocus()
    return head


def in_tile(window, qtbot):
    """A small map with the keyboard."""
    window.show_pane("All kinds at once")
    tiles = window.panes["All kinds at once"].tiles
    qtbot.waitUntil(lambda: all(tile.sweep is not None for tile in tiles.tiles))
    tiles.tiles[0].setFocus()
    return tiles.tiles[0]


def in_enlarged(window, qtbot):
    """A small map that is enlarged."""
    tile = in_tile(window, qtbot)
    qtbot.keyClick(tile, Qt.Key.Key_Return)
    return tile


def with_two_heads(window, qtbot):
    """The grid of heads with the keyboard, two of its heads selected together."""
    grid = in_heads_grid(window, qtbot)
    window.selection.move(**gathered(((1, 0), (2, 1))))
    return grid


def at_a_button(window, qtbot):
    return window.panes["Prompt"].swap


NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
PRESSED = {  # a key that the guide names: where it is pressed, and how
    "←": (in_head, Qt.Key.Key_Left, NONE),
    "→": (in_head, Qt.Key.Key_Right, NONE),
    "↑": (in_head, Qt.Key.Key_Up, NONE),
    "↓": (in_head, Qt.Key.Key_Down, NONE),
    "Tab": (at_a_button, Qt.Key.Key_Tab, NONE),
    "Shift+Tab": (at_a_button, Qt.Key.Key_Backtab, SHIFT),
    "Enter": (in_tile, Qt.Key.Key_Return, NONE),
    "Esc": (in_enlarged, Qt.Key.Key_Escape, NONE),
    "+": (in_heads_grid, Qt.Key.Key_Plus, NONE),
    "−": (in_heads_grid, Qt.Key.Key_Minus, NONE),
    "0": (in_heads_grid, Qt.Key.Key_0, NONE),
    "A": (with_two_heads, Qt.Key.Key_A, NONE),
}
MENU_KEYS = {"Menu key", "Shift+F10"}  # Qt makes them what a right-click is


def guide_keys():
    """Return the keys that the guide's table names, without what is done by the mouse."""
    cells = [keys for keys, _ in keys_and_mouse()[sum(bool(a.keys) for a in ACTIONS.values()) :]]
    mouse = ("hover", "click", "drag", "wheel", "right-click", "double-click", "Shift+c", "Ctrl+c")
    keys = (cell.partition(" in ")[0] for cell in cells if not cell.startswith(mouse))
    return {key for cell in keys for part in cell.split(", ") for key in split(part)}


def split(part):
    return [part] if part in MENU_KEYS else part.split()


def test_the_guide_names_every_key_once_and_none_that_does_nothing():
    assert guide_keys() == PRESSED.keys() | MENU_KEYS
    text = resource("guide", "keys.md").read_text(encoding="utf-8").partition("|---")[2]
    assert not [key for action in ACTIONS.values() for key in action.keys if f"| {key} " in text]


@pytest.mark.parametrize("key", PRESSED)
def test_every_key_of_the_guide_does_something(window, qtbot, key):
    place, pressed, modifier = PRESSED[key]
    part = place(window, qtbot)
    part.setFocus()
    if key in ("−", "0"):  # of what is enlarged
        for _ in range(3):
            qtbot.keyClick(part, Qt.Key.Key_Plus)

    def state():
        tiles = [tile.isVisible() for tile in window.panes["All kinds at once"].tiles.tiles]
        seen = window.panes["Attention"].grid.middle_of(5, 3)
        return window.focusWidget(), window.selection.cursor, tiles, seen

    before = state()
    qtbot.keyClick(part, pressed, modifier)
    assert state() != before


def test_t_shows_a_pictures_numbers_and_copies_them(window, qtbot):
    pane = window.panes["Activation patching"]
    pane.heatmap.setFocus()
    qtbot.keyClick(pane.heatmap, Qt.Key.Key_T)
    (dialog,) = tables(window)
    model = dialog.view.model()
    sweep = pane.view.face
    assert (model.rowCount(), model.columnCount()) == sweep.values.shape
    assert float(model.data(model.index(4, 2))) == pytest.approx(float(sweep.shown[4, 2]), rel=1e-5)
    spoken = model.data(model.index(4, 2), Qt.ItemDataRole.AccessibleTextRole)
    assert spoken.startswith(f"L4, {pane.heatmap.picture.column_names[2]}: ")
    qtbot.keyClick(dialog.view, Qt.Key.Key_C, CONTROL)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0].split("\t")[1:] == pane.heatmap.picture.column_names
    assert len(lines) == 1 + sweep.values.shape[0]
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not tables(window)


@pytest.mark.parametrize("name", ["grid", "head", "lens", "ranking", "scatter"])
def test_every_kind_of_picture_has_a_table(window, qtbot, name):
    attention, inspector = window.panes["Attention"], window.panes["Inspector"]
    scatter = window.panes["Necessary or sufficient"].scatter
    if name == "scatter":
        window.show_pane("Necessary or sufficient")
        qtbot.waitUntil(lambda: scatter.points is not None)
    picture = {
        "grid": attention.grid,
        "head": attention.head,
        "lens": inspector.lens,
        "ranking": inspector.head.attention,
        "scatter": scatter,
    }[name]
    table = picture.as_table()
    assert table is not None
    assert table.cell(0, 0)
    assert table.rows
    assert table.columns


def test_t_says_what_to_do_where_there_is_no_picture(window, qtbot):
    button = window.panes["Attention"].bar.roles
    button.setFocus()
    qtbot.keyClick(button, Qt.Key.Key_T)
    assert not tables(window)
    assert "Click a picture" in window.status.sentence.text()
