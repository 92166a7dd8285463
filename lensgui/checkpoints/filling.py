"""A checkpoint's tensors → a model's parameters, one at a time."""

from __future__ import annotations

import re
from dataclasses import replace

import torch
from einops import EinopsError

from lensgui.checkpoints.families.family import Family, Weight, sizes
from lensgui.checkpoints.tensors import Checkpoint
from lensgui.terms.errors import ModelError
from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.model import HookedTransformer


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
        used.update(names)
        if is_tied:
            value = model.embed.W_E.data.T
        elif weight is not None and names:
            value = _read(checkpoint, names, weight, cfg, parameter)
            if will_change and checkpoint.is_borrowed:
                value = _like(parameter, cfg.device).copy_(value)
        elif weight is None or weight.is_optional:
            value = _like(parameter, cfg.device).zero_()
        else:
            raise ModelError(
                f"{checkpoint.where} has no tensor {weight.source}, which {cfg.model_name} needs."
            )
        _replace(model, name, value)
    _refuse_leftovers(checkpoint, family, used, cfg, n_layers or cfg.n_layers)


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
