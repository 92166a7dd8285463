"""Nothing moves but what the user moves, and what is out of date says so."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from PySide6.QtCore import QRect

from lensgui.app.window.layout import AROUND, fit_screen
from lensgui.app.window.window import SIZE
from lensgui.jobs.requests import ReadPair
from lensgui.panes.pane import UNEQUAL
from lensgui.panes.prompt.prompt import READING, PromptPane
from tests.bench.frames import Recorder, frame, moved, shows
from tests.windows import pane_of

TYPED = " and then, because it was late, they went"  # 40 characters


@pytest.fixture
def at_rest(window, qtbot):
    """A window whose answers have all come."""
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    return window


@pytest.fixture
def typed(at_rest, qtbot):
    """The frames of a window in which a sentence is typed on."""
    editor = pane_of(at_rest, PromptPane).editors["clean"]
    recorder = Recorder(at_rest)
    for character in TYPED:
        qtbot.keyClicks(editor, character)
        qtbot.wait(15)
    qtbot.waitUntil(lambda: not at_rest.runner.is_busy)
    frames = recorder.leave()
    assert len(frames) > len(TYPED)
    assert frames[-1].clean.endswith(TYPED)
    return frames


def test_no_pane_moves_while_one_types(typed):
    assert moved(typed) == []


def test_what_is_likely_next_is_never_blank(typed):
    assert all(frame.likely for frame in typed)


def test_old_pictures_are_dimmed_by_the_key_itself_and_stay_until_there_are_new_ones(
    at_rest, qtbot
):
    prompts = pane_of(at_rest, PromptPane)
    before = frame(at_rest)
    assert len(before.drawn) >= 3
    assert not before.stale
    qtbot.keyClicks(prompts.editors["clean"], "!")  # no job has answered yet
    after = frame(at_rest)
    assert after.drawn == after.stale == before.drawn
    assert prompts.tokens["clean"].row.is_stale
    assert prompts.next["clean"].is_stale
    qtbot.waitUntil(lambda: not at_rest.runner.is_busy)
    assert not frame(at_rest).stale
    assert not prompts.next["clean"].is_stale


def test_a_picture_stays_dimmed_while_the_prompts_differ_in_length(at_rest, qtbot):
    pane, text = at_rest.panes["Activation patching"], at_rest.session.document.pair.clean
    at_rest.session.edit(clean=f"{text} and more")
    qtbot.waitUntil(lambda: pane.message.text() == UNEQUAL)
    assert shows(pane.heatmap)
    assert pane.heatmap.is_stale
    at_rest.session.edit(clean=text)
    qtbot.waitUntil(lambda: not at_rest.runner.is_busy)
    assert shows(pane.heatmap)
    assert not pane.heatmap.is_stale


def test_undo_shows_all_that_was_known_at_once(at_rest, answerer, qtbot):
    before = frame(at_rest)
    pane = at_rest.panes["Activation patching"]
    sweep = pane.sweep
    at_rest.session.edit(corrupted=at_rest.session.document.pair.clean)
    qtbot.waitUntil(lambda: not at_rest.runner.is_busy)
    assert pane.sweep is not sweep
    asked = len(answerer.asked)
    at_rest.actions_by_name["undo"].trigger()
    assert not at_rest.runner.is_busy
    after = frame(at_rest)
    assert (after.drawn, after.stale, after.likely) == (before.drawn, before.stale, before.likely)
    assert pane.sweep is sweep
    assert len(answerer.asked) == asked


def test_the_last_position_stays_selected_however_long_the_prompt_is(at_rest, qtbot):
    selection, prompts = at_rest.selection, pane_of(at_rest, PromptPane)
    last = len(prompts.reading.clean.tokens) - 1
    selection.move(position=last)
    qtbot.waitUntil(lambda: not at_rest.runner.is_busy)
    text = at_rest.session.document.pair.clean
    for more, position in ((" and more words", last + 3), ("", last)):
        at_rest.session.edit(clean=text + more)
        qtbot.waitUntil(lambda: not at_rest.runner.is_busy)
        assert selection.cursor.position == position
    selection.move(position=2)
    at_rest.session.edit(clean=f"{text} again")
    qtbot.waitUntil(lambda: not at_rest.runner.is_busy)
    assert selection.cursor.position == 2


def test_selecting_dims_nothing_unless_it_takes_long(at_rest, qtbot):
    drawn = frame(at_rest).drawn
    at_rest.selection.move(layer=0, head=1)
    assert frame(at_rest).drawn == drawn
    assert not frame(at_rest).stale


@pytest.mark.parametrize("size", [(640, 370), (800, 450), (853, 450), (1280, 690)])
def test_a_window_on_a_small_screen_is_no_larger_than_the_screen(parts, qtbot, monkeypatch, size):
    window, room = parts.window, QRect(0, 0, size[0], size[1] + AROUND)
    monkeypatch.setattr(window, "screen", lambda: SimpleNamespace(availableGeometry=lambda: room))
    fit_screen(window)
    with qtbot.waitSignal(parts.runner.settled):
        window.show()
    assert (window.width(), window.height()) == size
    assert window.docks["Prompt"].is_folded == (size[1] < 600)
    assert window.panes["Prompt"].isVisible()  # it goes on asking, and says in one line what it is
    assert window.docks["Prompt"].bar.summary.isVisible() == (size[1] < 600)


@pytest.mark.parametrize("size", [(900, 620), (1024, 700), (1280, 800)])
def test_all_of_the_prompts_is_in_view_at_first(window, qtbot, size):
    window.resize(*size)
    window.reset_layout()
    qtbot.wait(30)
    assert window.docks["Prompt"].widget().verticalScrollBar().maximum() == 0


@pytest.mark.parametrize(("screen", "expected"), [((800, 600), (800, 560)), ((1920, 1080), SIZE)])
def test_a_window_begins_within_its_screen(window, monkeypatch, screen, expected):
    room = QRect(0, 0, *screen)
    monkeypatch.setattr(window, "screen", lambda: SimpleNamespace(availableGeometry=lambda: room))
    fit_screen(window)
    assert (window.width(), window.height()) == expected


def test_folded_prompts_have_the_room_back_when_they_are_unfolded(at_rest, qtbot):
    dock, action = at_rest.docks["Prompt"], at_rest.actions_by_name["fold_prompts"]
    tall = dock.height()
    below = at_rest.docks["Attention"].height()
    action.trigger()
    qtbot.waitUntil(lambda: dock.height() < tall / 2)
    assert at_rest.docks["Attention"].height() > below
    action.trigger()
    qtbot.waitUntil(lambda: abs(dock.height() - tall) <= 2)
    assert not dock.bar.summary.isVisible()


def test_what_goes_wrong_with_folded_prompts_is_said_and_old_numbers_are_not(
    at_rest, answerer, qtbot
):
    dock = at_rest.docks["Prompt"]
    dock.fold(is_folded=True)
    assert "logits" in dock.bar.summary.text()
    answerer.broken[ReadPair] = ValueError("The prompt is too long.")
    at_rest.session.edit(clean="another one", corrupted="other")
    assert dock.bar.summary.text() == READING
    qtbot.waitUntil(lambda: not at_rest.runner.is_busy)
    assert dock.bar.summary.text() == "The prompt is too long."
    at_rest.actions_by_name["undo"].trigger()
    qtbot.waitUntil(lambda: "logits" in dock.bar.summary.text())


def test_why_there_is_no_model_is_said_by_folded_prompts(without_model, parts, qtbot):
    dock = parts.window.docks["Prompt"]
    dock.fold(is_folded=True)
    parts.window.show()
    qtbot.waitUntil(lambda: dock.bar.summary.text() == "/nowhere holds no model.")


@pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
def test_prompts_that_float_have_their_height_back_too(at_rest, qtbot):
    dock = at_rest.docks["Prompt"]
    dock.setFloating(True)
    qtbot.wait(20)
    tall = dock.height()
    dock.fold(is_folded=True)
    qtbot.waitUntil(lambda: dock.height() < tall / 2)
    dock.fold(is_folded=False)
    qtbot.waitUntil(lambda: dock.height() == tall)


def test_the_height_of_the_prompts_belongs_to_the_user(at_rest, qtbot):
    prompts, dock = pane_of(at_rest, PromptPane), at_rest.docks["Prompt"]
    lines = [editor.height() for editor in prompts.editors.values()]
    dock.be_tall(dock.height() + 80)
    qtbot.wait(30)
    taller = [editor.height() for editor in prompts.editors.values()]
    assert all(after >= before + 30 for before, after in zip(lines, taller, strict=True))
    at_rest.session.edit(clean="one\ntwo\nthree\nfour\nfive")
    qtbot.waitUntil(lambda: not at_rest.runner.is_busy)
    assert [editor.height() for editor in prompts.editors.values()] == taller


def test_a_long_message_covers_what_is_above_it_and_moves_nothing(at_rest):
    pane = at_rest.panes["Activation patching"]
    before = pane.view.geometry()
    pane._say("made up", "This went wrong because of that. " * 12)
    assert pane.message.isVisible()
    assert pane.view.geometry() == before
    assert pane.message.height() > 2 * pane.message.fontMetrics().lineSpacing()
    assert pane.rect().contains(pane.message.geometry())
