"""What the window is told of an attribution is what the library works out, and it adds up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lensgui.analysis.attribution.components import attribute
from lensgui.analysis.attribution.parts import attribute_neurons, attribute_sources
from lensgui.analysis.pairs.answers import answers
from lensgui.analysis.run.run import Run
from lensgui.jobs.answers.attributions import Parts, Terms
from lensgui.jobs.handlers.reading.attributions import MOST_NEURONS
from lensgui.jobs.questions.attribution_requests import (
    AttributeMetric,
    AttributeNeurons,
    AttributeSources,
)
from lensgui.prompts.pair import PairRow
from tests.answering import PAIR, TOY, last

TURNED = replace(PAIR, clean=PAIR.corrupted, corrupted=PAIR.clean)
LONGER = replace(PAIR, clean=f"so {PAIR.clean}", corrupted=f"so {PAIR.corrupted}")
ROWS = (PairRow(PAIR), PairRow(TURNED), PairRow(LONGER))
SIDES = ("clean", "corrupted", "difference")
SIGNS = {"clean": (1, 0), "corrupted": (0, 1), "difference": (1, -1)}


def run_of(toy, text):
    return Run(toy, toy.to_tokens(text, prepend_bos=PAIR.bos))


def read(toy, side, pair, of):
    """Return the signed sum of something over the prompts of a pair."""
    metric = answers(toy, pair).metric
    prompts = zip(SIGNS[side], (pair.clean, pair.corrupted), strict=True)
    return sum(sign * of(run_of(toy, text), metric) for sign, text in prompts if sign)


def joined(run, metric):
    found = last(attribute(run, metric))
    return torch.cat([found.heads, found.attention_bias[:, None], found.mlp[:, None]], 1)


@pytest.mark.parametrize("side", SIDES)
def test_parts_are_what_the_library_works_out_and_add_up(dispatcher, toy, side):
    found = last(dispatcher.answer(AttributeMetric(TOY, PAIR, side)))
    assert isinstance(found, Parts)
    np.testing.assert_allclose(found.values, read(toy, side, PAIR, joined), atol=1e-5)
    logits = read(toy, side, PAIR, lambda run, metric: last(attribute(run, metric)).logits)
    assert found.logits == pytest.approx(logits, abs=1e-5)
    assert found.sum == pytest.approx(found.logits, abs=1e-4)
    outside = sum(found.outside.values())
    assert found.components.sum() + outside == pytest.approx(found.sum, abs=1e-4)
    so_far = found.cumulative
    assert len(so_far) == 2 * toy.cfg.n_layers + 1
    np.testing.assert_allclose(np.diff(so_far), found.components.reshape(-1), atol=1e-5)
    assert np.isnan(found.deviation).all()
    assert found.is_whole
    assert found.axes[1].labels[-2:] == ("b_O", "MLP")


@pytest.mark.parametrize("side", SIDES)
def test_a_mean_is_over_all_pairs_of_any_lengths(dispatcher, toy, side):
    found = last(dispatcher.answer(AttributeMetric(TOY, PAIR, side, ROWS)))
    every = torch.stack([read(toy, side, row.pair, joined) for row in ROWS])
    np.testing.assert_allclose(found.values, every.mean(0), atol=1e-5)
    np.testing.assert_allclose(found.deviation, every.std(0), atol=1e-5)
    assert (found.pairs, found.total) == (3, 3)
    assert found.sum == pytest.approx(found.logits, abs=1e-4)


def test_a_pair_that_can_t_be_read_is_left_out_of_a_mean(dispatcher):
    bad = PairRow(replace(PAIR, clean=""))
    found = last(dispatcher.answer(AttributeMetric(TOY, PAIR, "clean", (ROWS[0], bad))))
    alone = last(dispatcher.answer(AttributeMetric(TOY, PAIR, "clean")))
    assert (found.pairs, found.total) == (1, 1)
    np.testing.assert_array_equal(found.values, alone.values)
    with pytest.raises(ValueError, match="Pair “”: "):
        last(dispatcher.answer(AttributeMetric(TOY, PAIR, "clean", (bad,))))


@pytest.mark.parametrize("side", SIDES)
def test_the_sources_of_a_head_add_up_to_it(dispatcher, toy, side):
    found = last(dispatcher.answer(AttributeSources(TOY, PAIR, 1, 2, side)))
    assert isinstance(found, Terms)
    expected = read(toy, side, PAIR, lambda *of: attribute_sources(*of, 1, 2))
    np.testing.assert_allclose(found.values, expected, atol=1e-5)
    parts = last(dispatcher.answer(AttributeMetric(TOY, PAIR, side)))
    assert found.whole == pytest.approx(float(parts.values[1, 2]), abs=1e-5)
    assert found.values.sum() == pytest.approx(found.whole, abs=1e-5)


@pytest.mark.parametrize("side", SIDES)
def test_the_neurons_of_an_mlp_add_up_to_it_the_strongest_first(dispatcher, toy, side):
    found = last(dispatcher.answer(AttributeNeurons(TOY, PAIR, 0, side)))
    values = read(toy, side, PAIR, lambda *of: attribute_neurons(*of, 0).values)
    named = [place for place in found.axis.coordinates if place is not None]
    assert len(named) == min(MOST_NEURONS, toy.cfg.d_mlp)
    np.testing.assert_allclose(found.values[: len(named)], values[named], atol=1e-5)
    sizes = np.abs(found.values[: len(named)])
    assert (np.diff(sizes) <= 1e-6).all()
    parts = last(dispatcher.answer(AttributeMetric(TOY, PAIR, side)))
    assert found.whole == pytest.approx(float(parts.values[0, -1]), abs=1e-5)
    assert found.values.sum() == pytest.approx(found.whole, abs=1e-4)
    assert found.notes[0].startswith("activation ")


def test_what_can_t_be_taken_apart_is_one_sentence(dispatcher):
    alone = replace(PAIR, corrupted="")
    with pytest.raises(ValueError, match="There is no corrupted prompt: type one"):
        last(dispatcher.answer(AttributeMetric(TOY, alone, "difference")))
    with pytest.raises(ValueError, match="no head L9H0: this model has"):
        last(dispatcher.answer(AttributeSources(TOY, PAIR, 9, 0)))
    with pytest.raises(ValueError, match="no layer 9: this model has"):
        last(dispatcher.answer(AttributeNeurons(TOY, PAIR, 9)))
    unequal = replace(PAIR, corrupted=f"so {PAIR.corrupted}")
    with pytest.raises(ValueError, match="differ in length"):
        last(dispatcher.answer(AttributeSources(TOY, unequal, 0, 0, "difference")))
    with pytest.raises(ValueError, match="choose a logit difference"):
        last(dispatcher.answer(AttributeMetric(TOY, replace(PAIR, metric="KL divergence"))))
