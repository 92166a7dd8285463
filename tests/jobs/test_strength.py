"""Curves by strength are runs at each strength, beside random directions and other tokens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lensgui.analysis.interventions.listed import keep_vector, kept_vector
from lensgui.analysis.interventions.strength import placebo_vectors
from lensgui.analysis.pairs.typed_pairs import read_pair, run_prompt
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.questions.intervention_requests import AskStrength, ReadInterventions
from lensgui.jobs.request import Urgency
from lensgui.terms.interventions import STRENGTHS, Intervention, Site
from tests.answering import PAIR, TOY, last
from tests.jobs.test_means import MEAN, SHOWN

AT = Site("resid_post", 0)
BAD = Intervention(Site("z", 9), "zero")
SHARES = (0.5, -1.0, 0.0)


@pytest.fixture(scope="module")
def dispatcher():
    return Dispatcher(1)


@pytest.fixture(scope="module")
def added(dispatcher):
    model = dispatcher.loaded.use(TOY)
    generator = torch.Generator().manual_seed(1)
    vector = keep_vector("v", 3 * torch.randn(model.cfg.d_model, generator=generator))
    return Intervention(AT, "add", vector=vector)


def chances(model, pair):
    run = run_prompt(model, pair.clean_prompt)
    return run.model.to_logits(run.residuals[-1][None])[0, -1].double().log_softmax(-1)


@pytest.mark.parametrize("is_on", [True, False])
def test_a_curve_is_a_run_at_each_strength(dispatcher, added, is_on):
    model = dispatcher.loaded.use(TOY)
    listed = (BAD, MEAN, added.on(is_on))
    pair = replace(SHOWN.pair, interventions=listed)
    found = last(dispatcher.answer(AskStrength(TOY, pair, 2, SHARES)))
    (unit,) = (one.unit for one in last(dispatcher.answer(ReadInterventions(TOY, pair))).of[2:])
    assert found.shares == pytest.approx(sorted(SHARES))
    assert found.strengths == pytest.approx([share * unit for share in sorted(SHARES)])
    rest = replace(pair, interventions=(MEAN,))
    assert found.without == pytest.approx(read_pair(model, rest)[0], abs=1e-4)
    before = chances(model, rest)
    ids = [of.token.id for of in found.followed]
    for at, strength in enumerate(found.strengths):
        under = replace(pair, interventions=(MEAN, replace(added, strength=strength)))
        assert found.metric[at] == pytest.approx(read_pair(model, under)[0], abs=1e-3)
        after = chances(model, under)
        np.testing.assert_allclose(found.probabilities[at], after[ids].exp().detach(), atol=1e-4)
        apart = float((before.exp() * (before - after)).sum())
        assert found.divergence[at] == pytest.approx(apart, abs=1e-3)
    assert found.is_whole
    assert not found.is_off_distribution[1]


def test_random_directions_stand_beside_it(dispatcher, added):
    model, pair = dispatcher.loaded.use(TOY), replace(PAIR, interventions=(added,))
    asked = AskStrength(TOY, pair, 0, SHARES, placebos=3)
    answers = [of for of in dispatcher.answer(asked) if of is not None]
    known = [np.isfinite(of.metric).sum() + np.isfinite(of.placebos).sum() for of in answers]
    assert known == sorted(known)
    assert sorted({*known.copy()}) == [1, 2, 3, 6, 9, 12]
    found = answers[-1]
    assert found.is_whole
    assert not answers[0].is_whole
    drawn = placebo_vectors(kept_vector(added.vector), count=3)
    for number, vector in enumerate(drawn):
        other = replace(added, vector=keep_vector("other", vector), strength=found.strengths[2])
        under = replace(PAIR, interventions=(other,))
        assert found.placebos[number, 2] == pytest.approx(read_pair(model, under)[0], abs=1e-3)
    np.testing.assert_allclose(found.placebos[:, 1], found.without, atol=1e-4)
    with pytest.raises(ValueError, match="read-only"):
        found.placebos[0] = 1


def test_random_directions_may_vary_as_the_stream_does(dispatcher, added):
    model, pair = dispatcher.loaded.use(TOY), replace(PAIR, interventions=(added,))
    asked = AskStrength(TOY, pair, 0, (1.0,), placebos=3, are_like_stream=True)
    found = last(dispatcher.answer(asked))
    stream = run_prompt(model, pair.plain.clean_prompt).residuals[1][1:]
    drawn = placebo_vectors(kept_vector(added.vector), stream, 3)
    span = torch.linalg.svd((stream - stream.mean(0)).float(), full_matrices=False).Vh
    torch.testing.assert_close(drawn @ span.T @ span, drawn, atol=1e-3, rtol=1e-3)
    for number, vector in enumerate(drawn):
        other = replace(added, vector=keep_vector("other", vector), strength=found.strengths[0])
        value = read_pair(model, replace(PAIR, interventions=(other,)))[0]
        assert found.placebos[number, 0] == pytest.approx(value, abs=1e-3)
    plain = last(dispatcher.answer(replace(asked, are_like_stream=False)))
    assert not np.allclose(plain.placebos, found.placebos)


def test_followed_tokens_say_why(dispatcher, added):
    model, pair = dispatcher.loaded.use(TOY), replace(PAIR, interventions=(added,))
    found = last(dispatcher.answer(AskStrength(TOY, pair, 0, (0.0,)))).followed
    parts = [of.part for of in found]
    assert parts[:2] == ["answer", "distractor"]
    assert {*parts} == {"answer", "distractor", "likely", "control"}
    assert len({of.token.id for of in found}) == len(found)
    chosen = int(model.to_single_token(" river"))
    asked = AskStrength(TOY, pair, 0, (0.0,), (chosen,))
    controls = [
        of.token.id for of in last(dispatcher.answer(asked)).followed if of.part == "control"
    ]
    assert controls in ([chosen], [])


def test_what_is_no_vector_has_its_own_numbers_and_no_placebos(dispatcher):
    pair = replace(PAIR, interventions=(Intervention(Site("mlp_out", 0), "scale"),))
    found = last(dispatcher.answer(AskStrength(TOY, pair, 0, (1.0, 0.5), placebos=4)))
    assert (found.strengths, found.shares) == ((0.5, 1.0), None)
    assert found.placebos.shape == (0, 2)
    assert found.metric[1] == pytest.approx(found.without, abs=1e-5)


def test_what_cannot_be_asked_is_a_sentence(dispatcher, added):
    def ask(*listed, which=0, **changes):
        pair = replace(PAIR, interventions=listed, **changes)
        return last(dispatcher.answer(AskStrength(TOY, pair, which)))

    for listed, which, words in (
        ((added,), 1, "no intervention 1: there are 1"),
        ((BAD,), 0, "this model has 2 layers"),
        ((MEAN.on(), added), 0, "8 other prompts"),
        ((Intervention(Site("z", 0), "zero"),), 0, "that has no strength on this prompt"),
        ((replace(added, runs="corrupted"),), 0, "that has no strength on this prompt"),
    ):
        with pytest.raises(ValueError, match=words):
            ask(*listed, which=which)


def test_random_directions_make_it_wait():
    asked = AskStrength(TOY, PAIR, 0)
    assert asked.strengths == STRENGTHS
    assert asked.urgency == Urgency.SELECTION
    assert replace(asked, placebos=1).urgency == Urgency.SWEEP
