"""The prompts that means are over travel with what was answered, not with the document."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from io import BytesIO

import msgspec
import pytest

from lensgui.jobs.requests import AttentionGrid, OutputNorms, Patching, ReadPair
from lensgui.prompts.pair import PairRow, Prompt, PromptPair, Role
from lensgui.state.document import Document
from lensgui.state.sessions import manifest
from lensgui.state.sessions.conversion import to_record
from lensgui.state.sessions.saved import ModelReference, Saved
from lensgui.state.sessions.sessions import from_bytes, to_bytes
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.kinds import HEADS
from tests.state.sessions.strategies import MODEL
from tests.state.sessions.test_answers import PAIR, ROWS, answered
from tests.state.sessions.test_round_trip import NOW, again, same

MEAN = (Intervention(Site("z", 1, 0), "mean"),)
NAMED = tuple(replace(row, roles=(Role("S1", 4), Role("end", len(row.pair.clean)))) for row in ROWS)
SHOWING = replace(NAMED[0].pair, interventions=MEAN)
DOCUMENT = Document(MODEL, SHOWING, table=NAMED)
SHOWN = DOCUMENT.shown
AVERAGED = replace(SHOWN, is_average=True)
FEW = tuple(Prompt(text) for text in ("one", "two"))


def saved(document=DOCUMENT, answers=()):
    return Saved(document, ModelReference.to(MODEL), NOW, answers=answers)


def written(data):
    """All that a file says, as one text."""
    with zipfile.ZipFile(BytesIO(data)) as held:
        return b"".join(held.read(name) for name in held.namelist()).decode(errors="replace")


def test_a_document_is_saved_without_them():
    assert len(SHOWN.pair.reference) == 2 * len(ROWS)
    assert SHOWN.pair.word_roles == NAMED[0].roles
    assert all(of.word_roles for of in SHOWN.pair.reference)
    assert again(saved(SHOWN)).document == again(saved()).document == DOCUMENT


def test_questions_come_back_with_them(answerer):
    assert all(row.pair.word_roles == row.roles for row in AVERAGED.rows)
    mixed = (ROWS[0], *AVERAGED.rows, ROWS[1], ROWS[2].under(MEAN, FEW), AVERAGED.rows[0])
    asked = [
        ReadPair(MODEL, SHOWN.pair),
        Patching(MODEL, AVERAGED.asked, HEADS, rows=AVERAGED.rows),
        AttentionGrid(MODEL, AVERAGED.asked, rows=mixed),
        OutputNorms(MODEL, PAIR, rows=ROWS),
    ]
    answers = answered(answerer, asked)
    found = again(saved(answers=answers)).answers
    assert [request for request, _ in found] == asked
    assert same(found, answers)


def test_a_sweep_kept_for_comparison_comes_back_with_them():
    kept = AVERAGED.patching(HEADS)
    document = replace(DOCUMENT, kept=kept)
    assert again(saved(document)).document == document


def test_a_table_says_them_once():
    marked = tuple(Prompt(f"a prompt of a mean {at}") for at in range(4))
    rows = tuple(row.under(MEAN, marked) for row in ROWS)
    document = replace(DOCUMENT, kept=replace(SHOWN.patching(HEADS), rows=rows))
    assert written(to_bytes(saved(document))).count(marked[0].text) == 1
    assert again(saved(document)).document == document


def test_files_from_before_there_were_any_open():
    record = json.loads(msgspec.json.encode(to_record(PAIR, manifest.PromptPair)))
    assert (record.pop("reference"), record.pop("word_roles")) == ([], [])
    found = msgspec.convert(record, manifest.PromptPair)
    assert (found.reference, found.word_roles) == ((), ())


def test_more_than_a_thousand_are_refused():
    many = tuple(Prompt(str(at)) for at in range(1_001))
    to_record(replace(PAIR, reference=many[1:]), manifest.PromptPair)
    with pytest.raises(msgspec.ValidationError, match="length"):
        to_record(replace(PAIR, reference=many), manifest.PromptPair)


def test_a_pair_of_no_table_has_none_before_it():
    data = to_bytes(saved(replace(DOCUMENT, kept=replace(SHOWN.patching(HEADS), rows=()))))
    assert from_bytes(data).document.kept.pair.reference == SHOWN.pair.reference
    row = PairRow(PromptPair("a"))
    stored = to_record(row, manifest.PairRow)
    assert stored.pair.reference == ()
