"""The same prompt through lensgui and through Hugging Face's own code, one after the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lensgui.checkpoints import devices
from lensgui.checkpoints.families.hooked import HOOKED
from lensgui.checkpoints.families.registry import LAYOUTS, family_of
from lensgui.checkpoints.files.tensors import checkpoint_of_place, weight_files
from lensgui.checkpoints.folder import language_part, read_config, read_tokenizer
from lensgui.checkpoints.loading import open_model, understood
from lensgui.checkpoints.locate import folder_of
from lensgui.checkpoints.verify import Verification
from lensgui.terms.errors import ModelError, first_line
from lensgui.transformer.config import DTYPES

PROMPT = "When John and Mary went to the store, John gave a drink to"
_NAMES = ("model.safetensors", "model.safetensors.index.json")  # what transformers looks for


@torch.no_grad()
def compare(place: Path, dtype: str, is_automatic: bool = False) -> Verification:
    """Measure how far lensgui is from Hugging Face; arguments and errors as in `verify.verify`.

    One model is in memory at a time.
    """
    if is_automatic:
        _refuse_to_fill(place, dtype)
    if family_of(language_part(read_config(folder_of(place))).model_type) in (HOOKED, *LAYOUTS):
        raise ModelError(
            f"{place.name} is laid out as a hooked transformer, which Hugging Face can't run: "
            "there is nothing to compare it with."
        )
    tokenizer = read_tokenizer(folder_of(place))
    if tokenizer is None:
        raise ModelError(f"{place} has no tokenizer, so there is no prompt to compare on.")
    tokens = tokenizer(PROMPT, add_special_tokens=False, return_tensors="pt")["input_ids"]
    theirs = reference_logits(place, dtype, tokens)
    logits, folded = (_ours(place, dtype, tokens, is_folded) for is_folded in (False, True))
    expected = theirs.log_softmax(-1)
    return Verification(
        logits=_largest(logits - theirs),
        log_probabilities=_largest(logits.log_softmax(-1) - expected),
        folded=_largest(folded.log_softmax(-1) - expected),
        dtype=dtype,
    )


def _largest(difference: Tensor) -> float:
    return float(difference.abs().max())


def _ours(place: Path, dtype: str, tokens: Tensor, is_folded: bool) -> Tensor:
    """Return lensgui's logits in float64, [batch, position, d_vocab_out]."""
    model = open_model(str(place), folded=is_folded, device="cpu", dtype=dtype, keep_folded=False)
    logits: Tensor = model(tokens)
    return logits.double()


def reference_logits(place: Path, dtype: str, tokens: Tensor) -> Tensor:
    """Return the Hugging Face logits in float64, with eager attention, as `_ours`."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    settings = {
        "dtype": DTYPES[dtype],
        "attn_implementation": "eager",
        "local_files_only": True,
        "trust_remote_code": False,
    }
    try:
        config = read_config(folder_of(place))
        kind = _kind(config)
        if place.is_dir() and any((place / name).is_file() for name in _NAMES):
            model = kind.from_pretrained(place, **settings)
        else:
            with torch.device("meta"):
                kind = type(kind.from_config(config, trust_remote_code=False))
            model = kind.from_pretrained(
                None, config=config, state_dict=_tensors(place), **settings
            )
        every = torch.ones_like(tokens)
        output = model.eval()(input_ids=tokens, attention_mask=every, use_cache=False)
        logits: Tensor = output.logits.double()
    except ModelError:
        raise
    except Exception as error:  # another library's code, on somebody's files
        raise ModelError(
            f"Hugging Face's own code can't run {place.name}, so there is nothing to compare with "
            f"({first_line(error)})."
        ) from error
    return logits


def _kind(config: Any) -> Any:
    """Return transformers' class that chooses one for a config: of text, or of images and text."""
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    is_of_text = type(config) in MODEL_FOR_CAUSAL_LM_MAPPING
    return AutoModelForCausalLM if is_of_text else AutoModelForImageTextToText


def _tensors(place: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    tensors: dict[str, Tensor] = {}
    for path in weight_files(place):
        tensors |= load_file(path)
    return tensors


def _refuse_to_fill(place: Path, dtype: str) -> None:
    """Refuse a comparison that nobody asked for where two copies would not fit."""
    config, checkpoint = read_config(folder_of(place)), checkpoint_of_place(place)
    _, cfg = understood(config, checkpoint, place.name, DTYPES[dtype])
    needed, free = 2 * devices.parameters_bytes(cfg), devices.free_bytes("cpu")
    if needed > free:
        raise ModelError(
            f"{place.name} is not verified by itself, as two copies take {needed / 1e9:.1f} GB and "
            f"{free / 1e9:.1f} GB are free: run `lensgui models check` without --once."
        )
