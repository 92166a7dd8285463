"""Figures for tests: of every kind of panel, with any labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lensgui.jobs.answers.arrays import Axis, CellState
from lensgui.panes.figures.figure import (
    Bars,
    Cells,
    Cloud,
    Data,
    Figure,
    Lines,
    Panel,
    Prose,
    Provenance,
    Scale,
    Sheet,
    Strands,
    Thumbs,
    Web,
    data_of,
)
from lensgui.panes.pictures.picture import Picture

ABOUT = Provenance("1.0", "fake", "f" * 64, "Test", {"sweep": {"kind": "Patching"}})
SIGNED = Scale(-1.0, 1.0, "logit difference, of clean − corrupted", is_signed=True)
AMOUNT = Scale(0.0, 1.0, "attention", is_signed=False)


def axis(name: str, labels: Sequence[str]) -> Axis:
    return Axis(name, tuple(range(len(labels))), tuple(labels))


def cells(values: np.ndarray, rows: Sequence[str], columns: Sequence[str]) -> Cells:
    """Return a map of numbers on a scale from −1 to 1, with all states among its last cells."""
    axes = axis("layer", rows), axis("position", columns)
    states = np.full(values.shape, CellState.EXACT, np.uint8)
    flat = states.reshape(-1)
    flat[-len(CellState) :] = list(CellState)[: flat.size]
    picture = Picture(
        rows=axes[0],
        columns=axes[1],
        shades=np.rint(values.clip(-1, 1) * 127 + 128).astype(np.uint8),
        states=states,
        row_names=list(rows),
        column_names=list(columns),
        marked=frozenset({1}),
        values=values,
        overflow=np.abs(values) > 1,
    )
    return Cells("", picture, SIGNED, data_of(picture, values, "value"))


def panels(labels: Sequence[str]) -> list[Panel]:
    """Return a panel of every kind, whose things are called so."""
    count, rng = len(labels), np.random.default_rng(0)
    names, square = list(labels), rng.uniform(-1.2, 1.2, (count, count))
    places = rng.normal(size=(2, count))
    data = Data((axis("position", names),), {"value": places[0]})
    ends = np.argwhere(np.tri(count, dtype=bool))[:200]
    strong = rng.uniform(-1, 1, len(ends)).astype(np.float32)
    shades = rng.integers(0, 255, count, dtype=np.uint8)
    small = rng.integers(0, 255, (2, 3, 4, 4), dtype=np.uint8)
    four = tuple(axis(name, ["a"] * size) for name, size in zip("lhps", small.shape, strict=True))
    return [
        cells(square, names, names),
        replace(cells(square, names, names), is_square=True, title="Square"),
        Cloud("", places[0], places[1], names, ("x", "y"), data, shades),
        Strands("", names, ends, strong, SIGNED, data, frozenset({0})),
        Prose("", names, rng.integers(-1, 255, count).astype(np.int16), AMOUNT, data, 0),
        Bars("", names, places[0], [f"{at:.2f}" for at in places[0]], "logits", data),
        Lines(
            "",
            axis("layer", names),
            ["one", "two"],
            places,
            "nats",
            Data((axis("line", ["one", "two"]), axis("layer", names)), {"value": places}),
            np.abs(places) / 3,
        ),
        Sheet("", ["what", "number"], [[name, name] for name in names], data),
        Thumbs(
            "",
            small,
            small > 9,
            ["L0", "L1"],
            ["H0", "H1", "H2"],
            AMOUNT,
            Data(four, {"value": small.astype(float)}),
        ),
        web(names),
    ]


def web(names: list[str]) -> Web:
    """As many nodes as there are names, in rows from above, each but the first read by others."""
    count, rng = len(names), np.random.default_rng(1)
    rows = np.sort(rng.integers(0, 12, count))
    ends = np.array([(at // 2, at) for at in range(1, count)], np.intp).reshape(-1, 2)
    strength = np.linspace(0, 1, len(ends))
    return Web(
        "",
        names,
        rng.uniform(size=count),
        rows,
        ["", *(f"L{at}" for at in range(11))],
        [(name, at / count) for at, name in enumerate(names)],
        ends,
        rng.integers(0, 255, len(ends), dtype=np.uint8),
        strength,
        strength < 0.5,
        Data((axis("edge", [f"edge {at}" for at in range(len(ends))]),), {"value": strength}),
    )


def figure(*shown: Panel, caption: str = "What it shows.", code: str = "print(1)\n") -> Figure:
    return Figure("test", "A title", shown, caption, ABOUT, code)
