"""Sweeps as the window draws them: numbers, what is known of them, and what they count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.averages import Average
from lensgui.analysis.sweep.estimates import agreement
from lensgui.analysis.sweep.sweep import SweepResult
from lensgui.jobs.arrays import Axis, CellState, Correlation, Spread, Sweep
from lensgui.jobs.handlers.drawings import group_axis, head_axis, host, layer_axis, position_axis
from lensgui.jobs.handlers.prompts import token_of
from lensgui.jobs.requests import Patching
from lensgui.terms.kinds import SweepKind
from lensgui.terms.shares import UNITS, refusal
from lensgui.transformer.model import HookedTransformer

Roles = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What was known of a sweep before it began.

    Attributes:
        values: Exact values from an earlier start of the same sweep, NaN where there is none; None
            if there was no earlier start.
        estimates: First-order estimates; None if there are none.
    """

    values: Tensor | None = None
    estimates: Tensor | None = None


def values_of(result: SweepResult, known: Known) -> Tensor:
    """Return the exact values so far, NaN where there is none yet."""
    if known.values is None:
        return result.values
    return torch.where(result.values.isnan(), known.values, result.values)


def picture(corrupted: Run, request: Patching, result: SweepResult, known: Known) -> Sweep:
    """Return a sweep as far as it is known; its positions are named by the corrupted prompt."""
    exact = values_of(result, known)
    unchanged, estimates = result.unchanged, known.estimates
    if request.layer is not None:
        place = request.layer, request.head
        exact, unchanged = exact[place], unchanged[place]
        estimates = None if estimates is None else estimates[place]
    states = _states(exact, unchanged, estimates)
    if request.layer is not None:
        states[np.triu_indices(len(states), 1)] = CellState.MASKED
    states.flags.writeable = False
    values = exact if estimates is None else torch.where(exact.isnan(), estimates, exact)
    axes = axes_of(corrupted.model, request.kind, position_axis(corrupted))
    return Sweep(
        axes if request.layer is None else axes[2:],
        host(values),
        states,
        result.clean,
        result.corrupted,
        refusal(result.clean, result.corrupted, request.pair.metric),
        request.direction,
        request.pair.metric,
        UNITS[request.pair.metric],
        None if estimates is None else host(torch.where(unchanged, 0.0, estimates)),
        _agreement(exact, unchanged, estimates),
        of_head="" if request.layer is None else f"L{request.layer}H{request.head}",
    )


def _states(exact: Tensor, unchanged: Tensor, estimates: Tensor | None) -> NDArray[np.uint8]:
    """Return the `CellState` of each cell."""
    unknown = CellState.UNKNOWN if estimates is None else CellState.ESTIMATE
    states = np.full(tuple(exact.shape), CellState.EXACT, np.uint8)
    states[exact.isinf().numpy()] = CellState.NOT_FINITE
    states[exact.isnan().numpy()] = unknown
    if estimates is not None:
        broken = exact.isnan() & ~estimates.isfinite()
        states[broken.numpy()] = CellState.UNKNOWN
    states[unchanged.numpy()] = CellState.UNCHANGED
    return states


def _agreement(exact: Tensor, unchanged: Tensor, estimates: Tensor | None) -> Correlation | None:
    """Compare estimates with exact values, once these are all known."""
    if estimates is None or exact.isnan().any():
        return None
    found = agreement(estimates, exact, unchanged)
    return Correlation(found.pearson, found.rank, found.cells)


def axes_of(model: HookedTransformer, kind: SweepKind, positions: Axis) -> tuple[Axis, ...]:
    """Return the axes of a kind of sweep."""
    axes = {
        "layer": layer_axis(model),
        "head": head_axis(model),
        "key_value_head": group_axis(model),
        "position": positions,
        "source": Axis("source", positions.coordinates, positions.labels),
    }
    return tuple(axes[name] for name in kind.axes)


def mean_picture(
    model: HookedTransformer, request: Patching, average: Average, positions: Axis
) -> Sweep:
    """Return the mean over pairs as far as it is known."""
    count = len(average.clean)
    clean, base = float(average.clean.mean()), float(average.corrupted.mean())
    reason = refusal(clean, base, request.pair.metric)
    values = average.values
    states = np.full(tuple(values.shape), CellState.EXACT, np.uint8)
    total = len(request.rows)
    if count < total:  # more pairs will move it
        states[:] = CellState.ESTIMATE
    states[~values.isfinite().numpy()] = CellState.NOT_FINITE
    states[(average.changes == 0).all(0).numpy()] = CellState.UNCHANGED
    states.flags.writeable = False
    spread = Spread(count, total, len(average.wrong))
    if count == total > 1 and not reason:
        low, high = (host(end) for end in average.spread())
        spread = replace(spread, low=low, high=high)
    return Sweep(
        axes_of(model, request.kind, positions),
        host(values),
        states,
        clean,
        base,
        reason,
        request.direction,
        request.pair.metric,
        UNITS[request.pair.metric],
        spread=spread,
    )


def mean_positions(model: HookedTransformer, prompts: Sequence[Tensor], roles: Roles) -> Axis:
    """Return the axis of positions of several prompts.

    Args:
        model: The model.
        prompts: Token ids, each [position].
        roles: Names by which positions were matched; () if all prompts are of one length.

    Returns:
        Named by role, or by the token where all prompts have the same one, else by number; without
        places where neither can be.
    """
    if roles:
        return Axis("position", (None,) * len(roles), roles)
    if len({len(prompt) for prompt in prompts}) > 1:
        return Axis("position", (), ())
    tokens = [[token_of(model, token).label for token in prompt.tolist()] for prompt in prompts]
    labels = tuple(
        here[0] if len(set(here)) == 1 else f"({at})"
        for at, here in enumerate(zip(*tokens, strict=True))
    )
    return Axis("position", tuple(range(len(labels))), labels)
