"""Hook points and what they hold: a map of one layer, and two axes of one activation."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from lensgui.analysis.activations.hook_points import HookedPlace, hooked_places, within_layer
from lensgui.analysis.activations.reading import read_activation, read_activations
from lensgui.analysis.checks import check_layer
from lensgui.analysis.run.run import Run
from lensgui.jobs.answers.activations import ActivationSlice, MappedPoint, ModelMap
from lensgui.jobs.answers.arrays import Axis, CellState
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.handlers.in_words import token_of
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.handlers.sweep_arrays import host
from lensgui.jobs.questions.activation_requests import MapModel, ReadActivation
from lensgui.prompts.pair import PromptPair
from lensgui.prompts.sides import lacking, one_side, summands
from lensgui.terms.kinds import Side
from lensgui.transformer.model import HookedTransformer

MOST_LARGEST = 6
MOST_CELLS = 4_000_000  # of a slice that leaves the worker
LONG_AXES = ("position", "source")


def map_model(loaded: Loaded, request: MapModel) -> Iterator[Answer | None]:
    """Yield the hook points of a layer and those outside, with what they are on a prompt."""
    model = loaded.use(request.model)
    check_layer(model, request.layer)
    ((_, run),) = yield from _runs(loaded, one_side(request.side), request.pair)
    length = len(run.tokens)
    position = length - 1 if request.position is None else min(request.position, length - 1)
    places = [place for place in _places(model) if place.layer in (None, request.layer)]
    found = read_activations(run, [place.name for place in places])
    yield None
    points = tuple(
        MappedPoint(
            place.name,
            place.short,
            place.layer,
            place.axes,
            tuple(found[place.name].shape),
            place.formula,
            place.about,
            _norm(found[place.name], place.axes, position),
        )
        for place in places
    )
    yield ModelMap(points, request.layer, position)


def _norm(activation: Tensor, axes: tuple[str, ...], position: int) -> float | None:
    """Return the norm of an activation at a position, if it has one."""
    if not activation.is_floating_point():
        return None
    if "position" in axes:
        activation = activation.select(axes.index("position"), position)
    known = activation[activation.isfinite()]  # scores are −∞ where nothing may be looked at
    return float(torch.linalg.vector_norm(known.double()))


@lru_cache(maxsize=4)
def _places(model: HookedTransformer) -> list[HookedPlace]:
    """Return the hook points of a model, which it takes a short run to find."""
    return hooked_places(model)


def _runs(
    loaded: Loaded, side: Side, pair: PromptPair
) -> Generator[None, None, list[tuple[int, Run]]]:
    """Return sign and complete run of each prompt that is read.

    Raises:
        ValueError: If a prompt is missing, or an intervention whose effect is sought.
    """
    model, found = loaded.model, list[tuple[int, Run]]()
    assert model is not None
    if reason := lacking(pair, side):
        raise ValueError(reason)
    for sign, prompt in summands(pair, side):
        run = loaded.run(model, prompt)
        yield from run.steps()
        found.append((sign, run))
    return found


def read_slice(loaded: Loaded, request: ReadActivation) -> Iterator[Answer | None]:
    """Yield two axes of an activation."""
    model = loaded.use(request.model)
    runs = yield from _runs(loaded, request.side, request.pair)
    if len({len(run.tokens) for _, run in runs}) > 1:
        raise ValueError(
            "The prompts differ in length, so their activations can't be compared: choose clean or "
            "corrupted."
        )
    layer, _ = within_layer(request.name)
    if layer is not None:
        check_layer(model, layer)
    place = next((one for one in _places(model) if one.name == request.name), None)
    found = list[Tensor]()
    for _, run in runs:
        values = read_activation(run, request.name)
        found.append(values if values.is_floating_point() else values.double())
        yield None
    assert place is not None
    yield _slice(_added([sign for sign, _ in runs], found), place, runs[0][1], request)


def _added(signs: Sequence[int], found: Sequence[Tensor]) -> Tensor:
    """Return one activation, or the difference of two: −∞ only where no run may look."""
    if len(found) == 1:
        return found[0]
    total = torch.stack([sign * of for sign, of in zip(signs, found, strict=True)]).sum(0)
    unseen = torch.stack([of.isneginf() for of in found]).all(0)
    return total.masked_fill(total.isinf(), torch.nan).masked_fill(unseen, -torch.inf)


def _slice(
    activation: Tensor, place: HookedPlace, run: Run, request: ReadActivation
) -> ActivationSlice:
    """Return what of an activation is looked at."""
    axes = [_axis(name, size, run) for name, size in zip(place.axes, activation.shape, strict=True)]
    rows, columns = _chosen(axes, request.down, request.across)
    said, others, index = dict(request.places), list[tuple[Axis, int]](), list[int | slice]()
    for at, axis in enumerate(axes):
        if at in (rows, columns):
            index.append(slice(None))
            continue
        where = _where(axis, said)
        index.append(where)
        others.append((axis, where))
    shown = activation[tuple(index)]
    shown = shown if rows < columns else shown.T
    if shown.numel() > MOST_CELLS:
        raise ValueError(
            f"{shown.numel():,} numbers are too many for one picture: choose a shorter axis."
        )
    values = host(shown)
    states = np.full(values.shape, CellState.EXACT, np.uint8)
    states[~np.isfinite(values)] = CellState.NOT_FINITE
    if "source" in place.axes:
        states[np.isneginf(values)] = CellState.MASKED
    finite = torch.where(activation.isfinite(), activation, torch.zeros_like(activation)).double()
    return ActivationSlice(
        (axes[rows], axes[columns]),
        values,
        states,
        place.axes,
        tuple(others),
        float(finite.mean()),
        float(torch.linalg.vector_norm(finite)),
        _largest(finite, axes),
    )


def _axis(name: str, size: int, run: Run) -> Axis:
    """Return an axis of an activation; positions are called by their tokens."""
    if name in LONG_AXES and size == len(run.ids):
        labels = tuple(token_of(run.model, token).label for token in run.ids)
    elif name == "head":
        labels = tuple(f"H{at}" for at in range(size))
    else:
        labels = tuple(str(at) for at in range(size))
    return Axis(name, tuple(range(size)), labels)


def _chosen(axes: list[Axis], down: str, across: str) -> tuple[int, int]:
    """Return which axes are looked at: those that are named, else positions and what is long.

    Raises:
        ValueError: If there is no such pair of axes.
    """
    names = [axis.name for axis in axes]
    if len(axes) < 2:
        raise ValueError("This activation has one axis, and a picture needs two.")
    usual = sorted(range(len(axes)), key=lambda at: (len(axes[at]) == 1, _rank(names[at]), at))
    first = names.index(down) if down in names else None
    second = names.index(across) if across in names and across != down else None
    rest = [at for at in usual if at not in (first, second)]
    if first is None:
        first = rest.pop(0)
    return first, rest[0] if second is None else second


def _rank(name: str) -> int:
    """Return how soon an axis is shown: heads last, since the selection says which."""
    order = {"position": 0, "source": 1, "head": 3, "key_value_head": 3}
    return order.get(name, 2)


def _where(axis: Axis, said: Mapping[str, int]) -> int:
    """Return where an axis stands that is not looked at."""
    last = len(axis) - 1
    usual = last if axis.name == "position" else 0
    return min(max(said.get(axis.name, usual), 0), last)


def _largest(values: Tensor, axes: list[Axis]) -> tuple[tuple[str, float], ...]:
    """Return the largest entries of an activation by size."""
    flat = values.flatten()
    order = flat.abs().topk(min(MOST_LARGEST, flat.numel())).indices.tolist()
    found = []
    for at in order:
        place = np.unravel_index(at, tuple(values.shape))
        said = ", ".join(
            f"{axis.name} {axis.labels[int(one)]}" if axis.name not in LONG_AXES
            else f"{axis.name} {int(one)} ‘{axis.labels[int(one)]}’"
            for axis, one in zip(axes, place, strict=True)
        )  # fmt: skip
        found.append((said, float(flat[at])))
    return tuple(found)
