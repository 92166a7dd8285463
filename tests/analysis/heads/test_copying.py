"""Copying scores are those of the whole circuit [token, token], for every kind of norm."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch

from lensgui.analysis.heads.copying import copying_scores
from lensgui.transformer.hooks.hook_point import HookPoint
from tests.answering import last
from tests.references import model_of


def reads(model, layer):
    """What a layer reads of every token alone in a prompt, [token, d_model], without biases."""
    at = ("resid_pre", 0) if layer == 0 else ("resid_post", 0)
    prompts = [torch.tensor([[token]]) for token in range(model.cfg.d_vocab)]
    stream = torch.stack([model.run_with_cache(prompt)[1][at][0, 0] for prompt in prompts])
    norm = model.blocks[layer].ln1
    if not model.cfg.has_pre_norms:
        return stream
    shift = 0 if norm.b is None else norm.b
    return norm(stream) - shift


def logits_of(model, written):
    """What is written [..., d_model] adds to each logit, but for what it adds to all."""
    norm = model.ln_final
    centred = written - written.mean(-1, keepdim=True) if norm.centres else written
    logits = norm.weighted(centred) @ model.unembed.W_U
    return logits - logits.mean(-1, keepdim=True)


def whole_circuit(model, layer, head):
    """Every token alone in a prompt, through the head and on to the logits: [token, token]."""
    block, group = model.blocks[layer], head // model.cfg.heads_per_group
    moved = reads(model, layer) @ block.attn.W_V[group] @ block.attn.W_O[head]
    if model.cfg.has_post_norms:
        moved = moved * block.ln1_post.w
    return logits_of(model, moved)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "gpt_neox", "olmo2"])
def test_scores_are_those_of_the_whole_circuit(name):
    model = model_of(name)
    found = last(copying_scores(model))
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            values = torch.linalg.eigvals(whole_circuit(model, layer, head))
            expected = values.real.sum() / values.abs().sum()
            assert float(found[layer, head]) == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_head_that_writes_what_it_reads_scores_1(sign):
    model = deepcopy(model_of("gpt2"))
    attn = model.blocks[1].attn
    raised = logits_of(model, torch.eye(model.cfg.d_model, dtype=torch.float64))
    seen = reads(model, 1) @ attn.W_V[2]  # [token, d_head]
    attn.W_O[2] = sign * (raised @ seen).T
    assert float(last(copying_scores(model))[1, 2]) == pytest.approx(sign, abs=1e-9)


def test_values_made_in_two_steps_have_no_score():
    model = model_of("deepseek_v3")
    assert last(copying_scores(model)).isnan().all()


def test_a_watched_model_is_refused():
    model = model_of("gpt2")

    def look(activation: torch.Tensor, hook: HookPoint) -> None:
        pass

    with (
        model.hooks([("blocks.0.hook_resid_pre", look)]),
        pytest.raises(ValueError, match="remove them first"),
    ):
        next(copying_scores(model))
