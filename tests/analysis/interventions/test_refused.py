"""What makes no sense is refused in a sentence that says which intervention, and why."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from lensgui.analysis.interventions.listed import Interventions, keep_vector, kept_vector
from lensgui.analysis.interventions.under import intervened, intervened_runs
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.interventions import Intervention, Site, Vector
from tests.analysis.interventions.plain import drawn
from tests.analysis.interventions.test_under import CLEAN, CORRUPTED, LENGTH, METRIC, plain
from tests.references import attached, model_of

V, T = Vector("v", "0"), Vector("t", "1")
Z = Site("z", 1, 0)
STREAM = Site("resid_pre", 1)


WORDS = (
    ({"op": "zap"}, r"there is no way called zap; there are zero"),
    ({"op": "zero", "runs": "Both"}, r"acts on clean, corrupted, both"),
    *(
        ({"op": "zero", "where": where}, r"all, last, generated, or a tuple")
        for where in ("first", [1], 1, (1.5,))
    ),
)


@pytest.mark.parametrize(("fields", "sentence"), WORDS)
def test_words_that_mean_nothing_are_refused(fields: Any, sentence):
    with pytest.raises(ValueError, match=sentence):
        Intervention(Z, **fields)


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (lambda: Intervention(Site("zed", 1), "zero"), r"no place called zed; there are embed"),
        (lambda: Intervention(Site("z"), "zero"), r"name the layer"),
        (lambda: Intervention(Site("embed", 1), "zero"), r"embed is of no layer"),
        (lambda: Intervention(Site("mlp_out", 1, 0), "zero"), r"mlp_out has no heads"),
        (lambda: Intervention(Site("z", 1, neuron=3), "zero"), r"z has no neurons"),
        (lambda: Intervention(Z, "knock_out"), r"where attention is scored"),
        (lambda: Intervention(Site("attn_scores", 1), "zero"), r"where attention is scored"),
        (lambda: Intervention(Site("pattern", 1), "mean"), r"set to 0, or frozen"),
        (lambda: Intervention(Z, "noise"), r"added to the embedding"),
        (lambda: Intervention(Z, "zero", sources=(1,)), r"only attention has sources"),
        (lambda: Intervention(Z, "add", vector=V), r"a vector of the stream has no meaning there"),
        (lambda: Intervention(STREAM, "add"), r"name the vector"),
        (lambda: Intervention(STREAM, "zero", vector=V), r"takes no vector"),
        (lambda: Intervention(STREAM, "move", vector=V), r"name the second vector"),
        (lambda: Intervention(STREAM, "add", vector=V, target=T), r"takes one vector"),
        (lambda: Intervention(STREAM, "scale", strength=float("nan")), r"strength is nan"),
        (lambda: Intervention(STREAM, "scale", strength=float("inf")), r"strength is inf"),
        (lambda: Intervention(STREAM, "cap", vector=V), r"the least and the most"),
        (lambda: Intervention(STREAM, "cap", vector=V, bounds=(1, 0)), r"is above the most"),
        (lambda: Intervention(STREAM, "remove", vector=V, bounds=(0, 1)), r"takes no bounds"),
        (lambda: Intervention(Z, "zero", (-1,)), r"count from 0"),
    ],
)
def test_what_has_no_meaning_is_refused_when_it_is_made(made, sentence):
    with pytest.raises(ValueError, match=sentence):
        made()


@pytest.mark.parametrize(
    ("vector", "sentence"),
    [
        (torch.zeros(4), r"“v” is 0, so it has no direction"),
        (torch.tensor([1.0, torch.nan]), r"“v” is not finite"),
        (torch.ones(2, 3), r"has the shape \[2, 3\]"),
    ],
)
def test_a_vector_without_a_direction_is_refused(vector, sentence):
    with pytest.raises(ValueError, match=sentence):
        keep_vector("v", vector)


def test_a_vector_is_its_numbers_whatever_it_is_called():
    some, other = (keep_vector(name, torch.arange(1.0, 4.0)) for name in ("a", "b"))
    assert some.content == other.content != keep_vector("c", torch.arange(1.0, 4.1)).content
    assert torch.equal(kept_vector(some), torch.arange(1.0, 4.0))


NAMED = keep_vector("of another model", torch.ones(5))


@pytest.mark.parametrize(
    ("name", "one", "sentence"),
    [
        ("gpt2", Intervention(Site("z", 9), "zero"), r"L9\.z: this model has \d layers"),
        ("gpt2", Intervention(Site("z", 1, 9), "zero"), r"L1H9\.z: a layer of this model has 4 he"),
        ("llama", Intervention(Site("k", 1, 3), "zero"), r"has 2 key/value heads, from 0 on"),
        ("gpt_neox", Intervention(Site("resid_mid", 1), "zero"), r"has no resid_mid there"),
        ("gpt_oss", Intervention(Site("post", 1, neuron=1), "zero"), r"has no post there"),
        ("gpt2", Intervention(Site("post", 1, neuron=999), "zero"), r"\d+ neurons, from 0 on"),
        ("gpt2", Intervention(Z, "zero", (30,)), r"L1H0\.z set to 0.*: position 30 is beyond"),
        (
            "gpt2",
            Intervention(Site("attn_scores", 1), "knock_out", sources=(31,)),
            r"source 31 is beyond the prompt, which has 6 tokens",
        ),
        ("gpt2", Intervention(Z, "mean"), r"8 other prompts at least.*there are 0"),
        ("gpt2", Intervention(STREAM, "add", vector=V), r"the vector “v” is not here"),
        ("gpt2", Intervention(STREAM, "add", vector=NAMED), r"has 5 numbers.*of another model"),
    ],
)
def test_what_a_model_or_a_prompt_has_not_is_refused_and_the_model_left_as_it_was(
    name, one, sentence
):
    model, _, (clean, corrupted, *_) = plain(name)
    given = Interventions((one,))
    with pytest.raises(ValueError, match=sentence):
        intervened_runs(clean, given, corrupted)
    with pytest.raises(ValueError, match=sentence):
        list(sweep(model, CLEAN, CORRUPTED, METRIC, interventions=given))
    with pytest.raises(ValueError, match=sentence), intervened(model, given, CLEAN):
        pass
    assert attached(model) == 0


def test_values_of_another_prompt_need_one_of_the_same_length():
    model, _, (clean, *_) = plain("gpt2")
    one = Intervention(Z, "resample")
    with pytest.raises(ValueError, match="there is no other prompt"):
        intervened_runs(clean, [one])
    longer = Run(model, torch.arange(9)).complete()
    with pytest.raises(ValueError, match="the other prompt has 9 tokens, and this one 6"):
        intervened_runs(clean, [one], longer)


def test_a_context_asks_for_the_prompt_where_it_matters():
    model = model_of("gpt2")
    for one in (Intervention(Z, "zero", "last"), Intervention(Z, "freeze")):
        with pytest.raises(ValueError, match="give prompt="), intervened(model, [one]):
            pass
    with model.intervened([Intervention(Z, "zero")]) as same:
        assert same is model
        with pytest.raises(ValueError, match="Hooks are attached"):
            list(sweep(model, CLEAN, CORRUPTED, METRIC))
    assert attached(model) == 0


def test_a_strength_that_overflows_is_said_with_its_layer():
    model = model_of("gpt2")
    one = drawn(model, LENGTH, 1)[0]
    v = keep_vector("v", torch.ones(model.cfg.d_model) * 1e38)
    one = Intervention(Site("resid_post", 0), "scale", strength=1e308)
    huge = Interventions((one, Intervention(STREAM, "add", strength=1e308, vector=v)))
    with pytest.raises(ValueError, match=r"not finite (in the embedding|after layer 0)"):
        list(sweep(model, CLEAN, CORRUPTED, METRIC, interventions=huge))
