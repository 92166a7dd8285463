"""What is said below a sweep: how far it is, how good its estimate was, and how it was checked."""

from __future__ import annotations

import math

import numpy as np

from lensgui.jobs.arrays import CellState, Sweep, Verification
from lensgui.panes.sweep_view import cells, faces
from lensgui.panes.token_text import power, signed


def remarks(sweep: Sweep, *, is_paused: bool) -> list[str]:
    """Return what is to be said of a sweep, a few words each."""
    found = []
    if is_paused:
        what = "cells" if sweep.spread is None else "pairs"
        found.append(f"paused at {sweep.done} of {sweep.total} {what}")
    spread = sweep.spread
    if spread is not None:
        wrong = f", {spread.wrong} of them wrong" if spread.wrong else ""
        found.append(f"mean of {spread.pairs} of {spread.total} pairs{wrong}")
    if np.any(sweep.states == CellState.ESTIMATE):
        what = "first-order estimate" if spread is None else "the mean so far"
        found.append(f"pale, dotted: {what}")
    if is_paused and np.any(sweep.states == CellState.UNKNOWN):
        found.append("hatched: not known")
    if sweep.agreement is not None:
        pearson, rank = (_correlation(r) for r in (sweep.agreement.pearson, sweep.agreement.rank))
        everywhere = " at all positions" * (faces.hidden_axis(sweep) is not None)
        of = f"{sweep.agreement.cells} cells{everywhere}"
        found.append(f"estimate: r {pearson}, rank {rank} ({of})")
    broken = int(np.count_nonzero(sweep.states == CellState.NOT_FINITE))
    if broken:
        found.append(f"{broken} cell{'s' * (broken > 1)} not finite")
    if sweep.check is not None:
        found.append(f"checked {sweep.check.cells} cells: off by {power(sweep.check.worst)}")
    return found


def tip(sweep: Sweep) -> str:
    """Return what the remarks mean, in whole sentences."""
    said = []
    if sweep.spread is not None:
        said.append(
            "Changes are averaged over the pairs first and then divided by the mean difference; a "
            "pair is wrong if its clean run does no better than its corrupted run."
        )
    if sweep.agreement is not None:
        said.append(
            "r is the correlation of estimates with exact values on this pair, rank that of their "
            "sizes' order."
        )
    if sweep.check is not None:
        said.append(
            "Some cells, drawn at random, were worked out again by plain forward passes: the "
            f"number is the largest difference, in {sweep.unit}."
        )
    return " ".join(said)


def verified(sweep: Sweep, found: Verification) -> str:
    """Return how far a cell of a sweep is from the slow way."""
    name = cells.cell_name(sweep, *found.index)
    slow = f"{name}: the slow way gives {signed(found.value, 5)} {sweep.unit}"
    state = CellState(int(sweep.states[found.index]))
    if state not in (CellState.EXACT, CellState.UNCHANGED):
        return f"{slow}; the sweep has no exact number yet"
    change = float(sweep.values[found.index])
    off = power(abs(found.value - change), 1)
    return f"{slow}, the sweep {signed(change, 5)}: difference {off}"


def _correlation(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.2f}".replace("-", "−")
