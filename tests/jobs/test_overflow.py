"""A stream that stops being finite: what can't be known is said to be so, in one sentence."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from lensgui.analysis.heads.scores import strongest_edges
from lensgui.checkpoints.loading import open_model
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.requests import (
    AttentionGrid,
    HeadRoles,
    LogitLens,
    Patching,
    ReadEdge,
    ReadHead,
    ReadMLP,
    ReadPair,
    WhoFeeds,
)
from lensgui.state.examples import TOY as TOY_EXAMPLE
from lensgui.state.examples import find
from lensgui.terms.kinds import SweepKind
from lensgui.terms.model_key import MEMORY, ModelKey
from lensgui.terms.scores import PROMPT_SCORES
from tests.answering import last

PAIR = find(TOY_EXAMPLE).document.pair
MODEL = ModelKey(f"{MEMORY}damaged")
NAN = float("nan")


def damaged(damage):
    """A answerer with a toy that `damage` was done to."""
    model = open_model("toy", device="cpu")
    with torch.no_grad():
        damage(model)
    return Dispatcher(threads=1, given={MODEL: model})


def overflows(model):
    model.blocks[0].mlp.b_out.fill_(float("inf"))


def lacks_a_word(model):
    """Take the numbers of the clean prompt's third token."""
    model.embed.W_E[model.to_tokens(PAIR.clean, prepend_bos=False)[0, 2]] = NAN


@pytest.mark.parametrize(
    "request_",
    [
        ReadHead(MODEL, PAIR, 1, 2, 5),
        ReadEdge(MODEL, PAIR, 1, 2, 5, 3),
        ReadMLP(MODEL, PAIR, 1, 5),
        WhoFeeds(MODEL, PAIR, ((1, 2),)),
        HeadRoles(MODEL, PAIR),
        Patching(MODEL, PAIR, SweepKind("z", "all")),
    ],
    ids=lambda request: type(request).__name__,
)
def test_one_sentence_names_the_layer(request_):
    sentence = "The residual stream is not finite after layer 0: the model overflows in float32"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        last(damaged(overflows).answer(request_))
    with pytest.raises(ValueError, match="not finite in the embedding"):
        last(damaged(lacks_a_word).answer(request_))


def test_the_prompt_warns_of_it_once():
    reading = last(damaged(overflows).answer(ReadPair(MODEL, PAIR)))
    assert sum("not finite after layer 0" in warning for warning in reading.warnings) == 1


def test_the_lens_still_says_what_comes_before():
    lens = last(damaged(overflows).answer(LogitLens(MODEL, PAIR, 5)))
    assert np.isfinite([likely.probability for likely in lens.top]).tolist() == [True, False, False]


@pytest.mark.parametrize("side", ["clean", "difference"])
def test_heads_of_later_layers_are_broken_and_have_no_strongest_edge(side):
    grid = last(damaged(overflows).answer(AttentionGrid(MODEL, PAIR, side)))
    assert not any(grid.is_broken(0, head) for head in range(4))
    assert all(grid.is_broken(1, head) for head in range(4))
    assert (grid.strongest[0] > 0).all()
    assert (grid.strongest[1] == -1).all()
    assert np.isnan(grid.scores[PROMPT_SCORES.index("strongest edge"), 1]).all()
    whole = last(
        Dispatcher(threads=1).answer(AttentionGrid(ModelKey("toy", device="cpu"), PAIR, side))
    )
    assert whole.broken is None
    np.testing.assert_array_equal(grid.values[0], whole.values[0])


@pytest.mark.parametrize("repeats", [1, 10])
def test_only_what_comes_after_the_damage_is_broken(repeats):
    pair = replace(PAIR, clean=PAIR.clean * repeats)
    grid = last(damaged(lacks_a_word).answer(AttentionGrid(MODEL, pair)))
    step = grid.axes[2].coordinates[1]
    for row, position in enumerate(grid.axes[2].coordinates):
        is_seen = position + step > 2
        assert (grid.broken[0, :, row, : row + 1] == is_seen).all()  # no values are mixed yet


def test_a_head_without_numbers_has_no_strongest_edge():
    patterns = torch.rand(2, 5, 5).tril()
    patterns[1, 3] = NAN
    values, places = strongest_edges(patterns)
    assert values.isnan().tolist() == [False, True]
    assert (places[0] > 0).all()
    assert places[1].tolist() == [-1, -1]
