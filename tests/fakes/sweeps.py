"""Made-up sweeps, roles of heads and feeders, for the fake answerer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from lensgui.jobs.answers.arrays import (
    Axis,
    CellState,
    Check,
    Feeding,
    HeadEffects,
    Spread,
    Sweep,
    Verification,
)
from lensgui.jobs.answers.readings import Token
from lensgui.jobs.requests import HeadRoles, Patching, PathsInto, VerifyCell, WhoFeeds
from lensgui.terms.metric import Agreement
from lensgui.terms.metrics import METRICS
from tests import fakes

SHARED = ["H0–1", "H2–3"]


def steps(request: Patching, wait: Callable[[], None]) -> Iterator[Sweep]:
    """A sweep, column by column; it waits before each."""
    pair = request.rows[0].pair if request.rows else request.pair
    clean, corrupted = (fakes.tokens(text) for text in (pair.clean, pair.corrupted))
    if len(clean) != len(corrupted):
        raise ValueError(
            f"Clean has {len(clean)} tokens and corrupted {len(corrupted)}: they must match."
        )
    axes = sweep_axes(request, corrupted)
    differing = fakes.difference(clean, corrupted)
    first = 0 if request.kind.is_of_heads else differing[0] if differing else len(clean)
    states = np.zeros(tuple(len(axis) for axis in axes), np.uint8)
    states[:, :first] = CellState.UNCHANGED
    values = np.zeros(states.shape, np.float32)
    yield sweep(request, axes, values, states)
    for column in range(len(axes[1]) - 1, first - 1, -1):
        wait()
        numbers = fakes.noise(f"sweep{request}{column}", *values[:, column].shape) * 12 - 4
        values, states = values.copy(), states.copy()
        values[:, column] = numbers if request.direction == "denoising" else -numbers
        states[:, column] = CellState.EXACT
        yield sweep(request, axes, values, states)


def sweep_axes(request: Patching, corrupted: tuple[Token, ...]) -> tuple[Axis, ...]:
    texts = [token.text for token in corrupted]
    labels = {
        "layer": [f"L{layer}" for layer in range(fakes.LAYERS)],
        "position": texts,
        "source": texts,
        "head": [f"H{head}" for head in range(fakes.HEADS)],
        "key_value_head": SHARED,
    }
    names = request.kind.axes if request.layer is None else request.kind.axes[2:]
    return tuple(fakes.axis(name, labels[name]) for name in names)


def sweep(
    request: Patching,
    axes: tuple[Axis, ...],
    values: NDArray[np.float32],
    states: NDArray[np.uint8],
) -> Sweep:
    is_whole = not np.any(states == CellState.UNKNOWN)
    estimates = values * 0.5 if request.kind.is_of_heads else None
    spread = Spread(len(request.rows), len(request.rows), 1) if request.rows else None
    return Sweep(
        axes,
        values,
        states,
        1.8,
        -6.2,
        direction=request.direction,
        metric=request.pair.metric,
        unit=METRICS[request.pair.metric].unit,
        estimates=estimates,
        agreement=Agreement(1.0, 1.0, 24) if is_whole and estimates is not None else None,
        check=Check(3, 1.2e-6) if is_whole else None,
        spread=spread,
    )


def verification(request: VerifyCell) -> Verification:
    whole = list(steps(request.patching, lambda: None))[-1]
    return Verification(request.index, float(whole.values[request.index]) + 0.001)


def roles(request: HeadRoles) -> HeadEffects:
    shape = fakes.LAYERS, fakes.HEADS
    direct, without = fakes.noise("direct", *shape), -fakes.noise("without", *shape)
    return HeadEffects(direct - 0.5, without, 2, attention=fakes.noise("looks", *shape))


def feeding(request: WhoFeeds) -> Feeding:
    labels = [*(f"H{head}" for head in range(fakes.HEADS)), "MLP"]
    layers = fakes.axis("layer", [f"L{layer}" for layer in range(fakes.LAYERS)])
    columns = Axis("head", (*range(fakes.HEADS), None), tuple(labels))
    values = fakes.noise(f"feeding{request}", fakes.LAYERS, len(labels)) * 2 - 0.5
    states = np.full(values.shape, CellState.EXACT, np.uint8)
    states[max(layer for layer, _ in request.heads) :] = CellState.MASKED
    layer, head = request.heads[0]
    one = f"L{layer}H{head}" if len(request.heads) == 1 else f"{len(request.heads)} heads"
    return Feeding(
        (layers, columns),
        values,
        states,
        1.8,
        -6.2,
        heads=request.heads,
        receiver=f"{one}.{request.input}",
        embedding=0.25,
    )


def totals(request: PathsInto) -> Sweep:
    inputs = Axis("input", (None,) * 4, ("q", "k", "v", "pattern"))
    values = fakes.noise(f"totals{request}", 4) * 8
    return Sweep((inputs,), values, np.full(4, CellState.EXACT, np.uint8), 1.8, -6.2)
