"""From a score that heads are ranked by to a question, and from its answer to numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensgui.jobs.answers.arrays import (
    Atlas,
    CellState,
    Evidence,
    HeadRows,
    ModelScores,
    Slice,
    Sweep,
)
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.request import Request
from lensgui.jobs.requests import AttentionFrom, OutputNorms, Patching, ReadEvidence, ScoreHeads
from lensgui.panes.token_text import signed
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import HEADS, Direction, Side
from lensgui.terms.scores import COPIED_SCORES, PROMPT_SCORES, REPEATED_SCORES, SCORES, HeadScore

NAMED = {score.key: score for score in SCORES}
NO_EDGE = "Select an edge to rank by: click a cell of a head’s map."
NO_ANSWERS = "Type a corrupted prompt with as many tokens as the clean one to rank by patching."
AHEAD = "No head looks ahead: select a source before the destination."
GONE = "The selected edge is beyond the end of the prompt: select another."
NO_CIRCUIT = "this model makes values in two steps, so that heads have no one OV matrix"
RAW = "raw attention, position 0 included"
SIGNED = ("attribution", "copying", "raw copying", "restores", "breaks", "estimate")


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """What heads are ranked by.

    Attributes:
        score: The score.
        values: One number for each head, [layer, head], NaN where there is none; None before any
            are known.
        remark: What they are of, or why there are none.
        is_whole: Whether all that can be known is.
        unit: What the numbers are counted in; "" for shares.
        is_estimate: Whether the numbers are worked out from a part of what they are of, and the
            exact ones follow.
    """

    score: HeadScore
    values: NDArray[np.float32] | None = None
    remark: str = ""
    is_whole: bool = False
    unit: str = ""
    is_estimate: bool = False

    @property
    def is_signed(self) -> bool:
        """Whether numbers on either side of 0 mean opposite things."""
        has_both = self.values is not None and bool((self.values < 0).any())
        return self.score.key in SIGNED or has_both

    @property
    def full(self) -> float:
        """The size that the strongest colour stands for: 1 for shares, else the largest."""
        known = self.values[np.isfinite(self.values)] if self.values is not None else np.zeros(0)
        largest = float(np.abs(known).max(initial=0))
        return max(1.0, largest) if not self.unit else largest or 1.0

    def number(self, layer: int, head: int) -> str:
        """Return a head's number as its caption has it: two digits, no unit."""
        value = np.nan if self.values is None else float(self.values[layer, head])
        if value != value:
            return "–"
        words = signed(value, 2) if self.is_signed else f"{value:.2f}"
        about = "≈" * self.is_estimate
        return about + (words.replace("0.", ".", 1) if abs(value) < 1 else words)

    def words(self, layer: int, head: int) -> str:
        """Return a head's number with its name and unit; "" where there is none."""
        if self.values is None or not np.isfinite(self.values[layer, head]):
            return ""
        value = float(self.values[layer, head])
        amount = signed(value) if self.is_signed else f"{value:.3f}"
        about, unit = "≈" * self.is_estimate, f" {self.unit}" * bool(self.unit)
        return f"{self.score.title} {about}{amount}{unit}"


def question(score: HeadScore, document: Document, cursor: Cursor, side: Side) -> Request | None:
    """Return what has to be asked to rank by a score; None for nothing, or nothing yet.

    Args:
        score: The score.
        document: The model and the prompts.
        cursor: What is selected.
        side: Whose attention is looked at.
    """
    model, asked, rows = document.model, document.asked, document.rows
    if score.origin in ("repeats", "weights"):
        return ScoreHeads(model)
    if score.origin == "answer" and (document.pair.clean or rows):
        pairs = tuple(row.pair for row in rows) or (document.pair,)
        return ReadEvidence(model, pairs)
    if score.origin == "sweep" and (document.pair.is_complete or rows):
        direction: Direction = "noising" if score.key == "breaks" else "denoising"
        return Patching(model, asked.typed, HEADS, direction, rows)
    if score.origin == "edge" and cursor.position is not None and cursor.source is not None:
        return AttentionFrom(model, asked, cursor.position, side, rows)
    if score.origin == "outputs" and (document.pair.clean or rows):
        return OutputNorms(model, asked, side, rows)
    return None


def ranking(
    score: HeadScore,
    answer: Answer | None,
    atlas: Atlas | None,
    cursor: Cursor,
    names: Sequence[str] = (),
) -> Ranking:
    """Return what heads are ranked by.

    Args:
        score: The score.
        answer: What is known of its question.
        atlas: The attention on this prompt, if it is known.
        cursor: What is selected.
        names: What positions are called.
    """
    match score.origin, answer:
        case "prompt", _:
            return _on_prompt(score, atlas)
        case "edge", _:
            return _along(score, answer, cursor, names)
        case "answer", Evidence() as found:
            of = f", mean of {len(found.measures)} pairs" if found.total > 1 else ""
            remark = f"logits to answer − distractor{of}"
            is_whole = found.read == found.total
            return Ranking(score, found.attribution, remark, is_whole, score.unit)
        case "sweep", Sweep() as sweep:
            return _swept(score, sweep)
        case "sweep", None:
            return Ranking(score, remark=NO_ANSWERS, is_whole=True)
        case "outputs", Slice() as norms:
            return Ranking(score, norms.values, score.unit, is_whole=True, unit=score.unit)
        case (("repeats" | "weights"), ModelScores() as scores):
            return _of_model(score, scores)
    return Ranking(score)


def _on_prompt(score: HeadScore, atlas: Atlas | None) -> Ranking:
    if atlas is None:
        return Ranking(score)
    values = atlas.scores[PROMPT_SCORES.index(score.key.removesuffix(" here"))]
    is_empty = atlas.is_whole and not np.isfinite(values).any()
    remark = "this prompt has nothing of the kind" if is_empty else RAW
    return Ranking(score, values, remark, atlas.is_whole, score.unit)


def _along(
    score: HeadScore, answer: Answer | None, cursor: Cursor, names: Sequence[str]
) -> Ranking:
    """Return how much every head attends along the selected edge."""
    if cursor.position is None or cursor.source is None:
        return Ranking(score, remark=NO_EDGE, is_whole=True)
    if cursor.source > cursor.position:
        return Ranking(score, remark=AHEAD, is_whole=True)
    if not isinstance(answer, HeadRows):
        return Ranking(score)
    sources = answer.axes[2].coordinates
    if cursor.source not in sources:
        return Ranking(score, remark=GONE, is_whole=True)
    ends = (cursor.position, cursor.source)
    named = [f"‘{names[at]}’" if at < len(names) else str(at) for at in ends]
    values = answer.values[..., sources.index(cursor.source)]
    return Ranking(score, values, f"{' → '.join(named)}, {RAW}", is_whole=True)


def _swept(score: HeadScore, sweep: Sweep) -> Ranking:
    """Return what patching restores or breaks, as shares of clean − corrupted where there is one.

    What is broken counts as positive.
    """
    sign = -1 if sweep.direction == "noising" and not sweep.refusal else 1
    if score.key == "estimate":
        if sweep.estimates is None:
            return Ranking(score, remark="estimates are on their way")
        values = sweep.estimates / np.float32(sweep.scale)
        return Ranking(score, values, sweep.shown_unit, is_whole=True, unit=_unit(sweep))
    known = [CellState.EXACT, CellState.UNCHANGED]
    if sweep.spread is not None:
        known.append(CellState.ESTIMATE)
    values = np.where(np.isin(sweep.states, known), sign * sweep.shown, np.float32(np.nan))
    is_whole = sweep.done == sweep.total
    return Ranking(score, values, sweep.shown_unit, is_whole, _unit(sweep))


def _unit(sweep: Sweep) -> str:
    return sweep.unit if sweep.refusal else ""


def _of_model(score: HeadScore, found: ModelScores) -> Ranking:
    of = found.measures
    is_settled = score.key not in found.unsettled
    if score.origin == "weights":
        if score.key in COPIED_SCORES:
            at = COPIED_SCORES.index(score.key)
            copying = found.copied[at] if found.copied is not None else None
            remark = f"of the weights, a share of {found.tokens} random tokens"
        else:
            copying = found.raw_copying if score.key == "raw copying" else of.copying
            of_some = f", estimated from {found.vocabulary:,} tokens" * (not is_settled)
            remark = f"of the weights{of_some}"
        if copying is None or not np.isfinite(copying).any():
            return Ranking(score, remark=NO_CIRCUIT * is_settled, is_whole=is_settled)
        return Ranking(score, copying, remark, is_settled, is_estimate=not is_settled)
    values = dict(zip(REPEATED_SCORES, (of.previous, of.duplicate, of.induction), strict=True))
    queries = found.queries[REPEATED_SCORES.index(score.key)]
    remark = f"mean over {queries} queries of {found.prompts} random prompts"
    return Ranking(score, values[score.key], remark, is_settled, is_estimate=not is_settled)
