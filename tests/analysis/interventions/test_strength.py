"""Curves by strength are runs one by one; placebos are as long as the vector they stand beside."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch

from lensgui.analysis.interventions.doses import median_norm
from lensgui.analysis.interventions.listed import Interventions, keep_vector, kept_vector
from lensgui.analysis.interventions.strength import (
    control_tokens,
    placebo_vectors,
    placebos,
    strength_curve,
)
from lensgui.analysis.interventions.under import intervened
from lensgui.analysis.run.run import Run
from lensgui.terms.interventions import STRENGTHS, Intervention, Site
from tests.analysis.interventions.test_under import CLEAN, METRIC
from tests.answering import last
from tests.references import close, model_of

TOKENS = (3, 7, 11)
SITE = Site("resid_pre", 1)


@pytest.fixture(params=["gpt2", "gemma2"])
def steered(request):
    """A run, and a vector that is added beside a head that is off."""
    model = model_of(request.param)
    generator = torch.Generator().manual_seed(3)
    vector = keep_vector("v", torch.randn(model.cfg.d_model, generator=generator))
    added = Intervention(SITE, "add_median", strength=0.4, vector=vector)
    given = Interventions((Intervention(Site("z", 1, 2), "zero"), added))
    return Run(model, CLEAN).complete(), given


@torch.no_grad()
def test_a_curve_is_a_forward_for_each_strength(steered):
    run, given = steered
    strengths = (0.5, -1.0, 0.0, 0.1)
    found = last(strength_curve(run, given, 1, METRIC, TOKENS, strengths))
    assert found.strengths == (-1.0, 0.0, 0.1, 0.5)
    for at, strength in enumerate(found.strengths):
        logits = {}
        for name, share in (("with", strength), ("without", 0.0)):
            listed = (given.listed[0], replace(given.listed[1], strength=share))
            with intervened(run.model, replace(given, listed=listed), CLEAN):
                logits[name] = run.model(CLEAN[None])
        assert float(found.metric[at]) == pytest.approx(float(METRIC(logits["with"])), abs=1e-10)
        after, before = (logits[name][0, -1].log_softmax(-1) for name in ("with", "without"))
        close(found.probabilities[at], after[list(TOKENS)].exp())
        close(found.divergence[at], (before.exp() * (before - after)).sum())
    assert float(found.divergence[1]) == pytest.approx(0, abs=1e-12)


def test_a_curve_begins_near_zero_and_says_what_is_off_distribution(steered):
    run, given = steered
    known = [curve.metric.isfinite().tolist() for curve in strength_curve(run, given, 1, METRIC)]
    order = [known[0].index(True)] if any(known[0]) else []
    for before, after in itertools.pairwise(known):
        order += [at for at, is_new in enumerate(after) if is_new and not before[at]]
    sizes = [abs(STRENGTHS[at]) for at in order]
    assert sizes == sorted(sizes)
    assert len(order) == len(STRENGTHS)
    curve = last(strength_curve(run, given, 1, METRIC, strengths=(0.0, 400.0)))
    assert curve.is_off_distribution.tolist()[0] is False
    with pytest.raises(ValueError, match="that has no strength on this prompt"):
        next(strength_curve(run, given, 0, METRIC))
    with pytest.raises(ValueError, match="no intervention 2: there are 2"):
        next(strength_curve(run, given, 2, METRIC))


def test_a_share_of_the_median_norm_is_that_long(steered):
    run, _given = steered
    norms = run.residuals[1][1:].norm(dim=-1)
    assert median_norm(run, SITE) == pytest.approx(float(norms.median()))


def test_placebos_are_as_long_and_vary_as_the_stream_does(steered):
    run, given = steered
    vector = kept_vector(given.listed[1].vector)
    plain = placebo_vectors(vector)
    assert plain.shape == (16, run.model.cfg.d_model)
    torch.testing.assert_close(plain.norm(dim=-1), vector.norm().expand(16))
    assert torch.equal(plain, placebo_vectors(vector))
    assert not torch.equal(plain, placebo_vectors(vector, seed=1))
    axis = torch.zeros(run.model.cfg.d_model)
    axis[2] = 1.0
    stream = torch.randn(40, 1) * axis + 5.0
    narrow = placebo_vectors(vector, stream)
    torch.testing.assert_close(narrow.abs(), (axis * vector.norm()).expand(16, -1))
    with pytest.raises(ValueError, match="two rows at least"):
        placebo_vectors(vector, stream[:1])
    curves = [
        last(strength_curve(run, other, 1, METRIC, strengths=(0.0, 0.5)))
        for other in placebos(given, 1, plain[:3])
    ]
    assert len({float(curve.metric[1]) for curve in curves}) == 3
    assert len({float(curve.metric[0]) for curve in curves}) == 1


def test_control_tokens_are_about_as_likely(steered):
    run, _ = steered
    probabilities = run.model(CLEAN[None])[0, -1].softmax(-1)
    found = control_tokens(run, 3, 4, others=(7,))
    assert not {3, 7} & {*found}
    apart = (probabilities.log() - probabilities[3].log()).abs()
    most = control_tokens(run, 3, 10_000, others=(7,))
    assert len(most) == len(apart) - 2
    assert not {3, 7} & {*most}
    apart[[3, 7]] = torch.inf
    assert {*found} == {*apart.topk(4, largest=False).indices.tolist()}
