"""What is written, token by token: drawn, pointed at, selected, taken, stopped and gone on with."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from lensgui.jobs.answers.generation import Continuations, Continued, Written
from lensgui.jobs.answers.readings import Token
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.questions.generation_requests import Generate
from lensgui.jobs.runner import STOPPED
from lensgui.panes.generation.generation import WRITTEN, GenerationPane
from lensgui.panes.generation.generation_words import FREE, NOTHING
from lensgui.panes.generation.written_text import chance
from lensgui.prompts.pair import PromptPair
from lensgui.prompts.sides import NO_CORRUPTED
from lensgui.state.selection import Cursor
from lensgui.state.views import GenerationView
from lensgui.terms.interventions import Intervention, Site
from tests import fakes
from tests.answering import last
from tests.panes.conftest import OF_PICTURES, PAIR, answer, in_session, tell
from tests.panes.copying import copied, toy

pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
ZERO = Intervention(Site("z", 1, 0), "zero")
DRAWN = GenerationView(count=4, temperature=0.7, top_k=5, top_p=0.9, seed=3)


@pytest.fixture
def under(document):
    return document.having(interventions=(ZERO,))


@pytest.fixture
def pane(under, show):
    return answer(show(GenerationPane()), under)


def found_of(pane):
    return pane.answer(WRITTEN, Continuations)


def is_shown(room):
    return not room.isHidden()


def test_one_text_without_interventions_and_two_with(document, under, show):
    pane = answer(show(GenerationPane()), document)
    assert [is_shown(room) for room in pane.rooms] == [True, False]
    assert len(pane.texts[0].tokens) == 20
    assert pane.texts[0].name == "what follows"
    answer(pane, under)
    assert [is_shown(room) for room in pane.rooms] == [True, True]
    assert [text.name for text in pane.texts] == ["without interventions", "under interventions"]
    assert pane.texts[0].tokens[:2] == pane.texts[1].tokens[:2]
    off = under.having(interventions=(ZERO.on(False),))
    assert pane.requests(off, Cursor()) == pane.requests(document, Cursor())
    corrupted = under.having(interventions=(replace(ZERO, runs="corrupted"),))
    assert pane.requests(corrupted, Cursor()) == pane.requests(document, Cursor())


def test_what_is_asked_follows_the_view(document, show):
    pane = show(GenerationPane())
    model, plain = document.model, PromptPair(PAIR.clean)
    assert pane.requests(document, Cursor()) == {WRITTEN: Generate(model, plain)}
    drawn = pane.requests(document.having(generation=DRAWN), Cursor())[WRITTEN]
    assert drawn == Generate(model, plain, "clean", 4, 0.7, 5, 0.9, 3)
    greedy = document.having(generation=replace(DRAWN, temperature=0.0))
    assert pane.requests(greedy, Cursor())[WRITTEN] == Generate(model, plain, count=4)


def test_the_first_difference_is_framed_on_both_sides_and_said(pane):
    assert [text.differs_at for text in pane.texts] == [2, 2]
    tokens = [text.tokens[2] for text in pane.texts]
    assert f"First difference: token 2, {tokens[0]} | {tokens[1]}." in pane.legend.text()
    assert "the first difference" in pane.texts[0].words(2)


def test_pointing_says_probability_rank_and_the_likeliest(pane, qtbot):
    text, one = pane.texts[1], found_of(pane).under.tokens[3]
    said = []
    pane.hovered.connect(said.append)
    QTest.mouseMove(text, text.place_of(3).center().toPoint())
    words = text.words(3)
    assert said[-1] == pane.reading.text() == words
    assert f"(3): {one.probability:.3f}, rank 1" in words
    assert all(chance(share) in words for _, share in one.top)
    assert len(text.tip(words).splitlines()) == 1 + len(one.top)
    assert (chance(0.65249), chance(0.01234), chance(4.561e-5)) == ("0.652", "0.0123", "4.56e−05")


def test_tokens_that_look_like_html_are_said_as_they_are(pane):
    odd = Written(Token(1, "<s>", b"<s>"), 0.5, 1, ((Token(1, "<s>", b"<s>"), 0.5),))
    tell(pane, WRITTEN, Continuations(Continued((odd,)), Continued(()), 5, 512))
    assert "‘<s>’ (0): 0.500" in pane.texts[0].words(0)


def test_a_click_selects_in_both_texts_and_keys_move_on(pane):
    first, second = pane.texts
    QTest.mouseClick(first, Qt.MouseButton.LeftButton, pos=first.place_of(1).center().toPoint())
    assert (first.chosen, second.chosen) == (1, 1)
    QTest.keyClick(first, Qt.Key.Key_Right)
    assert (first.chosen, second.chosen) == (2, 2)
    assert pane.reading.text() == f"{first.words(2, 4)}\n{second.words(2, 4)}"
    assert first.accessibleDescription() == first.words(2)


def test_return_makes_the_prompt_end_with_the_token_and_undo_takes_it_back(pane, under):
    session, picked = in_session(pane, under), []
    pane.picked.connect(picked.append)
    text = pane.texts[1]
    QTest.keyClick(text, Qt.Key.Key_Return)  # of nothing
    assert session.document == under
    for _ in range(3):
        QTest.keyClick(text, Qt.Key.Key_Right)
    QTest.keyClick(text, Qt.Key.Key_Return)
    clean = PAIR.clean + found_of(pane).under.text(3)
    assert session.document.pair.clean == clean
    assert picked == [{"position": len(fakes.tokens(clean)) - 1}]
    session.undo_stack.undo()
    assert session.document == under


def test_the_corrupted_prompt_is_continued_and_taken_too(under, show):
    document = under.having(generation=GenerationView("corrupted"))
    pane = answer(show(GenerationPane()), document)
    session = in_session(pane, document)
    pane._select(0, 0)
    pane.controls.take.click()
    assert session.document.pair.corrupted == PAIR.corrupted + found_of(pane).without.text(1)
    assert session.document.pair.clean == PAIR.clean


def test_an_old_text_dims_and_can_not_be_taken(pane, under):
    pane._select(0, 1)
    assert pane.controls.take.isEnabled()
    other = under.having(clean=PAIR.clean + " to")
    pane.show_document(other)
    tell(pane, WRITTEN, status="waiting", request=pane.requests(other, Cursor())[WRITTEN])
    assert all(text.is_stale for text in pane.texts)
    assert not pane.controls.take.isEnabled()
    answer(pane, other)
    assert not any(text.is_stale for text in pane.texts)
    assert pane.texts[0].chosen is None  # it was one of another text


def test_tokens_come_one_by_one_and_nothing_else_moves(pane, under):
    request = pane.requests(under, Cursor())[WRITTEN]
    places = []
    for found in fakes.FakeAnswerer().answer(request):
        tell(pane, WRITTEN, found, "partial", request=request)
        parts = (*pane.rooms, pane.legend, pane.reading, pane.controls.stop)
        places.append([part.geometry().getRect() for part in parts])
    assert len(places) == 20
    assert all(of == places[0] for of in places)


def test_its_end_is_seen_though_it_brings_no_other_text(pane):
    found, request = found_of(pane), pane.reply(WRITTEN).request
    tell(pane, WRITTEN, found, "partial", request=request)
    assert pane.controls.stop.isEnabled()
    tell(pane, WRITTEN, found, request=request)
    assert not pane.controls.stop.isEnabled()
    assert pane.controls.more.isEnabled()


def test_it_stops_and_goes_on(pane, under):
    said, again = [], []
    pane.paused.connect(lambda *of: said.append(of))
    pane.again.connect(lambda: again.append(True))
    stop, more = pane.controls.stop, pane.controls.more
    assert (stop.isEnabled(), more.isEnabled()) == (False, True)
    some = replace(found_of(pane), without=Continued(found_of(pane).without.tokens[:3]))
    tell(pane, WRITTEN, some, "partial")
    assert (stop.isEnabled(), more.isEnabled()) == (True, False)
    stop.click()
    tell(pane, WRITTEN, some, "paused")
    more.click()
    assert said == [(WRITTEN, True), (WRITTEN, False)]
    tell(pane, WRITTEN, some, "failed", STOPPED)
    more.click()
    assert again == [True]
    session = in_session(pane, under)
    answer(pane, under)
    more.click()
    assert session.document.views.generation.count == 40


def test_what_has_ended_says_why_and_can_not_go_on(pane):
    found = found_of(pane)
    eos = replace(found.without.tokens[0], token=Token(2, "<|im_end|>", b"", special=True))
    ended = Continued((*found.without.tokens[:2], eos), "end of sequence")
    full = Continued(found.without.tokens[:3], "context")
    tell(pane, WRITTEN, Continuations(ended, full, 509, 512))
    assert "Without interventions: ended with ⟨im_end⟩." in pane.legend.toolTip()
    words = "Under interventions: the context is full: it holds 512 tokens; the prompt has 509."
    assert words in pane.legend.toolTip()
    assert not pane.controls.more.isEnabled()


def test_what_new_tokens_run_free_of_is_said(document, show):
    freeze = Intervention(Site("z", 1, 0), "freeze")
    for one, is_said in ((ZERO, False), (freeze, True)):
        pane = answer(show(GenerationPane()), document.having(interventions=(one,)))
        assert (FREE in pane.legend.toolTip()) is is_said


def test_without_a_prompt_it_says_what_to_do(document, show):
    pane = show(GenerationPane())
    empty = document.having(clean="", corrupted="")
    assert answer(pane, empty).requests(empty, Cursor()) == {}
    assert pane.texts[0].empty == NOTHING
    one = document.having(corrupted="", generation=GenerationView("corrupted"))
    assert answer(pane, one).requests(one, Cursor()) == {}
    assert pane.texts[0].empty == NO_CORRUPTED
    assert pane.shown() == []


def test_at_temperature_0_what_draws_is_off_and_says_why(document, show):
    pane = answer(show(GenerationPane()), document)
    boxes = pane.controls.boxes
    drawing = [boxes[name] for name in ("top_k", "top_p", "drawing_seed")]
    assert not any(box.isEnabled() for box in drawing)
    assert all("At temperature 0 nothing is drawn" in box.toolTip() for box in drawing)
    answer(pane, document.having(generation=DRAWN))
    assert all(box.isEnabled() for box in drawing)
    assert "temperature 0.7, top-k 5, top-p 0.9, seed 3" in pane.legend.text()


def test_boxes_set_the_view_in_one_step_each(document, show):
    pane = answer(show(GenerationPane()), document)
    session = in_session(pane, document)
    pane.controls.boxes["temperature"].setValue(0.8)
    pane.controls.boxes["temperature"].setValue(0.9)
    pane.controls.boxes["drawing_seed"].setValue(7)
    assert session.document.views.generation == GenerationView(temperature=0.9, seed=7)
    assert session.undo_stack.count() == 2
    session.undo_stack.undo()
    session.undo_stack.undo()
    assert session.document == document
    assert pane.controls.boxes["temperature"].value() == 0


def test_the_menu_of_a_token_takes_and_copies(pane):
    text = pane.texts[0]
    at = text.mapTo(pane, text.place_of(2).center().toPoint())
    QApplication.sendEvent(
        pane, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, pane.mapToGlobal(at))
    )
    menu = pane.findChild(QMenu, "verbs")
    lines = {line.text(): line for line in menu.actions() if line.text()}
    assert list(lines) == [
        "Take as prompt",
        "Copy the text up to here",
        "Copy all of the text",
        "Copy the value",
        *OF_PICTURES,
    ]
    lines["Copy the text up to here"].trigger()
    assert QGuiApplication.clipboard().text() == found_of(pane).without.text(3)
    menu.close()
    assert text.chosen == 2


def test_texts_stand_side_by_side_where_there_is_room(pane):
    assert pane.shares.orientation() == Qt.Orientation.Horizontal
    pane.resize(330, 480)
    assert pane.shares.orientation() == Qt.Orientation.Vertical


def test_the_table_of_a_text_has_all_numbers(pane):
    table, one = pane.texts[0].as_table(), found_of(pane).without.tokens[1]
    assert list(table.columns) == ["probability", "rank", "likeliest"]
    assert float(table.cell(1, 0)) == pytest.approx(one.probability, rel=1e-5)
    assert table.cell(1, 1) == "1"


@pytest.mark.parametrize("view", [GenerationView(count=5), replace(DRAWN, side="corrupted")])
@pytest.mark.parametrize("listed", [(), (ZERO,)])
def test_copied_python_writes_what_is_shown(view, listed, qtbot):
    document, pane = toy(generation=view, interventions=listed), GenerationPane()
    names = copied(pane, document, qtbot)
    request = pane.requests(document, Cursor())[WRITTEN]
    found = last(Dispatcher(1).answer(request))
    sides = {"without": found.without, "under": found.under}
    assert names["shown"].keys() == {name for name, side in sides.items() if side is not None}
    for name, values in names["shown"].items():
        expected = [one.probability for one in sides[name].tokens]
        assert values == pytest.approx(expected, abs=1e-5)
