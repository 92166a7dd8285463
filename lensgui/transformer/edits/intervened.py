"""IntervenedTransformer: the same weights, with edits at some hook points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy

import torch
from torch import Tensor, nn

from lensgui.transformer.edits.edit import Edit, edited, layout_of
from lensgui.transformer.hooks.hook_point import HookPoint
from lensgui.transformer.hooks.standing import Standing
from lensgui.transformer.layers.span import Span
from lensgui.transformer.model import HookedTransformer

ENTERING = "hook_entering"
"""The name of the stream that enters layer 0, which is no hook point of a model's own."""


class EditPoint(HookPoint):
    """A hook point whose activation is edited.

    Attributes:
        edits: What is done, in order.
    """

    def __init__(self, name: str, edits: tuple[Edit, ...], standing: Standing) -> None:
        """Edit the activation of a hook point, by its full name."""
        super().__init__()
        self.name, self.edits = name, edits
        self._standing, self._layout = standing, layout_of(name)
        self._needs_positions = any(edit.needs_positions for edit in edits)

    @property
    def is_watched(self) -> bool:
        """What is edited can't be left out."""
        return True

    def forward(self, activation: Tensor) -> Tensor:
        """Return the activation as edits, and then hooks, leave it."""
        return super().forward(self._edited(activation))

    def shown(self, activation: Tensor) -> tuple[Tensor, bool]:
        """Return the same, and that it is another."""
        return self(activation), True

    def _edited(self, activation: Tensor) -> Tensor:
        is_one = activation.ndim < -self._layout.position
        rows = activation[None] if is_one else activation
        at = torch.zeros(0, dtype=torch.long, device=activation.device)
        if self._needs_positions:
            at = self._standing.last(rows.shape[self._layout.position], activation.device)
        found = edited(rows, self.edits, self._layout, at)
        return found[0] if is_one else found


class IntervenedTransformer(HookedTransformer):
    """A model whose activations are edited on the way; it shares all weights with the model itself.

    The stream between two layers is one place: what edits "resid_pre" of a layer edits it as the
    layer before leaves it, behind what edits that one's "resid_post".

    Attributes:
        origin: The model itself, which is left as it is.
        hook_entering: Where the stream that enters layer 0 is edited.
        first_layer: The first layer that is not what it was.
    """

    origin: HookedTransformer
    hook_entering: HookPoint
    first_layer: int

    def __init__(self, origin: HookedTransformer, edits: Mapping[str, tuple[Edit, ...]]) -> None:
        """Edit some activations of a model.

        Args:
            origin: The model.
            edits: What is done, in order, by the full names of hook points, or `ENTERING`.
        """
        nn.Module.__init__(self)
        standing = Standing()
        points = {name: EditPoint(name, found, standing) for name, found in edits.items()}
        entering = points.pop(ENTERING, None)
        made = _with_points(origin, "", points) if points else copy(origin)
        self.__dict__.update(made.__dict__)
        self.standing = standing
        beside = {"origin": origin, "hook_entering": entering or HookPoint()}
        self.__dict__.update(beside)  # which are no parts of it, as torch would have them
        touched = [name.split(".") for name in points]
        layers = [int(parts[1]) for parts in touched if parts[0] == "blocks"]
        is_embedding = entering is not None or any(parts[0] == "hook_embed" for parts in touched)
        self.first_layer = 0 if is_embedding else min(layers, default=origin.cfg.n_layers)
        self.mod_dict = origin.mod_dict | dict(_along(made, points))
        self.hook_dict = origin.hook_dict | points
        self.context_level = 0

    def to_embedding(self, tokens: Tensor, span: Span | None = None) -> Tensor:
        """Return the residual stream that enters layer 0, [batch, position, d_model]."""
        span = span or self.span(tokens.shape[1])
        with self.standing.at(span.where):
            return self.hook_entering(super().to_embedding(tokens, span))


def itself(model: HookedTransformer) -> HookedTransformer:
    """Return a model without what is edited in it."""
    return model.origin if isinstance(model, IntervenedTransformer) else model


def _along(made: nn.Module, points: Iterable[str]) -> Iterator[tuple[str, nn.Module]]:
    """Yield the modules of a model on the way to some hook points, these too, by full name."""
    for name in points:
        module, parts = made, name.split(".")
        for end, part in enumerate(parts, start=1):
            module = module.get_submodule(part)
            yield ".".join(parts[:end]), module


def _with_points(module: nn.Module, path: str, points: Mapping[str, EditPoint]) -> nn.Module:
    """Return a module with other hook points inside, sharing all that holds none of them."""
    if path[:-1] in points:
        return points[path[:-1]]
    if not any(name.startswith(path) for name in points):
        return module
    made = copy(module)
    made._modules = {
        name: _with_points(child, f"{path}{name}.", points)
        for name, child in module._modules.items()
        if child is not None
    }
    return made
