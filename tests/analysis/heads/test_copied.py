"""Copy scores are those of the head's own logits, token by token; a head made to copy scores 1."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch

from lensgui.analysis.heads import copied
from lensgui.analysis.heads.copied import copied_shares, drawn_tokens
from lensgui.analysis.heads.copying import copying_scores
from tests.analysis.heads.test_copying import logits_of, reads, whole_circuit
from tests.answering import last
from tests.references import model_of

K = 3


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "gpt_neox"])
def test_shares_are_those_of_every_tokens_own_logits(name, monkeypatch):
    monkeypatch.setattr(copied, "FIRST", 5)  # so that tokens are compared in several steps
    monkeypatch.setattr(copied, "GROWTH", 2)
    model = model_of(name)
    tokens = torch.tensor([1, 4, 9, 16])
    found = last(copied_shares(model, tokens, K))
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            logits = whole_circuit(model, layer, head)[tokens]
            for at, ends in enumerate((logits.topk(K), logits.topk(K, largest=False))):
                expected = (ends.indices == tokens[:, None]).any(-1).double().mean()
                assert float(found[at, layer, head]) == float(expected)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_head_that_writes_what_it_reads_has_every_token_at_one_end(sign):
    model = deepcopy(model_of("gpt2"))
    attn, block = model.blocks[1].attn, model.blocks[1]
    tokens = torch.arange(8)  # as many as a head has room for
    seen = block.ln1(reads(model, 1))[tokens] if block.ln1.w is None else reads(model, 1)[tokens]
    raised = logits_of(model, torch.eye(model.cfg.d_model, dtype=torch.float64))[:, tokens]
    attn.W_O[2] = sign * torch.linalg.pinv(seen @ attn.W_V[2]) @ raised.T * 1e3
    found = last(copied_shares(model, tokens, 1))[:, 1, 2]
    assert found.tolist() == ([1, 0] if sign == 1 else [0, 1])


def test_tokens_are_drawn_without_control_tokens_and_the_same_again():
    model = model_of("llama")
    some = drawn_tokens(model, 7)
    assert len(set(some.tolist())) == 7
    assert torch.equal(some, drawn_tokens(model, 7))
    assert not torch.equal(some, drawn_tokens(model, 7, seed=1))
    assert len(drawn_tokens(model, 10_000)) == model.cfg.d_vocab


def test_values_made_in_two_steps_have_no_share():
    assert last(copied_shares(model_of("deepseek_v3"))).isnan().all()


def test_drawn_tokens_can_stand_for_the_vocabulary():
    model = model_of("llama")
    every = torch.randperm(model.cfg.d_vocab)
    whole = last(copying_scores(model))
    torch.testing.assert_close(last(copying_scores(model, every)), whole)
    some = last(copying_scores(model, drawn_tokens(model, 20)))
    assert (some - whole).abs().max() > 1e-3


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_raw_copying_reads_the_embedding_in_every_layer(name):
    model = model_of(name)
    found = last(copying_scores(model, raw=True))
    effective = last(copying_scores(model))
    torch.testing.assert_close(found[0], effective[0])  # which reads it anyhow
    layer, head = 1, 2
    norm, group = model.blocks[layer].ln1, head // model.cfg.heads_per_group
    prompts = torch.arange(model.cfg.d_vocab)
    first = [model.run_with_cache(at[None, None])[1]["resid_pre", 0][0, 0] for at in prompts]
    read = norm(torch.stack(first)) - (0 if norm.b is None else norm.b)
    attn = model.blocks[layer].attn
    values = torch.linalg.eigvals(logits_of(model, read @ attn.W_V[group] @ attn.W_O[head]))
    expected = values.real.sum() / values.abs().sum()
    assert float(found[layer, head]) == pytest.approx(float(expected), abs=1e-6)
