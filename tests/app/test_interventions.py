"""Interventions in the window: added by a menu, shown everywhere, left out while B is held."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QMenu

from lensgui.jobs.questions.intervention_requests import MakeVector
from lensgui.jobs.requests import AttentionGrid, ReadPair
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.interventions.tray import InterventionsPane
from lensgui.panes.prompt.prompt import PromptPane
from lensgui.prompts.pair import PairRow
from lensgui.terms import vectors
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.recipes import OfFile, OfPairs, OfToken, Unmade
from tests.windows import pane_of

ZERO = Intervention(Site("z", 2, 1), "zero")
STEERED = Unmade(OfToken(3), "add_median", 0.25, Site("resid_post", 2))


@pytest.fixture
def tray(window):
    return pane_of(window, InterventionsPane)


def added(window, *additions):
    """Do something to the model, as a pane's menu does."""
    pane_of(window, AttentionPane).intervened.emit(additions)


def asked(answerer, kind):
    return [request for request in answerer.asked if isinstance(request, kind)]


def settled(parts, qtbot, act):
    with qtbot.waitSignal(parts.runner.settled):
        act()


def test_what_a_menu_adds_is_behind_every_question_and_undo_takes_it_back(
    window, parts, answerer, tray, qtbot
):
    before, said = window.session.document, []
    window.exchange.status_message.connect(said.append)
    settled(parts, qtbot, lambda: added(window, ZERO))
    assert said[-1].startswith("L2H1.z set to 0 (off-distribution). “Interventions” lists")
    assert window.session.document.pair.interventions == (ZERO,)
    assert asked(answerer, ReadPair)[-1].pair.interventions == (ZERO,)
    assert asked(answerer, AttentionGrid)[-1].pair.interventions == (ZERO,)
    count = len(answerer.asked)
    window.undo()
    assert window.session.document == before
    qtbot.waitUntil(lambda: not tray.listed)
    assert not asked(answerer, ReadPair)[count:]  # it was kept


def test_what_is_done_to_the_model_leaves_its_tokens_known(window, parts, answerer, qtbot):
    window.selection.move(position=3)
    qtbot.waitUntil(lambda: not parts.runner.is_busy)
    last = window.exchange._last
    answerer.held.add(ReadPair)  # once it has said its tokens
    window.session.edit(interventions=(ZERO,))
    window.selection.move(position=99)
    assert window.selection.cursor.position == last
    answerer.held.clear()
    answerer.gate.release(100)


def test_what_is_switched_off_asks_what_was_asked_before(window, parts, answerer, tray, qtbot):
    plain = window.panes["Prompt"].requests(window.exchange.of(tray), window.selection.cursor)
    settled(parts, qtbot, lambda: added(window, ZERO))
    window.session.edit(interventions=(ZERO.on(False),))
    pane = window.panes["Prompt"]
    shown = window.exchange.of(pane)
    assert pane.requests(shown, window.selection.cursor) == plain
    assert tray.listed == (ZERO.on(False),)


def test_while_b_is_held_all_panes_but_the_tray_show_what_is_so_without(
    window, parts, answerer, tray, qtbot
):
    settled(parts, qtbot, lambda: added(window, ZERO))
    prompt, grid = window.panes["Prompt"], pane_of(window, AttentionPane)
    grid.setFocus()
    steps = window.session.undo_stack.count()
    qtbot.keyPress(window, Qt.Key.Key_B)
    for pane in (prompt, grid):
        assert pane._document.pair.interventions == ()
    assert tray.listed == (ZERO,)
    qtbot.keyRelease(window, Qt.Key.Key_B)
    for pane in (prompt, grid):
        assert pane._document.pair.interventions == (ZERO,)
    assert window.session.undo_stack.count() == steps


def test_b_is_typed_into_a_prompt_and_shows_nothing_else(window, parts, qtbot):
    settled(parts, qtbot, lambda: added(window, ZERO))
    editor = pane_of(window, PromptPane).editors["clean"]
    editor.setFocus()
    qtbot.waitUntil(editor.hasFocus)
    qtbot.keyClicks(editor, "b")
    assert not window.intervening.is_held
    assert window.session.document.pair.clean.endswith("b")


def test_b_is_let_go_where_the_window_is_left(window, parts, qtbot):
    settled(parts, qtbot, lambda: added(window, ZERO))
    window.setFocus()
    qtbot.keyPress(window, Qt.Key.Key_B)
    assert window.intervening.is_held
    parts.app.sendEvent(window, QEvent(QEvent.Type.WindowDeactivate))
    assert not window.intervening.is_held


@pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
def test_b_is_let_go_in_a_menu(window, parts, tray, qtbot):
    settled(parts, qtbot, lambda: added(window, ZERO))
    window.setFocus()
    qtbot.keyPress(window, Qt.Key.Key_B)
    menu = QMenu(window)
    menu.addAction("anything")
    menu.popup(window.mapToGlobal(window.rect().center()))
    qtbot.keyPress(menu, Qt.Key.Key_T)
    assert window.intervening.is_held
    qtbot.keyRelease(menu, Qt.Key.Key_B)
    assert not window.intervening.is_held
    menu.close()


def test_the_trays_own_button_does_what_b_does(window, parts, tray, qtbot):
    settled(parts, qtbot, lambda: added(window, ZERO))
    window.show_pane(tray.title)
    qtbot.mousePress(tray.before, Qt.MouseButton.LeftButton)
    assert window.intervening.is_held
    qtbot.mouseRelease(tray.before, Qt.MouseButton.LeftButton)
    assert not window.intervening.is_held


def test_a_vector_is_made_before_what_is_done_along_it_is_added(window, answerer, tray, qtbot):
    added(window, ZERO, STEERED)
    qtbot.waitUntil(lambda: len(tray.listed) == 2)
    one = tray.listed[1]
    assert (one.site, one.op, one.strength) == (Site("resid_post", 2), "add_median", 0.25)
    assert vectors.kept(one.vector.content) is not None
    assert len(asked(answerer, MakeVector)) == 1


def test_a_difference_of_means_is_over_the_table_and_a_files_vectors_go_each_to_its_layer(
    window, answerer, tray, qtbot
):
    pair = window.session.document.pair
    rows = (PairRow(pair), PairRow(pair, is_included=False))
    window.session.edit(table=rows)
    added(window, Unmade(OfPairs(1, 2), "remove", site=Site("resid_post", 1)))
    qtbot.waitUntil(lambda: len(tray.listed) == 1)
    assert asked(answerer, MakeVector)[-1].rows == rows[:1]
    added(window, Unmade(OfFile("some.gguf"), "add"))
    qtbot.waitUntil(lambda: len(tray.listed) == 3)
    assert [one.site for one in tray.listed[1:]] == [Site("resid_post", 1), Site("resid_post", 2)]
    assert asked(answerer, MakeVector)[-1].rows == ()


def test_why_a_vector_cant_be_made_is_said_and_nothing_is_added(window, answerer, tray, qtbot):
    answerer.broken[MakeVector] = ValueError("The file has no directions.")
    with qtbot.waitSignal(window.exchange.failed) as failed:
        added(window, STEERED)
    assert failed.args == ["The file has no directions."]
    assert tray.listed == ()
    assert not window.exchange.beside["vectors"]


def test_a_row_of_the_table_is_opened_under_the_same_interventions(window, parts, qtbot):
    pair = window.session.document.pair
    other = PairRow(type(pair)("one more prompt", "one less prompt"))
    window.session.edit(table=(PairRow(pair), other), interventions=(ZERO.on(False),))
    table = window.panes["Prompt pairs"]
    table._choose(table.model.index(1, 0))
    after = window.session.document.pair
    assert (after.clean, after.interventions) == ("one more prompt", (ZERO.on(False),))
