"""Parts of a model mean what TransformerLens says when they are called by themselves."""

from __future__ import annotations

import pytest
import torch

from tests.checkpoints.test_families import raw
from tests.checkpoints.tiny_models import prompts, tiny


@pytest.fixture(params=["gpt2", "llama", "gemma2", "bloom"])
def model(request):
    return raw(tiny(request.param))


@torch.no_grad()
def test_position_embeddings_are_the_first_rows():
    model, tokens = raw(tiny("gpt2")), prompts(2, 5) * 3
    rows = model.pos_embed(tokens)
    assert torch.equal(rows, model.W_pos[:5].expand(2, -1, -1))
    assert torch.equal(model.pos_embed(tokens, 3), model.W_pos[3:8].expand(2, -1, -1))
    assert torch.equal(model.pos_embed(tokens[0]), model.W_pos[:5])


@torch.no_grad()
def test_blocks_run_a_stream(model):
    tokens = prompts(2, 9)
    _, cache = model.run_with_cache(tokens)
    for layer, block in enumerate(model.blocks):
        assert torch.equal(block(cache["resid_pre", layer]), cache["resid_post", layer])
        read = block.ln1(cache["resid_pre", layer])
        wrote = block.attn(read, read, read)
        if model.cfg.has_post_norms:
            wrote = block.ln1_post(wrote)
        assert torch.equal(wrote * model.cfg.residual_multiplier, cache["attn_out", layer])
        keywords = block.attn(query_input=read, key_input=read, value_input=read)
        assert torch.equal(keywords, block.attn(read, read, read))
