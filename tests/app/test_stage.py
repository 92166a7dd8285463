"""Scenes: kept, stepped through by a clicker, changed, saved, and worked out ahead."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from PySide6.QtCore import QBuffer, QByteArray, QMimeData, QPointF, Qt
from PySide6.QtGui import QDropEvent, QPixmap

from lensgui.app.stage.strip import picture_of
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.prompt.prompt import PromptPane
from lensgui.state.document import Note, Scene
from lensgui.state.selection import Cursor
from lensgui.terms.interventions import Intervention, Site
from tests.windows import pane_of

OFF = Intervention(Site("z", 1, 1), "zero")


@pytest.fixture
def talk(window, parts, qtbot):
    """Three scenes: as opened; the lens in front and a head selected; under an intervention."""
    stage = parts.commands.stage
    stage.add()
    window.selection.move(layer=1, head=2, position=3)
    window.show_pane("Lens")
    stage.add()
    window.session.edit(interventions=(OFF,))
    window.solo(pane_of(window, AttentionPane))
    stage.add()
    qtbot.waitUntil(lambda: not parts.runner.is_busy)
    return stage


def shown(window):
    return (
        window.session.document.pair,
        window.session.document.views,
        window.selection.cursor,
        window.alone.title,
        window.panes["Lens"].is_in_front,
    )


def test_without_scenes_there_is_no_strip_and_page_down_is_the_panes_own(window, parts, qtbot):
    strip, pane = parts.commands.strip, pane_of(window, PromptPane)
    assert not strip.isVisible()
    pane.editors["clean"].setFocus()
    before = window.session.document
    qtbot.keyClick(pane.editors["clean"], Qt.Key.Key_PageDown)
    parts.commands.stage.step(1)
    assert window.session.document == before
    assert "no scenes" in window.status.sentence.toolTip()


def test_a_clicker_steps_wherever_the_keyboard_is(talk, window, qtbot):
    talk.show(0)
    text = pane_of(window, PromptPane).editors["clean"]
    text.setFocus()
    qtbot.keyClick(text, Qt.Key.Key_PageDown)
    assert talk.at == 1
    assert window.selection.cursor == Cursor(1, 2, 3)
    assert window.panes["Lens"].is_in_front
    qtbot.keyClick(window, Qt.Key.Key_PageDown)
    assert (talk.at, window.alone.title) == (2, "Attention")
    assert window.session.document.pair.interventions == (OFF,)
    qtbot.keyClick(window, Qt.Key.Key_PageDown)
    assert talk.at == 2
    assert window.status.sentence.toolTip() == "This is the last scene."
    qtbot.keyClick(window, Qt.Key.Key_PageUp)
    assert (talk.at, window.alone.title) == (1, "")
    assert not window.session.document.pair.interventions


def test_what_is_done_off_the_plan_stays_until_the_next_step_and_undo_brings_it_back(talk, window):
    talk.show(0)
    window.session.edit(clean="Another prompt")
    assert talk.at == 0
    talk.step(1)
    assert talk.at == 1
    assert window.session.document.pair.clean != "Another prompt"
    assert window.session.undo_stack.undoText() == "Scene: Scene 2"
    window.undo()
    assert window.session.document.pair.clean == "Another prompt"


def test_thirty_random_steps_end_where_each_scene_says(talk, window):
    wander(talk, window, 30, 7)


def wander(talk, window, steps, seed):
    """Step to and fro, typing now and then: each scene is what it was."""
    every = []
    for at in range(3):
        talk.show(at)
        every.append(shown(window))
    dice = random.Random(seed)
    for _ in range(steps):
        if dice.random() < 0.3:
            window.session.edit(clean=f"A prompt {dice.random()}")
        talk.step(dice.choice([-1, 1]))
        talk.show(talk.at)
        assert shown(window) == every[talk.at]


def test_notes_and_roles_are_the_sessions_and_no_scenes(talk, window):
    note = Note(Cursor(layer=1), "looked at")
    window.session.edit(notes=(note,))
    talk.step(-1)
    assert window.session.document.notes == (note,)
    assert all(scene.document.notes == () for scene in talk.scenes)
    assert all(scene.document.scenes == () for scene in talk.scenes)


def test_a_scene_takes_what_is_shown_is_copied_and_left_out_and_all_can_be_undone(talk, window):
    talk.show(0)
    window.session.edit(clean="Changed for good")
    talk.take()
    assert talk.scenes[0].document.pair.clean == "Changed for good"
    assert window.session.undo_stack.undoText() == "Scene Scene 1 changed"
    talk.duplicate()
    assert [scene.name for scene in talk.scenes] == [
        "Scene 1",
        "Scene 1 (copy)",
        "Scene 2",
        "Scene 3",
    ]
    talk.remove()
    talk.remove()
    assert [scene.name for scene in talk.scenes] == ["Scene 1", "Scene 3"]
    window.undo()
    assert len(talk.scenes) == 3
    while talk.scenes:
        talk.remove()
    assert talk.at is None


def test_the_strip_shows_goes_renames_and_reorders(talk, window, parts, qtbot):
    strip = parts.commands.strip
    assert strip.isVisible()
    assert [strip.list.item(at).text() for at in range(3)] == ["Scene 1", "Scene 2", "Scene 3"]
    assert not strip.list.item(0).icon().isNull()
    assert strip.list.currentRow() == 2
    strip.list.itemClicked.emit(strip.list.item(0))
    assert talk.at == 0
    strip.list.item(0).setText("The question")
    assert talk.scenes[0].name == "The question"
    strip.list.item(0).setText("  ")
    assert strip.list.item(0).text() == "The question"
    strip.caption.setText("Where does the name come from?")
    strip.caption.editingFinished.emit()
    assert talk.scenes[0].caption == "Where does the name come from?"
    for key, at in (
        (Qt.Key.Key_Right, 1),
        (Qt.Key.Key_Space, 2),
        (Qt.Key.Key_Left, 1),
        (Qt.Key.Key_3, 2),
        (Qt.Key.Key_9, 2),
        (Qt.Key.Key_1, 0),
    ):
        qtbot.keyClick(strip.list, key)
        assert talk.at == at
    qtbot.keyClick(strip.list, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert [scene.name for scene in talk.scenes] == ["Scene 2", "The question", "Scene 3"]
    assert talk.at == 1
    assert window.session.undo_stack.undoText() == "Order of scenes"


def test_scenes_that_differ_in_tabs_alone_leave_the_panes_where_they_are(talk, window, monkeypatch):
    laid_out = []
    monkeypatch.setattr(talk._host, "show_layout", laid_out.append)
    talk.show(1)
    assert len(laid_out) == 1  # one pane was alone
    window.alone.end(window, window.docks)
    laid_out.clear()
    for at in (0, 1, 0):
        talk.show(at)
        assert window.panes["Lens"].is_in_front is (at == 1)
    assert laid_out == []


def test_a_caption_that_is_half_typed_is_of_the_scene_it_was_typed_for(talk, window, parts, qtbot):
    strip = parts.commands.strip
    talk.show(0)
    strip.caption.setFocus()
    qtbot.keyClicks(strip.caption, "Said of the first")
    qtbot.keyClick(strip.caption, Qt.Key.Key_PageDown)
    assert strip.caption.text() == ""
    strip.caption.editingFinished.emit()
    assert [scene.caption for scene in talk.scenes] == ["Said of the first", "", ""]
    qtbot.keyClicks(strip.caption, "Of the second")
    talk.add()
    strip.caption.editingFinished.emit()
    captions = [scene.caption for scene in talk.scenes]
    assert captions == ["Said of the first", "Of the second", "", ""]


def test_what_is_moved_does_not_become_what_is_shown(talk, window):
    talk.show(0)
    talk.move(2, 0)
    assert [scene.name for scene in talk.scenes] == ["Scene 3", "Scene 1", "Scene 2"]
    assert talk.at == 1


def test_a_picture_of_a_file_is_small_or_none():
    assert picture_of(b"").isNull()
    assert picture_of(b"\x89PNG\r\n\x1a\n and more").isNull()
    for side, is_none in ((40, False), (1_001, True)):
        picture, data = QPixmap(side, 20), QByteArray()
        picture.fill(Qt.GlobalColor.red)
        buffer = QBuffer(data)
        buffer.open(QBuffer.OpenModeFlag.WriteOnly)
        picture.save(buffer, "PNG")
        assert picture_of(bytes(data.data())).isNull() is is_none


def test_a_low_window_has_names_alone(talk, window, parts):
    strip = parts.commands.strip
    window.resize(1280, 800)
    tall = strip.list.height()
    window.resize(800, 480)
    assert strip.list.item(0).icon().isNull()
    assert strip.list.height() < tall
    window.resize(1280, 800)
    assert (strip.list.item(0).icon().isNull(), strip.list.height()) == (False, tall)


def test_the_strip_is_hidden_and_the_search_finds_scenes(talk, window, parts):
    strip, commands = parts.commands.strip, parts.commands
    commands.strip.toggle()
    assert not strip.isVisible()
    talk.step(-1)
    assert not strip.isVisible()
    commands.strip.toggle()
    assert strip.isVisible()
    (entry,) = [each for each in commands._scenes(window) if each.text == "1. Scene 1"]
    entry.act()
    assert talk.at == 0


def test_a_scene_is_dragged_to_another_place(talk, parts):
    strip = parts.commands.strip
    talk.show(0)
    end = strip.list.visualItemRect(strip.list.item(2)).topRight()
    drop = QDropEvent(
        QPointF(end),
        Qt.DropAction.MoveAction,
        QMimeData(),
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    strip.list.dropEvent(drop)
    assert [scene.name for scene in talk.scenes] == ["Scene 2", "Scene 3", "Scene 1"]
    assert [strip.list.item(at).text() for at in range(3)] == ["Scene 2", "Scene 3", "Scene 1"]


def test_what_scenes_show_is_worked_out_as_soon_as_they_are_there(window, parts, qtbot):
    stage, pair = parts.commands.stage, window.session.document.pair
    stage.add()
    unseen = replace(pair, clean=pair.clean.replace("store", "shop"))
    scene = replace(stage.scenes[0], document=replace(stage.scenes[0].document, pair=unseen))
    window.session.edit(scenes=(stage.scenes[0], scene))
    qtbot.waitUntil(lambda: not parts.runner.is_busy)
    assert stage._host.unknown(stage.scenes) == []
    assert not window.exchange.beside["scenes"]
    asked = len(parts.runner.replies)
    stage.show(1)
    visible = [pane for pane in window.panes.values() if pane.is_in_sight]
    for pane in visible:
        for name in pane.requests(window.exchange.of(pane), window.exchange.at(pane)):
            reply = window.runner.replies[pane.title, name]
            assert reply.status == "whole", (pane.title, name, asked)


def test_scenes_are_saved_with_what_they_show(talk, window, files, parts, tmp_path, qtbot):
    path = tmp_path / "talk.lens"
    before, asked = talk.scenes, {*talk._host.unknown(talk.scenes)}
    assert not asked
    assert files.with_answers
    files.save_to(path)
    qtbot.waitUntil(lambda: files.file.path == path)
    files.new()
    assert talk.scenes == ()
    files.open_file(path)
    qtbot.waitUntil(lambda: len(talk.scenes) == 3)
    assert [scene.thumb for scene in talk.scenes] == [scene.thumb for scene in before]
    assert [scene.cursor for scene in talk.scenes] == [scene.cursor for scene in before]
    talk.show(2)
    assert window.alone.title == "Attention"
    assert window.session.document.pair.interventions == (OFF,)


def test_a_scene_made_with_panes_and_layers_that_are_not_here_is_shown_as_far_as_it_can(
    talk, window
):
    odd = replace(talk.scenes[1], cursor=Cursor(900, 77, 5000))
    window.session.edit(scenes=(talk.scenes[0], odd))
    talk.show(1)
    cursor = window.selection.cursor
    assert window.panes["Lens"].is_in_front
    assert cursor.layer is None or cursor.layer < 900
    thumbless = Scene("No picture", odd.document, Cursor(), odd.layout, thumb=b"no PNG")
    window.session.edit(scenes=(thumbless,))
    talk.show(0)
    assert talk.at == 0
