"""What is shown of an attribution: a grid, the sum so far, and both in words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lensgui.jobs.answers.arrays import Axis, CellState
from lensgui.jobs.answers.attributions import Parts
from lensgui.panes.figures.figure import Data, Lines, numbered
from lensgui.panes.pictures.curves import Curve, CurvePlot
from lensgui.panes.pictures.picture import Picture
from lensgui.panes.token_text import signed
from lensgui.state.views import AttributedBy

COMPONENTS = ("attention", "MLP")
HALF = 127  # steps of colour on either side of 0
SO_FAR, SPREAD = "sum so far", "standard deviation"
ONE_LOGIT = "the answer's logit"
DIFFERENCE = "answer − distractor"
Numbers = NDArray[np.float32]


def grid_of(parts: Parts, by: AttributedBy) -> tuple[tuple[Axis, Axis], Numbers, Numbers]:
    """Return the axes, the numbers and their standard deviations of a grid, [layer, part]."""
    if by == "head":
        return parts.axes, parts.values, parts.deviation
    labels = COMPONENTS[: parts.components.shape[1]]
    axis = Axis("component", (None,) * len(labels), labels)
    return (parts.axes[0], axis), parts.components, parts.components_deviation


def end_of(values: Numbers) -> float:
    """Return what full colour stands for."""
    known = np.abs(values[np.isfinite(values)])
    return float(known.max(initial=0.0)) or 1.0


def picture_of(parts: Parts, by: AttributedBy) -> Picture:
    """Return the grid that is drawn."""
    (rows, columns), values, _ = grid_of(parts, by)
    end = end_of(values)
    shades = np.rint(128 + HALF * np.clip(np.nan_to_num(values) / end, -1, 1)).astype(np.uint8)
    states = np.where(np.isfinite(values), CellState.EXACT, CellState.NOT_FINITE).astype(np.uint8)
    return Picture(
        rows=rows,
        columns=columns,
        shades=shades,
        states=states,
        row_names=list(rows.labels),
        column_names=list(columns.labels),
        numbers=lambda row, column: signed(float(values[row, column]), 2),
        values=values,
        scale=(signed(end, 2), "0", signed(-end, 2)),
    )


def curve_of(parts: Parts) -> CurvePlot:
    """Return what the stream comes to after each layer."""
    after, spread = parts.cumulative[2::2], parts.cumulative_deviation[2::2]
    is_mean = bool(np.isfinite(spread).any())
    curve = Curve(f"{SO_FAR}, mean ± SD" if is_mean else SO_FAR, after, spread if is_mean else None)
    around = np.nan_to_num(spread) if is_mean else np.zeros_like(after)
    low = min(0.0, float((after - around).min()))
    high = max(0.0, float((after + around).max()))
    return CurvePlot(parts.axes[0], (curve,), low, high, (signed(low, 1), signed(high, 1)))


def lines_of(parts: Parts) -> Lines:
    """Return the sum so far as it is taken home."""
    plot = curve_of(parts)
    (curve,) = plot.curves
    values = curve.values[None].astype(np.float64)
    columns = {"value": values}
    spread = None if curve.spread is None else curve.spread[None].astype(np.float64)
    if spread is not None:
        columns[SPREAD] = spread
    data = Data((numbered("line", [SO_FAR]), plot.rows), columns)
    return Lines("", plot.rows, [curve.name], values, "logits", data, spread)


def sums(parts: Parts) -> str:
    """Say what the parts add up to, and what the run has."""
    heads = len(parts.axes[1]) - parts.axes[1].coordinates.count(None)
    named = {
        "heads": float(parts.values[:, :heads].sum()),
        "b_O": float(parts.values[:, heads].sum()),
    }
    if parts.values.shape[1] > heads + 1:
        named["MLPs"] = float(parts.values[:, heads + 1].sum())
    every = {**parts.outside, **named}
    order = ("embedding", "positions", "heads", "b_O", "MLPs", "final norm's bias", "b_U")
    added = [
        f"{name} {signed(every[name])}"
        for name in order
        if name in every and (every[name] or name in ("embedding", "heads", "MLPs"))
    ]
    return f"{' · '.join(added)} = {signed(parts.sum)}; the run has {signed(parts.logits)} logits"


def between(parts: Parts) -> str:
    """Say how the logits that are taken apart become the metric; "" where they are it."""
    if not parts.between:
        return ""
    capped = f"under the soft cap {signed(parts.capped)}; " if "soft cap" in parts.between else ""
    joined = " of sets joined by log-sum-exp" if "log-sum-exp" in parts.between else ""
    return f"{capped}the metric, {parts.metric_name}{joined}, is {signed(parts.metric)}"


def cell_words(parts: Parts, by: AttributedBy, row: int, column: int) -> str:
    """Return what is known of a cell."""
    axes, values, deviation = grid_of(parts, by)
    if row >= values.shape[0] or column >= values.shape[1]:
        return ""
    layer, label = axes[0].coordinates[row], axes[1].labels[column]
    if axes[1].coordinates[column] is not None:
        name = f"L{layer}{label}"
    else:
        name = f"{label} of layer {layer}"
    spread = float(deviation[row, column])
    more = f" ± {spread:.3f} over the pairs (standard deviation)" if np.isfinite(spread) else ""
    return f"{name}: {signed(float(values[row, column]))} logits{more}"


def curve_words(parts: Parts, row: int) -> str:
    """Return what the sum so far is after a layer."""
    plot = curve_of(parts)
    (curve,) = plot.curves
    if row >= len(curve.values):
        return ""
    said = f"after layer {row}: {signed(float(curve.values[row]))} logits, at the final scale"
    if curve.spread is not None:
        said += f", ± {float(curve.spread[row]):.3f} over the pairs (standard deviation)"
    return said
