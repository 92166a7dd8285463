"""What each op does to an activation, as a function of it.

A change takes some of an activation, [..., unit], and the position of each row; see `edit.Change`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lensgui.transformer.edits.edit import Change
from lensgui.transformer.layers.parameters import precise


def zero() -> Change:
    """Set to 0."""
    return lambda part, at: torch.zeros_like(part)


def scaled(factor: float) -> Change:
    """Multiply."""
    return lambda part, at: part * factor


def put(values: Tensor) -> Change:
    """Set to the values of each position, [position + 1, ...]."""
    return lambda part, at: values.index_select(0, at).expand_as(part)


def put_pattern(values: Tensor) -> Change:
    """Set shares of attention, or scores, to those of each position, [position + 1, head, source].

    Sources that stand behind all of these get 0: no position of the prompt sees them.
    """

    def change(part: Tensor, at: Tensor) -> Tensor:
        rows = values.index_select(0, at).transpose(0, 1)  # [head, query, source]
        lacking = part.shape[-1] - rows.shape[-1]
        rows = torch.nn.functional.pad(rows, (0, lacking)) if lacking > 0 else rows
        return rows[..., : part.shape[-1]].expand_as(part)

    return change


def added(vector: Tensor) -> Change:
    """Add a vector, or that of each position."""
    if vector.ndim == 1:
        return lambda part, at: part + vector
    return lambda part, at: part + vector.index_select(0, at)


def added_by_norm(unit: Tensor, share: float) -> Change:
    """Add a direction of length 1, as large as a share of each row's own norm."""

    def change(part: Tensor, at: Tensor) -> Tensor:
        wide = precise(part)
        sizes: Tensor = torch.linalg.vector_norm(wide, dim=-1, keepdim=True)
        added_to: Tensor = wide + share * sizes * unit.to(wide.dtype)
        return added_to

    return change


def removed(unit: Tensor) -> Change:
    """Take away what points along a direction of length 1."""
    return along(unit, torch.zeros_like)


def capped(unit: Tensor, least: float, most: float) -> Change:
    """Hold what points along a direction of length 1 between two bounds."""
    return along(unit, lambda amount: amount.clamp(least, most))


def set_along(unit: Tensor, value: float) -> Change:
    """Set what points along a direction of length 1."""
    return along(unit, lambda amount: torch.full_like(amount, value))


def along(unit: Tensor, new: Callable[[Tensor], Tensor]) -> Change:
    """Set what points along a direction of length 1 to a function of what it was, [..., 1]."""

    def change(part: Tensor, at: Tensor) -> Tensor:
        wide, direction = precise(part), unit.to(precise(part).dtype)
        amount = (wide @ direction)[..., None]
        return wide + (new(amount) - amount) * direction

    return change


def moved(unit: Tensor, target: Tensor) -> Change:
    """Turn what points along one direction of length 1 to another."""

    def change(part: Tensor, at: Tensor) -> Tensor:
        wide = precise(part)
        source, other = unit.to(wide.dtype), target.to(wide.dtype)
        return wide + (wide @ source)[..., None] * (other - source)

    return change


def exchanged(vector: Tensor, target: Tensor, strength: float) -> Change:
    """Swap the coordinates in the plane of two vectors, as far as a strength says."""
    plane = torch.stack([vector, target], 1)  # [d_model, 2]
    inverse = torch.linalg.pinv(plane.cpu().double()).to(plane)  # [2, d_model]

    def change(part: Tensor, at: Tensor) -> Tensor:
        wide = precise(part)
        amounts = wide @ inverse.T.to(wide.dtype)
        swapped: Tensor = strength * (amounts.flip(-1) - amounts)
        return wide + swapped @ plane.T.to(wide.dtype)

    return change


def unseen(sources: Tensor | None) -> Change:
    """Set the scores of some sources to −∞, [source + 1]; None for all sources."""

    def change(part: Tensor, at: Tensor) -> Tensor:
        if sources is None:
            return torch.full_like(part, -torch.inf)
        return part.masked_fill(_of_sources(sources, part), -torch.inf)

    return change


def unshared(sources: Tensor | None) -> Change:
    """Set the shares of some sources to 0, [source + 1]; None for all sources."""

    def change(part: Tensor, at: Tensor) -> Tensor:
        if sources is None:
            return torch.zeros_like(part)
        return part.masked_fill(_of_sources(sources, part), 0.0)

    return change


def no_rows_of_nothing() -> Change:
    """Let rows of attention that see no source be 0, as softmax leaves them NaN."""
    return lambda part, at: part.nan_to_num(nan=0.0)


def _of_sources(sources: Tensor, part: Tensor) -> Tensor:
    """Return of each column of a pattern whether its source is among some, [source]."""
    at = torch.arange(part.shape[-1], device=part.device)
    return sources.index_select(0, at.clamp(max=len(sources) - 1))
