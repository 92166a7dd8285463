"""What a config fills in, and that it goes through a dictionary unchanged."""

from __future__ import annotations

import pytest

from lensgui.transformer.config import HookedTransformerConfig

SIZES = {"n_layers": 2, "d_model": 32, "n_ctx": 16, "d_head": 4, "d_vocab": 11}


@pytest.mark.parametrize("none", [None, -1, -1.0])
def test_transformer_lens_minus_one_is_none(none):
    names = ("gate_limit", "clip_qkv", "attn_scores_soft_cap", "output_logits_soft_cap")
    cfg = HookedTransformerConfig(
        **SIZES, **dict.fromkeys((*names, "attn_scale", "init_range"), none)
    )
    assert [getattr(cfg, name) for name in names] == [None] * 4
    assert (cfg.attn_scale, cfg.score_scale(1)) == (2.0, 0.5)
    assert cfg.init_range == 0.8 / 32**0.5
    assert cfg == HookedTransformerConfig(**SIZES)


def test_a_config_goes_through_a_dictionary_unchanged():
    cfg = HookedTransformerConfig(**SIZES, clip_qkv=3.0, attn_scale=5.0, seed=7)
    fields = cfg.to_dict()
    assert (fields["clip_qkv"], fields["attn_scale"], fields["n_heads"]) == (3.0, 5.0, 8)
    assert HookedTransformerConfig.from_dict(fields) == cfg
