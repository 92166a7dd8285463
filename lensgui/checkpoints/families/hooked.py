"""Checkpoints in the hooked transformer's own layout, such as the attention-only teaching models.

Their config.json has TransformerLens's field names and no `model_type`, and their tensors bear the
names of our parameters, causal masks beside them.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from lensgui.checkpoints.families.family import Family, Weight
from lensgui.terms.elsewhere import CONFIG, kept
from lensgui.transformer.config import HookedTransformerConfig

MODEL_TYPE = "hooked"
FIELDS = frozenset({"n_layers", "d_model", "n_heads", "d_head", "n_ctx", "d_vocab"})
_OF_A_RUN = {"device", "dtype", "seed", "init_range", "model_name", "original_architecture"}
_OURS = {field.name for field in fields(HookedTransformerConfig)} - {*_OF_A_RUN, "processing"}


def is_hooked(written: dict[str, Any]) -> bool:
    """Whether a config.json describes a hooked transformer by its own fields."""
    return "model_type" not in written and written.keys() >= FIELDS


def hooked_config(config: Any) -> dict[str, Any]:
    """Return our fields of such a config: what says how it was trained is left out.

    Raises:
        ValueError: If it asks for something of TransformerLens's that is not here.
    """
    written = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in vars(config).items()
    }
    if "normalization" in written:  # what older ones call it
        written["normalization_type"] = written["normalization"]
    if written.get("shortformer_pos"):
        written["positional_embedding_type"] = "shortformer"
    if written.get("final_rms") and written.get("normalization_type") in ("RMS", "RMSPre"):
        written["final_rms"] = False  # like all the others
    asked = kept({name: value for name, value in written.items() if name in CONFIG}, CONFIG)
    return {name: value for name, value in (written | asked).items() if name in _OURS}


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
        "blocks.{l}.mlp.W_gate blocks.{l}.mlp.b_gate "
        "blocks.{l}.mlp.W_in blocks.{l}.mlp.b_in blocks.{l}.mlp.W_out blocks.{l}.mlp.b_out "
        "blocks.{l}.mlp.ln.w blocks.{l}.mlp.ln.b"
    ),
)
