"""How tensors and files of checkpoints are called, by those who train, wrap and quantise them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import filterfalse

from lensgui.terms.errors import ModelError

# What training and wrapping put into every name.
_ANYWHERE = r"_orig_mod\.|_(?:fsdp|checkpoint)_wrapped_module\."
_WRAPPERS = re.compile(rf"^(?:module\.|base_model\.model\.|{_ANYWHERE})+|{_ANYWHERE}")
# Of a multimodal model: how its language part is called, or where that has no name, the others.
_LANGUAGE = re.compile(r"(?:model\.)?(?:language_model|text_model)\.")
_OTHERS = re.compile(r"(?:model\.)?(?:visual|vision|image|audio|multi_modal|mm_|aligner)\w*\.")
_OF_QUANTISERS = re.compile(
    r"(?:qweight|qzeros|scales|g_idx|SCB|weight_format|(?:nested_)?(?:absmax|quant_map)"
    r"|(?:weight|input|output|k|v)_(?:scale\w*|packed|zero_point|shape)|\w+_(?:blocks|scales))"
)
# Of files that lie side by side without an index: the first kind that is there is the model.
_KINDS = (
    r"model\.safetensors",
    r"model-\d+-of-\d+\.safetensors",
    r"model[^/]*\.safetensors",
    r"(?!adapter|consolidated)[^/]*\.safetensors",
    r"consolidated[^/]*\.safetensors",
)
# Likewise of pickled weights, by those who train small models and by transformers.
_PICKLED = (
    r"model_final\.pth",
    r"[^/]*final\.pth",
    r"pytorch_model\.bin",
    r"pytorch_model-\d+-of-\d+\.bin",
)


def unwrapped(name: str) -> str:
    """Return a tensor's name as the model itself has it."""
    return _WRAPPERS.sub("", name)


def of_any_layer(name: str) -> str:
    """Return a tensor's name with the layer left out."""
    return re.sub(r"\.\d+\.", ".", name)


def language_names(names: Iterable[str]) -> dict[str, str]:
    """Return the tensors of a multimodal model's language part: how they are called there → here.

    Args:
        names: The names of all of its tensors.
    """
    every = set(names)
    own = {name for name in every if _LANGUAGE.match(name)}
    own = {*own, *every & {"lm_head.weight"}} if own else set(filterfalse(_OTHERS.match, every))
    return {_LANGUAGE.sub("", name, count=1): name for name in own}


def part_of(name: str) -> str:
    """Return which part of a model a tensor belongs to."""
    return name.removeprefix("model.").split(".")[0]


def is_of_quantiser(name: str) -> bool:
    """Return whether a tensor says how others are quantised, or holds packed numbers."""
    return ".quant_state." in name or _OF_QUANTISERS.fullmatch(name.rsplit(".", 1)[-1]) is not None


def model_files(names: Iterable[str]) -> list[str]:
    """Return which of a folder's files are the model's weights, in order.

    An adapter's are not: without a model's own there are none.
    """
    return _first_kind(names, _KINDS)


def pickle_files(names: Iterable[str]) -> list[str]:
    """Return which of a folder's files are the model's weights where they are pickled, in order."""
    return _first_kind(names, _PICKLED)


def _first_kind(names: Iterable[str], kinds: Iterable[str]) -> list[str]:
    files = sorted(names)
    for kind in kinds:
        found = [name for name in files if re.fullmatch(kind, name)]
        if found:
            return found
    return []


def adapter_alone(where: str) -> ModelError:
    """Return the sentence for an adapter that is opened as if it were a model."""
    return ModelError(
        f"{where} holds an adapter (such as LoRA), not a whole model: merge it into its base model "
        "with peft's merge_and_unload(), save that, and open it."
    )
