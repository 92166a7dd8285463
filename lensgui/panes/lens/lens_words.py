"""What is said of the grid and of its cells."""

from __future__ import annotations

import numpy as np

from lensgui.jobs.answers.arrays import CellState
from lensgui.jobs.answers.lenses import LensGrid
from lensgui.panes.lens import lens_values
from lensgui.panes.lens.lens_controls import GIVEN
from lensgui.panes.lens.lens_seen import Seen
from lensgui.panes.lens.lens_values import OF_TOKEN, OF_VALUE
from lensgui.panes.token_text import spell
from lensgui.prompts.sides import CAPTIONS, is_change, is_difference, lacking, unchanged

NOTHING = "Type a prompt to see what each layer would predict."
NO_DIFFERENCE = "The likeliest token of two prompts has no difference: choose another value."
NO_CHANGE = "The likeliest tokens of two runs have no difference: choose another value."
NO_TOKEN = "There is no {which} of one token to read."
HOW = (
    "Each cell is the residual stream that enters a layer, {through}, with the final norm and the "
    "unembedding as if it were the last; the norm's scale is each cell's own"
)
AS_IT_IS = "as it is (logit lens, nostalgebraist 2020)"
UNREAD = "the lens was not fitted here"


def counted(seen: Seen) -> str:
    """Say what the colours count."""
    view, kind, read = seen.view, OF_VALUE[seen.view.value], seen.read
    metric = seen.document.pair.metric if seen.document is not None else ""
    name = metric if view.value == "metric" else kind.option.name
    said = "coloured by its probability" if view.value == "token" else kind.unit
    whose = CAPTIONS[view.side]
    over = ""
    if seen.mean is not None:
        over = f"mean over {seen.mean.pairs} of {seen.mean.total} pairs"
    elif seen.document is not None and seen.document.rows and not seen.is_mean:
        over = "of this pair alone"
    fitted = ""
    if read is not None:
        ends = "±" * read.is_signed + lens_values.end_text(read.high)
        fitted = f"colours to {ends}, {'fitted' if read.is_fitted else 'fixed'}"
    return ", ".join(filter(None, (f"{name}{_of(seen)}", said, whose, over, fitted)))


def _of(seen: Seen) -> str:
    """Say of which token the numbers are."""
    if seen.view.value not in OF_TOKEN:
        return ""
    if seen.is_mean:
        return f" of each pair's {GIVEN[seen.view.token]}"
    at = seen.view.token
    token = seen.grid.chosen[at] if seen.grid is not None and at < len(seen.grid.chosen) else None
    return "" if token is None else f" of {spell(token)}"


def how(seen: Seen) -> str:
    """Say how a cell is read."""
    through = AS_IT_IS
    if seen.grid is not None and seen.view.lens:
        through = f"through a {seen.grid.through}"
    return HOW.format(through=through)


def worth(seen: Seen) -> str:
    """Say what a fitted lens is worth beside the logit lens, and what has to be known."""
    if seen.grid is None or seen.is_mean:
        return ""
    said = ""
    if seen.view.lens and seen.plain is not None:
        said = lens_values.worth_words((seen.grid, seen.plain), seen.held_out)
    return " ".join(filter(None, (said, seen.grid.remark)))


def why_empty(seen: Seen) -> str:
    """Say why there is no grid; "" if there is."""
    view, pair = seen.view, seen.document.pair if seen.document is not None else None
    if pair is not None and (why := unchanged(pair, view.side)):
        return why
    if is_difference(view.side) and view.value == "token":
        return NO_CHANGE if is_change(view.side) else NO_DIFFERENCE
    if isinstance(seen.found, LensGrid) and view.value in OF_TOKEN and seen.read is None:
        which = GIVEN[view.token] if view.token < len(GIVEN) else "token that is followed"
        return NO_TOKEN.format(which=which)
    if seen.found is not None:
        return ""
    is_typed = pair is not None and pair.clean and not seen.is_mean
    return (lacking(pair, view.side) if pair is not None and is_typed else "") or NOTHING


def cell(seen: Seen, row: int, column: int, place: str) -> str:
    """Return all that is known of a cell.

    Args:
        seen: What is shown.
        row: Its row.
        column: Its column.
        place: What the column is called.
    """
    found, grid = seen.found, seen.grid
    if found is None or row >= len(found.axes[0]) or column >= len(found.axes[1]):
        return ""
    said = [f"{lens_values.row_words(found.axes[0], row)}, position {column} ‘{place}’"]
    said.append(_number(seen, row, column))
    if seen.mean is not None:
        said.append("" if found.states[row, column] == CellState.EXACT else UNREAD)
    elif grid is not None and row in grid.unread:
        said.append(UNREAD)
    elif grid is not None and not is_difference(seen.view.side) and grid.axes == found.axes:
        said.append(lens_values.words_of(grid, row, column))
    elif found.states[row, column] != CellState.EXACT:
        said.append("not computed yet")
    return ": ".join(filter(None, said))


def _number(seen: Seen, row: int, column: int) -> str:
    """Say the number of a cell, and of a mean how far single pairs are from it."""
    value, read = seen.view.value, seen.read
    number = np.nan if read is None else float(read.values[row, column])
    if read is None or value == "token" or not np.isfinite(number):
        return ""
    text = lens_values.number_text(value, number, is_signed=read.is_signed)
    said = f"{OF_VALUE[value].option.name} {text} {OF_VALUE[value].unit}".rstrip()
    spread = np.nan if seen.mean is None else float(seen.mean.deviation[row, column])
    if np.isfinite(spread):
        text = lens_values.number_text(value, spread, is_signed=False)
        said += f", ± {text} over the pairs (standard deviation)"
    return said
