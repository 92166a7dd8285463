"""Parameters out of a checkpoint: tensor by tensor, without a copy where memory allows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace

import torch
from einops import EinopsError

from lensgui.checkpoints.families.family import Family, Weight, sizes
from lensgui.checkpoints.files.naming import of_any_layer
from lensgui.checkpoints.files.tensors import Checkpoint, memory
from lensgui.terms.errors import ModelError
from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.model import HookedTransformer


@dataclass(frozen=True, slots=True)
class Part:
    """Parameters of a model that have their values: those of a layer, or all that are of none.

    Attributes:
        layer: Which; None for what is of no layer.
        made: Which parameters will change, or were copied: what opening them again would cost.
    """

    layer: int | None
    made: frozenset[str]


def fill(
    model: HookedTransformer,
    family: Family,
    checkpoint: Checkpoint,
    n_layers: int | None = None,
    ready: Mapping[str, torch.Tensor] | None = None,
) -> None:
    """Take a model's parameters over from a checkpoint; see `filled`."""
    for _ in filled(model, family, checkpoint, n_layers, ready=ready):
        pass


@torch.no_grad()
def filled(
    model: HookedTransformer,
    family: Family,
    checkpoint: Checkpoint,
    n_layers: int | None = None,
    changing: Set[str] = frozenset(),
    ready: Mapping[str, torch.Tensor] | None = None,
) -> Iterator[Part]:
    """Take a model's parameters over from a checkpoint, a part at a time.

    What is of no layer comes first, then layer by layer; without a copy where memory allows.

    Args:
        model: The model, its parameters on the meta device.
        family: Its architecture.
        checkpoint: Where the tensors are.
        n_layers: How many layers the checkpoint is of; None for the model's.
        changing: The parameters that will be written to, so that they get memory of their own.
        ready: Parameters that are taken as they are instead, on the model's device.

    Yields:
        Each part as soon as it has its values.

    Raises:
        ModelError: If a tensor is missing, left over, or of another shape than the config says.
    """
    source = _Source(family, checkpoint, model.cfg)
    parts: dict[int | None, list[tuple[str, torch.nn.Parameter]]] = {None: []}
    for name, parameter in model.named_parameters():
        parts.setdefault(layer_of(name), []).append((name, parameter))
        source.find(name, parameter)
    for layer, parameters in parts.items():
        made: set[str] = set()
        for name, parameter in parameters:
            if ready is not None and name in ready:
                value = ready[name]
            elif name == "unembed.W_U" and model.cfg.tied_embeddings:
                value = model.embed.W_E.data.T
                if name in changing:
                    value = _like(parameter, model.cfg.device).copy_(value)
                    made.add(name)
            else:
                value, is_made = source.value(name, parameter, name in changing)
                made.update([name] if is_made else [])
            replace_parameter(model, name, value)
        yield Part(layer, frozenset(made))
    _refuse_leftovers(checkpoint, family, source.used, model.cfg, n_layers or model.cfg.n_layers)


def layer_of(name: str) -> int | None:
    """Return which layer a parameter is of; None if it is of none."""
    found = re.match(r"blocks\.(\d+)\.", name)
    return int(found[1]) if found else None


class _Source:
    """Where the parameters of a model come from.

    Attributes:
        used: The tensors that were found to be parameters.
    """

    def __init__(
        self, family: Family, checkpoint: Checkpoint, cfg: HookedTransformerConfig
    ) -> None:
        self._family, self._checkpoint, self._cfg = family, checkpoint, cfg
        self._origins = family.parameters(cfg)
        if cfg.tied_embeddings and (kept := _names(checkpoint, family, "unembed.W_U")):
            embedding = self._origins["embed.W_E"]
            self._origins["embed.W_E"] = replace(embedding, otherwise=Weight(kept[0]))
        self._places: dict[str, tuple[Weight | None, list[str]]] = {}
        self.used: set[str] = set()

    def find(self, name: str, parameter: torch.Tensor) -> None:
        """Find out where a parameter comes from; in the model's order, and before any is read.

        Raises:
            ModelError: If it is missing.
        """
        family, checkpoint = self._family, self._checkpoint
        weight, names = place_of(checkpoint, family, self._origins.get(name), len(parameter))
        is_lent = bool(self.used.intersection(names)) and not _may_share(weight, self._cfg)
        self.used.update(names)
        self._places[name] = weight, names
        is_tied = name == "unembed.W_U" and self._cfg.tied_embeddings
        is_there = bool(names) or _may_lack(checkpoint, family, weight)
        if (is_lent or not is_there) and name not in family.worked_out and not is_tied:
            raise ModelError(
                f"{checkpoint.where} has no tensor {self._origins[name].source}, which "
                f"{self._cfg.model_name} needs."
            )

    def value(
        self, name: str, parameter: torch.Tensor, will_change: bool
    ) -> tuple[torch.Tensor, bool]:
        """Return a parameter's value, and whether it is among those that were made."""
        cfg, family, checkpoint = self._cfg, self._family, self._checkpoint
        weight, names = self._places[name]
        if name in family.worked_out:
            return _like(parameter, cfg.device).copy_(family.worked_out[name](cfg)), True
        if weight is not None and names:
            return _read(checkpoint, names, weight, cfg, parameter, will_change)
        return _like(parameter, cfg.device).zero_(), will_change


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
        ModelError: If a file can't be read.
    """
    both = [_names(checkpoint, family, name) for name in ("embed.W_E", "unembed.W_U")]
    return checkpoint.are_same(both[0][0], both[1][0]) if all(both) else otherwise


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
    if device == "cpu":
        flat = memory(parameter.numel() * parameter.itemsize, parameter.dtype)
        return flat.as_strided(parameter.shape, parameter.stride())
    return torch.empty_strided(
        parameter.shape, parameter.stride(), dtype=parameter.dtype, device=device
    )


def _read(
    checkpoint: Checkpoint,
    names: list[str],
    weight: Weight,
    cfg: HookedTransformerConfig,
    parameter: torch.Tensor,
    will_change: bool,
) -> tuple[torch.Tensor, bool]:
    """Return a parameter's value in the parameter's layout, and whether it was made."""
    if len(names) > 1:
        stacked = _like(parameter, cfg.device)
        for place, name in zip(stacked, names, strict=True):
            place.copy_(view(checkpoint, name, weight, cfg, place.shape, is_own=True))
        return stacked, True
    value = view(checkpoint, names[0], weight, cfg, parameter.shape)
    is_fitting = value.stride() == parameter.stride() and value.dtype == parameter.dtype
    if is_fitting and not will_change:
        there = value.to(cfg.device)
        return there, False
    value = view(checkpoint, names[0], weight, cfg, parameter.shape, is_own=True)
    is_whole = value.untyped_storage().nbytes() == value.nbytes
    if is_fitting and is_whole and not checkpoint.is_borrowed and cfg.device == "cpu":
        return value, True
    return _like(parameter, cfg.device).copy_(value), True


def view(
    checkpoint: Checkpoint,
    name: str,
    weight: Weight,
    cfg: HookedTransformerConfig,
    shape: torch.Size,
    is_own: bool = False,
) -> torch.Tensor:
    """Return a tensor of a checkpoint as a parameter of some shape; `is_own` as for `read`."""
    tensor = checkpoint.read(name, is_own)
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


def replace_parameter(model: HookedTransformer, name: str, value: torch.Tensor) -> None:
    """Put a value in a parameter's place."""
    path, _, leaf = name.rpartition(".")
    setattr(model.get_submodule(path), leaf, torch.nn.Parameter(value))


def let_go(model: HookedTransformer, name: str) -> None:
    """Take a parameter's memory from it, so that it is on the meta device again."""
    replace_parameter(model, name, _like(model.get_parameter(name), "meta"))


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
