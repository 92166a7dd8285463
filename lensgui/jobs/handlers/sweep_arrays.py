"""Sweeps as the window draws them: numbers, what is known of them, and what they count."""

from __future__ import annotations

import random
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lensgui.analysis.pairs.averages import Average, StagedAverage
from lensgui.analysis.run.leaving import leave
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.estimates.attribution import agreement
from lensgui.analysis.sweep.result import SweepResult
from lensgui.jobs.answers.arrays import Axis, CellState, Spread, Sweep
from lensgui.jobs.handlers.in_words import token_of
from lensgui.jobs.requests import Patching
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metric import Agreement
from lensgui.terms.metrics import METRICS
from lensgui.transformer.model import HookedTransformer

COMPUTED = 3  # of the cells that were run
FREE = 1  # of those that were called unchanged, and never run
Roles = tuple[str, ...]


def host(tensor: Tensor) -> NDArray[np.float32]:
    """Return a float32 copy in host memory that nobody writes to."""
    (here,) = leave(tensor.to(torch.float32, copy=True)).arrived()
    array: NDArray[np.float32] = here.numpy()
    array.flags.writeable = False
    return array


def host_ints(tensor: Tensor) -> NDArray[np.int32]:
    """Return the same of whole numbers, as int32."""
    (here,) = leave(tensor.to(torch.int32, copy=True)).arrived()
    array: NDArray[np.int32] = here.numpy()
    array.flags.writeable = False
    return array


def layer_axis(model: HookedTransformer) -> Axis:
    """Return the axis of layers."""
    layers = range(model.cfg.n_layers)
    return Axis("layer", tuple(layers), tuple(f"L{layer}" for layer in layers))


def position_axis(run: Run, name: str = "position") -> Axis:
    """Return an axis of a prompt's tokens."""
    labels = tuple(token_of(run.model, token).label for token in run.ids)
    return Axis(name, tuple(range(len(labels))), labels)


def head_axis(model: HookedTransformer) -> Axis:
    """Return the axis of heads."""
    heads = range(model.cfg.n_heads)
    return Axis("head", tuple(heads), tuple(f"H{head}" for head in heads))


def group_axis(model: HookedTransformer) -> Axis:
    """Return the axis of key/value heads, each named after the query heads that share it."""
    size = model.cfg.heads_per_group
    groups = range(model.cfg.kv_heads)
    labels = [f"H{at * size}–{at * size + size - 1}" if size > 1 else f"H{at}" for at in groups]
    return Axis("key_value_head", tuple(groups), tuple(labels))


def rng(request: Patching) -> random.Random:
    """Return a seeded generator for equal questions."""
    return random.Random(zlib.crc32(repr(request).encode()))


def drawn_cells(sweep: Sweep, request: Patching) -> list[tuple[int, ...]]:
    """Draw some cells of a whole sweep; none where nothing was run."""
    found: list[tuple[int, ...]] = []
    for state, count in ((CellState.EXACT, COMPUTED), (CellState.UNCHANGED, FREE)):
        cells = [tuple(at) for at in np.argwhere(sweep.states == state).tolist()]
        if state is CellState.EXACT and not cells:
            break
        found += rng(request).sample(cells, min(count, len(cells)))
    return found


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
        clean=result.clean,
        corrupted=result.corrupted,
        refusal=result.refusal,
        direction=request.direction,
        metric=request.pair.metric,
        unit=METRICS[request.pair.metric].unit,
        estimates=None if estimates is None else host(torch.where(unchanged, 0.0, estimates)),
        agreement=_agreement(exact, unchanged, estimates),
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


def _agreement(exact: Tensor, unchanged: Tensor, estimates: Tensor | None) -> Agreement | None:
    """Compare estimates with exact values, once these are all known."""
    if estimates is None or exact.isnan().any():
        return None
    return agreement(estimates, exact, unchanged)


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
    model: HookedTransformer,
    request: Patching,
    average: Average,
    positions: Axis,
    before: Sweep | None = None,
) -> Sweep:
    """Return the mean over pairs as far as it is known.

    Args:
        model: The model.
        request: The question.
        average: The mean.
        positions: Of the mean.
        before: The picture of the same mean before this one: intervals are those of exact cells,
            and so the same for as long as there are no more.
    """
    clean, corrupted = average.ends
    values, total = average.values, len(average.changes)
    estimates: Tensor | None = None
    work: tuple[int, int] | None = None
    if isinstance(average, StagedAverage):
        count, estimates, work = average.read, average.estimates, average.work
        exact = average.known
    else:
        count, total = len(average.clean), len(request.rows)
        exact = torch.full(values.shape, count == total)  # until then, more pairs will move it
    assert exact is not None
    states = np.where(exact.numpy(), CellState.EXACT, CellState.ESTIMATE).astype(np.uint8)
    states[~values.isfinite().numpy()] = CellState.NOT_FINITE
    states[(average.changes == 0).all(0).numpy()] = CellState.UNCHANGED
    states.flags.writeable = False
    spread = Spread(count, total, len(average.wrong), work=work)
    if before is not None and before.spread is not None and (before.states == states).all():
        spread = replace(spread, low=before.spread.low, high=before.spread.high)
    elif exact.any() and total > 1 and not average.refusal:
        low, high = (host(end) for end in average.spread())
        spread = replace(spread, low=low, high=high)
    is_whole = bool(exact.all())
    return Sweep(
        axes_of(model, request.kind, positions),
        host(values),
        states,
        clean=clean,
        corrupted=corrupted,
        refusal=average.refusal,
        direction=request.direction,
        metric=request.pair.metric,
        unit=METRICS[request.pair.metric].unit,
        estimates=None if estimates is None else host(estimates),
        agreement=None
        if estimates is None or not is_whole
        else agreement(estimates, values, (average.changes == 0).all(0)),
        spread=spread,
    )


def mean_positions(
    model: HookedTransformer,
    prompts: Sequence[Tensor],
    roles: Roles,
    named: Mapping[str, int] | None = None,
) -> Axis:
    """Return the axis of positions of several prompts.

    Args:
        model: The model.
        prompts: Token ids, each [position].
        roles: Names by which positions were matched; () if all prompts are of one length.
        named: Where each named word stands, if that is the same in all prompts.

    Returns:
        Named by role, or by the token where all prompts have the same one, else by the role that
        stands there or by number; without places where none can be.
    """
    if roles:
        return Axis("position", (None,) * len(roles), roles)
    if len({len(prompt) for prompt in prompts}) > 1:
        return Axis("position", (), ())
    tokens = [[token_of(model, token).label for token in prompt.tolist()] for prompt in prompts]
    role_at = {at: role for role, at in (named or {}).items()}
    labels = tuple(
        here[0] if len(set(here)) == 1 else role_at.get(at, f"({at})")
        for at, here in enumerate(zip(*tokens, strict=True))
    )
    return Axis("position", tuple(range(len(labels))), labels)


def same_places(places: Sequence[Mapping[str, int]]) -> Mapping[str, int]:
    """Return where named words stand, if that is the same everywhere; else nothing."""
    return places[0] if places and all(of == places[0] for of in places) else {}
