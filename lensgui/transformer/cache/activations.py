"""The activations of a run by full or short name."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import Any

from torch import Tensor

from lensgui.transformer.hooks.names import get_act_name, nearest_names
from lensgui.transformer.parts import Transformer


class Activations(Mapping[str, Tensor]):
    """The activations of one run, by full or short name.

    Attributes:
        cache_dict: Activations by full name.
        model: The model that ran.
        has_batch_dim: Whether activations have a batch dimension.
    """

    def __init__(
        self, cache_dict: dict[str, Tensor], model: Transformer, has_batch_dim: bool = True
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

    def adds(self, name: str) -> bool:
        """Return whether an embedding is there and part of the residual stream."""
        is_added = self.model.cfg.positional_embedding_type == "standard"
        return name in self and (is_added or name != "hook_pos_embed")

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
