"""A name, a folder or a Hugging Face model in memory → a `HookedTransformer`.

Remote code is never run.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch

from lensgui.engine import library
from lensgui.engine.checkpoint import checkpoint_of_folder, checkpoint_of_module
from lensgui.engine.config import DTYPES, HookedTransformerConfig
from lensgui.engine.devices import best_device
from lensgui.engine.errors import ModelError
from lensgui.engine.families.aliases import hub_id
from lensgui.engine.families.family import Family
from lensgui.engine.families.table import family_of, supported_types
from lensgui.engine.filling import fill
from lensgui.engine.folding import fold
from lensgui.engine.model import HookedTransformer

NO_PROCESSING: dict[str, bool] = {
    "fold_ln": False,
    "center_writing_weights": False,
    "center_unembed": False,
    "fold_value_biases": False,
}
_HUB_FILES = ["*.json", "*.safetensors", "tokenizer.model", "merges.txt", "vocab.txt"]


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
    first_n_layers: int | None = None,
) -> HookedTransformer:
    """Open a model.

    Args:
        model_name: A name of `lensgui models list`, the path of a folder with safetensors, a hub
            name, or an alias of one such as "gpt2-small". May be left out with `hf_model`.
        fold_ln: Whether norms' weights move into what reads them; this and the next three as in
            `folding.fold`.
        center_writing_weights: See `folding.fold`.
        center_unembed: See `folding.fold`.
        fold_value_biases: See `folding.fold`.
        refactor_factored_attn_matrices: See `folding.fold`.
        hf_model: A Hugging Face model in memory to convert; its family is read from its config.
        tokenizer: The tokenizer to use; None for the model's own.
        device: Where to run; None for the best there is.
        dtype: The number format of weights and activations.
        default_prepend_bos: Whether text gets a beginning-of-sequence token when nobody says; None
            for the family's way.
        first_n_layers: How many layers to load; None for all.

    Returns:
        The model, in eval mode, its parameters not requiring gradients turned off.

    Raises:
        ModelError: If it can't be had or opened; the message is one sentence.
    """
    dtype = DTYPES[dtype] if isinstance(dtype, str) else dtype
    if hf_model is not None:
        hf_config, checkpoint = hf_model.config, checkpoint_of_module(hf_model)
        model_name = model_name or getattr(hf_config, "name_or_path", "") or hf_config.model_type
        family = family_of(hf_config.model_type)
    else:
        folder = folder_of(model_name)
        hf_config = read_config(folder)
        family = family_of(hf_config.model_type)
        checkpoint = checkpoint_of_folder(folder)
        tokenizer = tokenizer if tokenizer is not None else read_tokenizer(folder)
    cfg = convert_config(family, hf_config, model_name, dtype)
    cfg.n_layers = min(first_n_layers or cfg.n_layers, cfg.n_layers)
    habits = (default_prepend_bos, family.prepend_bos, _prepends_bos(tokenizer))
    cfg.default_prepend_bos = next(habit for habit in habits if habit is not None)
    cfg.device = str(device or best_device())
    with torch.device("meta"):
        model = HookedTransformer(cfg, tokenizer, initialise=False)
    steps = (
        fold_ln,
        center_writing_weights,
        center_unembed,
        fold_value_biases,
        refactor_factored_attn_matrices,
    )
    fill(model, family, checkpoint, will_change=any(steps))
    model.eval()
    fold(model, *steps)
    return model


def open_model(
    source: str, folded: bool = False, device: str = "best", dtype: str = "float32"
) -> HookedTransformer:
    """Open a model as the app does: raw unless asked otherwise, on the best device unless told.

    Args:
        source: As `from_pretrained`'s `model_name`.
        folded: Whether to apply every folding step.
        device: "best", "cpu", "cuda" or "mps".
        dtype: "float32", "float64", "bfloat16" or "float16".
    """
    steps = {} if folded else NO_PROCESSING
    chosen = best_device() if device == "best" else device
    model = from_pretrained(source, device=chosen, dtype=dtype, **steps)
    return model.requires_grad_(False)


def folder_of(name: str) -> Path:
    """Return a model's folder: itself, or a name's, fetched from the hub if need be."""
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if name in {entry.name for entry in library.CATALOGUE}:
        return library.path(name)
    if path.exists():
        raise ModelError(
            f"{path} is a file: choose the folder that holds config.json and the weights."
        )
    if path.is_absolute() or name.startswith((".", "~")):
        raise ModelError(
            f"There is no folder {path}: choose a folder with config.json and *.safetensors."
        )
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        name = hub_id(name, (entry.name for entry in library.CATALOGUE))
    return _from_hub(name)


def _from_hub(name: str) -> Path:
    """Return the folder of a hub model, fetching what is missing."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    try:
        return Path(snapshot_download(name, allow_patterns=_HUB_FILES))
    except GatedRepoError as error:
        raise ModelError(
            f"{name} is gated: accept its terms on the hub and log in with a token."
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ModelError(f"The hub has no model {name}: check the spelling.") from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        raise ModelError(
            f"{name} is not on this machine and the hub can't be reached: go online, or open a "
            "local folder."
        ) from error
    except (HfHubHTTPError, OSError) as error:
        raise ModelError(
            f"{name} could not be fetched from the hub: {_first_line(error)}."
        ) from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def read_config(folder: Path) -> Any:
    """Return a folder's Hugging Face config.

    Raises:
        ModelError: If there is none, or its architecture is not supported or needs remote code.
    """
    import json

    from transformers import AutoConfig

    path = folder / "config.json"
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        kind = written.get("model_type")
    except FileNotFoundError as error:
        raise ModelError(f"{folder} has no config.json: choose a model's own folder.") from error
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"{path} can't be read as JSON: get the file again.") from error
    if kind not in supported_types() and "auto_map" in written:
        raise ModelError(
            f"{folder.name} needs code that it brings itself (model type {kind!r}), and lensgui "
            "never runs that; "
            f"it opens {', '.join(supported_types())}."
        )
    family_of(kind)
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # transformers raises many kinds for bad values
        raise ModelError(f"{path} does not describe a model: {_first_line(error)}.") from error


def read_tokenizer(folder: Path) -> Any:
    """Return a folder's tokenizer; None if it has none."""
    from transformers import AutoTokenizer

    known = ("tokenizer.json", "vocab.json", "tokenizer.model", "vocab.txt")
    if not any((folder / name).is_file() for name in known):
        return None
    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # a broken file shows itself in many ways
        raise ModelError(
            f"The tokenizer in {folder} can't be read: {_first_line(error)}."
        ) from error


def _prepends_bos(tokenizer: Any) -> bool:
    """Return whether a tokenizer puts its beginning-of-sequence token in front by itself."""
    bos = getattr(tokenizer, "bos_token_id", None)
    return bos is not None and tokenizer.encode("a")[:1] == [bos]


def convert_config(
    family: Family, hf_config: Any, name: str, dtype: torch.dtype
) -> HookedTransformerConfig:
    """Return our config for a Hugging Face one.

    Raises:
        ModelError: If it asks for a feature that is not supported.
    """
    try:
        fields = family.config(hf_config)
    except ValueError as error:
        raise ModelError(str(error)) from error
    return HookedTransformerConfig(
        **fields, model_name=name, original_architecture=hf_config.model_type, dtype=dtype
    )
