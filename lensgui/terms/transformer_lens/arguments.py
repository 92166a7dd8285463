"""The arguments of TransformerLens's calls: their names here, or the way to what they ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from lensgui.terms.transformer_lens.elsewhere import CHECKPOINT, DECODERS, MODEL

Class = TypeVar("Class", bound=type)

_OTHER_BITS = "lensgui opens weights as they are: give dtype="
_OWN_CODE = "lensgui never runs a model's own code"
_SCALED_ROTATION = "rotary_frequencies= and rotary_scale= hold scaled rotations"


@dataclass(frozen=True)
class Argument:
    """An argument of TransformerLens's that is not one of lensgui's.

    Attributes:
        way: The way here, for a value that asks for something, or where nothing comes of it.
        neutral: Values that ask for nothing; None for all.
        name: What it is called here, if it is here under another name.
    """

    way: str = ""
    neutral: tuple[Any, ...] | None = (None,)
    name: str = ""


_ANY = Argument(neutral=None)

OPENING: dict[str, Argument] = {  # of from_pretrained and boot_transformers
    "cache_dir": Argument("set LENSGUI_HOME to where models are kept"),
    "checkpoint_index": Argument(CHECKPOINT),
    "checkpoint_value": Argument(CHECKPOINT),
    "fp32": Argument("give dtype=", (None, True)),
    "hf_config_overrides": Argument("give a Hugging Face model so made as hf_model="),
    "load_in_4bit": Argument(_OTHER_BITS, (None, False)),
    "load_weights": Argument("build a model from a config: HookedTransformer(cfg)", (None, True)),
    "local_files_only": Argument(
        "a model that is here is never fetched again: leave it out", (None, False)
    ),
    "low_cpu_mem_usage": _ANY,
    "model_class": Argument("lensgui reads the architecture from config.json"),
    "n_ctx": Argument("open the model, then set model.cfg.n_ctx, if positions are not learned"),
    "torch_dtype": Argument(name="dtype"),
    "trust_remote_code": Argument(_OWN_CODE, (None, False)),
    "vocab_size": Argument("the vocabulary is that of the weights"),
}
FORWARD: dict[str, Argument] = {
    "decoder_input": Argument(DECODERS),
    "one_zero_attention_mask": Argument("attention_mask= takes it"),
    "output_attentions": Argument("run_with_cache keeps every pattern", (None, False)),
    "output_hidden_states": Argument("run_with_cache keeps every residual stream", (None, False)),
    "pixel_values": Argument(MODEL["prepare_multimodal_inputs"]),
    "shortformer_pos_embed": Argument("lensgui adds positions by itself"),
}
GENERATE: dict[str, Argument] = {
    "num_return_sequences": Argument("give the prompt as many times, as a list", (None, 1)),
    "output_logits": Argument("run the model on what it wrote", (None, False)),
    "pixel_values": Argument(MODEL["prepare_multimodal_inputs"]),
    "repetition_penalty": Argument("freq_penalty= lowers what was written", (None, 1.0)),
    "return_cache": Argument("run_with_cache on what was written", (None, False)),
    "return_input_tokens": Argument("return_type='tokens' returns them too", (None, True)),
    "return_dict_in_generate": Argument("run_with_cache on what was written", (None, False)),
}
MAKING: dict[str, Argument] = {  # of HookedTransformer(cfg)
    "default_padding_side": Argument("set tokenizer.padding_side"),
    "move_to_device": _ANY,
}
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
            "yarn_attention_factor",
            "yarn_beta_fast",
            "yarn_beta_slow",
            "yarn_factor",
            "yarn_original_max_position_embeddings",
        ),
        _ANY,
    ),
    "attention_dir": Argument(DECODERS, (None, "causal")),
    "decoder_start_token_id": Argument(DECODERS),
    "init_mode": Argument("init_range= says how weights are drawn", (None, "gpt2")),
    "init_weights": Argument("initialise=False leaves weights as they are", neutral=None),
    "initializer_range": Argument(name="init_range"),
    "load_in_4bit": Argument(_OTHER_BITS, (None, False)),
    "n_devices": Argument("a model runs on one device", (None, 1)),
    "tie_word_embeddings": Argument("cfg.tied_embeddings says what weights do", neutral=None),
    "tokenizer_name": Argument(
        "give HookedTransformer(cfg, tokenizer) the tokenizer", neutral=None
    ),
    "tokenizer_prepends_bos": Argument("cfg.default_prepend_bos says it", neutral=None),
    "use_local_attn": Argument("cfg.window_size and cfg.attn_types say it", neutral=None),
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


def check(given: Mapping[str, Any], elsewhere: Mapping[str, Argument], where: str) -> None:
    """Refuse arguments that a call does not take, but for TransformerLens's that ask for nothing.

    Raises:
        TypeError: If there is one.
        ValueError: If one of TransformerLens's asks for something.
    """
    for name in kept(given, elsewhere):
        raise TypeError(f"{where} takes no argument {name!r}.")


def _is_among(value: Any, neutral: tuple[Any, ...]) -> bool:
    """Whether a value, of any type, is one of some; True is not 1."""
    return any(
        value is one or (type(value) in (type(one), int, float) and value == one) for one in neutral
    )


def accepting(elsewhere: Mapping[str, Argument]) -> Callable[[Class], Class]:
    """Return a decorator of classes that are made with TransformerLens's arguments too.

    Those that ask for nothing can be read as well, as what asks for nothing.

    Args:
        elsewhere: What is known of them; what the class itself takes comes first.
    """

    def accept(cls: Any) -> Any:
        make = cls.__init__
        others = {name: one for name, one in elsewhere.items() if name not in cls.__annotations__}

        @wraps(make)
        def accepting_make(self: Any, *values: Any, **given: Any) -> None:
            make(self, *values, **kept(given, others))

        def read(self: Any, name: str) -> Any:
            if name not in others:
                raise AttributeError(f"{cls.__name__} has no field {name!r}.")
            one = others[name]
            if one.way and one.neutral is None:
                raise AttributeError(f"{cls.__name__} keeps no {name}: {one.way}.")
            return getattr(self, one.name) if one.name else (one.neutral or (None,))[-1]

        cls.__init__, cls.__getattr__ = accepting_make, read
        return cls

    return accept
