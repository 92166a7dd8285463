"""Token tensors that are padded give the numbers of each prompt alone, at every door."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.circuits.ablation import run_ablated
from lensgui.analysis.circuits.stand_ins import Ablation
from lensgui.analysis.run.run import Run
from lensgui.patching import (
    generic_activation_patch,
    get_act_patch_attn_head_out_by_pos,
    get_act_patch_resid_pre,
    layer_pos_patch_setter,
)
from lensgui.terms.metrics import ContinuationLogProbability, LogitDifference
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text.generation import empty_cache
from lensgui.transformer.text.padding import padding_mask
from tests.transformer.test_vocabularies import model_of
from tests.transformer.vocabularies import byte_level

SHORT, LONG = "When John", "When John and Mary gave a drink to"
CLOSE = {"atol": 1e-5, "rtol": 1e-5}


@pytest.fixture(params=["a filler of its own", "the filler begins", "no beginning"])
def model(request) -> HookedTransformer:
    """A model that pads on the left, with a filler that may be a beginning-of-sequence token."""
    tokenizer = byte_level(add_prefix_space=False)
    tokenizer.padding_side = "left"
    if request.param != "a filler of its own":
        tokenizer.pad_token = tokenizer.bos_token
    model = model_of(tokenizer)
    model.cfg.default_prepend_bos = request.param != "no beginning"
    return model


def on_the_right(model: HookedTransformer) -> None:
    model.tokenizer.padding_side = "right"


def alone(model: HookedTransformer, *texts: str) -> list[torch.Tensor]:
    return [model.to_tokens(one) for one in texts]


@torch.no_grad()
def test_forward_on_the_left(model):
    tokens = model.to_tokens([SHORT, LONG])
    together, cache = model.run_with_cache(tokens)
    seen = []
    hook = ("blocks.0.hook_resid_post", lambda x, hook: seen.append(x))
    torch.testing.assert_close(model.run_with_hooks(tokens, fwd_hooks=[hook]), together, **CLOSE)
    *_, streamed = model.residual_stream(tokens)
    started = model(model.to_embedding(tokens), start_at_layer=0, tokens=tokens)
    for row, prompt in enumerate(alone(model, SHORT, LONG)):
        logits, own = model.run_with_cache(prompt)
        where = slice(-prompt.shape[1], None)
        torch.testing.assert_close(together[row, where], logits[0], **CLOSE)
        torch.testing.assert_close(started[row, where], logits[0], **CLOSE)
        for stream in (cache["resid_post", 0], seen[0], streamed):
            torch.testing.assert_close(stream[row, where], own["resid_post", 0][0], **CLOSE)
    torch.testing.assert_close(together, model([SHORT, LONG]), **CLOSE)


@torch.no_grad()
@pytest.mark.parametrize("side", ["left", "right"])
def test_losses_count_no_padding(model, side):
    texts = [SHORT, LONG]
    tokens = model.to_tokens(texts, padding_side=side)
    each = [model(prompt, "loss", loss_per_token=True) for prompt in alone(model, *texts)]
    right = torch.cat(each, dim=1).mean()
    torch.testing.assert_close(model(tokens, "loss", padding_side=side), right, **CLOSE)
    torch.testing.assert_close(model(texts, "loss", padding_side=side), right, **CLOSE)
    model.tokenizer.padding_side = side
    torch.testing.assert_close(model(tokens, "loss"), right, **CLOSE)
    torch.testing.assert_close(model(tokens, "both")[1], right, **CLOSE)


@torch.no_grad()
def test_forward_on_the_right(model):
    on_the_right(model)
    together = model(model.to_tokens([SHORT, LONG]))
    for row, prompt in enumerate(alone(model, SHORT, LONG)):
        torch.testing.assert_close(together[row, : prompt.shape[1]], model(prompt)[0], **CLOSE)


@pytest.mark.parametrize("cached", [True, False])
def test_generation(model, cached):
    settings = {"do_sample": False, "stop_at_eos": False, "use_past_kv_cache": cached}
    tokens = model.to_tokens([SHORT, LONG])
    wanted = [model.generate(prompt, 5, **settings)[0, -5:] for prompt in alone(model, SHORT, LONG)]
    assert torch.equal(model.generate(tokens, 5, **settings)[:, -5:], torch.stack(wanted))
    on_the_right(model)
    assert torch.equal(model.generate(tokens, 5, **settings)[:, -5:], torch.stack(wanted))
    for input in (model.to_tokens([SHORT, LONG]), [SHORT, LONG]):
        with pytest.raises(ValueError, match="Prompt 0 is padded on the right"):
            model.generate(input, 5, padding_side="right", **settings)


@torch.no_grad()
def test_a_cache_of_keys_remembers_padding(model):
    tokens = model.to_tokens([SHORT, LONG])
    more = model.to_tokens([" gave a", " to the"], prepend_bos=False)
    cache = empty_cache(model, 2)
    model(tokens, past_kv_cache=cache)
    steps = [model(one, past_kv_cache=cache) for one in more.split(1, dim=1)]
    for row, prompt in enumerate(alone(model, SHORT, LONG)):
        whole = model(torch.cat([prompt, more[row : row + 1]], dim=1))[0, -2:]
        torch.testing.assert_close(torch.cat(steps, 1)[row], whole, **CLOSE)


@torch.no_grad()
@pytest.mark.parametrize("sweep", [get_act_patch_resid_pre, get_act_patch_attn_head_out_by_pos])
def test_patching(model, sweep):
    clean, corrupted = (model.to_tokens([text, LONG]) for text in ("When John", "When Mary"))
    answers = (model.to_single_token(" Mary"), model.to_single_token(" John"))
    metric = LogitDifference(answers[:1], answers[1:])
    _, cache = model.run_with_cache(clean)
    found = sweep(model, corrupted, cache, metric)
    own = []
    for row, text in ((0, "When Mary"), (1, LONG)):
        prompt = model.to_tokens(text)
        _, kept = model.run_with_cache(clean[row : row + 1, -prompt.shape[1] :])
        own.append(sweep(model, prompt, kept, metric))
    ends = [map_[:, -own[0].shape[1] :] for map_ in (found, own[1])]
    torch.testing.assert_close(ends[0], (own[0] + ends[1]) / 2, **CLOSE)


def test_a_metric_of_padding_is_refused(model):
    on_the_right(model)
    tokens = model.to_tokens([SHORT, LONG])
    _, cache = model.run_with_cache(tokens)
    for metric in (LogitDifference((5,), (6,)), ContinuationLogProbability((5, 6), position=8)):
        with pytest.raises(ValueError, match=f"reads position {metric.position}, which is padding"):
            get_act_patch_resid_pre(model, tokens, cache, metric)
        with pytest.raises(ValueError, match="which is padding"):
            generic_activation_patch(
                model, tokens, cache, metric, layer_pos_patch_setter, "resid_pre", ["layer", "pos"]
            )
    first = LogitDifference((5,), (6,), position=0)
    assert get_act_patch_resid_pre(model, tokens, cache, first).isfinite().all()


@pytest.mark.parametrize("side", ["left", "right"])
def test_what_goes_position_by_position_refuses_padding(model, side):
    model.tokenizer.padding_side = side
    tokens = model.to_tokens([SHORT, LONG])
    with pytest.raises(ValueError, match="give prompts of one length"):
        run_ablated(model, tokens, [], Ablation("zero"))
    padded = model.to_tokens(["When John and", LONG])[0]
    with pytest.raises(ValueError, match="leave padding out"):
        Run(model, padded)
    assert len(Run(model, model.to_tokens(SHORT)[0]).tokens) == model.to_tokens(SHORT).shape[1]


def test_what_counts_as_padding(model):
    filler = model.tokenizer.pad_token_id
    own = model.tokenizer.bos_token_id == filler
    rows = torch.tensor([[filler, filler, 9], [filler, 8, 9]])
    mask = padding_mask(model, rows)
    assert mask.tolist() == ([[0, 1, 1], [1, 1, 1]] if own else [[0, 0, 1], [0, 1, 1]])
    assert padding_mask(model, torch.tensor([[7, filler, 9], [7, 8, 9]])) is None
    assert padding_mask(model, torch.full((2, 3), filler)) is None
    assert padding_mask(model, torch.full((2, 1), filler)) is None
    begun = padding_mask(model, torch.tensor([[filler] * 3, [8, filler, 9]])).tolist()
    assert begun == [[0, 0, 1], [1, 1, 1]]
    everywhere = padding_mask(model, torch.tensor([[filler, filler, 9]])).tolist()
    assert everywhere == [[0, int(own and model.cfg.default_prepend_bos), 1]]
    on_the_right(model)
    assert padding_mask(model, torch.tensor([[9, 8, filler], [9, 8, 7]])).tolist() == [
        [1, 1, 0],
        [1, 1, 1],
    ]
    model.tokenizer.eos_token = model.tokenizer.pad_token
    assert padding_mask(model, torch.tensor([[9, 8, filler]])) is None
    model.tokenizer = None
    assert padding_mask(model, rows) is None
