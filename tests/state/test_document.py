from __future__ import annotations

from dataclasses import replace

import pytest

from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.state.document import Document, SweepChoice
from lensgui.state.session import Session
from lensgui.terms.kinds import RESID_PRE, SweepKind
from lensgui.terms.model_key import ModelKey

START = Document(ModelKey("toy"), PromptPair("clean", "corrupted"))


@pytest.fixture
def session(qapp):
    return Session(START)


def test_an_edit_changes_the_document_and_is_told(session, qtbot):
    with qtbot.waitSignal(session.changed) as changed:
        session.edit(clean="other")
    assert session.document.pair == PromptPair("other", "corrupted")
    assert changed.args == [session.document]


def test_typing_in_one_field_is_one_step(session):
    for text in ("a", "ab", "abc"):
        session.edit(clean=text)
    assert session.undo_stack.count() == 1
    session.undo_stack.undo()
    assert session.document == START
    session.undo_stack.redo()
    assert session.document.pair.clean == "abc"


def test_another_field_begins_another_step(session):
    session.edit(clean="a")
    session.edit(answer=" b")
    session.edit(clean="ac")
    assert session.undo_stack.count() == 3
    session.undo_stack.undo()
    assert session.document.pair == PromptPair("a", "corrupted", " b")


def test_edits_of_several_fields_never_merge(session):
    session.edit(clean="corrupted", corrupted="clean")
    session.edit(clean="clean", corrupted="corrupted")
    assert session.undo_stack.count() == 2


def test_typing_and_taking_it_back_leaves_no_step(session):
    session.edit(clean="cleanx")
    session.edit(clean="clean")
    assert session.undo_stack.count() == 0
    assert session.document == START


def test_an_edit_that_changes_nothing_is_no_step(session):
    session.edit(clean="clean")
    assert session.undo_stack.count() == 0


def test_the_model_can_be_edited_too(session):
    session.edit(model=ModelKey("other"))
    assert session.document.model == ModelKey("other")
    session.undo_stack.undo()
    assert session.document.model == ModelKey("toy")


def test_unknown_fields_are_refused(session):
    with pytest.raises(TypeError):
        session.edit(nonsense=1)


def test_each_choice_is_a_step_of_its_own(session):
    heads = SweepKind("z", "all")
    for changes in ({"kind": heads}, {"kind": SweepKind("v", "all")}, {"direction": "noising"}):
        session.edit(**changes)
    assert session.undo_stack.count() == 3
    for _ in range(2):
        session.undo_stack.undo()
    assert session.document == START.having(kind=heads)
    session.undo_stack.undo()
    assert session.document.kind == RESID_PRE


def test_what_is_compared_is_the_kept_sweep_or_another_one_of_the_present_prompts():
    assert START.compared is None
    kept = START.patching(SweepKind("z", "all"), "noising")
    document = START.having(kept=kept, clean="something else")
    assert document.compared is kept
    other = document.having(against=SweepChoice(SweepKind("v", "all"), "noising"))
    assert other.compared == other.patching(SweepKind("v", "all"), "noising")
    assert other.compared.pair.clean == "something else"
    moved = document.having(model=ModelKey("other"))
    assert moved.compared is None  # numbers of two models are not subtracted
    assert moved.having(against=SweepChoice()).compared.model == ModelKey("other")


def test_averages_are_over_the_included_rows_only():
    rows = tuple(PairRow(PromptPair(text, "x")) for text in "abc")
    rows = (rows[0], replace(rows[1], is_included=False), rows[2])
    assert START.having(table=rows).rows == ()
    document = START.having(table=rows, is_average=True)
    assert document.rows == (rows[0], rows[2])
    assert document.patching().rows == document.rows
