"""Ids that a model does not have (transformers#12763: tokens added, embedding not resized)."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lensgui.analysis.sweep.sweep import sweep
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.requests import Patching, ReadPair
from lensgui.prompts.pair import PromptPair
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metrics import LogitDifference, LogProbability, Probability, Rank
from lensgui.terms.model_key import ModelKey
from tests.reports.small import TOKENS, is_one_sentence, random_model
from tests.transformer.vocabularies import byte_level

BAD = {
    "beyond": (torch.tensor([[3, 31]]), "no token 31, only 0 to 30"),
    "negative": (torch.tensor([[3, -1]]), "no token -1, only 0 to 30"),
    "float": (torch.tensor([[3.0, 1.0]]), "whole numbers, and these are float32"),
    "bool": (torch.tensor([[True, False]]), "whole numbers, and these are bool"),
}
DOORS = {
    "forward": lambda model, ids: model(ids),
    "loss": lambda model, ids: model(ids, return_type="loss"),
    "cache": lambda model, ids: model.run_with_cache(ids),
    "hooks": lambda model, ids: model.run_with_hooks(ids, fwd_hooks=[]),
    "stream": lambda model, ids: list(model.residual_stream(ids)),
    "generate": lambda model, ids: model.generate(ids, max_new_tokens=1, stop_at_eos=False),
    "directions": lambda model, ids: model.tokens_to_residual_directions(ids),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("what", BAD)
def test_they_are_refused_at_every_door(door, what):
    ids, sentence = BAD[what]
    model = random_model()
    with pytest.raises(ValueError, match=sentence) as caught:
        DOORS[door](model, ids)
    assert is_one_sentence(str(caught.value))
    assert not any(point.fwd_hooks for point in model.hook_points())
    assert model(TOKENS).isfinite().all()


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int16, torch.int32])
def test_whole_numbers_of_any_kind_are_ids(dtype):
    model = random_model()
    loss = model(TOKENS.to(dtype), return_type="loss")
    assert torch.equal(loss, model(TOKENS, return_type="loss"))


def narrow():
    """Return a model whose tokenizer has one token more than it embeds."""
    tokenizer = byte_level(False)
    model = random_model(d_vocab=len(tokenizer))
    tokenizer.add_tokens(["<added>"])
    model.tokenizer = tokenizer
    return model


@pytest.mark.parametrize("call", ["to_tokens", "__call__", "run_with_cache", "to_single_token"])
def test_text_with_an_added_token_is_refused(call):
    model = narrow()
    with pytest.raises(ValueError, match="added without resizing") as caught:
        getattr(model, call)("<added>")
    assert is_one_sentence(str(caught.value))
    assert model.to_tokens(" John").shape[1] >= 1


def test_prompts_are_filled_up_with_a_token_that_the_model_has():
    model = narrow()
    model.tokenizer.pad_token = "<added>"
    logits = model([" John", " John and Mary"], padding_side="left")
    torch.testing.assert_close(logits[0, -1], model(" John")[0, -1])


@pytest.mark.parametrize("metric", [LogProbability, Probability, Rank])
def test_metrics_refuse_them_too(metric):
    logits = random_model()(TOKENS)
    with pytest.raises(ValueError, match=r"\(99,\); the vocabulary has 31"):
        metric(99)(logits)
    with pytest.raises(ValueError, match="whole numbers from 0"):
        metric(-1)


def test_text_of_ids_that_are_none():
    model = narrow()
    for ids in ([-1], torch.tensor([1.5])):
        for call in (model.to_string, model.to_str_tokens):
            with pytest.raises(ValueError, match=r"ids") as caught:
                call(ids)
            assert is_one_sentence(str(caught.value))


def test_a_sweep_refuses_a_metric_of_another_vocabulary():
    model = random_model()
    with pytest.raises(ValueError, match="the vocabulary has 31"):
        list(sweep(model, TOKENS[0], TOKENS[0].flip(0), Probability(40), SweepKind("resid_pre")))
    with pytest.raises(ValueError, match="no token 75"):
        list(sweep(model, TOKENS[0], TOKENS[0] + 72, LogitDifference(1, 2), SweepKind("resid_pre")))


KEY = ModelKey("memory:narrow", device="cpu")
PAIR = PromptPair("When John gave", "When Mary gave", " Mary", " John")
TYPED = {
    "a prompt": replace(PAIR, clean="When <added>"),
    "the other prompt": replace(PAIR, corrupted="When <added>"),
    "an answer": replace(PAIR, answer="<added>"),
    "a distractor": replace(PAIR, distractor="<added>"),
}


@pytest.mark.parametrize("request_of", [ReadPair, Patching])
@pytest.mark.parametrize("where", TYPED)
def test_the_app_says_so_and_goes_on(where, request_of):
    answerer = Dispatcher(threads=1, given={KEY: narrow()})
    with pytest.raises(ValueError, match="added without resizing") as caught:
        list(answerer.answer(request_of(KEY, TYPED[where])))
    assert is_one_sentence(str(caught.value))
    assert any(answer is not None for answer in answerer.answer(request_of(KEY, PAIR)))
