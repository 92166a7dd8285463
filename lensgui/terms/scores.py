"""What heads are scored and ranked by: each score's name, where it comes from, what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Origin = Literal["edge", "answer", "sweep", "repeats", "weights", "prompt", "outputs"]
REPEATED_SCORES = ("previous token", "duplicate token", "induction")
COPIED_SCORES = ("top 5", "bottom 5")
MODEL_SCORES = (*REPEATED_SCORES, *COPIED_SCORES, "raw copying", "copying")
PROMPT_SCORES = (
    "position 0",
    "entropy",
    "distance",
    "previous token",
    "duplicate token",
    "induction",
    "strongest edge",
)
_PLAIN = ("position 0", "entropy", "distance", "strongest edge")  # that no other score is called


@dataclass(frozen=True, slots=True)
class HeadScore:
    """One number for each head.

    Attributes:
        key: What names it.
        title: What a menu says.
        origin: What it is read off: attention along the selected "edge", what is written towards
            the "answer", a patching "sweep", random "repeats", the "weights" alone, the
            attention on this "prompt", or the heads' "outputs" there.
        meaning: What it is, in a sentence or two.
        unit: What it is counted in; "" for shares.
    """

    key: str
    title: str
    origin: Origin
    meaning: str
    unit: str = ""


def _on_repeats(name: str, meaning: str) -> HeadScore:
    return HeadScore(
        name,
        name,
        "repeats",
        f"{meaning} On random tokens that are said twice (Olsson et al. 2022): on natural prompts "
        "such scores measure mostly the attention sink.",
    )


def _on_prompt(name: str, meaning: str, unit: str = "") -> HeadScore:
    title = name if name in _PLAIN else f"{name}, here"
    return HeadScore(f"{name} here", title, "prompt", f"{meaning} On this prompt.", unit)


SCORES = (
    HeadScore(
        "edge",
        "attention along the selected edge",
        "edge",
        "How much the selected position attends to the selected source: click a cell of a head’s "
        "map, and every head is ranked by the attention it has there.",
    ),
    HeadScore(
        "attribution",
        "direct attribution",
        "answer",
        "Direct logit attribution (Elhage et al. 2021): what the head writes towards answer − "
        "distractor where the metric is read, the final norm’s scale frozen.",
        "logits",
    ),
    HeadScore(
        "restores",
        "restores (denoising)",
        "sweep",
        "How much of clean − corrupted comes back when the head’s clean output is put into the "
        "corrupted run (activation patching).",
    ),
    HeadScore(
        "breaks",
        "breaks (noising)",
        "sweep",
        "How much of clean − corrupted goes when the head’s corrupted output is put into the clean "
        "run (activation patching).",
    ),
    HeadScore(
        "estimate",
        "restores, estimated",
        "sweep",
        "A first-order estimate of what the head restores (attribution patching): a gradient times "
        "clean − corrupted, known for all heads at once.",
    ),
    _on_repeats("induction", "Mean attention of a token’s second copy to what followed the first."),
    _on_repeats("previous token", "Mean attention to the token just before."),
    _on_repeats("duplicate token", "Mean attention of a token’s second copy to the first."),
    HeadScore(
        "copying",
        "copying",
        "weights",
        "How far the head raises the tokens it looks at: +1 copies, −1 lowers them. Σ Re λ / Σ |λ| "
        "of its OV circuit (Elhage et al. 2021), from what layers read of each token after the "
        "first block.",
    ),
    HeadScore(
        "raw copying",
        "copying, raw W_E",
        "weights",
        "The same of the raw embedding W_E, as Elhage et al. 2021 have it for models of one or two "
        "layers: in a deep model it says little.",
    ),
    HeadScore(
        "top 5",
        "copied: top 5",
        "weights",
        "The copy score of Wang et al. 2022: for what share of random tokens the head, looking at "
        "one alone after the first block, has that token among its own 5 largest logits.",
    ),
    HeadScore(
        "bottom 5",
        "copied: bottom 5",
        "weights",
        "The same among the head’s own 5 smallest logits: the copy score of −OV, by which Wang et "
        "al. 2022 know negative name movers.",
    ),
    _on_prompt(
        "induction",
        "Mean attention to what followed earlier places of the same token, over queries that have "
        "one.",
    ),
    _on_prompt("previous token", "Mean attention to the token just before."),
    _on_prompt(
        "duplicate token",
        "Mean attention to earlier places of the same token, over queries that have one.",
    ),
    _on_prompt("position 0", "Mean attention of later queries to position 0, the attention sink."),
    _on_prompt(
        "entropy",
        "Mean entropy of a query’s attention, in bits: 0 where it looks at one token only.",
        "bits",
    ),
    _on_prompt(
        "distance",
        "How far back a query looks: its attention times the distance, the mean over queries.",
        "tokens",
    ),
    _on_prompt(
        "strongest edge", "The largest attention of any query to any source but position 0."
    ),
    HeadScore(
        "norm here",
        "norm of the output",
        "outputs",
        "The Euclidean norm of what the head writes into the stream, the mean over positions after "
        "0: attention alone overstates what is small (Kobayashi et al. 2020). On this prompt.",
        "stream units",
    ),
)
"""All scores, in the order of the menu."""
TABLE_SCORES = (
    "previous token",
    "duplicate token",
    "induction",
    "induction here",
    "edge",
    "attribution",
    "restores",
    "breaks",
    "copying",
    "raw copying",
    "top 5",
    "bottom 5",
    "entropy here",
    "distance here",
    "position 0 here",
    "norm here",
)
"""The scores that the table of heads has at first, in the order of its columns."""
