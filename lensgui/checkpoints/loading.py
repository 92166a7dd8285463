"""A name, a folder or a Hugging Face model in memory → a `HookedTransformer`.

Remote code is never run.
"""

from __future__ import annotations

from typing import Any

import torch

from lensgui.checkpoints import devices
from lensgui.checkpoints.config_checks import described
from lensgui.checkpoints.devices import best_device
from lensgui.checkpoints.families.family import Family
from lensgui.checkpoints.families.registry import family_of
from lensgui.checkpoints.files.tensors import (
    Checkpoint,
    checkpoint_of_module,
    checkpoint_of_place,
)
from lensgui.checkpoints.folder import (
    convert_config,
    language_part,
    quantised,
    read_config,
    read_tokenizer,
)
from lensgui.checkpoints.locate import folder_of, locate
from lensgui.checkpoints.weights.filling import fill, is_tied, place_of, view
from lensgui.checkpoints.weights.folded import Opening
from lensgui.models.store import Report, silence
from lensgui.terms.errors import ModelError
from lensgui.transformer.config import DTYPES, HookedTransformerConfig
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text.padding import Side

NO_PROCESSING: dict[str, bool] = {
    "fold_ln": False,
    "center_writing_weights": False,
    "center_unembed": False,
    "fold_value_biases": False,
}


def understood(
    hf_config: Any, checkpoint: Checkpoint, name: str, dtype: torch.dtype
) -> tuple[Family, HookedTransformerConfig]:
    """Return the architecture and our config of a checkpoint, which then holds what is opened.

    Args:
        hf_config: The Hugging Face config of all of it.
        checkpoint: Its tensors, which decide whether embeddings are tied and weights quantised.
        name: What to call the model.
        dtype: The number format of weights and activations.

    Raises:
        ModelError: If it is quantised, or has a feature that is not supported.
    """
    text_config = language_part(hf_config)
    family = family_of(text_config.model_type)
    if text_config is not hf_config:
        checkpoint.keep_language_part()
    if sign := checkpoint.quantised(family.ignored):
        raise quantised(checkpoint.where, text_config, sign)
    cfg = convert_config(family, text_config, name, dtype)
    if cfg.n_layers > checkpoint.layers:
        raise ModelError(
            f"The config of {name} says that it has {cfg.n_layers} layers, and {checkpoint.where} "
            f"has tensors of {checkpoint.layers}: get the model again."
        )
    weight, names = place_of(checkpoint, family, family.weights["embed.W_E"], 1)
    if weight is not None and names:
        view(checkpoint, names[0], weight, cfg, torch.Size((cfg.d_vocab, cfg.d_model)))
    cfg.tied_embeddings = is_tied(checkpoint, family, cfg.tied_embeddings)
    if checkpoint.left_out:
        cfg.processing.append(f"language part only: without {', '.join(checkpoint.left_out)}")
    return family, cfg


def from_pretrained(
    model_name: str = "",
    fold_ln: bool = True,
    center_writing_weights: bool = True,
    center_unembed: bool = True,
    fold_value_biases: bool = True,
    refactor_factored_attn_matrices: bool = False,
    hf_model: Any = None,
    tokenizer: Any = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype | str = torch.float32,
    default_prepend_bos: bool | None = None,
    default_padding_side: Side | None = None,
    move_to_device: bool = True,
    first_n_layers: int | None = None,
    n_devices: int = 1,
    token: str | bool | None = None,
    revision: str | None = None,
    progress: Report = silence,
    keep_folded: bool = True,
) -> HookedTransformer:
    """Open a model.

    It is fetched first where the name is the hub's and something of it is missing here.

    Args:
        model_name: A name of `lensgui models list`, the path of a folder with safetensors or of a
            safetensors or GGUF file, a hub name, or an alias of one such as "gpt2-small". May be
            left out with `hf_model`.
        fold_ln: Whether norms' weights move into what reads them; this and the next three as in
            `processing.fold`.
        center_writing_weights: See `processing.fold`.
        center_unembed: See `processing.fold`.
        fold_value_biases: See `processing.fold`.
        refactor_factored_attn_matrices: See `processing.fold`.
        hf_model: A Hugging Face model in memory to convert; its family is read from its config.
        tokenizer: The tokenizer to use; None for the model's own.
        device: Where to run; None for the best there is.
        dtype: The number format of weights and activations.
        default_prepend_bos: Whether text gets a beginning-of-sequence token when nobody says; None
            for the family's way.
        default_padding_side: Where shorter texts are padded when nobody says; None for the
            tokenizer's own.
        move_to_device: Whether to run on `device`; otherwise the model stays on the CPU.
        first_n_layers: How many layers to load; None for all.
        n_devices: How many devices to spread it over, which must be 1.
        token: An access token of the hub; None for HF_TOKEN or the stored login.
        revision: A branch, tag or commit of the hub's model; None for its main branch.
        progress: Called often with how far the fetch is, in bytes.
        keep_folded: Whether what folding makes of a large model on disk is kept, so that the model
            opens faster the next time; what was kept is used either way.

    Returns:
        The model, in eval mode; its parameters take gradients.

    Raises:
        ModelError: If it can't be had or opened, or there is not enough memory for it; the message
            is one sentence.
    """
    _refuse_several(n_devices)
    dtype = DTYPES[dtype] if isinstance(dtype, str) else dtype
    place = None
    if hf_model is not None:
        hf_config, checkpoint = hf_model.config, checkpoint_of_module(hf_model)
        model_name = model_name or getattr(hf_config, "name_or_path", "") or hf_config.model_type
    else:
        place = locate(model_name, token, revision, progress)
        hf_config, checkpoint = read_config(folder_of(place)), checkpoint_of_place(place)
        tokenizer = tokenizer if tokenizer is not None else read_tokenizer(folder_of(place))
    family, cfg = understood(hf_config, checkpoint, model_name, dtype)
    depth = cfg.n_layers
    cfg.n_layers = min(first_n_layers or depth, depth)
    habits = (default_prepend_bos, family.prepend_bos, _prepends_bos(tokenizer))
    cfg.default_prepend_bos = next(habit for habit in habits if habit is not None)
    cfg.device = str(device or best_device()) if move_to_device else "cpu"
    if tokenizer is not None and default_padding_side is not None:
        tokenizer.padding_side = default_padding_side
    steps = (
        fold_ln,
        center_writing_weights,
        center_unembed,
        fold_value_biases,
        refactor_factored_attn_matrices,
    )
    goes_to, cfg.device = cfg.device, _filled_on(cfg.device, any(steps))
    with torch.device("meta"), described(model_name):
        model = HookedTransformer(cfg, tokenizer, initialise=False)
    opening = Opening(model, family, checkpoint, steps, depth, place, keep_folded)
    if any(steps) or not checkpoint.is_borrowed:
        devices.require(model, will_untie=any(steps))
    with devices.enough(cfg):
        opening.fill() if any(steps) else fill(model, family, checkpoint, depth)
        return model.eval() if cfg.device == goes_to else model.eval().to(goes_to)


def _filled_on(device: str, is_folded: bool) -> str:
    """Return where a model gets its weights: they are folded in float64, which MPS has not."""
    return "cpu" if is_folded and torch.device(device).type == "mps" else device


def _refuse_several(n_devices: int) -> None:
    if n_devices != 1:
        raise ModelError(
            f"n_devices is {n_devices}, and lensgui runs a model on one device: leave it out, and "
            "where the model is too large, use dtype or first_n_layers."
        )


def open_model(
    source: str,
    folded: bool = False,
    device: str = "best",
    dtype: str = "float32",
    keep_folded: bool = True,
) -> HookedTransformer:
    """Open a model as the app does: raw unless asked otherwise, on the best device unless told.

    Args:
        source: As `from_pretrained`'s `model_name`.
        folded: Whether to apply every folding step.
        device: "best", "cpu", "cuda" or "mps".
        dtype: "float32", "float64", "bfloat16" or "float16".
        keep_folded: As `from_pretrained`'s.
    """
    steps: dict[str, Any] = {} if folded else NO_PROCESSING
    chosen = best_device() if device == "best" else device
    model = from_pretrained(source, device=chosen, dtype=dtype, keep_folded=keep_folded, **steps)
    return model.requires_grad_(False)


def _prepends_bos(tokenizer: Any) -> bool:
    """Return whether a tokenizer puts its beginning-of-sequence token in front by itself."""
    bos = getattr(tokenizer, "bos_token_id", None)
    return bos is not None and tokenizer.encode("")[:1] == [bos]
