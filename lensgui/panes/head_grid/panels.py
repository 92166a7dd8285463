"""The grid of all heads as panels of figures: every pattern small, and what ranks the heads."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensgui.jobs.answers.arrays import Atlas, Axis, CellState
from lensgui.panes import theme
from lensgui.panes.figures.figure import Cells, Data, Scale, Thumbs, data_of
from lensgui.panes.head_grid.image import large
from lensgui.panes.head_grid.ranking import Ranking
from lensgui.panes.pictures.picture import Picture
from lensgui.panes.token_text import names

MOST_SIDE = 32  # cells of a thumbnail: more are pooled, as in the window


def thumbs(atlas: Atlas, counted: str) -> Thumbs:
    """Return every head's attention, a row for each layer; larger patterns are pooled.

    Args:
        atlas: The heads.
        counted: What is counted, in words; of a difference also of which runs.
    """
    layers, heads = atlas.values.shape[:2]
    values = numbers(atlas)
    small = pooled(values, MOST_SIDE)
    low, high = _ends(atlas, values)
    shares = (small - low) / (high - low)
    shades = np.nan_to_num(shares).clip(0, 1) * 255
    if atlas.is_signed:
        shades = np.nan_to_num(small / high).clip(-1, 1) * 127 + theme.NEUTRAL
    return Thumbs(
        "",
        np.rint(shades).astype(np.uint8),
        np.isfinite(small),
        [f"L{layer}" for layer in range(layers)],
        [f"H{head}" for head in range(heads)],
        Scale(low, high, counted, atlas.is_signed),
        Data(_axes(atlas), {"value": values}),
    )


def pooled(values: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """Return squares of at most so many cells a side, each the number farthest from 0 it covers.

    Args:
        values: [layer, head, position, source], NaN where nothing is known.
        most: How many.
    """
    count = values.shape[-1]
    step = -(-count // most)
    if step == 1:
        return values
    spare = -count % step
    padded = np.pad(values, ((0, 0), (0, 0), (0, spare), (0, spare)), constant_values=np.nan)
    side = (count + spare) // step
    blocks = padded.reshape(*values.shape[:2], side, step, side, step).swapaxes(3, 4)
    blocks = blocks.reshape(*values.shape[:2], side, side, step * step)
    best = np.where(np.isnan(blocks), -1.0, np.abs(blocks)).argmax(-1)[..., None]
    found: NDArray[np.float32] = np.take_along_axis(blocks, best, -1)[..., 0]
    return found


def _ends(atlas: Atlas, values: NDArray[np.float32]) -> tuple[float, float]:
    """Return what the first and the last colour stand for, never the same."""
    full = atlas.full or 1.0  # a file may say that it is 0
    if atlas.is_signed:
        end = large(atlas) if atlas.ends is None else full
        return -end, end
    known = values[np.isfinite(values)]
    if atlas.measure == "scores" and known.size:
        low, high = float(known.min()), float(known.max())
        return low, high if high > low else low + 1.0
    return 0.0, full


def numbers(atlas: Atlas) -> NDArray[np.float32]:
    """Return what the bytes of an atlas stand for, NaN where nothing is known.

    A byte is a 255th of its head's scale: that is how exact the grid is.
    """
    values = atlas.values.astype(np.float32)
    scaled: NDArray[np.floating[Any]] = (values - 128) / 127 if atlas.is_signed else values / 255
    if atlas.ends is not None:
        low, high = (atlas.ends[..., at, None, None] for at in (0, 1))
        scaled = scaled * high if atlas.is_signed else low + scaled * (high - low)
    share: NDArray[np.float32] = scaled.astype(np.float32)
    share[atlas.layers :] = np.nan
    if atlas.broken is not None:
        share[atlas.broken] = np.nan
    later = np.arange(values.shape[3]) > np.arange(values.shape[2])[:, None]
    share[:, :, later] = np.nan
    return share


def _axes(atlas: Atlas) -> tuple[Axis, ...]:
    return tuple(
        Axis(axis.name, axis.coordinates, tuple(names(axis, None)))
        if len(axis) == size
        else Axis(axis.name, tuple(range(size)), tuple(map(str, range(size))))
        for axis, size in zip(atlas.axes, atlas.values.shape, strict=True)
    )


def ranks(ranking: Ranking) -> Cells | None:
    """Return what heads are ranked by as a map; None where nothing is known."""
    values = ranking.values
    if values is None:
        return None
    layers, heads = values.shape
    axes = [
        Axis(name, tuple(range(count)), tuple(f"{letter}{at}" for at in range(count)))
        for name, letter, count in (("layer", "L", layers), ("head", "H", heads))
    ]
    full, is_known = ranking.full, np.isfinite(values)
    shares = np.nan_to_num(values / full).clip(-1, 1)
    shades = shares * 127 + theme.NEUTRAL if ranking.is_signed else shares.clip(0, 1) * 255
    drawn = Picture(
        rows=axes[0],
        columns=axes[1],
        shades=np.rint(shades).astype(np.uint8),
        states=np.where(is_known, CellState.EXACT, CellState.UNKNOWN).astype(np.uint8),
        row_names=list(axes[0].labels),
        column_names=list(axes[1].labels),
        values=values,
        numbers=lambda row, column: ranking.number(row, column),
    )
    counted = ranking.score.title + (f", {ranking.unit}" if ranking.unit else "")
    low = -full if ranking.is_signed else 0.0
    scale = Scale(low, full, counted, ranking.is_signed)
    return Cells("", drawn, scale, data_of(drawn, values, "value"))
