"""The model writes while its pane is in front: stopped, gone on with, taken as the prompt."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from lensgui.jobs.answers.generation import Continuations
from lensgui.jobs.questions.generation_requests import Generate
from lensgui.panes.generation.generation import WRITTEN, GenerationPane
from lensgui.terms.interventions import Intervention, Site
from tests.app.conftest import stepping
from tests.windows import pane_of

ZERO = Intervention(Site("z", 2, 1), "zero")


@pytest.fixture
def pane(window, parts, qtbot):
    with qtbot.waitSignal(parts.runner.settled):
        window.show_pane("Generation")
    return pane_of(window, GenerationPane)


def asked(answerer):
    return [request for request in answerer.asked if isinstance(request, Generate)]


def count(pane):
    found = pane.answer(WRITTEN, Continuations)
    return 0 if found is None else len(found.without.tokens)


def settled(parts, qtbot, act):
    with qtbot.waitSignal(parts.runner.settled):
        act()


def test_nothing_is_written_before_the_pane_is_looked_at(window, answerer, parts, qtbot):
    assert asked(answerer) == []
    settled(parts, qtbot, lambda: window.show_pane("Generation"))
    assert len(asked(answerer)) == 1
    assert count(pane_of(window, GenerationPane)) == 20


def test_it_waits_until_a_strength_is_no_longer_dragged(window, answerer, parts, pane, qtbot):
    before = len(asked(answerer))
    one = Intervention(Site("z", 2, 1), "scale", strength=0.0)

    def drag():
        for step in range(12):
            dragged = Intervention(one.site, one.op, strength=step / 10)
            window.session.edit(interventions=(dragged,))

    settled(parts, qtbot, drag)
    (request,) = asked(answerer)[before:]
    assert request.pair.interventions[0].strength == 1.1
    assert pane.answer(WRITTEN, Continuations).under is not None


def test_stop_keeps_what_is_there_and_go_on_goes_on(window, answerer, parts, pane, qtbot):
    answerer.held.add(Generate)
    window.session.edit(clean="When Paul and Mary went")
    qtbot.waitUntil(lambda: count(pane) == 1 and not pane.is_stale(WRITTEN))
    qtbot.waitUntil(stepping(answerer, lambda: count(pane) == 3))
    pane.controls.stop.click()
    assert pane.reply(WRITTEN).status == "paused"
    assert count(pane) == 3
    answerer.held.clear()
    answerer.gate.release(100)
    settled(parts, qtbot, pane.controls.more.click)
    assert count(pane) == 20
    settled(parts, qtbot, pane.controls.more.click)
    assert (count(pane), window.session.document.views.generation.count) == (40, 40)


def test_while_b_is_held_both_texts_stay_and_nothing_is_asked(window, answerer, parts, pane, qtbot):
    settled(parts, qtbot, lambda: window.session.edit(interventions=(ZERO,)))
    before = len(asked(answerer))
    window.setFocus()
    qtbot.keyPress(window, Qt.Key.Key_B)
    assert window.intervening.is_held
    assert [room.isVisible() for room in pane.rooms] == [True, True]
    qtbot.keyRelease(window, Qt.Key.Key_B)
    assert len(asked(answerer)) == before


def test_what_is_taken_is_read_in_every_pane_at_its_last_position(window, parts, pane, qtbot):
    before = window.session.document
    text = pane.answer(WRITTEN, Continuations).without.text(2)
    pane._select(0, 1)
    settled(parts, qtbot, lambda: qtbot.keyClick(pane.texts[0], Qt.Key.Key_Return))
    assert window.session.document.pair.clean == before.pair.clean + text
    reading = window.panes["Prompt"].reading
    assert window.selection.cursor.position == len(reading.clean.tokens) - 1
    window.undo()
    assert window.session.document == before
