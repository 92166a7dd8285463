"""What is said of hook points, and a slice of one activation."""

from __future__ import annotations

from dataclasses import dataclass

from lensgui.jobs.answers.arrays import Axis, Slice


@dataclass(frozen=True, slots=True)
class MappedPoint:
    """A hook point of the model.

    Attributes:
        name: In full.
        short: Within its layer; outside of layers the name.
        layer: The layer that is mapped; None outside of layers.
        axes: What its dimensions count.
        sizes: How many places each has, on this prompt.
        formula: How it comes about; "" where that is not said.
        about: What it is; likewise.
        norm: The Euclidean norm of what it holds at the position, or of all where it has none; None
            of whole numbers.
    """

    name: str
    short: str
    layer: int | None
    axes: tuple[str, ...]
    sizes: tuple[int, ...]
    formula: str
    about: str
    norm: float | None


@dataclass(frozen=True, slots=True)
class ModelMap:
    """The hook points of one layer, and those outside of layers, in the order they are met.

    Attributes:
        points: The hook points.
        layer: The layer that is measured.
        position: Where.
    """

    points: tuple[MappedPoint, ...]
    layer: int
    position: int


@dataclass(frozen=True, slots=True, eq=False)
class ActivationSlice(Slice):
    """Two axes of an activation.

    Attributes:
        axes: Rows and columns.
        order: What all axes are called, in the order in which the activation has them.
        others: The other axes, each with the place where it stands.
        mean: Of the whole activation.
        norm: Its Euclidean norm.
        largest: Its largest entries by size, with a name each, largest first.
    """

    order: tuple[str, ...]
    others: tuple[tuple[Axis, int], ...]
    mean: float
    norm: float
    largest: tuple[tuple[str, float], ...]
