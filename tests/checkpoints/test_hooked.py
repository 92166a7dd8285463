"""Checkpoints in the hooked transformer's own layout, as teaching models are published."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file

from lensgui.checkpoints.loading import open_model
from lensgui.terms.errors import ModelError
from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.model import HookedTransformer

NUMBERS = {"n_layers": 2, "d_model": 16, "n_heads": 4, "d_head": 4, "n_ctx": 12, "d_vocab": 23}
TOKENS = torch.tensor([[3, 1, 4, 1, 5, 9]])
KINDS = {
    "attn-only-2l": {"attn_only": True, "normalization": "LN", "act_fn": "solu_ln"},
    "gelu-2l": {"d_mlp": 40, "act_fn": "gelu", "attn_only": False, "normalization_type": "LN"},
    "solu-2l": {"d_mlp": 40, "act_fn": "solu_ln", "normalization": "LN"},
    "shortformer": {"attn_only": True, "shortformer_pos": True},
    "rotary": {
        "act_fn": "silu",
        "d_mlp": 40,
        "gated_mlp": True,
        "normalization_type": "RMS",
        "positional_embedding_type": "rotary",
        "rotary_dim": 2,
        "rotary_base": 100.0,
        "final_rms": True,
    },
    "windows": {
        "attn_only": True,
        "attn_types": ["local", "global"],
        "window_size": 3,
        "attn_scale": 1.5,
        "parallel_attn_mlp": False,
    },
    "folded": {"d_mlp": 40, "act_fn": "relu", "normalization_type": "LNPre"},
    "none": {"d_mlp": 40, "act_fn": "relu", "normalization_type": None},
}


def published(folder, written, odd=False):
    """A folder as such models are published, and the model that it holds."""
    fields = {**NUMBERS, **written}
    ours = {name: value for name, value in fields.items() if name != "normalization"}
    if ours.pop("shortformer_pos", False):
        ours["positional_embedding_type"] = "shortformer"
    kind = fields.get("normalization", fields.get("normalization_type", "LN"))
    cfg = HookedTransformerConfig(**{**ours, "normalization_type": kind, "seed": 3})
    model = HookedTransformer(cfg)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.3)
    extra = {"odd": torch.ones(2)} if odd else {}
    for layer in range(2):
        extra[f"blocks.{layer}.attn.mask"] = torch.ones(12, 12).tril().bool()
        extra[f"blocks.{layer}.attn.IGNORE"] = torch.tensor(-1e5)
    tensors = {name: tensor.contiguous().clone() for name, tensor in model.state_dict().items()}
    save_file({**tensors, **extra}, folder / "model.safetensors")
    (folder / "config.json").write_text(
        json.dumps({**fields, "tokenizer_name": "x", "lr": 1e-3, "seed": 3})
    )
    return model


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_it_opens_as_the_model_it_was(tmp_path, kind):
    model = published(tmp_path, KINDS[kind])
    opened = open_model(str(tmp_path), folded=False)
    assert torch.equal(opened(TOKENS), model(TOKENS))
    assert opened.cfg.original_architecture == "hooked"
    folded = open_model(str(tmp_path), folded=True)
    difference = folded(TOKENS).log_softmax(-1) - model(TOKENS).log_softmax(-1)
    assert float(difference.abs().max()) < 1e-4


def test_what_is_odd_about_one_is_said(tmp_path):
    published(tmp_path, KINDS["gelu-2l"], odd=True)
    with pytest.raises(ModelError, match="a tensor odd that lensgui does not know"):
        open_model(str(tmp_path), folded=False)
    published(tmp_path, KINDS["gelu-2l"])
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**NUMBERS, "use_yarn_rope": True}))
    with pytest.raises(ModelError, match="use_yarn_rope=True is not to be had"):
        open_model(str(tmp_path), folded=False)
