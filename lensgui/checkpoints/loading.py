"""A name, a folder or a Hugging Face model in memory → a `HookedTransformer`.

Remote code is never run.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import torch
from einops import EinopsError

from lensgui.checkpoints import devices
from lensgui.checkpoints.config_checks import described
from lensgui.checkpoints.devices import best_device
from lensgui.checkpoints.families.family import Family, Weight, sizes
from lensgui.checkpoints.families.registry import family_of
from lensgui.checkpoints.files.naming import of_any_layer
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
from lensgui.models.store import Report, silence
from lensgui.terms.errors import ModelError
from lensgui.transformer.config import DTYPES, HookedTransformerConfig
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text.padding import Side
from lensgui.transformer.weights.processing import fold

NO_PROCESSING: dict[str, bool] = {
    "fold_ln": False,
    "center_writing_weights": False,
    "center_unembed": False,
    "fold_value_biases": False,
}


@torch.no_grad()
def fill(
    model: HookedTransformer,
    family: Family,
    checkpoint: Checkpoint,
    will_change: bool = False,
    n_layers: int | None = None,
) -> None:
    """Take a model's parameters over from a checkpoint, tensor by tensor.

    Without a copy where memory allows.

    Args:
        model: The model, its parameters on the meta device.
        family: Its architecture.
        checkpoint: Where the tensors are.
        will_change: Whether the parameters will be rewritten, so that borrowed tensors are copied.
        n_layers: How many layers the checkpoint is of; None for the model's.

    Raises:
        ModelError: If a tensor is missing, left over, or of another shape than the config says.
    """
    cfg = model.cfg
    origins = family.parameters(cfg)
    if cfg.tied_embeddings and (kept := _names(checkpoint, family, "unembed.W_U")):
        origins["embed.W_E"] = replace(origins["embed.W_E"], otherwise=Weight(kept[0]))
    used: set[str] = set()
    for name, parameter in list(model.named_parameters()):
        weight, names = place_of(checkpoint, family, origins.get(name), len(parameter))
        is_tied = name == "unembed.W_U" and cfg.tied_embeddings
        is_lent = bool(used.intersection(names)) and not _may_share(weight, cfg)
        used.update(names)
        if is_tied:
            value = model.embed.W_E.data.T
        elif name in family.worked_out:
            value = _like(parameter, cfg.device).copy_(family.worked_out[name](cfg))
        elif weight is not None and names and not is_lent:
            value = _read(checkpoint, names, weight, cfg, parameter)
            if will_change and checkpoint.is_borrowed:
                value = _like(parameter, cfg.device).copy_(value)
        elif not names and _may_lack(checkpoint, family, weight):
            value = _like(parameter, cfg.device).zero_()
        else:
            raise ModelError(
                f"{checkpoint.where} has no tensor {origins[name].source}, which "
                f"{cfg.model_name} needs."
            )
        _replace(model, name, value)
    _refuse_leftovers(checkpoint, family, used, cfg, n_layers or cfg.n_layers)


def _may_share(weight: Weight | None, cfg: HookedTransformerConfig) -> bool:
    """Return whether a tensor may be several parameters: parts of it, or the norm of both."""
    return weight is None or weight.pick is not None or cfg.parallel_attn_mlp


def _may_lack(checkpoint: Checkpoint, family: Family, weight: Weight | None) -> bool:
    """Return whether a parameter without a tensor is 0: what one layer has, all have."""
    if weight is None:
        return True
    spelled = {of_any_layer(start + weight.source) for start in ("", family.prefix)}
    return weight.is_optional and spelled.isdisjoint(checkpoint.kinds)


def is_tied(checkpoint: Checkpoint, family: Family, otherwise: bool) -> bool:
    """Return whether a checkpoint's unembedding is its embedding: where it has both, they decide.

    Args:
        checkpoint: Where the tensors are.
        family: Its architecture.
        otherwise: What the config says, for a checkpoint that lacks one of the two.

    Raises:
        ModelError: If a file ends early.
    """
    both = [_names(checkpoint, family, name) for name in ("embed.W_E", "unembed.W_U")]
    if not all(both):
        return otherwise
    embedding, unembedding = (checkpoint.read(names[0]) for names in both)
    return embedding.dtype == unembedding.dtype and torch.equal(embedding, unembedding)


def _names(checkpoint: Checkpoint, family: Family, parameter: str) -> list[str]:
    """Return how a checkpoint calls what a parameter outside the layers is made of."""
    return place_of(checkpoint, family, family.weights.get(parameter), 1)[1]


def place_of(
    checkpoint: Checkpoint, family: Family, weight: Weight | None, count: int
) -> tuple[Weight | None, list[str]]:
    """Return where a parameter comes from in a checkpoint.

    Args:
        checkpoint: Where the tensors are.
        family: The architecture.
        weight: Where the parameter may come from; None for nowhere.
        count: The size of its first dimension.

    Returns:
        Which of the places it is, and how its tensors are called there: none if they are missing.
    """
    place = weight
    while place is not None:
        names = [_source(checkpoint, family, name) for name in place.sources(count)]
        found = [name for name in names if name is not None]
        if found and len(found) == len(names):
            return place, found
        place = place.otherwise
    return weight, []


def _source(checkpoint: Checkpoint, family: Family, name: str) -> str | None:
    """Return how a checkpoint spells a tensor's name; None if it lacks it."""
    for spelled in (name, family.prefix + name):
        if spelled in checkpoint.names:
            return spelled
    return None


def _like(parameter: torch.Tensor, device: str) -> torch.Tensor:
    """Return uninitialised memory with a parameter's shape, layout and dtype."""
    return torch.empty_strided(
        parameter.shape, parameter.stride(), dtype=parameter.dtype, device=device
    )


def _read(
    checkpoint: Checkpoint,
    names: list[str],
    weight: Weight,
    cfg: HookedTransformerConfig,
    parameter: torch.Tensor,
) -> torch.Tensor:
    """Return a parameter's value from a checkpoint, in the parameter's layout."""
    if len(names) == 1:
        value = _view(checkpoint, names[0], weight, cfg, parameter.shape)
        if value.stride() == parameter.stride() and value.dtype == parameter.dtype:
            return value.to(cfg.device)
        return _like(parameter, cfg.device).copy_(value)
    stacked = _like(parameter, cfg.device)
    for place, name in zip(stacked, names, strict=True):
        place.copy_(_view(checkpoint, name, weight, cfg, place.shape))
    return stacked


def _view(
    checkpoint: Checkpoint,
    name: str,
    weight: Weight,
    cfg: HookedTransformerConfig,
    shape: torch.Size,
) -> torch.Tensor:
    """Return a tensor of a checkpoint as a parameter of some shape."""
    tensor = checkpoint.read(name)
    try:
        value = weight.read(tensor, sizes(cfg))
    except (EinopsError, RuntimeError) as error:  # the shape does not fit the pattern
        raise _wrong_shape(checkpoint, name, tensor, cfg) from error
    if value.shape != shape:
        raise _wrong_shape(checkpoint, name, tensor, cfg)
    return value


def _wrong_shape(
    checkpoint: Checkpoint, source: str, tensor: torch.Tensor, cfg: HookedTransformerConfig
) -> ModelError:
    return ModelError(
        f"{checkpoint.where}: tensor {source} has shape {list(tensor.shape)}, which does not fit "
        "the config of "
        f"{cfg.model_name}; config.json and the weights belong to different models."
    )


def _replace(model: HookedTransformer, name: str, value: torch.Tensor) -> None:
    """Put a value in a parameter's place."""
    path, _, leaf = name.rpartition(".")
    setattr(model.get_submodule(path), leaf, torch.nn.Parameter(value))


def _refuse_leftovers(
    checkpoint: Checkpoint,
    family: Family,
    used: set[str],
    cfg: HookedTransformerConfig,
    n_layers: int,
) -> None:
    """Refuse a checkpoint with tensors that nothing read, but for the layers that were left out.

    The model would silently be another one.
    """
    for name in sorted(checkpoint.names - used):
        layer = re.search(r"\.(\d+)\.", name)
        is_left_out = layer is not None and cfg.n_layers <= int(layer[1]) < n_layers
        if not is_left_out and not any(re.search(pattern, name) for pattern in family.ignored):
            raise ModelError(
                f"{checkpoint.where} has a tensor {name} that lensgui does not know for "
                f"{cfg.original_architecture}; "
                "the model has a feature that is not supported."
            )


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
        _view(checkpoint, names[0], weight, cfg, torch.Size((cfg.d_vocab, cfg.d_model)))
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

    Returns:
        The model, in eval mode; its parameters take gradients.

    Raises:
        ModelError: If it can't be had or opened, or there is not enough memory for it; the message
            is one sentence.
    """
    if n_devices != 1:
        raise ModelError(
            f"n_devices is {n_devices}, and lensgui runs a model on one device: leave it out, and "
            "where the model is too large, use dtype or first_n_layers."
        )
    dtype = DTYPES[dtype] if isinstance(dtype, str) else dtype
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
    with torch.device("meta"), described(model_name):
        model = HookedTransformer(cfg, tokenizer, initialise=False)
    steps = (
        fold_ln,
        center_writing_weights,
        center_unembed,
        fold_value_biases,
        refactor_factored_attn_matrices,
    )
    if any(steps) or not checkpoint.is_borrowed:
        devices.require(model, will_untie=any(steps))
    with devices.enough(cfg):
        fill(model, family, checkpoint, will_change=any(steps), n_layers=depth)
        fold(model, *steps)
    return model.eval()


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
    steps: dict[str, Any] = {} if folded else NO_PROCESSING
    chosen = best_device() if device == "best" else device
    model = from_pretrained(source, device=chosen, dtype=dtype, **steps)
    return model.requires_grad_(False)


def _prepends_bos(tokenizer: Any) -> bool:
    """Return whether a tokenizer puts its beginning-of-sequence token in front by itself."""
    bos = getattr(tokenizer, "bos_token_id", None)
    return bos is not None and tokenizer.encode("")[:1] == [bos]
