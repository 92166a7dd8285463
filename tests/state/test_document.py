from __future__ import annotations

from dataclasses import replace

import pytest

from lensgui.prompts.pair import PairRow, PromptPair, Role
from lensgui.state.document import Document, SweepChoice
from lensgui.state.session import Session
from lensgui.terms.interventions import Intervention, Site
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


MEAN = (Intervention(Site("z", 0, 0), "mean"),)


def named(clean, corrupted, **ends):
    return PairRow(PromptPair(clean, corrupted), tuple(Role(*of) for of in ends.items()))


def words_named(prompt):
    return {role.name: prompt.text[: role.end].split()[-1] for role in prompt.word_roles}


def test_words_of_a_corrupted_prompt_are_counted():
    """In a text of another number of words nothing is known but where it ends."""
    row = named("Ann’s cat, Tom", "Maximilian’s dog, Al", S=5, IO=14, inside=3)
    clean, corrupted = Document(START.model, row.pair, (row,)).reference
    assert words_named(clean)["IO"] == "Tom"
    assert words_named(corrupted) == {"S": "Maximilian’s", "IO": "Al"}
    longer = named("Ann and Tom", "Ann and old Tom", S=3, IO=7, end=11)
    _, other = Document(START.model, longer.pair, (longer,)).reference
    assert words_named(other) == {"end": "Tom"}
    (alone,) = Document(START.model, row.pair, (named("Ann", "", S=3),)).reference
    assert words_named(alone) == {"S": "Ann"}


def test_what_is_named_in_a_clean_prompt_counts_however_often_it_is_there():
    rows = (
        named("Ann saw Tom", "Tom saw Ann", S=3, IO=11),
        named("Tom saw Ann", "Tom saw Tom", S=3, IO=11),
        named("Tom saw Ann", "Ann saw Ann"),
    )
    found = {of.text: words_named(of) for of in Document(START.model, rows[0].pair, rows).reference}
    assert list(found) == ["Ann saw Tom", "Tom saw Ann", "Tom saw Tom", "Ann saw Ann"]
    assert found["Tom saw Ann"] == {"S": "Tom", "IO": "Ann"}
    assert found["Ann saw Ann"] == {}
    swapped = named("Tom saw Ann", "Ann saw Ann", IO=3)
    (_, of, *_) = Document(START.model, rows[0].pair, (rows[0], swapped)).reference
    assert words_named(of) == {"IO": "Tom"}


def test_a_pair_has_the_words_that_the_table_names_only_where_there_are_means():
    row = named("Ann saw Tom", "Tom saw Ann", S=3)
    plain = Document(START.model, row.pair, (row,))
    under = plain.having(interventions=MEAN)
    assert under.shown.pair.word_roles == row.roles
    assert plain.shown.pair.word_roles == under.having(interventions=()).shown.pair.word_roles == ()
    off = plain.having(interventions=tuple(one.on(False) for one in MEAN))
    assert off.shown.pair == plain.pair
    averaged = replace(under.shown, is_average=True)
    assert averaged.asked.word_roles == ()
    assert averaged.rows[0].pair.word_roles == row.roles
