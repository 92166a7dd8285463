"""The hook points of a model in the order in which they are met, with their shapes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from lensgui.analysis.activations.formulas import GATED_POST, GATED_PRE, kind_of
from lensgui.transformer.hooks.hook_point import HookPoint, NamedHook, only_reading
from lensgui.transformer.model import HookedTransformer

LENGTH = 3  # tokens of the prompt by which shapes are found


@dataclass(frozen=True, slots=True)
class HookedPlace:
    """A hook point, and what it holds.

    Attributes:
        name: In full, such as "blocks.3.attn.hook_pattern".
        short: Within its layer, such as "attn.hook_pattern"; outside of layers the name.
        layer: Its layer; None outside.
        axes: What its dimensions count, without the batch.
        sizes: How many places each has; None where it is the prompt's length.
        formula: How it comes about; "" where that is not said.
        about: What it is, in a sentence; likewise.
    """

    name: str
    short: str
    layer: int | None
    axes: tuple[str, ...]
    sizes: tuple[int | None, ...]
    formula: str
    about: str


@torch.no_grad()
def hooked_places(model: HookedTransformer) -> list[HookedPlace]:
    """Return the hook points that a run of a model meets, in order.

    Those that a switch of the config leaves out, such as `use_attn_result`, are not among them.

    Args:
        model: The model.
    """
    found: dict[str, tuple[int, ...]] = {}

    def note(activation: Tensor, hook: HookPoint, name: str) -> None:
        found.setdefault(name, tuple(activation.shape[1:]))

    hooks: list[NamedHook] = [
        (name, only_reading(partial(note, name=name))) for name in model.hook_dict
    ]
    tokens = torch.zeros(1, LENGTH, dtype=torch.long, device=model.embed.W_E.device)
    with model.hooks(hooks):
        model(tokens)
    return [_place(model, name, shape) for name, shape in found.items()]


def _place(model: HookedTransformer, name: str, shape: tuple[int, ...]) -> HookedPlace:
    """Return a hook point by its name and the shape that a short prompt gives it."""
    layer, short = within_layer(name)
    kind = kind_of(short, len(shape))
    formula = kind.formula
    if model.cfg.gated_mlp and short in ("mlp.hook_pre", "mlp.hook_post"):
        formula = GATED_PRE if short.endswith("pre") else GATED_POST
    if short == "hook_resid_post" and not model.cfg.has_middle:
        formula = "resid_pre + attn_out" + " + mlp_out" * (not model.cfg.attn_only)
    sizes = tuple(
        None if axis in ("position", "source") else size
        for axis, size in zip(kind.axes, shape, strict=True)
    )
    return HookedPlace(name, short, layer, kind.axes, sizes, formula, kind.about)


def within_layer(name: str) -> tuple[int | None, str]:
    """Return the layer of a hook point's full name, None outside of layers, and the rest."""
    parts = name.split(".")
    if parts[0] != "blocks" or len(parts) < 3 or not parts[1].isdecimal():
        return None, name
    return int(parts[1]), ".".join(parts[2:])
