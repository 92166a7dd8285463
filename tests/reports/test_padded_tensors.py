"""Padded token tensors give the unpadded numbers at every door, or are refused in a sentence
(TransformerLens #1005, #1609, #467): on the side that the tokenizer pads, and on the other."""

from __future__ import annotations

import pytest
import torch

import lensgui
from lensgui import Ablation, LogitDifference, Node
from lensgui.transformer.loss import lm_accuracy
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text.padding import padding_mask
from tests.transformer.test_vocabularies import model_of
from tests.transformer.vocabularies import byte_level

SHORT, LONG = "When John", "When John and Mary gave a drink to"
CLOSE = {"atol": 1e-5, "rtol": 1e-5}
METRIC = LogitDifference((5,), (6,))


@pytest.fixture(params=["pads right", "pads left"])
def model(request) -> HookedTransformer:
    tokenizer = byte_level(add_prefix_space=False)
    tokenizer.padding_side = request.param.removeprefix("pads ")
    return model_of(tokenizer)


@pytest.fixture(params=["left", "right"])
def padded(request, model) -> tuple[torch.Tensor, list[slice]]:
    """Two prompts as one tensor, padded on either side, and where each is in its row."""
    tokens = model.to_tokens([SHORT, LONG], padding_side=request.param)
    lengths = [model.to_tokens(text).shape[1] for text in (SHORT, LONG)]
    is_left = request.param == "left"
    return tokens, [slice(-length, None) if is_left else slice(length) for length in lengths]


def alone(model: HookedTransformer) -> list[torch.Tensor]:
    return [model.to_tokens(text) for text in (SHORT, LONG)]


@torch.no_grad()
def test_numbers_are_those_of_each_prompt(model, padded):
    tokens, places = padded
    logits, cache = model.run_with_cache(tokens)
    hooked = model.run_with_hooks(tokens, fwd_hooks=[("hook_embed", lambda x, hook: x)])
    started = model(model.to_embedding(tokens), start_at_layer=0, tokens=tokens)
    *_, streamed = model.residual_stream(tokens)
    for row, (where, prompt) in enumerate(zip(places, alone(model), strict=True)):
        own, kept = model.run_with_cache(prompt)
        for found in (logits, hooked, started, model(tokens)):
            torch.testing.assert_close(found[row, where], own[0], **CLOSE)
        for found in (streamed, cache["resid_post", -1]):
            torch.testing.assert_close(found[row, where], kept["resid_post", -1][0], **CLOSE)


@torch.no_grad()
def test_losses_and_accuracy(model, padded):
    tokens, _ = padded
    each = [model(prompt, "loss", loss_per_token=True) for prompt in alone(model)]
    mean = torch.cat(each, dim=1).mean()
    logits = model(tokens)
    for loss in (model(tokens, "loss"), model(tokens, "both")[1], model.loss_fn(logits, tokens)):
        torch.testing.assert_close(loss, mean, **CLOSE)
    right = [lm_accuracy(model(prompt), prompt, per_token=True) for prompt in alone(model)]
    mask = padding_mask(model, tokens)
    share = lm_accuracy(logits, tokens, attention_mask=mask)
    torch.testing.assert_close(share, torch.cat(right, dim=1).float().mean(), **CLOSE)


def test_writing_on(model, padded):
    tokens, places = padded
    settings = {"do_sample": False, "stop_at_eos": False}
    if places[0].start is None:  # padded on the right
        for write in (model.generate, lambda *a, **s: list(model.generate_stream(*a, **s))):
            with pytest.raises(ValueError, match="Prompt 0 is padded on the right"):
                write(tokens, 4, **settings)
        return
    needed = torch.cat([model.generate(prompt, 4, **settings)[:, -4:] for prompt in alone(model)])
    assert torch.equal(model.generate(tokens, 4, **settings)[:, -4:], needed)
    streamed = torch.cat(list(model.generate_stream(tokens, 4, **settings)), dim=1)
    assert torch.equal(streamed[:, -4:], needed)


@torch.no_grad()
def test_a_metric_that_reads_padding(model, padded):
    tokens, places = padded
    _, cache = model.run_with_cache(tokens)
    if places[0].start is None:
        with pytest.raises(ValueError, match="which is padding"):
            lensgui.patching.get_act_patch_resid_pre(model, tokens, cache, METRIC)
    else:
        found = lensgui.patching.get_act_patch_resid_pre(model, tokens, cache, METRIC)
        ends = [float(METRIC(model(prompt))) for prompt in alone(model)]
        expected = torch.full_like(found, sum(ends) / 2)  # patched with itself
        torch.testing.assert_close(found, expected, **CLOSE)


DOORS = {
    "Run": lambda model, tokens: lensgui.Run(model, tokens[0]),
    "sweep": lambda model, tokens: list(lensgui.sweep(model, tokens[0], tokens[1], METRIC)),
    "sweep_many": lambda model, tokens: list(
        lensgui.sweep_many(model, tokens[0], tokens[1], METRIC, [lensgui.SweepKind("resid_pre")])
    ),
    "attribution_patch": lambda model, tokens: lensgui.attribution_patch(
        model, tokens[0], tokens[1], METRIC, [lensgui.SweepKind("resid_pre")]
    ),
    "path_patch": lambda model, tokens: lensgui.path_patch(
        model, tokens, tokens, METRIC, [Node("head", 0, 0)], [Node("logits")]
    ),
    "CircuitRuns": lambda model, tokens: lensgui.CircuitRuns(
        model, tokens, METRIC, Ablation("zero")
    ),
    "run_ablated": lambda model, tokens: lensgui.run_ablated(model, tokens, [], Ablation("zero")),
    "CircuitRuns of cases": lambda model, tokens: lensgui.CircuitRuns.of_cases(
        model, [lensgui.Case(tokens[0], tokens[1], METRIC)]
    ),
    "reference prompts": lambda model, tokens: lensgui.run_ablated(
        model, tokens[1:], [], Ablation("mean", tokens)
    ),
}


@pytest.mark.parametrize("door", DOORS)
def test_what_goes_position_by_position(model, padded, door):
    with pytest.raises(ValueError, match="give prompts of one length"):
        DOORS[door](model, padded[0])


def test_a_token_that_does_something_else_too(model):
    """The filler often begins or ends a text: one of it is no padding on the other side."""
    tokenizer = model.tokenizer
    tokenizer.pad_token = tokenizer.eos_token = tokenizer.bos_token
    end, other = tokenizer.eos_token_id, {"left": "right", "right": "left"}[tokenizer.padding_side]
    batch = torch.tensor([[end, 8, 9], [7, 8, 9]])
    batch = batch if other == "left" else batch.flip(-1)
    assert padding_mask(model, batch) is None
    assert padding_mask(model, batch[:1]) is None
    tokens = model.to_tokens([SHORT, LONG], padding_side=other)
    counted = padding_mask(model, tokens).sum(-1).tolist()
    assert counted == [prompt.shape[1] for prompt in alone(model)]
