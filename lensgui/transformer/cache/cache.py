"""ActivationCache: what a model computed, and ways to take it apart."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import Any

import torch
from torch import Tensor

from lensgui.transformer.cache import neurons, residual
from lensgui.transformer.hooks.names import get_act_name, nearest_names
from lensgui.transformer.hooks.slices import Slice, SliceInput


class ActivationCache(Mapping[str, Tensor]):
    """The activations of one run, by full or short name, and their decompositions.

    Shapes are given with a batch dimension; without one (`has_batch_dim` False) leave it out. A
    component stack has its components as first dimension.

    Attributes:
        cache_dict: Activations by full name.
        model: The model that ran.
        has_batch_dim: Whether activations have a batch dimension.
    """

    accumulated_resid = residual.accumulated_resid
    decompose_resid = residual.decompose_resid
    stack_head_results = residual.stack_head_results
    stack_activation = residual.stack_activation
    compute_head_results = residual.compute_head_results
    get_neuron_results = neurons.get_neuron_results
    stack_neuron_results = neurons.stack_neuron_results
    get_full_resid_decomposition = neurons.get_full_resid_decomposition
    apply_ln_to_stack = residual.apply_ln_to_stack
    logit_attrs = residual.logit_attrs

    def __init__(
        self, cache_dict: dict[str, Tensor], model: Any, has_batch_dim: bool = True
    ) -> None:
        """Wrap the activations of a run."""
        self.cache_dict = cache_dict
        self.model = model
        self.has_batch_dim = has_batch_dim

    def __getitem__(self, key: str | tuple[Any, ...]) -> Tensor:
        """Return an activation: `cache["pattern", 3]`, `cache["scale", 1, "ln2"]`.

        `cache["hook_embed"]`.

        Raises:
            KeyError: If it is not in the cache; the nearest names are offered.
        """
        name = self._full_name(key)
        if name not in self.cache_dict:
            near = nearest_names(name, self.cache_dict)
            hint = f"; the nearest are {', '.join(near)}" if near else ""
            raise KeyError(f"The cache has no activation {name!r}{hint}.")
        return self.cache_dict[name]

    def _full_name(self, key: str | tuple[Any, ...]) -> str:
        if isinstance(key, str):
            return key if key in self.cache_dict else get_act_name(key)
        name, layer, *rest = key
        if isinstance(layer, int) and layer < 0:
            layer += self.model.cfg.n_layers
        return get_act_name(name, layer, *rest)

    def __contains__(self, key: object) -> bool:
        """Return whether an activation is there, by full or short name."""
        if not isinstance(key, str | tuple):
            return False
        return self._full_name(key) in self.cache_dict

    def __iter__(self) -> Iterator[str]:
        """Iterate over full names."""
        return iter(self.cache_dict)

    def __len__(self) -> int:
        """Return how many activations there are."""
        return len(self.cache_dict)

    def __repr__(self) -> str:
        """Return a short description."""
        return f"ActivationCache with {len(self)} activations of {self.model.cfg.model_name}"

    def keys(self) -> KeysView[str]:
        """Return the full names."""
        return self.cache_dict.keys()

    def values(self) -> ValuesView[Tensor]:
        """Return the activations."""
        return self.cache_dict.values()

    def items(self) -> ItemsView[str, Tensor]:
        """Return (full name, activation) pairs."""
        return self.cache_dict.items()

    def to(self, device: torch.device | str, move_model: bool = False) -> ActivationCache:
        """Move every activation to a device, and the model too if asked; returns self."""
        self.cache_dict = {name: value.to(device) for name, value in self.items()}
        if move_model:
            self.model.to(device)
        return self

    def remove_batch_dim(self) -> ActivationCache:
        """Drop the batch dimension, which must be 1; returns self.

        Raises:
            ValueError: If it is not 1.
        """
        if not self.has_batch_dim:
            return self
        for name, value in self.items():
            if value.shape[0] != 1:
                raise ValueError(
                    f"{name} has a batch of {value.shape[0]}; only a batch of 1 can be dropped."
                )
        self.cache_dict = {name: value[0] for name, value in self.items()}
        self.has_batch_dim = False
        return self

    def toggle_autodiff(self, mode: bool = False) -> None:
        """Turn gradients off, or on, for everything in the process; torch's own switch."""
        torch.set_grad_enabled(mode)

    def apply_slice_to_batch_dim(self, batch_slice: Slice | SliceInput) -> ActivationCache:
        """Return a cache with part of the batch; an int drops the dimension.

        Raises:
            ValueError: If there is no batch dimension.
        """
        if not self.has_batch_dim:
            raise ValueError("This cache has no batch dimension to take a part of.")
        part = Slice.of(batch_slice)
        kept = {name: part.apply(value) for name, value in self.items()}
        return ActivationCache(kept, self.model, not isinstance(part.slice, int))
