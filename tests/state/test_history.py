"""What an edit changed, what a history calls it, and which edits are one step."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace

import pytest

from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.state.changes import CONTINUED, WORDS, changed, words
from lensgui.state.document import Document, Note
from lensgui.state.examples import find
from lensgui.state.selection import Cursor
from lensgui.state.session import Session
from lensgui.state.views import (
    AllKindsView,
    AttentionView,
    FeedersView,
    Link,
    PatchingView,
    PromptView,
    Range,
    Views,
)
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.kinds import SweepKind
from lensgui.terms.model_key import ModelKey
from lensgui.terms.roles import GivenRole

START = Document(ModelKey("toy"), PromptPair("clean", "corrupted"))


@pytest.fixture
def session(qapp):
    return Session(START)


def paths(whole, path=""):
    """Every field of a document, those of its pair and of its views by way of them."""
    for field in fields(whole):
        part = getattr(whole, field.name)
        is_part = is_dataclass(part) and field.name in {"pair", "views", *views()}
        yield from paths(part, f"{path}{field.name}.") if is_part else [f"{path}{field.name}"]


def views():
    return {field.name for field in fields(Views)}


def test_every_field_has_words():
    found = list(paths(START))
    assert len(found) > 40
    assert set(WORDS) == set(found)
    assert list(WORDS) == found  # of several that change, the first gives the step its name
    assert set(CONTINUED) < set(found)


HEADS = SweepKind("z", "all")
EDGE = Cursor(9, 6, 3, 1)
OFF = Intervention(Site("z", 9, 6), "zero")
STRONG = Intervention(Site("mlp_out", 3), "scale", strength=2.0)
STEPS = [
    ({}, {"clean": "other"}, "Clean prompt"),
    ({}, {"clean": "a", "corrupted": "b"}, "Prompts"),
    ({}, {"answer": " a", "distractor": " b"}, "Answers"),
    ({}, {"pair": find("ioi").document.pair}, "Example: IOI: who got the drink?"),
    ({}, {"metric": "rank", "table": (PairRow(START.pair),)}, "Metric"),
    ({"is_average": True}, {"clean": "other", "is_average": False}, "Clean prompt"),
    ({}, {"kind": HEADS}, "Sweep: kind"),
    ({}, {"kind": SweepKind("k", "all")}, "Sweep: kind"),  # and the input of who feeds it
    ({}, {"kept": START.patching(), "against": None}, "Sweep kept as A"),
    ({}, {"pins": (Cursor(9, 6),)}, "Pin L9H6"),
    ({"pins": (Cursor(9, 6), EDGE)}, {"pins": (Cursor(9, 6),)}, "Unpin L9H6 · 3 → 1"),
    ({}, {"pins": (Cursor(9, 6), EDGE)}, "Pin 2 places"),
    ({}, {"notes": (Note(Cursor(9, 6), "A mover."),)}, "Note on L9H6"),
    ({"notes": (Note(Cursor(9, 6), "A"),)}, {"notes": (Note(Cursor(9, 6), "B"),)}, "Note on L9H6"),
    ({"notes": (Note(Cursor(3), "A"),)}, {"notes": ()}, "Note on L3"),
    ({}, {"interventions": (OFF,)}, "L9H6.z set to 0 (off-distribution)"),
    ({"interventions": (OFF,)}, {"interventions": ()}, "L9H6.z as the model has it"),
    ({"interventions": (OFF,)}, {"interventions": (OFF.on(False),)}, "L9H6.z off again"),
    ({"interventions": (OFF.on(False),)}, {"interventions": (OFF,)}, "L9H6.z on again"),
    (
        {"interventions": (STRONG,)},
        {"interventions": (replace(STRONG, strength=0.5),)},
        "L3.mlp_out: strength 0.5",
    ),
    (
        {"interventions": (STRONG,)},
        {"interventions": (replace(STRONG, where="last"),)},
        "L3.mlp_out: another setting",
    ),
    ({}, {"interventions": (OFF, STRONG)}, "2 interventions added"),
    ({"interventions": (OFF, STRONG)}, {"interventions": ()}, "2 interventions removed"),
    (
        {"interventions": (OFF, STRONG)},
        {"interventions": (OFF.on(False), STRONG.on(False))},
        "2 interventions off again",
    ),
    ({}, {"roles": (GivenRole(4, 2, "induction"),)}, "Role of L4H2"),
    ({}, {"attention": AttentionView(measure="scores")}, "Attention: measure"),
    ({}, {"patching": PatchingView(shows_table=True)}, "Sweep: table"),
    ({}, {"all_kinds": AllKindsView(enlarged=2)}, "All kinds: one alone"),
    ({}, {"prompt": PromptView(shows_surprisal=True)}, "Prompt: surprisal"),
    ({}, {"feeders": FeedersView(before=(Link(((1, 1),), "q"),))}, "Who feeds it: chain"),
]


@pytest.mark.parametrize(("before", "changes", "said"), STEPS, ids=[step[2] for step in STEPS])
def test_a_step_is_called_by_what_was_done(before, changes, said, qapp):
    session = Session(START.having(**before))
    session.edit(**changes)
    assert session.undo_stack.text(0) == said


def test_what_changed_is_found_in_the_documents_whatever_was_named(session):
    session.edit(clean="a")
    session.edit(clean="ab", corrupted="corrupted", attention=AttentionView())
    session.edit(pair=replace(START.pair, clean="abc"))
    assert session.undo_stack.count() == 1
    view = replace(START.views.attention, side="difference", score="edge")
    after = START.having(attention=view, clean="x")
    assert changed(START, after) == ("pair.clean", "views.attention.side", "views.attention.score")
    assert changed(START, START) == ()
    assert words(START, START) == ""


@pytest.mark.parametrize(
    ("name", "some"),
    [
        ("attention", [AttentionView(least_line=share) for share in (0.2, 0.3, 0.4)]),
        ("attention", [AttentionView(least_score=score) for score in (0.05, 0.1, 0.15)]),
        ("patching", [PatchingView(place=place) for place in (1, 2, 3)]),
        ("patching", [PatchingView(range=Range(end, "x")) for end in (1.0, 2.0, 3.0)]),
        ("all_kinds", [AllKindsView(range=Range(end, "x")) for end in (1.0, 2.0, 3.0)]),
        ("feeders", [FeedersView(range=Range(end, "x")) for end in (1.0, 2.0, 3.0)]),
    ],
)
def test_dragging_is_one_step_and_back_to_where_it_began_is_none(name, some, session):
    for view in some:
        session.edit(**{name: view})
    assert session.undo_stack.count() == 1
    session.undo_stack.undo()
    assert session.document == START
    session.undo_stack.redo()
    assert getattr(session.document.views, name) == some[-1]
    session.edit(**{name: getattr(START.views, name)})
    assert session.undo_stack.count() == 0


def test_choices_of_one_switch_and_two_sliders_are_steps_of_their_own(session):
    for measure in ("scores", "values"):
        session.edit(attention=replace(session.document.views.attention, measure=measure))
    for share in (0.2, 0.3):
        session.edit(attention=replace(session.document.views.attention, least_line=share))
    session.edit(attention=replace(session.document.views.attention, least_score=0.5))
    assert [session.undo_stack.text(at) for at in range(4)] == [
        "Attention: measure",
        "Attention: measure",
        "Attention: weakest line",
        "Attention: least score",
    ]


def test_notes_of_two_places_are_two_steps(session):
    first = Note(Cursor(1, 1), "a")
    session.edit(notes=(first,))
    session.edit(notes=(Note(Cursor(1, 1), "ab"),))
    session.edit(notes=(Note(Cursor(1, 1), "ab"), Note(Cursor(2, 2), "c")))
    assert [session.undo_stack.text(at) for at in range(session.undo_stack.count())] == [
        "Note on L1H1",
        "Note on L2H2",
    ]


def test_turning_to_an_input_asks_about_it_who_feeds_the_heads():
    assert START.having(kind=SweepKind("v")).views.feeders.input == "v"
    assert START.having(kind=HEADS).views.feeders.input == "q"
    chosen = START.having(kind=SweepKind("v"), feeders=FeedersView("k"))
    assert chosen.views.feeders.input == "k"
    assert chosen.having(kind=SweepKind("v")).views.feeders.input == "k"


def test_a_model_that_cannot_be_opened_leaves_the_name_of_what_else_was_done(session):
    other = ModelKey("other")
    session.edit(model=other, pair=find("ioi").document.pair)
    session.keep_model(other, START.model)
    assert session.undo_stack.text(0) == "Example: IOI: who got the drink?"
    session.edit(model=other, direction="noising")
    session.keep_model(other, START.model)
    assert session.undo_stack.text(1) == "Sweep: direction"


def test_where_a_model_runs_is_no_step_and_undo_leaves_it_there(session, qtbot):
    session.edit(kept=START.patching())
    session.edit(clean="typed")
    with qtbot.waitSignal(session.changed):
        session.edit(model=START.model.on("cpu"))
    assert session.undo_stack.count() == 2
    session.edit(model=ModelKey("toy", device="cuda", dtype="float64"))
    assert session.undo_stack.count() == 3
    for _ in range(2):
        session.undo_stack.undo()
    assert session.document == START.on("cuda").having(kept=START.on("cuda").patching())
    assert session.document.compared is not None  # its numbers are made there too
    session.edit(model=ModelKey("memory:given", device="cpu"))
    session.edit(model=ModelKey("other", device="cpu"))
    session.undo_stack.undo()
    assert session.document.model == ModelKey("memory:given", device="cpu")


def test_a_place_where_no_model_runs_is_forgotten(session):
    session.edit(clean="typed")
    for gone in (START.model.on("cuda"), ModelKey("other", device="cuda")):
        session.edit(model=gone)
        session.keep_model(gone, START.model)
        assert session.document == START.having(clean="typed")
        assert session.undo_stack.count() == 1
