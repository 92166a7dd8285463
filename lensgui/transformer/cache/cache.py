"""ActivationCache: what a model computed, and ways to take it apart; and how it is filled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from lensgui.transformer.cache.neurons import Neurons
from lensgui.transformer.hooked_module import HookedModule
from lensgui.transformer.hooks.hook_point import HookPoint, NamedHook, NamesFilter
from lensgui.transformer.hooks.slices import Slice, SliceInput
from lensgui.transformer.parts import Transformer


class ActivationCache(Neurons):
    """The activations of one run, by full or short name, and their decompositions.

    Shapes are given with a batch dimension; without one (`has_batch_dim` False) leave it out. A
    component stack has its components as first dimension.
    """

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


class CachingModule(HookedModule):
    """A module whose activations can be kept as it runs."""

    def run_with_cache(
        self,
        *model_args: Any,
        names_filter: NamesFilter = None,
        device: torch.device | str | None = None,
        remove_batch_dim: bool = False,
        incl_bwd: bool = False,
        pos_slice: Slice | SliceInput = None,
        reset_hooks_end: bool = True,
        clear_contexts: bool = False,
        return_cache_object: bool = True,
        **model_kwargs: Any,
    ) -> tuple[Any, ActivationCache]:
        """Run the model and keep its activations; arguments as in `get_caching_hooks`, `forward`.

        Returns:
            What `forward` returns, and the cache. With `incl_bwd` the output must be a single
            number: its gradient is run backward.
        """
        cache, forward, backward = self.get_caching_hooks(
            names_filter, incl_bwd, device, remove_batch_dim, pos_slice=pos_slice
        )
        with self.hooks(forward, backward, reset_hooks_end, clear_contexts):
            output = self(*model_args, **model_kwargs)
            if incl_bwd:
                output.backward()
        has_batch = not remove_batch_dim
        model = cast(Transformer, self)  # of any other module, activations can only be looked up
        kept: Any = ActivationCache(cache, model, has_batch) if return_cache_object else cache
        return output, kept

    def get_caching_hooks(
        self,
        names_filter: NamesFilter = None,
        incl_bwd: bool = False,
        device: torch.device | str | None = None,
        remove_batch_dim: bool = False,
        cache: dict[str, Tensor] | None = None,
        pos_slice: Slice | SliceInput = None,
    ) -> tuple[dict[str, Tensor], list[NamedHook], list[NamedHook]]:
        """Return a cache and the hooks that fill it.

        Args:
            names_filter: Which hook points: all, one, several, or those a predicate accepts.
            incl_bwd: Whether gradients are kept too, as name + "_grad".
            device: Where the copies go; None leaves them where they are.
            remove_batch_dim: Whether to drop the first dimension, which must then be 1.
            cache: What to fill; None for a new dictionary.
            pos_slice: Which positions to keep; one is kept as a dimension of 1. None for all.

        Returns:
            The cache that fills while the model runs, forward hooks, and backward hooks.
        """
        needed = self._needed(names_filter)
        cache = {} if cache is None else cache
        if isinstance(pos_slice, int):
            pos_slice = slice(pos_slice, pos_slice + 1 or None)
        save = Saving(cache, device, remove_batch_dim, pos_slice)
        forward: list[NamedHook] = [(name, save) for name in needed]
        backward: list[NamedHook] = (
            [(name, replace(save, suffix="_grad")) for name in needed] if incl_bwd else []
        )
        return cache, forward, backward

    def add_caching_hooks(
        self,
        names_filter: NamesFilter = None,
        incl_bwd: bool = False,
        device: torch.device | str | None = None,
        remove_batch_dim: bool = False,
        cache: dict[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Attach hooks that keep activations, until `reset_hooks`; returns what they fill."""
        cache, forward, backward = self.get_caching_hooks(
            names_filter, incl_bwd, device, remove_batch_dim, cache
        )
        for name, hook in forward:
            self.add_hook(name, hook, "fwd")
        for name, hook in backward:
            self.add_hook(name, hook, "bwd")
        return cache

    def _needed(self, names_filter: NamesFilter) -> list[str]:
        """Return the names a filter selects, in the model's order."""
        if names_filter is None:
            return list(self.hook_dict)
        if callable(names_filter):
            return [name for name in self.hook_dict if names_filter(name)]
        names = [names_filter] if isinstance(names_filter, str) else list(names_filter)
        return [point.name for name in names for point in self.points_named(name)]


@dataclass(frozen=True)
class Saving:
    """A hook that keeps activations, detached.

    Attributes:
        cache: Where they are kept, by the hook point's name.
        device: Where the copies go; None leaves them where they are.
        squeeze: Whether to drop the first dimension.
        pos_slice: Which positions to keep; None for all.
        suffix: What the names end with.
    """

    cache: dict[str, Tensor]
    device: torch.device | str | None
    squeeze: bool
    pos_slice: Slice | SliceInput
    suffix: str = ""
    only_reads: ClassVar[bool] = True

    def __call__(self, activation: Tensor, *, hook: HookPoint) -> None:
        """Keep an activation."""
        kept = activation.detach()
        if self.pos_slice is not None:
            # Scores and patterns are [batch, head, query, key]: their queries are sliced. Elsewhere
            # positions come second.
            before = 2 if hook.name.endswith(("hook_attn_scores", "hook_pattern")) else 1
            if kept.ndim > before:
                kept = Slice.of(self.pos_slice).apply(kept, before)
        if self.device is not None:
            kept = kept.to(self.device)
        self.cache[hook.name + self.suffix] = kept[0] if self.squeeze else kept
