"""A word that a config does not know is refused (seen in this project's own first version)."""

from __future__ import annotations

import pytest

from lensgui.transformer.config import HookedTransformerConfig

SIZES = {"n_layers": 2, "d_model": 32, "n_ctx": 16, "d_head": 4, "d_vocab": 11}
WRONG = {
    "positional_embedding_type": "learned",
    "normalization_type": "LayerNorm",
    "qk_norm_weights": "own",
    "attn_types": ("global", "sliding"),
    "act_fn": "gelou",
    "device": "graphics card",
    "dtype": "float32",
}


@pytest.mark.parametrize("field", WRONG)
def test_an_unknown_word_is_refused(field):
    with pytest.raises(ValueError, match=r"known|torch does not know"):
        HookedTransformerConfig(**SIZES, **{field: WRONG[field]}, window_size=4)


def test_a_model_without_mlps_needs_no_nonlinearity():
    assert HookedTransformerConfig(**SIZES, attn_only=True, act_fn=None).d_mlp is None
