"""What is shown of a grid: numbers, colours, and the words of a cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensgui.jobs.answers.arrays import Axis, CellState, Slice
from lensgui.jobs.answers.lenses import LensGrid, LensMean
from lensgui.jobs.answers.readings import Token
from lensgui.panes.controls.chooser import Option
from lensgui.panes.token_text import percent, shorten, signed, spell
from lensgui.state.views import LensValue

Numbers = NDArray[np.float32]
OF_TOKEN: tuple[LensValue, ...] = ("probability", "logit", "rank")
SIGNED: tuple[LensValue, ...] = ("metric", "logit")
LONGEST = 12  # letters of a token in a cell
REACHED = 0.98  # of the cells that fitted colours reach: a few embeddings are far from all else
ARRAYS = (  # of a grid, each with a place for every cell
    "states", "tokens", "log_probs", "entropy", "divergence", "surprisal", "logits",
    "chosen_log_probs", "ranks",
)  # fmt: skip
LEAST_WORSE = 0.001  # nats
NAMED = 4  # layers at which a lens is worse
BEYOND = 1.001  # of the end of the colours, which floats may miss by a little


@dataclass(frozen=True, slots=True)
class Kind:
    """Something that is read of each cell.

    Attributes:
        option: What it is called, and what it means.
        unit: What it is counted in; "" for a mere number.
        python: The field of `LensCells` that has it; "" where it is worked out in another way.
    """

    option: Option[LensValue]
    unit: str = ""
    python: str = ""


KINDS: tuple[Kind, ...] = (
    Kind(
        Option(
            "token",
            "likeliest token",
            "The token that each layer and position would predict, coloured by its probability.",
        ),
        python="log_probs[:, 0].exp()",
    ),
    Kind(Option("metric", "metric", "The metric, as if each position were the one it reads.")),
    Kind(
        Option("probability", "probability", "The probability of the answer, or the distractor."),
        python="chosen_log_probs[:, 0].exp()",
    ),
    Kind(
        Option("logit", "logit", "The logit of the answer, or the distractor."),
        "logits",
        "chosen[:, 0]",
    ),
    Kind(
        Option("rank", "rank", "How many tokens are likelier than the answer, or the distractor."),
        python="chosen_ranks[:, 0]",
    ),
    Kind(Option("entropy", "entropy", "How undecided the prediction is."), "nats", "entropy"),
    Kind(
        Option(
            "divergence",
            "KL to the model",
            "How far the prediction is from the model's own at that position: KL(model ‖ lens).",
        ),
        "nats",
        "divergence",
    ),
    Kind(
        Option(
            "surprisal",
            "surprisal",
            "How surprising the token is that really stands next: −log2 of its probability.",
        ),
        "bits",
        "surprisal",
    ),
)
OF_VALUE: Mapping[LensValue, Kind] = {kind.option.value: kind for kind in KINDS}


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """What is drawn: numbers of cells, and how their colours are meant.

    Attributes:
        values: [row, position]; NaN where nothing is known.
        states: The `CellState` of each.
        low: What the first colour stands for.
        high: What the last one does.
        is_signed: Whether numbers on either side of 0 mean opposite things.
        is_fitted: Whether the colours reach as far as the numbers do.
    """

    values: Numbers
    states: NDArray[np.uint8]
    low: float
    high: float
    is_signed: bool
    is_fitted: bool

    @property
    def overflow(self) -> NDArray[np.bool_]:
        """Which cells are beyond the colours."""
        known = np.nan_to_num(self.values)
        return (known > self.high * BEYOND) | (known < self.low * BEYOND)

    @property
    def shades(self) -> NDArray[np.uint8]:
        """Each cell's index into the colour table."""
        span = (self.high - self.low) or 1.0
        share = (np.nan_to_num(self.values) - self.low) / span
        shades: NDArray[np.uint8] = np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)
        return shades


def joined(found: LensGrid | None, selected: LensGrid | None) -> LensGrid | None:
    """Return a grid with what is known already of one position that it lacks.

    Args:
        found: The grid; None while nothing is known.
        selected: A grid in which only that position is known; None for none.
    """
    if found is None or selected is None or found.axes != selected.axes:
        return selected if found is None else found
    lacking = (found.states == CellState.UNKNOWN) & (selected.states != CellState.UNKNOWN)
    lacking[sorted(found.unread)] = False
    if not lacking.any():
        return found
    parts: dict[str, Any] = {}
    for name in ARRAYS:
        whole = getattr(found, name).copy()
        whole[lacking] = getattr(selected, name)[lacking]
        parts[name] = whole
    return replace(found, names={**selected.names, **found.names}, **parts)


def numbers(value: LensValue, found: LensGrid | Slice, token: int) -> Numbers | None:
    """Return what is read of each cell, [row, position]; None where there is no such token.

    Args:
        value: What is read.
        found: What is known; of a mean it is what that is of.
        token: Of which token, where it is of one: its number among those that are chosen.
    """
    if isinstance(found, Slice):
        return found.values if value == "metric" or isinstance(found, LensMean) else None
    if value == "token":
        return np.exp(found.log_probs[..., 0])
    if value in OF_TOKEN:
        if token >= len(found.chosen) or found.chosen[token] is None:
            return None
        if value == "probability":
            return np.exp(found.chosen_log_probs[..., token])
        return found.logits[..., token] if value == "logit" else found.ranks[..., token]
    if value == "metric":
        return None
    array: Numbers = getattr(found, value)
    return array


def read(
    value: LensValue,
    clean: LensGrid | Slice | None,
    other: LensGrid | Slice | None,
    token: int,
    *,
    is_difference: bool,
) -> Read | None:
    """Return what is drawn of one prompt, or of the difference of two.

    Args:
        value: What is read.
        clean: The prompt, or the clean one.
        other: The corrupted one, whose numbers are taken away; None for nothing.
        token: As of `numbers`.
        is_difference: Whether the numbers are clean − corrupted.
    """
    if clean is None:
        return None
    values, states = numbers(value, clean, token), clean.states
    if values is None:
        return None
    if other is not None:
        taken = numbers(value, other, token)
        if taken is None or taken.shape != values.shape:
            return None
        values = values - taken
        states = np.minimum(states, other.states)
    known = np.where(states == CellState.EXACT, values, np.nan).astype(np.float32)
    states = np.where((states == CellState.EXACT) & ~np.isfinite(known), CellState.MASKED, states)
    is_signed = is_difference or value in SIGNED
    low, high, is_fitted = _scale(value, known, is_signed=is_signed, is_difference=is_difference)
    return Read(known, states.astype(np.uint8), low, high, is_signed, is_fitted)


def _scale(
    value: LensValue, known: Numbers, *, is_signed: bool, is_difference: bool
) -> tuple[float, float, bool]:
    """Return what the first and last colours stand for, and whether that is fitted."""
    is_probability = value in ("token", "probability")
    if is_probability:
        return (-1.0, 1.0, False) if is_difference else (0.0, 1.0, False)
    sizes = np.abs(known[np.isfinite(known)])
    end = float(np.quantile(sizes, REACHED)) if sizes.size else 1.0
    end = end or 1.0
    return (-end, end, True) if is_signed else (0.0, end, True)


def likeliest(found: LensGrid, row: int, column: int, *, words_only: bool) -> Token | None:
    """Return a cell's likeliest token, or its likeliest word; None if there is none."""
    ids = found.tokens[row, column].tolist()
    tokens = (found.names[token] for token in ids if token in found.names)
    return next((token for token in tokens if not words_only or is_word(token)), None)


def is_word(token: Token) -> bool:
    """Whether a token is a word, or the beginning of one: letters, with a space before them."""
    text = token.label
    return text[:1].isspace() and text.strip().isalpha()


def cell_text(found: LensGrid, row: int, column: int, *, words_only: bool) -> str:
    """Return the token that is written into a cell."""
    token = likeliest(found, row, column, words_only=words_only)
    return "" if token is None else shorten(spell(token), LONGEST)


def number_text(value: LensValue, number: float, *, is_signed: bool) -> str:
    """Return a number as it is written into a cell."""
    if not np.isfinite(number):
        return ""
    if value == "rank" and not is_signed:
        return f"{number:.0f}"
    digits = max(0, 2 - int(np.log10(max(1.0, abs(number)))))  # three figures, as far as they go
    return signed(number, digits) if is_signed else f"{number:.{digits}f}"


def end_text(number: float) -> str:
    """Return an end of a colour scale with three figures, or a rank's thousands in full."""
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def words_of(found: LensGrid, row: int, column: int) -> str:
    """Return all that is known of a cell: its ten likeliest tokens, the answers, how decided."""
    if found.states[row, column] != CellState.EXACT:
        return "not computed yet"
    tokens, chances = found.tokens[row, column].tolist(), np.exp(found.log_probs[row, column])
    top = zip(tokens, chances.tolist(), strict=True)
    said = [f"‘{spell(found.names[token])}’ {percent(chance)}" for token, chance in top]
    chosen = [
        f"‘{spell(token)}’ {percent(float(np.exp(found.chosen_log_probs[row, column, at])))}, rank "
        f"{found.ranks[row, column, at]:.0f}"
        for at, token in enumerate(found.chosen)
        if token is not None
    ]
    decided = (
        f"entropy {found.entropy[row, column]:.2f} nats, KL to the model "
        f"{found.divergence[row, column]:.3f} nats"
    )
    return " · ".join(filter(None, (", ".join(said), "; ".join(chosen), decided)))


def row_words(rows: Axis, row: int) -> str:
    """Return what a row is called in a sentence."""
    label = rows.labels[row]
    layer, _, part = label.removeprefix("L").partition(" ")
    if not layer.isdecimal():
        return "at the end"
    return f"before layer {layer}" if not part else f"between attention and MLP of layer {layer}"


def worth(found: LensGrid) -> Numbers:
    """Return KL(model ‖ lens) of each row, the mean over the positions that are known, in nats."""
    known = np.where(found.states == CellState.EXACT, found.divergence, np.nan)
    counted = np.isfinite(known).sum(1)
    sums = np.where(np.isfinite(known), known, 0).sum(1)
    return np.where(counted > 0, sums / np.maximum(counted, 1), np.nan).astype(np.float32)


def worth_words(here: tuple[LensGrid, LensGrid], held_out: tuple[Slice, Slice] | None) -> str:
    """Say how far a fitted lens is from the model, beside the logit lens; "" until it is known.

    Args:
        here: What the fitted lens and the logit lens read of the prompt.
        held_out: What both are worth on a text held out, which decides; None until that is known.
    """
    own, plain = (worth(of)[:-1] for of in here)
    rows = np.flatnonzero(np.isfinite(own) & np.isfinite(plain))
    if not rows.size:
        return ""
    said = f"KL to the model {own[rows].mean():.2f} nats, the logit lens's {plain[rows].mean():.2f}"
    if held_out is not None:
        own, plain = (
            np.where(of.states == CellState.EXACT, of.values, np.nan)[:-1] for of in held_out
        )
        rows = np.flatnonzero(np.isfinite(own) & np.isfinite(plain))
        if rows.size:
            said += f"; on a text held out {own[rows].mean():.2f} and {plain[rows].mean():.2f}"
    worse = [f"L{row}" for row in rows if own[row] > plain[row] + LEAST_WORSE]
    if not worse:
        return f"{said}."
    named = ", ".join(worse[:NAMED]) + " …" * (len(worse) > NAMED)
    return f"{said}; worse at {named}: it does not fit this model there."
