"""The trajectories beside the grid: each token, or the number that is shown, layer by layer."""

from __future__ import annotations

import numpy as np

from lensgui.jobs.answers.arrays import CellState, Slice
from lensgui.jobs.answers.lenses import LensGrid
from lensgui.jobs.answers.readings import Token
from lensgui.panes.figures.figure import Data, Lines, numbered
from lensgui.panes.lens.lens_seen import Seen
from lensgui.panes.lens.lens_values import (
    OF_TOKEN,
    OF_VALUE,
    REACHED,
    Numbers,
    Read,
    end_text,
    number_text,
    numbers,
    row_words,
)
from lensgui.panes.pictures.curves import Curve, CurvePlot
from lensgui.panes.pictures.picture import Picture
from lensgui.panes.python.figures import Code
from lensgui.panes.python.script import prompts_of
from lensgui.panes.token_text import spell
from lensgui.prompts.sides import is_difference
from lensgui.state.views import LensValue

HELD_OUT, SPREAD = "a text held out", "standard deviation"


def curves(seen: Seen, column: int) -> CurvePlot | None:
    """Return what stands beside the grid.

    Args:
        seen: What is shown.
        column: The position whose numbers are drawn.
    """
    view, found = seen.view, seen.found
    if found is None:
        return None
    if is_worth(seen):
        return _of_worth(seen)
    if seen.is_mean or view.value not in ("token", *OF_TOKEN):
        return None if seen.read is None else _of_numbers(seen, found, seen.read, column)
    return _of_tokens(seen, column)


def is_worth(seen: Seen) -> bool:
    """Whether what a fitted lens is worth is drawn, of no position."""
    return bool(seen.view.lens) and seen.view.value == "divergence"


def counted(seen: Seen, column: int, picture: Picture) -> tuple[str, str]:
    """Say what is drawn with its unit, and of which position."""
    kind = OF_VALUE["probability" if seen.view.value == "token" else seen.view.value]
    what = f"{kind.option.name}, {kind.unit}".removesuffix(", ")
    if is_worth(seen):
        return what, f"by layer on {HELD_OUT}"
    return what, f"by layer at position {column} ‘{picture.column_names[column]}’"


def _of_tokens(seen: Seen, column: int) -> CurvePlot | None:
    """Return what each token that is followed does at a position."""
    grid, other, view = seen.grid, seen.other_grid, seen.view
    compares = is_difference(view.side)
    if grid is None or (compares and (other is None or not _are_alike(grid, other))):
        return None
    value: LensValue = view.value if view.value in OF_TOKEN else "probability"
    found = []
    for at, token in _drawn(grid):
        values = known(numbers(value, grid, at), grid)[:, column]
        taken = numbers(value, other, at) if other is not None else None
        if other is not None and taken is not None:
            values = values - known(taken, other)[:, column]
        found.append(Curve(spell(token), values))
    return plotted(grid, found, value, is_difference=compares)


def _drawn(grid: LensGrid) -> list[tuple[int, Token]]:
    """Return the tokens that are followed, each once, with their numbers among the chosen."""
    found: dict[int, tuple[int, Token]] = {}
    for at, token in enumerate(grid.chosen):
        if token is not None:
            found.setdefault(token.id, (at, token))
    return list(found.values())


def _are_alike(grid: LensGrid, other: LensGrid) -> bool:
    """Whether two prompts have as many tokens, and are read in the same rows."""
    return grid.states.shape == other.states.shape


def _of_numbers(seen: Seen, found: LensGrid | Slice, read: Read, column: int) -> CurvePlot | None:
    """Return the numbers that are shown, at a position; of a mean with its spread."""
    spread = None if seen.mean is None else seen.mean.deviation[:, column]
    name = OF_VALUE[seen.view.value].option.name if spread is None else "mean ± SD"
    curve = Curve(name, read.values[:, column], spread)
    if not np.isfinite(curve.values).any():  # such as the surprisal of what follows the end
        return None
    compares = is_difference(seen.view.side)
    return plotted(found, [curve], seen.view.value, is_difference=compares)


def _of_worth(seen: Seen) -> CurvePlot | None:
    """Return what a fitted lens is worth on a text held out, beside the logit lens."""
    if seen.held_out is None:
        return None
    parts = zip(("this lens", "logit lens"), seen.held_out, strict=True)
    found = [Curve(f"{name}, {HELD_OUT}", known(part.values, part)) for name, part in parts]
    return plotted(seen.held_out[0], found, "divergence", is_difference=False)


def known(values: Numbers | None, found: LensGrid | Slice) -> Numbers:
    """Return numbers, NaN where nothing is known."""
    assert values is not None
    return np.where(found.states == CellState.EXACT, values, np.nan).astype(np.float32)


def plotted(
    found: LensGrid | Slice, curves: list[Curve], value: LensValue, *, is_difference: bool
) -> CurvePlot:
    """Return curves on an axis that all of them fit on, and 0."""
    if value in ("probability", "token"):
        low, high = (-1.0 if is_difference else 0.0), 1.0
    else:
        every = [curve.values for curve in curves]
        every += [
            curve.values + side * curve.spread
            for curve in curves
            if curve.spread is not None
            for side in (-1, 1)
        ]
        finite = [part[np.isfinite(part)] for part in every]
        joined = np.concatenate(finite)
        ends = np.quantile(joined, (1 - REACHED, REACHED)) if joined.size else np.zeros(2)
        low, high = min(0.0, float(ends[0])), max(0.0, float(ends[1]))
    return CurvePlot(found.axes[0], tuple(curves), low, high, (end_text(low), end_text(high)))


def words(plot: CurvePlot, value: LensValue, row: int) -> str:
    """Return what the curves say of a row."""
    said = []
    for curve in plot.curves if row < len(plot.rows) else ():
        number = float(curve.values[row])
        if not np.isfinite(number):
            continue
        text = number_text(value, number, is_signed=plot.low < 0)
        if curve.spread is not None and np.isfinite(curve.spread[row]):
            text += f" ± {number_text(value, float(curve.spread[row]), is_signed=False)}"
        said.append(f"{curve.name} {text}")
    return f"{row_words(plot.rows, row)}: {'; '.join(said)}" if said else ""


def panel(plot: CurvePlot, counted: str) -> Lines:
    """Return curves as they are taken home."""
    names = [curve.name for curve in plot.curves]
    values = np.stack([curve.values for curve in plot.curves]).astype(np.float64)
    columns = {"value": values}
    spreads = [curve.spread for curve in plot.curves if curve.spread is not None]
    spread = np.stack(spreads).astype(np.float64) if len(spreads) == len(names) else None
    if spread is not None:
        columns[SPREAD] = spread
    data = Data((numbered("line", names), plot.rows), columns)
    return Lines("", plot.rows, names, values, counted, data, spread)


def code(seen: Seen, column: int) -> Code:
    """Return how a script gets at the curves, after the pane's own lines."""
    if is_worth(seen):
        worth = "[[*held_out_worth(model, one)][-1] for one in (lens, LogitLens())]"
        return Code(("torch.stack(worth)",), (f"worth = {worth}",))
    if seen.is_mean or seen.view.value not in ("token", *OF_TOKEN):
        return Code((f"shown[:, {column}][None]",))
    view, read = seen.view, OF_VALUE["probability"].python
    if seen.view.value in OF_TOKEN:
        read = OF_VALUE[seen.view.value].python
    grid = seen.grid
    ids = [token.id for _, token in _drawn(grid)] if grid is not None else []
    mid = ", mid=True" * (view.mid and not view.lens)
    lines = [
        "def followed(run):",
        f"    curves = torch.full((len(lens_rows(model{mid})), {len(ids)}), torch.nan)",
        f"    for cells in read_lens(run, lens, {ids}, {column}{mid}):",
        f"        here = cells.positions == {column}",
        f"        curves[cells.rows[here]] = cells.{read.replace('[:, 0]', '')}[here].float()",
        "    return curves.T  # [token, row]",
    ]
    if not is_difference(view.side):
        return Code(("followed(run)",), tuple(lines))
    prompts = ", ".join(prompts_of(view.side))
    lines.append(f"one, other = (followed(run_prompt(model, prompt)) for prompt in ({prompts}))")
    return Code(("one - other",), tuple(lines))
