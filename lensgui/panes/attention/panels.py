"""One head's numbers as panels of figures: as a map, as lines, or on the text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lensgui.jobs.answers.arrays import Axis
from lensgui.panes.attention.head_lines import edges
from lensgui.panes.attention.head_numbers import NAMES, Weights
from lensgui.panes.figures.figure import (
    Cells,
    Data,
    Prose,
    Scale,
    Strands,
    data_of,
)
from lensgui.panes.pictures.picture import Picture
from lensgui.state.views import AttentionView

_LEFT_OUT = "position 0 is left out"
WITHOUT_FIRST = _LEFT_OUT, f"{_LEFT_OUT}, the rest of each row adds up to 1"  # of a pattern


def scale(weights: Weights, compared: str) -> Scale:
    """Return what the colours of a head's numbers stand for.

    Args:
        weights: The numbers.
        compared: Of which runs they are the difference; "" for none.
    """
    slice_ = weights.slice
    counted = NAMES[slice_.measure]
    counted += " (logits)" * (slice_.measure == "contribution")
    counted += f", {compared}" * bool(compared)
    return Scale(weights.low, weights.high, counted, slice_.is_signed)


def picture(weights: Weights, marked: frozenset[int]) -> Picture:
    """Return all of a head's map, however much of it is in view."""
    rows, columns = weights.slice.axes
    names = list(weights.tokens)
    return Picture(
        rows=rows,
        columns=columns,
        shades=weights.shades,
        states=weights.slice.states,
        row_names=names,
        column_names=names,
        marked=marked,
        marked_rows=marked,
        values=weights.slice.values,
    )


def heatmap(weights: Weights, marked: frozenset[int], compared: str = "") -> Cells:
    """Return a head's map; marked positions differ between clean and corrupted."""
    drawn = picture(weights, marked)
    return Cells("", drawn, scale(weights, compared), _data(weights, drawn), is_square=True)


def strands(
    weights: Weights, marked: frozenset[int], view: AttentionView, compared: str = ""
) -> Strands:
    """Return the lines at least as strong as the view says."""
    drawn = edges(weights, view.least_line, None)
    data = _data(weights, picture(weights, marked))
    tokens, of = list(weights.tokens), scale(weights, compared)
    return Strands("", tokens, drawn.ends, drawn.shares, of, data, marked)


def prose(weights: Weights, chosen: int, compared: str = "", *, is_from: bool) -> Prose:
    """Return the text, coloured by what one token attends to or by what attends to it.

    Args:
        weights: The head's numbers.
        chosen: The token.
        compared: As of `scale`.
        is_from: The former.
    """
    place = (chosen, slice(None)) if is_from else (slice(None), chosen)
    is_known = [
        weights.is_known(chosen, at) if is_from else weights.is_known(at, chosen)
        for at in range(len(weights.tokens))
    ]
    shades = np.where(is_known, weights.shades[place].astype(np.int16), -1).astype(np.int16)
    values = np.where(is_known, weights.slice.values[place], np.nan)
    axis = _axis("source" if is_from else "position", weights.tokens)
    data = Data((axis,), {"value": values})
    return Prose("", list(weights.tokens), shades, scale(weights, compared), data, chosen)


def _data(weights: Weights, drawn: Picture) -> Data:
    return data_of(drawn, weights.slice.values, "value")


def _axis(name: str, tokens: Sequence[str]) -> Axis:
    return Axis(name, tuple(range(len(tokens))), tuple(tokens))
