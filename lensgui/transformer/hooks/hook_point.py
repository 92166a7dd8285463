"""Named places in a model at which activations are read or replaced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn

NamesFilter = str | Sequence[str] | Callable[[str], bool] | None
NamedHook = tuple[str | Callable[[str], bool], Callable[..., Any]]
Direction = Literal["fwd", "bwd"]


AHook = TypeVar("AHook", bound=Callable[..., Any])


def only_reading(hook: AHook) -> AHook:
    """Mark a hook that returns nothing and writes into nothing: nobody has to compare after it."""
    vars(hook)["only_reads"] = True
    return hook


def with_gradients_of(long: Tensor, short: Tensor) -> Tensor:
    """Return the numbers of a short way with the gradients of a long one to the same result."""
    return short.detach() + (long - long.detach()) if long.requires_grad else short


@dataclass(slots=True, eq=False)
class Attached:
    """A hook that is attached, until when."""

    hook: Callable[..., Any]
    is_permanent: bool
    level: int

    @property
    def only_reads(self) -> bool:
        """Whether the hook says of itself that it returns nothing and writes into nothing."""
        return getattr(self.hook, "only_reads", False)


class HookPoint(nn.Module):
    """An identity layer that shows its input to every attached hook.

    A hook that returns a tensor replaces the activation; one that returns None only reads it.

    Attributes:
        name: Where the model keeps it, such as "blocks.3.attn.hook_pattern".
        ctx: A scratch dictionary for hooks to leave things in.
        fwd_hooks: What is called with the activation, in order.
        bwd_hooks: What is called with the gradient with respect to the activation, in order.
    """

    __call__: Callable[..., Tensor]

    def __init__(self) -> None:
        """Make a hook point without hooks; the model names it."""
        super().__init__()
        self.name = ""
        self.ctx: dict[Any, Any] = {}
        self.fwd_hooks: list[Attached] = []
        self.bwd_hooks: list[Attached] = []

    @property
    def is_watched(self) -> bool:
        """Whether any hook is attached."""
        return bool(self.fwd_hooks or self.bwd_hooks)

    def forward(self, activation: Tensor) -> Tensor:
        """Return the activation, as the hooks leave it.

        Raises:
            ValueError: If a hook returns a tensor with another number of dimensions.
        """
        for attached in tuple(self.fwd_hooks):
            replacement = attached.hook(activation, hook=self)
            if replacement is not None:
                if replacement.ndim != activation.ndim:
                    raise ValueError(
                        f"A hook at {self.name} returned shape {list(replacement.shape)} where "
                        "the activation "
                        f"has {list(activation.shape)}; return a tensor with as many dimensions."
                    )
                activation = replacement
        if self.bwd_hooks and activation.requires_grad:
            activation = activation.view_as(activation)
            activation.register_hook(self._backward)
        return activation

    def shown(self, activation: Tensor) -> tuple[Tensor, bool]:
        """Return the activation as the hooks leave it, and whether they changed any number of it.

        A hook may write into what it is shown as well as return another.
        """
        if all(attached.only_reads for attached in self.fwd_hooks):
            return self(activation), False
        before = activation.detach().clone()
        after = self(activation)
        return after, after.dtype != before.dtype or not torch.equal(after, before)

    def _backward(self, gradient: Tensor) -> Tensor:
        """Show the gradient to every backward hook, and return it as they leave it."""
        for attached in tuple(self.bwd_hooks):
            replacement = attached.hook(gradient, hook=self)
            if replacement is not None:
                gradient = replacement[0] if isinstance(replacement, tuple) else replacement
        return gradient

    def add_hook(
        self,
        hook: Callable[..., Any],
        dir: Direction = "fwd",
        is_permanent: bool = False,
        level: int = 0,
        prepend: bool = False,
    ) -> None:
        """Attach a hook.

        Args:
            hook: Called as hook(activation, hook=self).
            dir: Whether it sees activations or gradients.
            is_permanent: Whether `remove_hooks` leaves it alone unless told otherwise.
            level: How many `hooks()` contexts were open when it was attached.
            prepend: Whether it goes before those already there.
        """
        hooks = self._hooks_of(dir)
        hooks.insert(0 if prepend else len(hooks), Attached(hook, is_permanent, level))

    def add_perma_hook(self, hook: Callable[..., Any], dir: Direction = "fwd") -> None:
        """Attach a hook that stays until it is removed with `including_permanent=True`."""
        self.add_hook(hook, dir, is_permanent=True)

    def has_hooks(
        self,
        dir: Direction | Literal["both"] = "both",
        including_permanent: bool = True,
        level: int | None = None,
    ) -> bool:
        """Return whether hooks are attached: of one context level, or of any."""
        attached = [] if dir == "bwd" else self.fwd_hooks
        attached = attached if dir == "fwd" else attached + self.bwd_hooks
        return any(
            (including_permanent or not one.is_permanent) and (level is None or one.level == level)
            for one in attached
        )

    def remove_hooks(
        self,
        dir: Direction | Literal["both"] = "fwd",
        including_permanent: bool = False,
        level: int | None = None,
    ) -> None:
        """Detach hooks: those of one context level, or of all."""
        for direction in ("fwd", "bwd"):
            if dir in (direction, "both"):
                hooks = self._hooks_of(direction)
                hooks[:] = [
                    attached
                    for attached in hooks
                    if (attached.is_permanent and not including_permanent)
                    or (level is not None and attached.level != level)
                ]

    def _hooks_of(self, dir: str) -> list[Attached]:
        return self.bwd_hooks if dir == "bwd" else self.fwd_hooks

    def clear_context(self) -> None:
        """Forget what hooks left in `ctx`."""
        self.ctx = {}

    def layer(self) -> int:
        """Return the layer this is in.

        Raises:
            ValueError: If it is not inside a block.
        """
        parts = self.name.split(".")
        if parts[0] != "blocks":
            raise ValueError(f"{self.name} is not inside a block, so it has no layer.")
        return int(parts[1])
