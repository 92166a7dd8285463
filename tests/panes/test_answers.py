"""Answers are typed with the vocabulary at hand, or clicked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from lensgui.jobs.answers.readings import Token, TokenMatches
from lensgui.jobs.requests import FindTokens
from lensgui.panes.prompt.prompt import PromptPane
from lensgui.panes.prompt.token_rows import likely_answers
from lensgui.prompts.pair import PromptPair
from lensgui.state.selection import Cursor
from tests.answering import last
from tests.fakes import FakeAnswerer
from tests.panes.conftest import PAIR, answer, tell

OFFSCREEN_POPUPS = pytest.mark.qt_log_ignore("plugin does not support (raise|grabbing)")


@OFFSCREEN_POPUPS
def test_a_token_is_picked_from_the_vocabulary_with_the_keyboard(document, show, qtbot):
    pane = answer(show(PromptPane()), document)
    field = pane.fields["answer"]
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, " Ma")
    request = pane.requests(document, Cursor())["tokens"]
    assert request == FindTokens(document.model, PAIR.clean_prompt, " Ma")
    popup = field.popup
    tell(pane, "tokens", last(FakeAnswerer().answer(request)))
    assert popup.isVisible()
    assert popup.model().index(0, 0).data().split() == ["·Mary", "50", "%", "id", "0"]
    qtbot.keyClick(popup, Qt.Key.Key_Down)
    with qtbot.waitSignal(pane.edited) as edited:
        qtbot.keyClick(popup, Qt.Key.Key_Return)
    assert edited.args == [{"answer": " Mary"}]
    assert not popup.isVisible()
    assert "tokens" not in pane.requests(document, Cursor())


@OFFSCREEN_POPUPS
def test_return_takes_the_first_line_of_the_list_to_what_is_typed(document, show, qtbot):
    pane = answer(show(PromptPane()), document)
    field, popup, told = pane.fields["answer"], pane.fields["answer"].popup, []
    pane.edited.connect(told.append)
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "Ma")
    old = pane.requests(document, Cursor())["tokens"]
    tell(pane, "tokens", last(FakeAnswerer().answer(old)))
    qtbot.keyClick(popup, Qt.Key.Key_Down)
    qtbot.keyClicks(field, "ry")  # the list answers "Ma" still
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert told[-1] == {"answer": "Mary"}
    tell(pane, "tokens", last(FakeAnswerer().answer(old)))  # comes late
    assert not popup.isVisible()
    assert told[-1] == {"answer": "Mary"}
    new = pane.requests(document, Cursor())["tokens"]  # Return waits for the list to what is typed
    matches = last(FakeAnswerer().answer(new))
    tell(pane, "tokens", matches, request=new)
    assert told[-1] == {"answer": matches.found[0].token.text}
    assert field.text() == matches.found[0].token.text
    assert "tokens" not in pane.requests(document, Cursor())


@OFFSCREEN_POPUPS
def test_what_no_token_holds_is_taken_as_it_is_typed(document, show, qtbot):
    pane, told = answer(show(PromptPane()), document), []
    pane.edited.connect(told.append)
    field = pane.fields["answer"]
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "Mx")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    request = pane.requests(document, Cursor())["tokens"]
    tell(pane, "tokens", TokenMatches(found=(), total=0, sought="Mx"), request=request)
    assert told[-1] == {"answer": "Mx"}
    assert field.text() == "Mx"


def test_a_likely_token_becomes_the_answer_by_a_click(document, show, qtbot):
    pane = answer(show(PromptPane(), 900, 230), document)
    row, told = pane.next["clean"], []
    pane.edited.connect(told.append)
    place = row.place_of(1).center().toPoint()
    second = pane.reading.clean.top[1].token.text
    qtbot.mousePress(row, Qt.MouseButton.LeftButton, pos=place)
    assert told == [{"answer": second}]
    pane.next["corrupted"].show_stale(True)
    pane.next["corrupted"].clicked.emit(0)  # of prompts that are no longer there
    assert len(told) == 1


def test_with_shift_it_becomes_the_distractor(document, show, monkeypatch):
    pane, told = answer(show(PromptPane(), 900, 230), document), []
    pane.edited.connect(told.append)
    shift = Qt.KeyboardModifier.ShiftModifier
    monkeypatch.setattr(QGuiApplication, "keyboardModifiers", lambda: shift)
    pane.next["corrupted"].clicked.emit(0)
    assert told == [{"distractor": pane.reading.corrupted.top[0].token.text}]


def test_likely_answers_are_offered_where_those_asked_for_are_unlikely(document, show):
    pane, told = answer(show(PromptPane(), 900, 230), document), []
    pane.edited.connect(told.append)
    reading, likely = pane.reading, pane.remarks.likely
    expected = likely_answers(replace(reading, answer=Token(1, "x"), distractor=Token(2, "y")))
    assert expected == tuple(item.token.text for item in reading.clean.top[:2])
    one = replace(reading, answer=Token(1, "x"), distractor=reading.corrupted.top[0].token)
    assert likely_answers(one) is None  # one of them is likely
    top = tuple(replace(item, probability=float("nan")) for item in reading.clean.top)
    odd = replace(reading, answer=Token(1, "x"), clean=replace(reading.clean, top=top))
    assert likely_answers(odd) is None  # no token is likely where the stream is not finite
    tell(pane, "pair", replace(reading, answer=Token(1, "x"), distractor=Token(2, "y")))
    assert likely.isVisible()
    here = pane.reply("pair").request
    tell(pane, "pair", status="waiting", request=replace(here, pair=PromptPair("other", "prompts")))
    likely.click()
    assert told == []  # what is likely was likely of other prompts
    tell(
        pane, "pair", replace(reading, answer=Token(1, "x"), distractor=Token(2, "y")), request=here
    )
    likely.click()
    assert told == [dict(zip(("answer", "distractor"), expected, strict=True))]
    tell(pane, "pair", reading)
    assert likely.isVisible() is (likely_answers(reading) is not None)


@OFFSCREEN_POPUPS
def test_the_last_of_a_set_is_sought_and_filled_in(document, show, qtbot):
    pane = answer(show(PromptPane()), document)
    field = pane.fields["distractor"]
    field.setFocus()
    field.setText(" John|·Mar")
    qtbot.keyClick(field, Qt.Key.Key_Down)
    request = pane.requests(document, Cursor())["tokens"]
    assert request.text == " Mar"
    tell(pane, "tokens", last(FakeAnswerer().answer(request)))
    with qtbot.waitSignal(pane.edited) as edited:
        field.list.activated.emit(" Maria")
    assert edited.args == [{"distractor": " John| Maria"}]
    field.popup.hide()


@OFFSCREEN_POPUPS
def test_what_is_pasted_after_return_stays_as_it_is(document, show, qtbot):
    pane = answer(show(PromptPane(), 900, 230), document)
    field = pane.fields["answer"]
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    qtbot.keyClick(field, Qt.Key.Key_Return)
    field.selectAll()
    field.insert("Ma")  # as the menu's Paste does, or a method of input
    field.textEdited.emit("Ma")
    request = pane.requests(document, Cursor())["tokens"]
    tell(pane, "tokens", last(FakeAnswerer().answer(request)), request=request)
    assert field.popup.isVisible()
    assert field.text() == "Ma"
