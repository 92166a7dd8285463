"""From every head's attention to one picture of thumbnails."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, qRgb

from lensgui.jobs.answers.arrays import Atlas
from lensgui.panes import theme
from lensgui.panes.theme import NEUTRAL, Theme

MASKED, EMPTY = 255, 254  # indices of the picture that are no amounts
STRONGEST = 253
NOTHING = 127  # the index of exactly 0 where numbers are signed
MOST = 0.99  # of the differences that are not 0 have a colour of their own
FULL = 0.75  # of the way to a diverging table's end, where specks would look black

Order = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Raster:
    """Where the thumbnails are, in whole device pixels.

    Attributes:
        rows: How many thumbnails one below the other.
        columns: How many side by side.
        side: Of a thumbnail.
        gutter: Between two of them.
        caption: Room for a name above each, if any.
        tall: The height of one that is no square; else 0.
    """

    rows: int
    columns: int
    side: int
    gutter: int
    caption: int = 0
    tall: int = 0

    @property
    def height(self) -> int:
        """How tall one is."""
        return self.tall or self.side

    @property
    def across(self) -> int:
        """From one thumbnail to the next on its right."""
        return self.side + self.gutter

    @property
    def down(self) -> int:
        """From one thumbnail to the next below."""
        return self.caption + self.height + self.gutter

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the whole."""
        return self.rows * self.down - self.gutter, self.columns * self.across - self.gutter


def natural(layers: int, heads: int) -> Order:
    """Return the order of a map: a row for each layer, a column for each head."""
    return np.arange(layers * heads).reshape(layers, heads)


def paint_atlas(atlas: Atlas, raster: Raster, order: Order | None = None) -> NDArray[np.uint8]:
    """Return the picture of all known heads as palette indices, [y, x].

    Each thumbnail shows the value of the largest size under each of its pixels, and the causal
    mask; nothing where a number is not finite.

    Args:
        atlas: The heads.
        raster: Where thumbnails go.
        order: Which head stands where, counted layer by layer, [row, column]; −1 for none; None
            for a row for each layer.
    """
    side, heads = raster.side, atlas.values.shape[1]
    order = natural(atlas.values.shape[0], heads) if order is None else order
    places = order.ravel()
    known = np.flatnonzero((places >= 0) & (places < atlas.layers * heads))
    values = atlas.values.reshape(-1, *atlas.values.shape[2:])[places[known]]
    squeeze = _squeeze_signed if atlas.is_signed else _squeeze
    values = squeeze(squeeze(values, 1, side), 2, side)
    shades = _shaded(atlas, values, places[known])
    if atlas.broken is not None:
        broken = atlas.broken.reshape(-1, *atlas.broken.shape[2:])[places[known]].view(np.uint8)
        shades[_squeeze(_squeeze(broken, 1, side), 2, side) > 0] = EMPTY
    later = np.arange(shades.shape[2]) > np.arange(shades.shape[1])[:, None]
    shades[:, later] = MASKED
    thumbnails = _stretch(_stretch(shades, 2, side), 1, side)
    padded = np.full((places.size, raster.down, raster.across), EMPTY, np.uint8)
    padded[known, raster.caption : raster.caption + side, :side] = thumbnails
    whole = (
        padded.reshape(raster.rows, raster.columns, raster.down, raster.across)
        .transpose(0, 2, 1, 3)
        .reshape(raster.rows * raster.down, raster.columns * raster.across)
    )
    return np.ascontiguousarray(whole[: raster.size[0], : raster.size[1]])


def _shaded(atlas: Atlas, values: NDArray[np.uint8], places: Order) -> NDArray[np.uint8]:
    """Return the colours of heads' bytes [head, position, source] as palette indices.

    Attention has one scale for all heads, and so have the other measures: each head's bytes are put
    on the one that the strongest colour stands for.
    """
    if atlas.ends is None:
        return (_SIGNED if atlas.is_signed else _AMOUNTS)[values]
    low, high = atlas.ends.reshape(-1, 2)[places].T.astype(np.float64)
    steps = np.arange(256)
    start, full = _scale(atlas)
    if atlas.is_signed:
        shares = np.outer(high, (steps - NEUTRAL) / 127) / full
        tables = np.rint(shares.clip(-1, 1) * (NOTHING - 1)) + NOTHING
    else:
        numbers = low[:, None] + np.outer(high - low, steps / 255)
        tables = ((numbers - start) / (full - start)).clip(0, 1) * STRONGEST
    shades: NDArray[np.uint8] = tables.astype(np.uint8)[
        np.arange(len(values))[:, None, None], values
    ]
    return shades


def _scale(atlas: Atlas) -> tuple[float, float]:
    """Return what the weakest and the strongest colour of a measure stand for."""
    assert atlas.ends is not None
    known = atlas.ends[: atlas.layers]
    start = float(known[..., 0].min(initial=0)) if atlas.measure == "scores" else 0.0
    return start, max(atlas.full, start + float(np.finfo(np.float32).eps))


def _stretch(shades: NDArray[np.uint8], axis: int, side: int) -> NDArray[np.uint8]:
    """Return shades repeated until there are `side` along an axis."""
    count = shades.shape[axis]
    return shades if count == side else shades.take(np.arange(side) * count // side, axis)


def _squeeze(values: NDArray[np.uint8], axis: int, most: int) -> NDArray[np.uint8]:
    """Return values pooled to at most `most` places along an axis, each the largest it covers."""
    return _pooled(values, axis, most, np.maximum)


def _squeeze_signed(values: NDArray[np.uint8], axis: int, most: int) -> NDArray[np.uint8]:
    """Return signed values pooled likewise, each the one farthest from 0."""
    highest = _pooled(values, axis, most, np.maximum)
    lowest = _pooled(values, axis, most, np.minimum)
    is_high = highest.astype(np.int16) - NEUTRAL >= NEUTRAL - lowest.astype(np.int16)
    return np.where(is_high, highest, lowest)


def _pooled(values: NDArray[np.uint8], axis: int, most: int, best: np.ufunc) -> NDArray[np.uint8]:
    """Return the best value under each of at most `most` places along an axis.

    Whole rows at a time, since `reduceat` goes byte by byte.
    """
    count = values.shape[axis]
    if count <= most:
        return values
    starts = np.arange(most) * count // most
    ends = np.append(starts[1:], count) - 1
    found: NDArray[np.uint8] = values.take(starts, axis)
    for step in range(1, -(-count // most)):
        best(found, values.take(np.minimum(starts + step, ends), axis), out=found)
    return found


_AMOUNTS = (np.arange(256) * STRONGEST // 255).astype(np.uint8)
_SIGNED = np.rint((np.arange(256) - NEUTRAL) * (NOTHING - 1) / 127 + NOTHING).clip(0, STRONGEST)
_SIGNED = _SIGNED.astype(np.uint8)


@lru_cache(maxsize=1)
def large(atlas: Atlas) -> float:
    """Return the size that few of the known differences exceed; 1 where there is none.

    The very largest would leave all other heads pale.
    """
    known = atlas.values[: atlas.layers]
    is_shown = np.broadcast_to(np.tri(*known.shape[2:], dtype=np.bool_), known.shape)
    if atlas.broken is not None:
        is_shown = is_shown & ~atlas.broken[: atlas.layers]
    sizes = np.abs(known[is_shown & (known != NEUTRAL)].astype(np.int16) - NEUTRAL)
    return float(np.quantile(sizes, MOST, method="higher")) / 127 if sizes.size else 1.0


def limit(atlas: Atlas) -> float | None:
    """Return which share of an atlas's scale has the strongest colour; None for mere amounts."""
    if not atlas.is_signed:
        return None
    return large(atlas) if atlas.ends is None else 1.0


def scale_words(atlas: Atlas) -> str:
    """Return what the strongest colour stands for, where that is not an attention of 1."""
    if atlas.ends is None:
        size = f"{large(atlas):.2f}"
        return f"full colour from ±{size}, by square root" if atlas.is_difference else ""
    start, full = _scale(atlas)
    if atlas.measure == "scores" and not atlas.is_signed:
        return f"colours fitted: {start:.1f} to {full:.1f}".replace("-", "−")
    digits = 2 if full >= 0.1 else 4
    if not atlas.is_signed:
        return f"colours fitted: {full:.{digits}f}"
    where = ", the most where the metric is read" if atlas.measure == "contribution" else ""
    return f"colours fitted: ±{full:.{digits}f}{where}, by square root"


@lru_cache(maxsize=8)
def color_table(colors: Theme, limit: float | None = None) -> list[int]:
    """Return the colours of a picture's indices.

    Args:
        colors: The theme.
        limit: Where numbers are differences, which of them has the strongest colours; others have
            colours by the square root of their size, so that small ones are seen in few pixels.
    """
    index = np.arange(STRONGEST + 1)
    if limit is not None:
        table = theme.diverging(colors)
        shares = (index - NOTHING) / (NOTHING - 1) / limit
        strength = np.sign(shares) * np.sqrt(np.abs(shares).clip(0, 1)) * FULL
        shades = np.rint(strength * 127 + NEUTRAL)
    else:
        table, shades = theme.sequential(colors), index * 255 // STRONGEST
    amounts = [qRgb(*map(int, table[shade])) for shade in shades.astype(int)]
    return [*amounts, 0, QColor(colors.masked).rgb()]
