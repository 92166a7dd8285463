"""Every key and every click has one meaning, in all panes."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QMenu

from lensgui.app.window.actions import COMMANDS, keys_and_mouse
from lensgui.panes.pictures.number_table import TableDialog
from lensgui.state.selection import Cursor
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


def test_the_page_of_keys_says_what_the_guide_says_and_names_every_shortcut(window, qtbot):
    window.actions_by_slot["show_keys"].trigger()
    (dialog,) = tables(window)
    guide = resource("guide", "keys.md").read_text(encoding="utf-8")
    assert all(name in guide for name in dialog.table.rows)
    assert len(dialog.table.rows) > 20
    view, longest = (
        dialog.view,
        max(range(len(dialog.table.rows)), key=lambda row: len(dialog.table.cell(row, 0))),
    )
    words, width = dialog.table.cell(longest, 0), view.columnWidth(0)
    lines = view.fontMetrics().horizontalAdvance(words) / width
    assert lines > 1
    least = lines * 0.8 * view.fontMetrics().height()
    qtbot.waitUntil(lambda: view.rowHeight(longest) >= least)

    text = " ".join(keys_and_mouse().rows).replace("−", "-").replace("←", "Left")
    for command in COMMANDS:
        keys = command.keys if isinstance(command.keys, tuple) else (command.keys,)
        if isinstance(keys[0], str) and keys[0] and command.menu != "&File":
            assert keys[0].replace("Right", "→") in text or "Alt" in keys[0], command
    dialog.close()
    window.panes["Attention"].bar.roles.setFocus()
    qtbot.keyClick(window, Qt.Key.Key_Question)
    assert len(tables(window)) == 1


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
    assert not window.findChildren(QDialog)
    assert "Click a picture" in window.status.sentence.text()
