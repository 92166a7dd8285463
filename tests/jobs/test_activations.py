"""What the window is told of hook points is what a cache holds, two axes at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lensgui.jobs.answers.arrays import CellState
from lensgui.jobs.questions.activation_requests import MapModel, ReadActivation
from tests.answering import PAIR, TOY, last

SIDES = {"clean": (1, 0), "corrupted": (0, 1), "difference": (1, -1)}


def cached(toy, name, side="clean"):
    """Return an activation from the cache of a plain run, or the difference of two."""
    total = 0.0
    for sign, text in zip(SIDES[side], (PAIR.clean, PAIR.corrupted), strict=True):
        tokens = toy.to_tokens(text, prepend_bos=PAIR.bos)
        total = total + sign * toy.run_with_cache(tokens)[1][name][0]
    return total


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", ["blocks.1.attn.hook_q", "blocks.0.mlp.hook_post", "hook_embed"])
def test_a_slice_is_that_of_the_cache(dispatcher, toy, side, name):
    found = last(dispatcher.answer(ReadActivation(TOY, PAIR, name, side)))
    whole = cached(toy, name, side)
    expected = whole[:, 0] if whole.ndim == 3 else whole
    np.testing.assert_allclose(found.values, expected, atol=1e-5)
    assert found.axes[0].name == "position"
    assert found.mean == pytest.approx(float(whole.mean()), abs=1e-5)
    assert found.norm == pytest.approx(float(whole.norm()), rel=1e-4)
    largest = whole.flatten().abs().topk(len(found.largest)).values.tolist()
    assert [abs(value) for _, value in found.largest] == pytest.approx(largest, abs=1e-5)


def test_axes_are_chosen_and_the_others_stand_where_they_are_said_to(dispatcher, toy):
    name = "blocks.1.attn.hook_q"
    whole = cached(toy, name)
    asked = ReadActivation(TOY, PAIR, name, down="d_head", across="head", places=(("position", 4),))
    found = last(dispatcher.answer(asked))
    np.testing.assert_allclose(found.values, whole[4].T, atol=1e-5)
    assert [(axis.name, at) for axis, at in found.others] == [("position", 4)]
    assert found.order == ("position", "head", "d_head")
    far = replace(asked, places=(("position", 999),))
    np.testing.assert_allclose(last(dispatcher.answer(far)).values, whole[-1].T, atol=1e-5)
    usual = last(dispatcher.answer(ReadActivation(TOY, PAIR, name, places=(("head", 2),))))
    np.testing.assert_allclose(usual.values, whole[:, 2], atol=1e-5)


def test_later_tokens_are_masked_and_a_pattern_s_places_are_named(dispatcher, toy):
    found = last(dispatcher.answer(ReadActivation(TOY, PAIR, "blocks.0.attn.hook_attn_scores")))
    length = found.values.shape[0]
    later = np.triu(np.ones((length, length), bool), 1)
    assert (found.states[later] == CellState.MASKED).all()
    assert (found.states[~later] == CellState.EXACT).all()
    assert [axis.name for axis in found.axes] == ["position", "source"]
    assert found.axes[0].labels == found.axes[1].labels
    assert found.largest[0][0].startswith("head H")


def test_a_map_has_every_hook_point_of_a_layer_with_its_norm(dispatcher, toy):
    found = last(dispatcher.answer(MapModel(TOY, PAIR, 1, 3)))
    _, cache = toy.run_with_cache(toy.to_tokens(PAIR.clean, prepend_bos=PAIR.bos))
    expected = [name for name in cache if not name.startswith("blocks.0.")]
    assert sorted(point.name for point in found.points) == sorted(expected)
    for point in found.points:
        whole = cache[point.name][0]
        assert point.sizes == tuple(whole.shape)
        at = whole.select(point.axes.index("position"), 3)
        norm = torch.where(at.isfinite(), at, 0.0).norm()
        assert point.norm == pytest.approx(float(norm), rel=1e-4, abs=1e-5)
    assert (found.layer, found.position) == (1, 3)
    assert last(dispatcher.answer(MapModel(TOY, PAIR, 1))).position == len(whole) - 1


def test_what_can_t_be_read_is_one_sentence(dispatcher):
    with pytest.raises(ValueError, match=r"There is no hook point blocks\.0\.hook_q: near are"):
        last(dispatcher.answer(ReadActivation(TOY, PAIR, "blocks.0.hook_q")))
    with pytest.raises(ValueError, match="no layer 9: this model has"):
        last(dispatcher.answer(ReadActivation(TOY, PAIR, "blocks.9.attn.hook_q")))
    with pytest.raises(ValueError, match="no layer 9: this model has"):
        last(dispatcher.answer(MapModel(TOY, PAIR, 9)))
    alone = replace(PAIR, corrupted="")
    with pytest.raises(ValueError, match="There is no corrupted prompt: type one"):
        last(dispatcher.answer(ReadActivation(TOY, alone, "hook_embed", "difference")))
    unequal = replace(PAIR, corrupted=f"so {PAIR.corrupted}")
    with pytest.raises(ValueError, match="differ in length"):
        last(dispatcher.answer(ReadActivation(TOY, unequal, "hook_embed", "difference")))
