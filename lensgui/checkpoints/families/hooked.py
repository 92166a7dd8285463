"""Checkpoints in the hooked transformer's own layout, such as the attention-only teaching models.

Their config.json has TransformerLens's field names and no `model_type`, and their tensors bear the
names of our parameters, causal masks beside them. Two kinds are laid out otherwise: the first SoLU
models, which call a norm "norm" and of which the smaller ones have matrices as [out, in], and
those that minGPT's code trained.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from lensgui.checkpoints.families.family import MATRIX, Family, Weight, attention, linear, norm
from lensgui.terms.transformer_lens.arguments import CONFIG, kept
from lensgui.transformer.config import HookedTransformerConfig

MODEL_TYPE = "hooked"
FIELDS = frozenset({"n_layers", "d_model", "n_heads", "d_head", "n_ctx", "d_vocab"})
_PLAIN, _OLD_SOLU, _MINGPT = "neel", "neel-solu-old", "mingpt"  # what `architecture` may say
_OLD_NAME = re.compile(r"SoLU_\d+L_v\d+_old")
_OLD_SIZES = {"act_fn": "solu_ln", "d_vocab": 50278}  # of the old SoLU models, and of no other
_OF_A_RUN = {"device", "dtype", "seed", "init_range", "model_name", "original_architecture"}
_OF_A_PLACE = {"n_devices", "init_weights", "init_mode", "trust_remote_code", "use_hook_tokens"}
_OURS = {field.name for field in fields(HookedTransformerConfig)} - {*_OF_A_RUN, "processing"}


def is_hooked(written: dict[str, Any]) -> bool:
    """Whether a config.json describes a hooked transformer by its own fields."""
    return "model_type" not in written and written.keys() >= FIELDS


def layout_of(written: Mapping[str, Any], name: str) -> str:
    """Return the `model_type` that stands for how the tensors beside a config.json are laid out.

    Args:
        written: The config.json of a hooked transformer.
        name: What its folder is called, which alone can tell for one that says nothing.

    Raises:
        ValueError: If it is a layout that nobody knows.
    """
    said = written.get("architecture")
    if said is None:
        is_old = _OLD_NAME.search(name) or _OLD_SIZES.items() <= written.items()
        is_saved_anew = "original_architecture" in written  # by TransformerLens, in its layout
        said = _OLD_SOLU if is_old and not is_saved_anew else _PLAIN
    if said == _OLD_SOLU:
        depth = written["n_layers"]
        return next(kind for most, kind in _OLD if not isinstance(depth, int) or depth <= most)
    if said not in (_PLAIN, _MINGPT):
        raise ValueError(
            f"The config of {name} says that its architecture is {said!r:.40}, whose layout is not "
            f"known; known are {_PLAIN}, {_OLD_SOLU} and {_MINGPT}."
        )
    return MODEL_TYPE if said == _PLAIN else _MINGPT


def hooked_config(config: Any) -> dict[str, Any]:
    """Return our fields of such a config: what says how it was trained is left out.

    Raises:
        ValueError: If it asks for something of TransformerLens's that is not here.
    """
    written = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in vars(config).items()
        if name not in _OF_A_PLACE
    }
    if "normalization" in written:  # what older ones call it
        written["normalization_type"] = written["normalization"]
    if written.get("attn_only"):
        written["d_mlp"] = None  # some say −1
    if written.get("shortformer_pos"):
        written["positional_embedding_type"] = "shortformer"
    asked = kept({name: value for name, value in written.items() if name in CONFIG}, CONFIG)
    return {name: value for name, value in (written | asked).items() if name in _OURS}


_WRITTEN = (
    "embed.W_E pos_embed.W_pos unembed.W_U unembed.b_U ln_final.w ln_final.b "
    "blocks.{l}.ln1.w blocks.{l}.ln1.b blocks.{l}.ln2.w blocks.{l}.ln2.b "
    "blocks.{l}.attn.W_Q blocks.{l}.attn.W_K blocks.{l}.attn.W_V blocks.{l}.attn.W_O "
    "blocks.{l}.attn.b_Q blocks.{l}.attn.b_K blocks.{l}.attn.b_V blocks.{l}.attn.b_O "
    "blocks.{l}.mlp.W_in blocks.{l}.mlp.b_in blocks.{l}.mlp.W_out blocks.{l}.mlp.b_out "
    "blocks.{l}.mlp.ln.w blocks.{l}.mlp.ln.b"
)
_NAMES = _WRITTEN.split()
_GATES = ("blocks.{l}.mlp.W_gate", "blocks.{l}.mlp.b_gate")
_MASKS = (r"\.attn\.(mask|IGNORE)$",)


def _old_weight(name: str, is_turned: bool) -> Weight:
    """Return where a parameter of an old SoLU model comes from, by any of its spellings."""
    first = "norm" + name.removeprefix("ln_final") if name.startswith("ln_final") else name
    spellings = dict.fromkeys([first.replace("ln", "norm"), first.replace("norm", "ln"), name])
    place: Weight | None = None
    for spelled in reversed(spellings):
        turn = "... d_out d_in -> ... d_in d_out" if is_turned else ""
        place = Weight(spelled, turn, is_optional=".b" in name, otherwise=place)
    assert place is not None
    return place


def _old(model_type: str, is_turned: Callable[[str], bool]) -> Family:
    """Return the old SoLU models some of whose matrices are [out, in]."""
    weights = {name: _old_weight(name, is_turned(name)) for name in _NAMES}
    return Family((model_type,), hooked_config, weights, ignored=_MASKS)


HOOKED = Family(
    model_types=(MODEL_TYPE,),
    config=hooked_config,
    ignored=_MASKS,
    weights={name: Weight(name, is_optional=".b" in name) for name in (*_NAMES, *_GATES)},
)
# Up to 6 layers every matrix is [out, in], up to 8 the positions' alone, and then none.
_OLD = ((6, "neel-solu-old"), (8, "neel-solu-old-8l"), (float("inf"), "neel-solu-old-10l"))
OLD_SOLU = (
    _old(_OLD[0][1], lambda name: ".W_" in name),
    _old(_OLD[1][1], lambda name: name == "pos_embed.W_pos"),
    _old(_OLD[2][1], lambda name: False),
)
MINGPT = Family(
    model_types=(_MINGPT,),
    config=hooked_config,
    ignored=_MASKS,
    weights={
        "embed.W_E": Weight("tok_emb.weight"),
        "pos_embed.W_pos": Weight("pos_emb", "one n_ctx d_model -> (one n_ctx) d_model"),
        "unembed.W_U": Weight("head.weight", MATRIX),
        **norm("ln_final", "ln_f", has_bias=True),
        **norm("blocks.{l}.ln1", "blocks.{l}.ln1", has_bias=True),
        **norm("blocks.{l}.ln2", "blocks.{l}.ln2", has_bias=True),
        **attention("blocks.{l}.attn", "query", "key", "value", "proj", is_optional=False),
        **linear("blocks.{l}.mlp", "in", "blocks.{l}.mlp.0"),
        **linear("blocks.{l}.mlp", "out", "blocks.{l}.mlp.2"),
    },
)
