"""The cells of a patching sweep: where they are, what they say, and their colours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensgui.jobs.answers.arrays import Axis, CellState, Sweep
from lensgui.jobs.answers.models import ModelCard
from lensgui.panes import theme
from lensgui.panes.token_text import percent, precise, signed, visible
from lensgui.state.selection import Cursor

SHARED_AXIS = "key_value_head"
PLACES = ("position", "source")
LEAST_END = 0.01  # of a scale that follows the largest change: smaller ones are not blown up
IDENTICAL = "The prompts are identical, so every cell is 0."
NOT_NUMBERS = {
    CellState.UNKNOWN: "…",
    CellState.NOT_FINITE: "not finite",
    CellState.UNCHANGED: "0",
}
WORDS = {
    CellState.UNKNOWN: "not computed yet",
    CellState.NOT_FINITE: "not a finite number",
    CellState.MASKED: "there is nothing to patch: a causal model never looks ahead",
}


def group_size(card: ModelCard | None) -> int:
    """Return how many heads share a key/value head; 1 while no model is open."""
    return card.n_heads // card.n_key_value_heads if card else 1


def cursor_axes(sweep: Sweep, group: int) -> tuple[Axis, ...]:
    """Return a sweep's axes as the cursor counts: a key/value head is the first head that has it.

    Args:
        sweep: The sweep.
        group: How many heads share a key/value head.
    """
    return tuple(
        Axis("head", tuple(range(0, len(axis) * group, group)), axis.labels)
        if axis.name == SHARED_AXIS
        else axis
        for axis in sweep.axes
    )


def cursor_on(sweep: Sweep, cursor: Cursor, group: int) -> Cursor:
    """Return a cursor as it stands on `cursor_axes`: on the first head of its group."""
    if cursor.head is None or all(axis.name != SHARED_AXIS for axis in sweep.axes):
        return cursor
    return replace(cursor, head=cursor.head - cursor.head % group)


def cell_of(sweep: Sweep, cursor: Cursor, group: int) -> tuple[int, ...] | None:
    """Return the index of the cell that a cursor selects; None if there is no such cell."""
    cursor = cursor_on(sweep, cursor, group)
    places = [(axis.coordinates, getattr(cursor, axis.name)) for axis in cursor_axes(sweep, group)]
    if any(place is None or place not in coordinates for coordinates, place in places):
        return None
    return tuple(coordinates.index(place) for coordinates, place in places)


def cursor_at(sweep: Sweep, index: tuple[int, ...], group: int) -> dict[str, Any]:
    """Return the Cursor fields that a cell stands for."""
    places = [
        (axis.name, axis.coordinates[at])
        for axis, at in zip(cursor_axes(sweep, group), index, strict=True)
    ]
    return {name: place for name, place in places if place is not None}


def cell_name(sweep: Sweep, *index: int) -> str:
    """Return what a cell is called: L23H3, or L23 · position 13 ‘·John’."""
    parts = [sweep.of_head] if sweep.of_head else []
    for axis, at in zip(sweep.axes, index, strict=True):
        place, label = axis.coordinates[at], visible(axis.labels[at])
        if axis.name == "layer":
            parts.insert(0, f"L{place}")
        elif axis.name not in PLACES:
            parts[0] += label if label.startswith("H") else f" {label}"
        elif place is None:
            parts.append(f"‘{label}’")
        else:
            parts.append(f"{axis.name} {place} ‘{label}’")
    return " · ".join(parts)


def cell_words(sweep: Sweep, *index: int) -> str:
    """Return what one cell of a sweep does, with one verb: restores 59 % (+6.58 logits)."""
    state = CellState(int(sweep.states[index]))
    if state is CellState.UNCHANGED:
        return _unchanged(sweep, index)
    if state in WORDS:
        return WORDS[state]
    change = float(sweep.values[index])
    raw = f"{precise(change)} {sweep.unit}"
    is_mean = sweep.spread is not None and sweep.estimates is None
    provisional = "so far: " if is_mean else "estimate: "
    estimate = provisional if state is CellState.ESTIMATE else ""
    if sweep.refusal:
        return f"{estimate}changes it by {raw}{_certainty(sweep, index)}"
    return f"{estimate}{effect(sweep, change)} ({raw}){_certainty(sweep, index)}"


def number(sweep: Sweep, index: tuple[int, ...]) -> str:
    """Return a cell's number as it is drawn, or what there is instead."""
    state = CellState(int(sweep.states[index]))
    if state in NOT_NUMBERS:
        return NOT_NUMBERS[state]
    sign = "≈ " if state is CellState.ESTIMATE else ""
    return sign + signed(float(sweep.shown[index]))


def effect(sweep: Sweep, change: float) -> str:
    """Return a change as a share with the direction's verb: restores 59 %, breaks 41 %."""
    share = change / sweep.scale
    if sweep.direction == "denoising":
        return f"restores {percent(share)}"
    return f"breaks {percent(-share)}"


def is_identical(sweep: Sweep) -> bool:
    """Whether both runs are equal everywhere, as those of one prompt are."""
    asked = sweep.states[sweep.states != CellState.MASKED]
    return asked.size > 0 and bool((asked == CellState.UNCHANGED).all())


def refusal(sweep: Sweep) -> str:
    """Return why no share of clean − corrupted is shown; "" if shares are."""
    return IDENTICAL if is_identical(sweep) else sweep.refusal


def legend(sweep: Sweep) -> str:
    """Return what the colours of a sweep count, and what their ends mean."""
    if sweep.refusal:
        return f"change of the {sweep.metric}, in {sweep.unit}: 0 is {_base(sweep)}"
    return f"{sweep.metric}, of clean − corrupted: {_ends(sweep)}"


def legend_tip(sweep: Sweep) -> str:
    """Return what the colours mean, in one sentence."""
    if sweep.direction == "denoising":
        return theme.coloured(
            "Clean is put into corrupted: {positive} cells restore the clean answer, {negative} "
            "ones push further from it; 0 changes nothing, 1 restores all of clean − corrupted."
        )
    return theme.coloured(
        "Corrupted is put into clean: {negative} cells break the clean answer, so it needs them, "
        "{positive} ones strengthen it; 0 changes nothing, −1 breaks all of clean − corrupted."
    )


def scaled(sweep: Sweep, end: float | None = None) -> tuple[NDArray[np.float32], float]:
    """Return values on a scale from −1 to 1, and what 1 stands for.

    Shares keep the fixed scale; raw changes, shown where shares are undefined, take the larger of
    the two runs' distance and the largest change.

    Args:
        sweep: The sweep.
        end: What 1 is to stand for; None to leave that to the metric.
    """
    values = np.nan_to_num(sweep.values, posinf=0.0, neginf=0.0)
    distance = float(np.nan_to_num(sweep.clean - sweep.corrupted))
    if not sweep.refusal and distance:
        limit = end or 1.0
        return values / np.float32(distance * limit), limit
    limit = end or _round_up(max(abs(distance), float(np.abs(values).max(initial=0)), 0.01))
    return values / np.float32(limit), limit


def largest(sweep: Sweep) -> float | None:
    """Return the end of a scale that reaches the largest change; None if nothing is known.

    For questions whose answers are small beside the metric's own range.
    """
    known = np.isin(sweep.states, (CellState.ESTIMATE, CellState.EXACT))
    sizes = np.abs(sweep.shown)[known]
    sizes = sizes[np.isfinite(sizes)]
    return _round_up(max(float(sizes.max()), LEAST_END)) if len(sizes) else None


def shades(shown: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return indices into a diverging table: −1 is 1, 0 is 128, 1 is 255."""
    index: NDArray[np.uint8] = np.rint(shown.clip(-1, 1) * 127 + theme.NEUTRAL).astype(np.uint8)
    return index


def means(sweep: Sweep, shown: NDArray[np.float32], axis: int) -> tuple[float, ...]:
    """Return the mean of each row (axis 1) or column (axis 0) over cells that are known.

    Args:
        sweep: A sweep of two axes.
        shown: Its values on the scale from −1 to 1.
        axis: Which axis to average over.
    """
    known = np.isin(sweep.states, (CellState.ESTIMATE, CellState.EXACT, CellState.UNCHANGED))
    counts = known.sum(axis)
    sums = np.where(known, shown, 0).sum(axis)
    found = np.divide(sums, counts, out=np.full(counts.shape, np.nan), where=counts > 0)
    return tuple(map(float, found))


def _round_up(limit: float) -> float:
    """Return the next number with two digits, so that a scale says what it is."""
    step = 10.0 ** (np.floor(np.log10(limit)) - 1)
    return float(np.ceil(limit / step - 1e-6) * step)


def _base(sweep: Sweep) -> str:
    return "corrupted" if sweep.direction == "denoising" else "clean"


def _ends(sweep: Sweep) -> str:
    if sweep.direction == "denoising":
        return "0 is corrupted, 1 is clean"
    return "0 is clean, −1 is corrupted"


def _certainty(sweep: Sweep, index: tuple[int, ...]) -> str:
    """Return how sure a mean over pairs is; "" if it is of one pair."""
    spread = sweep.spread
    if spread is None:
        return ""
    pairs = f"mean of {spread.pairs} pair{'s' * (spread.pairs != 1)}"
    if spread.low is None or spread.high is None or not np.isfinite(spread.low[index]):
        return f"; {pairs}"
    sign = 1 if sweep.direction == "denoising" else -1  # as `effect` counts
    ends = sorted(sign * float(end[index]) for end in (spread.low, spread.high))
    return f"; {pairs}, 95 % of resamples from {percent(ends[0])} to {percent(ends[1])}"


def _unchanged(sweep: Sweep, index: tuple[int, ...]) -> str:
    """Say why a cell is exactly 0: the two runs are equal there."""
    names = [axis.name for axis in sweep.axes]
    if "position" in names and "source" not in names:
        if is_identical(sweep):
            return f"unchanged: the prompts are identical, so exactly the {_base(sweep)} value"
        at = names.index("position")
        if (np.take(sweep.states, index[at], at) == CellState.UNCHANGED).all():
            why = "before the first differing token"
            return f"unchanged: {why}, so exactly the {_base(sweep)} value (causality)"
    return f"unchanged: both runs are equal here, so exactly the {_base(sweep)} value"
