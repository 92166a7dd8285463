"""Tables of 256 colours from a few, mixed so that equal steps look equal, in any hue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

Table = NDArray[np.uint8]  # [256, 3], red, green, blue
GREY = 0.02  # chroma below which a colour has no hue of its own, and keeps what it has
HALVINGS = 12  # to find the strongest colour of a hue that a screen has


@dataclass(frozen=True, slots=True)
class Opposites:
    """The two hues of signed numbers.

    Attributes:
        positive: The word for the colour of positive numbers.
        negative: That of negative ones.
        hues: Of negative and positive numbers, in degrees around OKLab's grey; None for the theme's
            own.
    """

    positive: str
    negative: str
    hues: tuple[float | None, float | None] = (None, None)


DIVERGING = {
    "blue-red": Opposites("blue", "red"),
    "blue-orange": Opposites("blue", "orange", (62.0, None)),
    "purple-green": Opposites("purple", "green", (145.0, 312.0)),
}
SEQUENTIAL = {"blue": None, "violet": 305.0, "green": 155.0}


def ramp(stops: Sequence[str], count: int, hue: float | None = None) -> Table:
    """Return colours through some stops, evenly spaced to the eye.

    Colours are mixed in OKLab (Ottosson 2020), where equal steps look equal.

    Args:
        stops: Colours, "#rrggbb".
        count: How many colours.
        hue: The hue that the stops are turned to, each as light as it is; None for their own.
    """
    named = (QColor(stop) for stop in stops)
    lab = _lab(np.array([(color.redF(), color.greenF(), color.blueF()) for color in named]))
    if hue is not None:
        lab = np.stack([_turned(color, hue) for color in lab])
    where = np.linspace(0, len(stops) - 1, count)
    mixed = np.stack([np.interp(where, np.arange(len(stops)), part) for part in lab.T], axis=1)
    return (_screen(mixed) * 255).round().astype(np.uint8)


def _turned(lab: NDArray[np.float64], hue: float) -> NDArray[np.float64]:
    """Return a colour as light as another and as strong, or as strong as a screen can show it."""
    strong = float(np.hypot(*lab[1:]))
    if strong < GREY:
        return lab
    way = np.array([0, cos(radians(hue)), sin(radians(hue))])
    grey, low, high = lab * (1, 0, 0), 0.0, strong
    for _ in range(HALVINGS if _is_beyond(grey + strong * way) else 0):
        middle = (low + high) / 2
        low, high = (low, middle) if _is_beyond(grey + middle * way) else (middle, high)
    return np.asarray(grey + high * way)


def _is_beyond(lab: NDArray[np.float64]) -> bool:
    """Whether no screen shows a colour."""
    light = _light(lab)
    return bool((light < 0).any() or (light > 1).any())


def _lab(colors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a screen's colours, 0 to 1, [color, 3], in OKLab."""
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ _TO_CONES.T) @ _TO_LAB.T)


def _light(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much red, green and blue light OKLab's colours are; 0 to 1 if a screen has it."""
    return np.asarray(((lab @ np.linalg.inv(_TO_LAB).T) ** 3) @ np.linalg.inv(_TO_CONES).T)


def _screen(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return OKLab's colours as a screen has them, 0 to 1."""
    light = _light(lab).clip(0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
