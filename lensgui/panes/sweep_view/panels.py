"""Sweeps as panels of figures: the map, the table of its strongest cells, intervals, points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensgui.jobs.answers.arrays import Axis, Sweep
from lensgui.panes.figures.figure import (
    Bars,
    Cells,
    Cloud,
    Data,
    Scale,
    Sheet,
    data_of,
    numbered,
)
from lensgui.panes.pictures.picture import Picture
from lensgui.panes.python.figures import Code
from lensgui.panes.scatter.point_plot import Points
from lensgui.panes.sweep_view import cells, sweep_footer
from lensgui.panes.sweep_view.whiskers import Whisker
from lensgui.panes.token_text import precise

NOTHING: Mapping[str, NDArray[np.floating[Any]]] = {}
WAYS = {
    "denoising": "Activations of the clean run are put into the corrupted run (denoising)",
    "noising": "Activations of the corrupted run are put into the clean run (noising)",
}


def heatmap(picture: Picture, limit: float, counted: str, title: str = "") -> Cells:
    """Return the map of a sweep.

    Args:
        picture: What is drawn.
        limit: What full colour stands for.
        counted: What the colours count.
        title: What it is called beside others.
    """
    assert picture.values is not None
    scale = Scale(-limit, limit, counted, is_signed=True)
    return Cells(title, picture, scale, data_of(picture, picture.values, "value"))


def says(sweep: Sweep, kind: str) -> str:
    """Return what a sweep shows, in sentences.

    Args:
        sweep: The sweep.
        kind: The words for what is patched.
    """
    done, total = sweep.done, sweep.total
    said = [f"{kind[:1].upper()}{kind[1:]}. {WAYS[sweep.direction]}; {cells.legend(sweep)}."]
    if sweep.refusal:
        said.append(sweep.refusal)
    if sweep.settled is not None:
        words = sweep_footer.settled_words(sweep)[0]
        said.append(f"{words[:1].upper()}{words[1:]}; the others are estimates.")
    elif done < total:
        said.append(f"Partly computed: {done:,} of {total:,} cells are exact.")
    spread = sweep.spread
    if spread is not None and spread.left_out[0]:
        said.append(f"{spread.left_out[0]} pairs are left out.")
    return " ".join(said)


def strongest(titles: Sequence[str], rows: Sequence[Sequence[str]], values: list[float]) -> Sheet:
    """Return a table of cells, with the number of each."""
    made = sheet("", titles, rows)
    axis = numbered("row", [row[0] for row in rows])
    columns, words = {"value": np.array(values)}, {}
    for name, texts in made.data.words.items():
        found = _numbers(texts)
        if found is None:
            words[name] = texts
        else:
            columns[name] = found
    return replace(made, data=Data((axis,), columns, words))


def _numbers(texts: Sequence[str]) -> NDArray[np.float64] | None:
    """Return what is written, with a true minus, as numbers; None if some of it is none."""
    plain = [text.removeprefix("≈ ").replace("−", "-") for text in texts]
    try:
        return np.array([float(text) for text in plain])
    except ValueError:
        return None


def sorted_code(count: int) -> Code:
    """Return how a script gets at the strongest numbers of `shown`."""
    lines = ("flat = shown.nan_to_num().flatten().tolist()",)
    return Code((f"sorted(flat, key=abs, reverse=True)[:{count}]",), lines)


def sheet(title: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Sheet:
    """Return a table of words."""
    texts = [list(row) for row in rows]
    axis = numbered("row", [str(at + 1) for at in range(len(texts))])
    names = [name or f"column {at + 1}" for at, name in enumerate(titles)]
    words = {name: [row[at] for row in texts] for at, name in enumerate(names)}
    return Sheet(title, list(titles), texts, Data((axis,), {}, words))


def intervals(found: Sequence[Whisker], counted: str) -> Bars:
    """Return the strongest cells of a mean, each with its interval."""
    names = [one.name for one in found]
    values = np.array([one.mean for one in found], np.float64)
    spans = np.array([(one.low, one.high) for one in found], np.float64).reshape(-1, 2)
    data = Data(
        (Axis("cell", tuple(range(len(names))), tuple(names)),),
        {"mean": values, "low": spans[:, 0], "high": spans[:, 1]},
    )
    return Bars(
        "", names, values, [precise(float(value)) for value in values], counted, data, spans
    )


def cloud(
    points: Points, key: str = "", more: Mapping[str, NDArray[np.floating[Any]]] = NOTHING
) -> Cloud:
    """Return a scatter plot.

    Args:
        points: What is drawn.
        key: What colour and size say.
        more: The numbers that they stand for, by name, [point].
    """
    titles = tuple(title.replace("→", "").strip() for title in (points.x_title, points.y_title))
    columns = {titles[0]: points.x, titles[1]: points.y, **more}
    axis = Axis("point", tuple(range(len(points.names))), tuple(points.names))
    return Cloud(
        "",
        points.x,
        points.y,
        list(points.names),
        (titles[0], titles[1]),
        Data((axis,), columns),
        points.shades,
        points.areas,
        points.is_diagonal,
        key,
    )
