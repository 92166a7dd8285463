"""A picture that is taken home: its data, what it is drawn of, its caption and where it is from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from lensgui.jobs.answers.arrays import Axis, CellState
from lensgui.panes.pictures.picture import Picture

Numbers = NDArray[np.floating[Any]]
KNOWN = (CellState.EXACT, CellState.ESTIMATE, CellState.UNCHANGED)
STATES = {state: state.name.lower().replace("_", " ") for state in CellState}


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Numbers with named axes, as they are written to CSV and NPZ.

    Attributes:
        axes: What each dimension counts.
        columns: Arrays of numbers by their names, each as large as the axes; NaN where nothing is
            known.
        words: Arrays of text likewise, each a list of one entry for each cell, in C order.
    """

    axes: tuple[Axis, ...]
    columns: Mapping[str, Numbers] = field(default_factory=dict)
    words: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """How many places there are on each axis."""
        return tuple(len(axis) for axis in self.axes)


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """What colours stand for.

    Attributes:
        low: What the first colour stands for.
        high: What the last one does.
        counted: What is counted, with its unit.
        is_signed: Whether numbers on either side of 0 mean opposite things.
    """

    low: float
    high: float
    counted: str
    is_signed: bool

    def __eq__(self, other: object) -> bool:
        """Whether one bar says both."""
        if not isinstance(other, Scale):
            return NotImplemented
        return (self.low, self.high, self.counted) == (other.low, other.high, other.counted)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """A heatmap.

    Attributes:
        title: What it is called beside others; "" if it is alone.
        picture: What is drawn.
        scale: What its colours stand for.
        data: Its numbers.
        is_square: Whether its cells should be about square.
    """

    title: str
    picture: Picture
    scale: Scale
    data: Data
    is_square: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """Points on two axes.

    Attributes:
        title: As of `Cells`.
        x: Horizontal places, [point].
        y: Vertical places, [point].
        names: What points are called.
        titles: What both axes count.
        data: Both numbers, and what else is known of each.
        shades: Indices into the diverging table, [point]; None for one colour.
        areas: How large points are, 0 to 1, [point]; None for one size.
        is_diagonal: Whether both axes count the same.
        key: What colour and size say; "" for nothing.
    """

    title: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    names: list[str]
    titles: tuple[str, str]
    data: Data
    shades: NDArray[np.uint8] | None = None
    areas: NDArray[np.float64] | None = None
    is_diagonal: bool = False
    key: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Strands:
    """Lines between tokens, from destinations on the left to sources on the right.

    Attributes:
        title: As of `Cells`.
        tokens: What positions are called.
        ends: Destination and source of each line, the weakest first, [line, 2].
        shares: How strong each is, 0 to 1, or −1 to 1 where numbers are signed, [line].
        scale: What 1 stands for.
        data: All numbers, drawn or not.
        marked: Positions that differ between clean and corrupted.
    """

    title: str
    tokens: list[str]
    ends: NDArray[np.intp]
    shares: NDArray[np.float32]
    scale: Scale
    data: Data
    marked: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Prose:
    """A text whose tokens are coloured.

    Attributes:
        title: As of `Cells`.
        tokens: What is written.
        shades: Index of each into the colour table, [token]; −1 for no colour.
        scale: What the colours stand for.
        data: The numbers.
        chosen: The token that the numbers are about.
    """

    title: str
    tokens: list[str]
    shades: NDArray[np.int16]
    scale: Scale
    data: Data
    chosen: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """One number for each of some names, as bars.

    Attributes:
        title: As of `Cells`.
        names: What each is called.
        values: Its number, NaN where it is not known.
        words: The number as it is written.
        counted: What is counted, with its unit.
        data: The numbers.
        spans: Low and high end of each number's interval, [name, 2]; None for none.
        order: Which of the numbers each bar is, counted in C order; None for as they come.
    """

    title: str
    names: list[str]
    values: NDArray[np.float64]
    words: list[str]
    counted: str
    data: Data
    spans: NDArray[np.float64] | None = None
    order: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Numbers by layer or by another axis, a line for each of some names.

    Attributes:
        title: As of `Cells`.
        places: What the horizontal axis counts.
        names: What each line is of.
        values: Their numbers, [name, place]; NaN where nothing is known.
        counted: What is counted, with its unit.
        data: The numbers, and what else is known of each.
        spread: How far single numbers are from a mean, [name, place]; None if they are no means.
        across: Where places stand on the horizontal axis, in order, [place]; None for equal steps.
        limits: How far its vertical axis reaches; None for as far as its numbers do.
    """

    title: str
    places: Axis
    names: list[str]
    values: NDArray[np.float64]
    counted: str
    data: Data
    spread: NDArray[np.float64] | None = None
    across: NDArray[np.float64] | None = None
    limits: tuple[float, float] | None = None

    @property
    def ends(self) -> tuple[float, float] | None:
        """The lowest and the highest number, with the spread around them; None for none."""
        spread = 0.0 if self.spread is None else np.nan_to_num(self.spread)
        ends = np.concatenate([self.values - spread, self.values + spread])
        ends = ends[np.isfinite(ends)]
        return (float(ends.min()), float(ends.max())) if ends.size else None


class Rows(Sequence[list[str]]):
    """Rows that are written when somebody reads them, since mostly the first few are."""

    def __init__(self, count: int, make: Callable[[int], list[str]]) -> None:
        self._count, self._make = count, make

    def __len__(self) -> int:
        """Return how many there are."""
        return self._count

    @overload
    def __getitem__(self, at: int) -> list[str]: ...

    @overload
    def __getitem__(self, at: slice) -> list[list[str]]: ...

    def __getitem__(self, at: int | slice) -> list[str] | list[list[str]]:
        """Return one of them, or some."""
        if isinstance(at, slice):
            return [self._make(each) for each in range(*at.indices(self._count))]
        return self._make(range(self._count)[at])


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Rows of words and numbers.

    Attributes:
        title: As of `Cells`.
        columns: What columns are called.
        rows: What they say.
        data: The same.
    """

    title: str
    columns: list[str]
    rows: Sequence[list[str]]
    data: Data


@dataclass(frozen=True, slots=True, eq=False)
class Thumbs:
    """Small squares in rows and columns, such as the attention of all heads.

    Attributes:
        title: As of `Cells`.
        shades: Index of each cell of each square into the colour table, [row, column, y, x].
        is_known: Whether a cell has a number, likewise.
        row_names: What rows are called.
        column_names: What columns are called.
        scale: What the colours stand for.
        data: The numbers.
    """

    title: str
    shades: NDArray[np.uint8]
    is_known: NDArray[np.bool_]
    row_names: list[str]
    column_names: list[str]
    scale: Scale
    data: Data


@dataclass(frozen=True, slots=True, eq=False)
class Web:
    """Nodes in rows, and edges from node to node.

    Attributes:
        title: As of `Cells`.
        names: What nodes are called.
        across: How far from the left each is, 0 to 1, [node].
        rows: Which row each stands in, from above, [node].
        row_names: What rows are called; "" for no name.
        place_names: What places from left to right are called, and how far each is, 0 to 1.
        ends: The nodes that each edge leaves and enters, the weakest first, [edge, 2].
        shades: Index of each edge into the diverging table, [edge].
        widths: How wide each is, 0 to 1, [edge].
        are_estimates: Whether each is an estimate, [edge].
        data: The numbers of the edges.
    """

    title: str
    names: list[str]
    across: NDArray[np.float64]
    rows: NDArray[np.intp]
    row_names: list[str]
    place_names: list[tuple[str, float]]
    ends: NDArray[np.intp]
    shades: NDArray[np.uint8]
    widths: NDArray[np.float64]
    are_estimates: NDArray[np.bool_]
    data: Data


Panel = Cells | Cloud | Strands | Prose | Bars | Lines | Sheet | Thumbs | Web


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a figure is from; it holds no notes, no other pairs, no paths.

    Attributes:
        version: Of lensgui.
        model: The model's name, without where it lies.
        content_id: The SHA-256 that tells its weights from others'; "" if it is not known.
        shown: What the picture shows.
        requests: The questions that it answers, by the pane's names for them.
        changed: When the document was changed last.
    """

    version: str
    model: str
    content_id: str
    shown: str
    requests: Mapping[str, Any]
    changed: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "lensgui": self.version,
            "model": {"name": self.model, "content_id": self.content_id},
            "shown": self.shown,
            "requests": dict(self.requests),
            "changed": None if self.changed is None else self.changed.isoformat(),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """All that is needed to draw a picture in any format.

    Attributes:
        name: What its file is called, without an ending.
        title: What stands above it.
        panels: What is drawn, one beside or below the other.
        caption: What is to be known to read it, in sentences.
        provenance: Where it is from.
        code: A script that computes its data.
    """

    name: str
    title: str
    panels: tuple[Panel, ...]
    caption: str
    provenance: Provenance
    code: str = ""


def data_of(picture: Picture, values: Numbers, name: str) -> Data:
    """Return the numbers of a heatmap.

    Args:
        picture: Says what its rows and columns are called, and what is known.
        values: [row, column].
        name: What is counted.
    """
    axes = tuple(
        Axis(axis.name, axis.coordinates, tuple(names))
        for axis, names in (
            (picture.rows, picture.row_names),
            (picture.columns, picture.column_names),
        )
    )
    known = np.where(np.isin(picture.states, KNOWN), values, np.nan)
    states = [STATES[CellState(state)] for state in picture.states.ravel().tolist()]
    return Data(axes, {name: known}, {"state": states})


def numbered(name: str, labels: list[str]) -> Axis:
    """Return an axis of things that are counted from 0."""
    return Axis(name, tuple(range(len(labels))), tuple(labels))
