"""Which steps of folding leave a model's log-probabilities as they are, said by its config.

Each rule returns whether its step is done, and the words for that.
"""

from __future__ import annotations

from collections.abc import Callable

from lensgui.transformer.config import HookedTransformerConfig

Rule = Callable[[HookedTransformerConfig], tuple[bool, str]]


def norms(cfg: HookedTransformerConfig) -> tuple[bool, str]:
    """Return whether norms are folded, with the words for it.

    Their weights and biases move into the matrices that read them, and what reads a LayerNorm is
    centred. Norms of what is written, and of queries and keys, stay.
    """
    if cfg.normalization_type not in ("LN", "RMS"):
        return False, "fold_ln skipped: the norms have no weights"
    if cfg.positional_embedding_type == "shortformer":
        return False, (
            "fold_ln skipped: queries and keys also read positions, which are not normalised"
        )
    if cfg.has_pre_norms:
        return True, "fold_ln"
    return True, "fold_ln: the last norm, as blocks have none before"


def writers(cfg: HookedTransformerConfig) -> tuple[bool, str]:
    """Return whether what writes to the residual stream is centred, with the words for it.

    LayerNorm never sees the mean.
    """
    if cfg.is_rms or cfg.normalization_type is None:
        return False, "center_writing_weights skipped: RMSNorm does not centre"
    if cfg.final_rms:
        return False, "center_writing_weights skipped: the last norm does not centre"
    if cfg.post_embedding_ln:
        return True, (
            "center_writing_weights: all but the embedding, which ends in a norm of its own"
        )
    return True, "center_writing_weights"


def unembed(cfg: HookedTransformerConfig) -> tuple[bool, str]:
    """Return whether logits are centred, which softmax does not see, with the words for it."""
    if cfg.output_logits_soft_cap is not None:
        return False, "center_unembed skipped: the logits are soft-capped"
    return True, "center_unembed"


def value_biases(cfg: HookedTransformerConfig) -> tuple[bool, str]:
    """Return whether value biases move into output biases, with the words for it.

    Rows of the pattern sum to 1.
    """
    if cfg.use_attn_sinks:
        return False, "fold_value_biases skipped: with attention sinks, attention does not sum to 1"
    if cfg.clip_qkv is not None:
        return False, "fold_value_biases skipped: values are clipped after their bias is added"
    return True, "fold_value_biases"


def heads(cfg: HookedTransformerConfig) -> tuple[bool, str]:
    """Return whether heads are rewritten by singular vectors, with the words for it."""
    name = "refactor_factored_attn_matrices"
    if cfg.positional_embedding_type == "rotary":
        return False, f"{name} skipped: rotation ties queries and keys to their dimensions"
    if cfg.use_qk_norm or cfg.clip_qkv is not None:
        return False, f"{name} skipped: queries and keys are normalised or clipped by dimension"
    if cfg.use_attn_sinks:
        return False, f"{name} skipped: with attention sinks, attention does not sum to 1"
    if cfg.kv_heads != cfg.n_heads:
        return False, f"{name} skipped: heads share keys and values"
    return True, name
