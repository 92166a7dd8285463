"""Whatever is asked about a pair is answered under its interventions; a faulty one is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lensgui.analysis.interventions.under import intervened, intervened_runs
from lensgui.analysis.pairs.answers import encode
from lensgui.analysis.pairs.typed_pairs import read_pair, run_prompt, sweep_pair
from lensgui.analysis.run.run import Run
from lensgui.jobs.answers.arrays import CellState, Evidence, Sweep, Verification
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.questions.attribution_requests import AttributeMetric
from lensgui.jobs.questions.lens_requests import LensMetric
from lensgui.jobs.requests import (
    AttentionGrid,
    AttentionHead,
    Patching,
    ReadEvidence,
    ReadHead,
    ReadPair,
    VerifyCell,
)
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.state.document import Document
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.kinds import RESID_PRE, SweepKind
from lensgui.transformer.edits.intervened import IntervenedTransformer
from tests.answering import PAIR, TOY, last

OFF = Intervention(Site("z", 1, 0), "zero")
SOME = (
    Intervention(Site("mlp_out", 0), "scale", "last", 0.3),
    Intervention(Site("attn_scores", 1, 1), "knock_out", (6, 10), sources=(4,)),
    Intervention(Site("z", 0, 2), "resample", runs="corrupted"),
)
UNDER = replace(PAIR, interventions=SOME)
VALUES = {Sweep: "values", Verification: "value", Evidence: "attribution"}


@pytest.fixture(scope="module")
def dispatcher():
    return Dispatcher(1)


def runs_by_hand(dispatcher, pair):
    model = dispatcher.loaded.use(TOY)
    clean, corrupted = (
        Run(model, encode(model, prompt)).complete()
        for prompt in (pair.plain.clean_prompt, pair.plain.corrupted_prompt)
    )
    found = intervened_runs(clean, pair.interventions, corrupted)
    return [run.complete() for run in found]


def test_what_is_read_and_swept_is_under_them(dispatcher):
    clean, _corrupted = runs_by_hand(dispatcher, UNDER)
    model = dispatcher.loaded.use(TOY)
    grid = last(dispatcher.answer(AttentionHead(TOY, UNDER, ((1, 1),))))
    np.testing.assert_allclose(grid.values.squeeze(), clean.head_pattern(1, 1), atol=1e-5)
    assert not np.allclose(
        grid.values.squeeze(), Run(model, clean.tokens).complete().head_pattern(1, 1)
    )
    reading = last(dispatcher.answer(ReadPair(TOY, UNDER)))
    plain = last(dispatcher.answer(ReadPair(TOY, PAIR)))
    assert reading.clean.tokens == plain.clean.tokens
    expected = read_pair(model, UNDER)
    assert [reading.clean.metric, reading.corrupted.metric] == pytest.approx(expected, abs=1e-4)
    assert reading.clean.metric != pytest.approx(plain.clean.metric, abs=1e-3)
    *_, by_pair = sweep_pair(model, UNDER)
    for kind in (RESID_PRE, SweepKind("z", "all")):
        sweep = last(dispatcher.answer(Patching(TOY, UNDER, kind)))
        assert sweep.check is None or sweep.check.worst < 1e-3
        assert sweep.clean == pytest.approx(expected[0], abs=1e-4)
        if kind == RESID_PRE:
            known = sweep.states != CellState.UNKNOWN
            np.testing.assert_allclose(sweep.values[known], by_pair.values[known], atol=1e-3)


def test_every_sweep_is_checked_the_slow_way_under_them(dispatcher):
    for kind in (RESID_PRE, SweepKind("mlp_out"), SweepKind("q", "all")):
        for direction in ("denoising", "noising"):
            found = last(dispatcher.answer(Patching(TOY, UNDER, kind, direction)))
            assert found.check is not None
            assert found.check.worst < 1e-3


def test_answers_stay_those_of_the_model_itself(dispatcher):
    asked = replace(PAIR, answer="", distractor="")
    heavy = Intervention(Site("resid_post", 1), "scale", strength=-3.0)
    plain = last(dispatcher.answer(ReadPair(TOY, asked)))
    found = last(dispatcher.answer(ReadPair(TOY, replace(asked, interventions=(heavy,)))))
    assert found.answer == plain.answer
    assert found.clean.top != plain.clean.top


def test_off_and_absent_share_one_answer(dispatcher):
    off = replace(PAIR, interventions=(OFF.on(False),))
    assert off.clean_prompt == PAIR.clean_prompt
    a, b = (last(dispatcher.answer(LensMetric(TOY, pair, "clean"))) for pair in (off, PAIR))
    np.testing.assert_array_equal(a.values, b.values)


def test_one_that_cannot_be_done_is_left_out_and_said(dispatcher):
    bad = Intervention(Site("z", 9), "zero")
    beyond = Intervention(Site("z", 1, 0), "zero", (99,))
    pair = replace(PAIR, interventions=(bad, OFF, beyond))
    model = dispatcher.loaded.use(TOY)
    faults = dispatcher.loaded.faults(model, pair)
    assert "this model has 2 layers" in faults[bad]
    assert "position 99 is beyond the prompt" in faults[beyond]
    assert faults[OFF] == ""
    good = last(dispatcher.answer(AttributeMetric(TOY, replace(PAIR, interventions=(OFF,)))))
    found = last(dispatcher.answer(AttributeMetric(TOY, pair)))
    np.testing.assert_array_equal(found.values, good.values)
    assert not found.values[1, 0]


MLPS = tuple(Intervention(Site("mlp_out", layer), "freeze") for layer in range(2))
NORMS = Intervention(Site("norms"), "freeze")
NOWHERE = Intervention(Site("z", 9), "zero", is_on=False)


@pytest.mark.parametrize(
    ("listed", "faulty"),
    [
        ((OFF, *MLPS, NORMS), ()),
        ((OFF, *(one.on(False) for one in (*MLPS, NORMS))), (NORMS.on(False),)),
        ((*MLPS, NORMS.on(False)), ()),
        ((OFF.on(False), NOWHERE, MLPS[0]), (NOWHERE,)),
    ],
)
def test_faults_of_many_are_those_of_each_beside_what_acts(dispatcher, listed, faulty):
    model = dispatcher.loaded.use(TOY)
    faults = dispatcher.loaded.faults(model, replace(PAIR, interventions=listed))
    assert tuple(one for one, sentence in faults.items() if sentence) == faulty
    assert list(faults) == list(listed)


def test_what_was_tried_for_faults_is_what_runs(dispatcher, monkeypatch):
    made, init = [], IntervenedTransformer.__init__

    def counted(self, origin, edits):
        made.append(self)
        init(self, origin, edits)

    monkeypatch.setattr(IntervenedTransformer, "__init__", counted)
    alone = Intervention(Site("z", 1, 3), "scale", strength=0.125)
    pair = replace(PAIR, interventions=(alone,))
    last(dispatcher.answer(ReadPair(TOY, pair)))
    assert len(made) == 1  # for both prompts
    model, plain = dispatcher.loaded.use(TOY), pair.plain
    runs = [dispatcher.loaded.run(model, of) for of in (plain.clean_prompt, plain.corrupted_prompt)]
    expected = intervened_runs(runs[0], [alone], runs[1])
    for of, by_hand in zip((pair.clean_prompt, pair.corrupted_prompt), expected, strict=True):
        found = dispatcher.loaded.run(model, of)
        assert found.model is made[0]
        torch.testing.assert_close(found.residuals[-1], by_hand.complete().residuals[-1])
    few = replace(pair, interventions=(alone, NOWHERE.on()))
    last(dispatcher.answer(ReadPair(TOY, few)))
    found = dispatcher.loaded.run(model, few.clean_prompt).complete()
    torch.testing.assert_close(found.residuals[-1], expected[0].residuals[-1])


@pytest.mark.parametrize("name", ["one pair", "mean", "evidence", "cell", "cell of a mean"])
def test_whatever_is_asked_one_that_cannot_be_done_is_left_out(dispatcher, name):
    def answered(*listed):
        pair = replace(PAIR, interventions=listed)
        rows = (PairRow(pair), PairRow(replace(pair, clean=PAIR.corrupted, corrupted=PAIR.clean)))
        asked = replace(pair, clean="", corrupted="")
        questions = {
            "one pair": Patching(TOY, pair, RESID_PRE),
            "mean": Patching(TOY, asked, RESID_PRE, rows=rows),
            "evidence": ReadEvidence(TOY, (pair,)),
            "cell": VerifyCell(Patching(TOY, pair, RESID_PRE), (1, 4)),
            "cell of a mean": VerifyCell(Patching(TOY, asked, RESID_PRE, rows=rows), (1, 4)),
        }
        found = last(dispatcher.answer(questions[name]))
        return np.asarray(getattr(found, VALUES[type(found)]))

    bad = Intervention(Site("z", 9), "zero")
    found = answered(bad, OFF)
    np.testing.assert_allclose(found, answered(OFF), atol=1e-6)
    assert not np.allclose(found, answered(), atol=1e-4)


def test_a_pair_is_read_with_a_sentence_about_one_that_cannot_be_done(dispatcher):
    bad = Intervention(Site("z", 9), "zero")
    pair = replace(PAIR, interventions=(bad, OFF))
    found = last(dispatcher.answer(ReadPair(TOY, pair)))
    good = last(dispatcher.answer(ReadPair(TOY, replace(PAIR, interventions=(OFF,)))))
    assert found.warnings[-1].startswith("Intervention left out: L9.z: this model has 2 layers")
    assert found.clean.metric == good.clean.metric
    assert not good.warnings


def test_a_run_under_them_is_kept_and_leaves_the_model_alone(dispatcher):
    model = dispatcher.loaded.use(TOY)
    list(dispatcher.answer(AttentionGrid(TOY, UNDER)))
    run = dispatcher.loaded.run(model, UNDER.clean_prompt)
    assert run is dispatcher.loaded.run(model, UNDER.clean_prompt)
    assert run is dispatcher.loaded.run(model, replace(UNDER, answer=" table").clean_prompt)
    assert not [point for point in model.hook_points() if point.is_watched]
    assert torch.equal(run.residuals[-1], run_prompt(model, UNDER.clean_prompt).residuals[-1])


def test_jobs_under_different_ones_take_turns(dispatcher):
    other = replace(PAIR, interventions=(OFF,))
    kinds = [(UNDER, RESID_PRE), (other, RESID_PRE), (PAIR, RESID_PRE)]
    alone = [last(dispatcher.answer(Patching(TOY, pair, kind))) for pair, kind in kinds]
    fresh = Dispatcher(1)
    jobs = dict(enumerate(fresh.answer(Patching(TOY, pair, kind)) for pair, kind in kinds))
    found = {}
    while jobs:
        for at, job in [*jobs.items()]:
            answer = next(job, job)
            if answer is job:
                del jobs[at]
            elif answer is not None:
                found[at] = answer
    for at, one in enumerate(alone):
        np.testing.assert_allclose(found[at].values, one.values, atol=1e-5)


def test_a_heads_reading_under_them_adds_up(dispatcher):
    pair = replace(PAIR, interventions=(OFF, *SOME[:1]))
    head = last(dispatcher.answer(ReadHead(TOY, pair, 1, 0, 10)))
    assert head.attribution == pytest.approx(0, abs=1e-6)


def test_averages_are_under_the_documents_interventions(dispatcher):
    turned = replace(PAIR, clean=PAIR.corrupted, corrupted=PAIR.clean)
    table = (PairRow(PAIR), PairRow(turned))
    document = Document(TOY, UNDER, table=table, is_average=True)
    assert all(row.pair.interventions == SOME for row in document.rows)
    mean = last(dispatcher.answer(document.patching()))
    alone = [
        last(dispatcher.answer(Patching(TOY, row.pair, RESID_PRE))).values for row in document.rows
    ]
    np.testing.assert_allclose(mean.values, np.mean(alone, 0), atol=1e-4)


def test_notebooks_read_a_pair_under_its_interventions(dispatcher):
    model = dispatcher.loaded.use(TOY)
    pair = replace(PAIR, interventions=(OFF,))
    tokens = encode(model, pair.clean_prompt)
    with intervened(model, [OFF], tokens):
        expected = model(tokens[None])[0, -1]
    run = run_prompt(model, pair.clean_prompt)
    torch.testing.assert_close(run.model.to_logits(run.residuals[-1][None])[0, -1], expected)
    assert PromptPair("a").clean_prompt.under is None
