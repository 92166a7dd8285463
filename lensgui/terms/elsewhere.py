"""What TransformerLens has and lensgui has not: each name with the sentence that says the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

Class = TypeVar("Class", bound=type)

_DECODERS = "lensgui opens decoder-only models: use HookedTransformer"
_OTHER_BITS = "lensgui opens weights as they are: give dtype="
_OWN_CODE = "lensgui never runs a model's own code"
_SCALED_ROTATION = "rotary_frequencies= and rotary_scale= hold scaled rotations"


@dataclass(frozen=True)
class Argument:
    """An argument of TransformerLens's that is not one of lensgui's.

    Attributes:
        way: The way here, for a value that asks for something.
        neutral: Values that ask for nothing; None for all.
        name: What it is called here, if it is here under another name.
    """

    way: str = ""
    neutral: tuple[Any, ...] | None = (None,)
    name: str = ""


_ANY = Argument(neutral=None)

CONFIG: dict[str, Argument] = {  # of a config
    **dict.fromkeys(  # notes, and numbers that only others among these would use
        (
            "NTK_by_parts_factor",
            "NTK_by_parts_high_freq_factor",
            "NTK_by_parts_low_freq_factor",
            "NTK_original_ctx_len",
            "checkpoint_index",
            "checkpoint_label_type",
            "checkpoint_value",
            "from_checkpoint",
            "n_params",
            "relative_attention_max_distance",
            "relative_attention_num_buckets",
            "tie_word_embeddings",
            "tokenizer_name",
            "tokenizer_prepends_bos",
            "use_local_attn",
            "yarn_attention_factor",
            "yarn_beta_fast",
            "yarn_beta_slow",
            "yarn_factor",
            "yarn_original_max_position_embeddings",
        ),
        _ANY,
    ),
    "attention_dir": Argument(_DECODERS, (None, "causal")),
    "decoder_start_token_id": Argument(_DECODERS),
    "init_mode": Argument("init_range= says how weights are drawn", (None, "gpt2")),
    "init_weights": Argument("HookedTransformer(cfg, initialise=False)", (None, True)),
    "initializer_range": Argument(name="init_range"),
    "load_in_4bit": Argument(_OTHER_BITS, (None, False)),
    "n_devices": Argument("a model runs on one device", (None, 1)),
    "rotary_scaling_factor": Argument(_SCALED_ROTATION, (None, 1.0)),
    "trust_remote_code": Argument(_OWN_CODE, (None, False)),
    "ungroup_grouped_query_attention": Argument(
        "model.W_K and model.W_V repeat grouped keys and values for every head", (None, False)
    ),
    "use_NTK_by_parts_rope": Argument(_SCALED_ROTATION, (None, False)),
    "use_attn_scale": Argument("attn_scale=1.0 leaves scores as they are", (None, True)),
    "use_hook_tokens": Argument("a hook at hook_embed sees what tokens became", (None, False)),
    "use_yarn_rope": Argument(_SCALED_ROTATION, (None, False)),
}

_CHECKPOINT = Argument(
    "teaching models open as their training ended, and of other models a revision is opened, such "
    'as revision="step3000" of Pythia'
)
PRETRAINED: dict[str, Argument] = {  # of from_pretrained
    "checkpoint_index": _CHECKPOINT,
    "checkpoint_value": _CHECKPOINT,
}


def kept(given: Mapping[str, Any], elsewhere: Mapping[str, Argument]) -> dict[str, Any]:
    """Return arguments as lensgui calls them, without those that ask for nothing.

    Args:
        given: Values by name.
        elsewhere: What is known of TransformerLens's arguments.

    Raises:
        ValueError: If one of them asks for what is not here.
    """
    mine = {}
    for name, value in given.items():
        argument = elsewhere.get(name, Argument(name=name))
        if argument.name:
            mine[argument.name] = value
        elif argument.neutral is not None and not _is_among(value, argument.neutral):
            raise ValueError(f"{name}={value!r:.40} is not to be had: {argument.way}.")
    return mine


def _is_among(value: Any, neutral: tuple[Any, ...]) -> bool:
    """Whether a value, of any type, is one of some; True is not 1."""
    return any(
        value is one or (type(value) in (type(one), int, float) and value == one) for one in neutral
    )


def accepting(elsewhere: Mapping[str, Argument]) -> Callable[[Class], Class]:
    """Return a decorator of classes that are made with TransformerLens's arguments too.

    Args:
        elsewhere: What is known of those that the class does not take itself.
    """

    def accept(cls: Class) -> Class:
        make = vars(cls)["__init__"]

        @wraps(make)
        def initialise(self: Any, *values: Any, **given: Any) -> None:
            make(self, *values, **kept(given, elsewhere))

        type.__setattr__(cls, "__init__", initialise)
        return cls

    return accept
