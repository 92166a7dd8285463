"""Configs and weights that TransformerLens made: its fields, its buffers, its SoLU models."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lensgui import HookedTransformer, HookedTransformerConfig
from lensgui.checkpoints.devices import cache_bytes
from lensgui.transformer.weights.processing import fold
from tests.reports.small import TOKENS, is_one_sentence, random_model

SIZES = {"n_layers": 2, "d_model": 16, "n_ctx": 12, "d_head": 4, "d_vocab": 31, "seed": 0}
ASK_FOR_NOTHING = {
    "attention_dir": "causal",
    "init_weights": False,
    "init_mode": "gpt2",
    "initializer_range": -1.0,
    "n_devices": 1,
    "tokenizer_name": "gpt2",
    "tokenizer_prepends_bos": False,
    "from_checkpoint": False,
    "checkpoint_index": None,
    "load_in_4bit": False,
    "trust_remote_code": False,
    "use_attn_scale": True,
    "attn_scale": -1.0,
    "use_local_attn": False,
    "use_hook_tokens": False,
    "use_NTK_by_parts_rope": False,
    "NTK_by_parts_factor": 8.0,
    "use_yarn_rope": False,
    "rotary_scaling_factor": 1.0,
    "final_rms": False,
    "n_params": None,
}
ASK = {
    "attention_dir": "bidirectional",
    "n_devices": 2,
    "load_in_4bit": True,
    "use_attn_scale": False,
    "use_hook_tokens": 1,
    "init_mode": "xavier_uniform",
    "trust_remote_code": True,
    "use_yarn_rope": True,
    "rotary_scaling_factor": 4,
}


def test_fields_that_ask_for_nothing_change_nothing():
    assert HookedTransformerConfig(**SIZES, **ASK_FOR_NOTHING) == HookedTransformerConfig(**SIZES)


@pytest.mark.parametrize("name", ASK)
def test_another_value_is_one_sentence(name):
    with pytest.raises(ValueError, match=name) as caught:
        HookedTransformerConfig(**SIZES, **{name: ASK[name]})
    assert is_one_sentence(str(caught.value))


def test_what_nobody_has_is_still_refused():
    with pytest.raises(TypeError, match="made_up"):
        HookedTransformerConfig(**SIZES, **{"made_up": 1})


def test_a_dict_is_a_config():
    model = HookedTransformer({**SIZES, **ASK_FOR_NOTHING})
    assert torch.equal(model(TOKENS), random_model(**SIZES)(TOKENS))


@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"n_key_value_heads": 2, "gated_mlp": True, "act_fn": "silu"},
        {"attn_only": True},
        {"num_experts": 3, "d_shared_expert": 8, "expert_layers": (True, False)},
        {"num_experts": 3, "d_shared_expert": 8, "shared_expert_gate": False},
        {"kv_rank": 5, "d_value": 3, "positional_embedding_type": "rotary", "rotary_dim": 2},
        {"kv_rank": 5, "q_rank": 6, "positional_embedding_type": "rotary", "rotary_dim": 2},
    ],
    ids=str,
)
def test_n_params_counts_the_matrices_of_layers(kind):
    model = random_model(**kind)
    matrices = (weight.numel() for name, weight in model.blocks.named_parameters() if ".W_" in name)
    assert model.cfg.n_params == sum(matrices)


@pytest.mark.parametrize("kind", [{}, {"n_key_value_heads": 2, "gated_mlp": True}], ids=str)
def test_weights_that_were_saved_elsewhere_load(kind):
    model, other = random_model(**kind), random_model(seed=1, **kind)
    saved = {}
    for name, weight in model.state_dict().items():
        if kind and name.endswith(("attn.W_K", "attn.b_K", "attn.W_V", "attn.b_V")):
            name = name.replace("attn.", "attn._")
        if not name.endswith("b_gate"):
            saved[name] = weight
    for layer in range(2):
        saved[f"blocks.{layer}.attn.mask"] = torch.ones(12, 12).tril().bool()
        saved[f"blocks.{layer}.attn.IGNORE"] = torch.tensor(float("-inf"))
    other.load_state_dict(saved)
    assert torch.equal(other(TOKENS), model(TOKENS))
    with pytest.raises(RuntimeError, match="made_up"):
        other.load_state_dict({**saved, "made_up": TOKENS})
    if kind:
        saved["blocks.1.mlp.b_in"] = torch.ones(64)
        with pytest.raises(ValueError, match="input bias") as caught:
            other.load_state_dict(saved)
        assert is_one_sentence(str(caught.value))


@torch.no_grad()
def test_solu():
    model = random_model(act_fn="solu")
    _, cache = model.run_with_cache(TOKENS)
    pre = cache["pre", 1]
    torch.testing.assert_close(cache["post", 1], pre * pre.softmax(-1))


@pytest.fixture
def solu_ln():
    """Return a model with a LayerNorm after SoLU, none of whose weights is what it starts as."""
    model = random_model(act_fn="solu_ln", dtype=torch.float64)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_()
    return model


@torch.no_grad()
def test_a_norm_follows_solu(solu_ln):
    output, cache = solu_ln.run_with_cache(TOKENS)
    pre, mlp = cache["pre", 1], solu_ln.blocks[1].mlp
    torch.testing.assert_close(cache["mid", 1], pre * pre.softmax(-1))
    post = F.layer_norm(cache["mid", 1], (64,), mlp.ln.w, mlp.ln.b, 1e-5)
    torch.testing.assert_close(cache["post", 1], post)
    assert torch.equal(output, solu_ln(TOKENS))
    kept = {tensor.data_ptr(): tensor.nbytes for tensor in cache.values()}
    assert cache_bytes(solu_ln.cfg, *TOKENS.shape) == sum(kept.values())


@torch.no_grad()
def test_that_norm_is_folded_too(solu_ln):
    before = solu_ln(TOKENS).log_softmax(-1)
    fold(solu_ln)
    torch.testing.assert_close(solu_ln(TOKENS).log_softmax(-1), before)
    assert not any(name.endswith("mlp.ln.w") for name, _ in solu_ln.named_parameters())


@pytest.mark.parametrize(
    "other", [{"gated_mlp": True}, {"num_experts": 2}, {"normalization_type": "RMS"}], ids=str
)
def test_where_no_norm_can_follow_is_one_sentence(other):
    with pytest.raises(ValueError, match="solu_ln") as caught:
        random_model(act_fn="solu_ln", **other)
    assert is_one_sentence(str(caught.value))
