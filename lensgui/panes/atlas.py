"""From every head's attention to one picture of thumbnails."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, qRgb

from lensgui.jobs.slices import Atlas
from lensgui.panes import theme
from lensgui.panes.theme import Theme

MASKED, EMPTY = 255, 254  # indices of the picture that are no amounts
STRONGEST = 253


@dataclass(frozen=True, slots=True)
class Raster:
    """Where the thumbnails are, in whole device pixels.

    Attributes:
        rows: How many layers.
        columns: How many heads.
        side: Of a thumbnail.
        gutter: Between two of them.
    """

    rows: int
    columns: int
    side: int
    gutter: int

    @property
    def step(self) -> int:
        """From one thumbnail to the next."""
        return self.side + self.gutter

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the whole."""
        return self.rows * self.step - self.gutter, self.columns * self.step - self.gutter


def paint_atlas(atlas: Atlas, raster: Raster) -> NDArray[np.uint8]:
    """Return the picture of all known heads as palette indices, [y, x].

    Each thumbnail shows the largest value under each of its pixels, and the causal mask.
    """
    side = raster.side
    values = _squeeze(_squeeze(atlas.values[: atlas.layers], 2, side), 3, side)
    shades = (values.astype(np.uint16) * STRONGEST // 255).astype(np.uint8)
    later = np.arange(shades.shape[3]) > np.arange(shades.shape[2])[:, None]
    shades[:, :, later] = MASKED
    nearest = np.arange(side) * shades.shape[2] // side
    thumbnails = shades[:, :, nearest][:, :, :, np.arange(side) * shades.shape[3] // side]
    padded = np.full((raster.rows, raster.columns, raster.step, raster.step), EMPTY, np.uint8)
    padded[: atlas.layers, :, :side, :side] = thumbnails
    whole = padded.transpose(0, 2, 1, 3).reshape(
        raster.rows * raster.step, raster.columns * raster.step
    )
    return np.ascontiguousarray(whole[: raster.size[0], : raster.size[1]])


def _squeeze(values: NDArray[np.uint8], axis: int, most: int) -> NDArray[np.uint8]:
    """Return values pooled to at most `most` places along an axis, each the largest it covers."""
    count = values.shape[axis]
    if count <= most:
        return values
    starts = np.arange(most) * count // most
    return np.maximum.reduceat(values, starts, axis=axis)


def color_table(look: Theme) -> list[int]:
    """Return the colours of a picture's indices."""
    table = theme.sequential(look)
    shades = np.arange(STRONGEST + 1) * 255 // STRONGEST
    amounts = [qRgb(*map(int, table[shade])) for shade in shades]
    return [*amounts, 0, QColor(look.masked).rgb()]
