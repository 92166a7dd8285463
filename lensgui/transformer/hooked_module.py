"""A module whose hook points can be found by name, watched, cached and left as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from lensgui.transformer.cache.cache import ActivationCache
from lensgui.transformer.hooks.hook_point import Direction, HookPoint, NamedHook, NamesFilter
from lensgui.transformer.hooks.slices import Slice, SliceInput


class HookedModule(nn.Module):
    """A module whose hook points can be found by name.

    Attributes:
        hook_dict: Every hook point by name, in the order in which they are declared.
        mod_dict: Every submodule by name.
        context_level: How many `hooks()` contexts are open.
    """

    hook_dict: dict[str, HookPoint]
    mod_dict: dict[str, nn.Module]
    context_level: int

    def setup(self) -> None:
        """Name the hook points; called once everything is declared."""
        self.mod_dict = {name: module for name, module in self.named_modules() if name}
        self.hook_dict = {
            name: module for name, module in self.mod_dict.items() if isinstance(module, HookPoint)
        }
        self.context_level = 0
        for name, point in self.hook_dict.items():
            point.name = name

    def hook_points(self) -> Iterable[HookPoint]:
        """Return every hook point."""
        return self.hook_dict.values()

    def points_named(self, name: str | Callable[[str], bool]) -> list[HookPoint]:
        """Return the hook points with a name, or whose names a predicate accepts.

        Raises:
            KeyError: If there is no such name; the nearest ones are offered.
        """
        if callable(name):
            return [point for key, point in self.hook_dict.items() if name(key)]
        if name not in self.hook_dict:
            nearest = get_close_matches(name, self.hook_dict, n=3, cutoff=0.5)
            hint = f"; the nearest are {', '.join(nearest)}" if nearest else ""
            raise KeyError(f"There is no hook point {name!r}{hint}.")
        return [self.hook_dict[name]]

    def add_hook(
        self,
        name: str | Callable[[str], bool],
        hook: Callable[..., Any],
        dir: Direction = "fwd",
        is_permanent: bool = False,
        level: int | None = None,
        prepend: bool = False,
    ) -> None:
        """Attach a hook to the points with a name, or whose names a predicate accepts."""
        level = self.context_level if level is None else level
        for point in self.points_named(name):
            point.add_hook(hook, dir, is_permanent, level, prepend)

    def add_perma_hook(
        self,
        name: str | Callable[[str], bool],
        hook: Callable[..., Any],
        dir: Direction = "fwd",
    ) -> None:
        """Attach a hook that stays until it is removed with `including_permanent=True`."""
        self.add_hook(name, hook, dir, is_permanent=True)

    def reset_hooks(
        self,
        clear_contexts: bool = True,
        direction: Direction | Literal["both"] = "both",
        including_permanent: bool = False,
        level: int | None = None,
    ) -> None:
        """Detach hooks everywhere: those of one context level, or of all."""
        for point in self.hook_points():
            if point.fwd_hooks or point.bwd_hooks:  # most have none, and there are hundreds
                point.remove_hooks(direction, including_permanent, level)
            if clear_contexts:
                point.clear_context()

    @contextmanager
    def hooks(
        self,
        fwd_hooks: Iterable[NamedHook] = (),
        bwd_hooks: Iterable[NamedHook] = (),
        reset_hooks_end: bool = True,
        clear_contexts: bool = False,
    ) -> Iterator[HookedModule]:
        """Attach hooks for as long as the context lasts.

        Contexts nest, and an exception detaches too.

        Args:
            fwd_hooks: (name or predicate, hook) pairs that see activations.
            bwd_hooks: Likewise for gradients.
            reset_hooks_end: Whether to detach them at the end.
            clear_contexts: Whether to clear every `HookPoint.ctx` at the end.

        Yields:
            The model.
        """
        self.context_level += 1
        level = self.context_level
        try:
            for name, hook in fwd_hooks:
                self.add_hook(name, hook, "fwd", level=level)
            for name, hook in bwd_hooks:
                self.add_hook(name, hook, "bwd", level=level)
            yield self
        finally:
            if reset_hooks_end:
                self.reset_hooks(clear_contexts, level=level)
            self.context_level -= 1

    def run_with_hooks(
        self,
        *model_args: Any,
        fwd_hooks: Iterable[NamedHook] = (),
        bwd_hooks: Iterable[NamedHook] = (),
        reset_hooks_end: bool = True,
        clear_contexts: bool = False,
        **model_kwargs: Any,
    ) -> Any:
        """Run forward with hooks attached; see the method `hooks`.

        Backward hooks must outlive this call, so they need `reset_hooks_end=False` and a
        `reset_hooks` after the backward pass, or a `hooks` context around both.
        """
        with self.hooks(fwd_hooks, bwd_hooks, reset_hooks_end, clear_contexts):
            return self(*model_args, **model_kwargs)

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
        kept: Any = ActivationCache(cache, self, has_batch) if return_cache_object else cache
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
        wanted = self._wanted(names_filter)
        cache = {} if cache is None else cache
        if isinstance(pos_slice, int):
            pos_slice = slice(pos_slice, pos_slice + 1 or None)
        save = partial(
            _save, cache=cache, device=device, squeeze=remove_batch_dim, pos_slice=pos_slice
        )
        forward: list[NamedHook] = [(name, save) for name in wanted]
        backward: list[NamedHook] = (
            [(name, partial(save, suffix="_grad")) for name in wanted] if incl_bwd else []
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

    def _wanted(self, names_filter: NamesFilter) -> list[str]:
        """Return the names a filter selects, in the model's order."""
        if names_filter is None:
            return list(self.hook_dict)
        if callable(names_filter):
            return [name for name in self.hook_dict if names_filter(name)]
        names = [names_filter] if isinstance(names_filter, str) else list(names_filter)
        return [point.name for name in names for point in self.points_named(name)]


def _save(
    activation: Tensor,
    *,
    hook: HookPoint,
    cache: dict[str, Tensor],
    device: torch.device | str | None,
    squeeze: bool,
    pos_slice: Slice | SliceInput,
    suffix: str = "",
) -> None:
    """Keep an activation, detached."""
    kept = activation.detach()
    if pos_slice is not None:
        # Scores and patterns are [batch, head, query, key]: their queries are sliced. Elsewhere
        # positions come second.
        before = 2 if hook.name.endswith(("hook_attn_scores", "hook_pattern")) else 1
        if kept.ndim > before:
            kept = Slice.of(pos_slice).apply(kept, before)
    if device is not None:
        kept = kept.to(device)
    cache[hook.name + suffix] = kept[0] if squeeze else kept
