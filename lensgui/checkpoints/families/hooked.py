"""Checkpoints in the hooked transformer's own layout, such as the attention-only teaching models.

Their config.json has TransformerLens's field names and no `model_type`, and their tensors bear the
names of our parameters, causal masks beside them.
"""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import Family, Weight

MODEL_TYPE = "hooked"
FIELDS = frozenset({"n_layers", "d_model", "n_heads", "d_head", "n_ctx", "d_vocab"})
_KEPT = ("d_mlp", "act_fn", "attn_only", "n_layers", "d_model", "n_heads", "d_head", "n_ctx")


def is_hooked(written: dict[str, Any]) -> bool:
    """Whether a config.json describes a hooked transformer by its own fields."""
    return "model_type" not in written and written.keys() >= FIELDS


def hooked_config(config: Any) -> dict[str, Any]:
    """Return our fields of such a config.

    Raises:
        ValueError: If its last norm is of another kind than the others.
    """
    written = vars(config)
    if written.get("final_rms") and written.get("normalization", "LN") not in ("RMS", "RMSPre"):
        raise ValueError("A last norm that alone is an RMSNorm is not supported.")
    is_shortformer = bool(written.get("shortformer_pos"))
    kinds = [written[name] for name in ("normalization", "normalization_type") if name in written]
    read = [name for name in _KEPT if written.get(name) is not None]
    if written.get("attn_only"):
        read = [name for name in read if name != "act_fn"]  # of an MLP that it lacks
    return {
        **{name: written[name] for name in read},
        "d_vocab": written["d_vocab"],
        "eps": written.get("eps", 1e-5),
        "normalization_type": kinds[0] if kinds else "LN",
        "positional_embedding_type": written.get(
            "positional_embedding_type", "shortformer" if is_shortformer else "standard"
        ),
    }


def _ours(names: str) -> dict[str, Weight]:
    return {name: Weight(name, is_optional=".b" in name) for name in names.split()}


HOOKED = Family(
    model_types=(MODEL_TYPE,),
    config=hooked_config,
    ignored=(r"\.attn\.(mask|IGNORE)$",),
    weights=_ours(
        "embed.W_E pos_embed.W_pos unembed.W_U unembed.b_U ln_final.w ln_final.b "
        "blocks.{l}.ln1.w blocks.{l}.ln1.b blocks.{l}.ln2.w blocks.{l}.ln2.b "
        "blocks.{l}.attn.W_Q blocks.{l}.attn.W_K blocks.{l}.attn.W_V blocks.{l}.attn.W_O "
        "blocks.{l}.attn.b_Q blocks.{l}.attn.b_K blocks.{l}.attn.b_V blocks.{l}.attn.b_O "
        "blocks.{l}.mlp.W_in blocks.{l}.mlp.b_in blocks.{l}.mlp.W_out blocks.{l}.mlp.b_out "
        "blocks.{l}.mlp.ln.w blocks.{l}.mlp.ln.b"
    ),
)
