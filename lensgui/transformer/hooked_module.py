"""A module whose hook points can be found by name, watched and left as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any, Literal

from torch import nn

from lensgui.transformer.hooks.hook_point import Direction, HookPoint, NamedHook


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
