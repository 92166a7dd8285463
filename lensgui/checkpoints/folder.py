"""What a model's folder says about it: its Hugging Face config and its tokenizer.

Nothing in a folder is ever run.
"""

from __future__ import annotations

from copy import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from lensgui.checkpoints.config_checks import check_numbers, described
from lensgui.checkpoints.families.family import Family
from lensgui.checkpoints.families.hooked import is_hooked, layout_of
from lensgui.checkpoints.families.registry import family_of, supported_types
from lensgui.checkpoints.files.descriptions import read_object, refuse_odd_files
from lensgui.checkpoints.files.naming import adapter_alone
from lensgui.terms.errors import ModelError, reason
from lensgui.transformer.config import HookedTransformerConfig

# Language parts that are another architecture as soon as there is text only.
_OF_TEXT = {"qwen2_vl_text": "qwen2", "qwen2_5_vl_text": "qwen2", "qwen3_vl_text": "qwen3"}
_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_MOST_LAYERS = 10_000
TOKENIZERS = ("tokenizer.json", "vocab.json", "tokenizer.model", "vocab.txt")


def read_config(folder: Path) -> Any:
    """Return a folder's Hugging Face config.

    Raises:
        ModelError: If there is none, or its architecture is not supported or needs remote code.
    """
    from transformers import CONFIG_MAPPING, AutoConfig

    path = folder / "config.json"
    try:
        refuse_odd_files(folder)
        written = read_object(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        if (folder / "adapter_config.json").is_file():
            raise adapter_alone(str(folder)) from error
        raise ModelError(f"{folder} has no config.json: choose a model's own folder.") from error
    if is_hooked(written):
        with described(folder.name):
            return SimpleNamespace(model_type=layout_of(written, folder.name), **written)
    kind = written.get("model_type")
    if kind not in supported_types() and "auto_map" in written:
        raise ModelError(
            f"{folder.name} needs code that it brings itself (model type {kind!r:.80}), and "
            f"lensgui never runs that; it opens {', '.join(supported_types())}."
        )
    if kind not in CONFIG_MAPPING:
        family_of(kind)
    _refuse_many_layers(path, written)
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # transformers raises many kinds for bad values
        raise ModelError(f"{path} does not describe a model: {reason(error)}.") from error
    language_part(config)
    return config


def language_part(config: Any) -> Any:
    """Return the config of a multimodal model's language part; of any other model, its own.

    Raises:
        ModelError: If the architecture is not supported.
    """
    text = getattr(config, "text_config", None)
    if config.model_type in supported_types() or text is None:
        family_of(config.model_type)
        return config
    kind = _OF_TEXT.get(text.model_type, text.model_type)
    if kind not in supported_types():
        raise ModelError(
            f"The language part {text.model_type!r} of the multimodal {config.model_type!r} is not "
            f"supported; lensgui opens {', '.join(supported_types())}."
        )
    text = copy(text)
    text.model_type = kind
    for field in ("tie_word_embeddings", "quantization_config"):  # may be said of the whole
        if said := getattr(text, field, None) or getattr(config, field, None):
            setattr(text, field, said)
    return text


def quantised(where: str, config: Any, sign: str) -> ModelError:
    """Return the sentence for quantised weights.

    Args:
        where: Where they are.
        config: The Hugging Face config.
        sign: A tensor that shows it, for a config that says nothing.
    """
    return ModelError(
        f"{where} holds quantised weights ({quantisation(config) or f'as tensor {sign}'}), which "
        "lensgui does not read: save a dequantised copy with transformers (model.dequantize(), "
        "then save_pretrained), or open the original model."
    )


def quantisation(config: Any) -> str:
    """Return how a Hugging Face config says its weights are quantised; "" if it does not."""
    said = getattr(config, "quantization_config", None)
    said = said if isinstance(said, dict) or not said else said.to_dict()
    if not said:
        return ""
    widths = (width for width in (4, 8) if said.get(f"load_in_{width}bit"))
    bits = said.get("bits") or next(widths, None)
    method = said.get("quant_method") or "bitsandbytes"
    return f"{getattr(method, 'value', method)}{f', {bits} bit' if bits else ''}"


def convert_config(
    family: Family, hf_config: Any, name: str, dtype: torch.dtype
) -> HookedTransformerConfig:
    """Return our config for a Hugging Face one.

    Args:
        family: Its architecture.
        hf_config: The Hugging Face config.
        name: What to call the model.
        dtype: The number format of weights and activations.

    Raises:
        ModelError: If it asks for a feature that is not supported.
    """
    with described(name):
        fields = family.config(hf_config)
        check_numbers(fields, name)
        said = {"model_name": name, "original_architecture": hf_config.model_type, "dtype": dtype}
        return HookedTransformerConfig(**fields, **said)


def _refuse_many_layers(path: Path, written: dict[str, Any]) -> None:
    """Refuse more layers than any model has, of each of which transformers would make a list."""
    for name in _LAYERS:
        if isinstance(count := written.get(name), int | float) and count > _MOST_LAYERS:
            raise ModelError(f"{path} says {name} is {count:g}: get the file again.")


def read_tokenizer(folder: Path) -> Any:
    """Return a folder's tokenizer; None if it has none.

    Raises:
        ModelError: If it can't be read.
    """
    from transformers import AutoTokenizer

    if not any((folder / name).is_file() for name in TOKENIZERS):
        return None
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
        tokenizer.encode("")  # its settings are read only now
        return tokenizer
    except Exception as error:  # a broken file shows itself in many ways
        if "trust_remote_code" in str(error):
            raise ModelError(
                f"The tokenizer in {folder} needs code that it brings itself, and lensgui never "
                "runs that: choose a model with a tokenizer.json of a usual kind."
            ) from error
        raise ModelError(f"The tokenizer in {folder} can't be read: {reason(error)}.") from error
