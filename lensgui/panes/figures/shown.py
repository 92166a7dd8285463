"""From what a pane shows to figures: captions that write themselves, and provenance."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtWidgets import QWidget

from lensgui._version import __version__
from lensgui.jobs.answers.arrays import CellState
from lensgui.jobs.answers.models import ModelCard
from lensgui.jobs.request import Request
from lensgui.panes.figures.figure import Cells, Figure, Panel, Provenance
from lensgui.panes.python.figures import NO_CODE, Code, script
from lensgui.panes.token_text import shorten, visible
from lensgui.prompts.pair import Prompt, PromptPair
from lensgui.state.document import Document
from lensgui.state.sessions.saved import ModelReference
from lensgui.terms.interventions import words
from lensgui.terms.model_key import ModelKey

TABLES = ("rows", "reference", "pairs")  # fields of requests that hold pairs of the table
MOST_PROMPT = 300  # letters of a prompt in a caption
UNSEEN = re.compile("^ +| +$| {2,}")  # spaces at an end, and several at once
SPACE = "·"
LIKELIEST = "answer: the likeliest token"
STALE = "{title} answers an older question: wait until it is computed, then export it."
NOTHING = "{title} shows no picture yet: there is nothing to export."


@dataclass(frozen=True, slots=True)
class Prompts:
    """What a picture is about.

    Attributes:
        pair: The prompts; of a mean no more than the metric is told. None if it is about none.
        count: Over how many pairs the picture averages; 0 if it is of the one pair.
        under: Whose interventions are told where the picture itself says which prompts it is about;
            None for none.
    """

    pair: PromptPair | None
    count: int = 0
    under: PromptPair | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One picture of a pane, as it is to be taken home.

    Attributes:
        widget: What draws it on screen.
        name: What tells it from the pane's other pictures; "" for the pane's main one.
        panels: What is drawn.
        says: What it shows, in sentences.
        is_stale: Whether it answers an older question.
        heading: What stands above it; "" for the names of the pane and of the picture.
        code: How a script gets at its numbers.
        prompts: What it is about; None for what its pane is about.
        leaves_out: Questions of its pane that it does not answer, by the pane's names for them.
    """

    widget: QWidget
    name: str
    panels: tuple[Panel, ...]
    says: str
    is_stale: bool = False
    heading: str = ""
    code: Code = NO_CODE
    prompts: Prompts | None = None
    leaves_out: frozenset[str] = frozenset()

    def is_of(self, widget: QWidget | None) -> bool:
        """Whether a widget is what draws it, or a part of that."""
        return widget is not None and (widget is self.widget or self.widget.isAncestorOf(widget))


def innermost(pictures: Sequence[Shown], widget: QWidget | None) -> Shown | None:
    """Return the picture that a widget is of, the innermost of several; None for none."""
    found = None
    for one in pictures:
        is_inside = found is None or found.widget.isAncestorOf(one.widget)
        found = one if one.is_of(widget) and is_inside else found
    return found


@dataclass(frozen=True, slots=True)
class Context:
    """What a figure's words depend on beside the picture.

    Attributes:
        document: What is worked on.
        card: The model that is open; None if none is.
        requests: What the pane asks, by its names for it.
        changed: When the document was changed last.
        code: The lines that compute what the pane shows.
        averages: Whether the pane shows means while the document averages.
    """

    document: Document
    card: ModelCard | None
    requests: Mapping[str, Request]
    changed: datetime | None = None
    code: str = ""
    averages: bool = True

    @property
    def prompts(self) -> Prompts:
        """What the pane is about: a mean, or the document's pair alone."""
        document = self.document
        return Prompts(document.pair, len(document.rows) if self.averages else 0)


def figure(title: str, shown: Shown, context: Context) -> Figure:
    """Return the figure of a picture.

    Args:
        title: The pane's.
        shown: The picture.
        context: What its words depend on.
    """
    name = f"{title}: {shown.name}" if shown.name else title
    prompts = shown.prompts or context.prompts
    signs = (words for words, is_there in SIGNS if any(map(is_there, shown.panels)))
    said = (_sentence(shown.says), *signs, _model(context), *told(prompts))
    caption = " ".join(filter(None, said))
    answered = context.requests.items()
    asked = {each: one for each, one in answered if each not in shown.leaves_out}
    about = provenance(name, replace(context, requests=asked), prompts)
    heading = shown.heading or name
    code = script(context.code, shown.code, shown.panels, heading, slug(name))
    return Figure(slug(name), heading, shown.panels, caption, about, code)


def _has(*states: CellState) -> Callable[[Panel], bool]:
    """Return whether a panel has cells of some states."""

    def is_there(panel: Panel) -> bool:
        return isinstance(panel, Cells) and bool(np.isin(panel.picture.states, states).any())

    return is_there


def _reaches_beyond(panel: Panel) -> bool:
    overflow = panel.picture.overflow if isinstance(panel, Cells) else None
    return overflow is not None and bool(overflow.any())


SIGNS: tuple[tuple[str, Callable[[Panel], bool]], ...] = (
    ("Pale, with a dot where there is room: estimates.", _has(CellState.ESTIMATE)),
    ("Hatched or chequered: not computed.", _has(CellState.UNKNOWN)),
    ("Crossed: not a finite number.", _has(CellState.NOT_FINITE)),
    ("A corner is cut from cells beyond the scale.", _reaches_beyond),
)


def provenance(shown: str, context: Context, prompts: Prompts) -> Provenance:
    """Return where a figure is from, without paths, notes and other pairs."""
    key, card = context.document.model, context.card
    is_open = card is not None and card.key == key
    content_id = card.content_id if is_open and card is not None else ""
    requests = context.requests.items()  # of a mean, without what is about the pair above alone
    asked = {name: plain(one) for name, one in requests if one.rows or not prompts.count}
    return Provenance(
        __version__, ModelReference.to(key).name, content_id, shown, asked, context.changed
    )


def plain(value: Any) -> Any:
    """Return a request as JSON has it: how many pairs of the table, no models, files by name."""
    if is_dataclass(value) and not isinstance(value, type):
        found: dict[str, Any] = {"type": type(value).__name__}
        for each in fields(value):
            part = getattr(value, each.name)
            if each.name in TABLES and isinstance(part, tuple):
                found[each.name] = len(part)
            elif each.name == "path":
                found[each.name] = Path(part).name
            elif not isinstance(part, ModelKey):
                found[each.name] = plain(part)
        return found
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def slug(text: str) -> str:
    """Return a name for a file: lower-case letters and digits, and hyphens between words."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "figure"


def _model(context: Context) -> str:
    """Return the sentence about the model."""
    card, key = context.card, context.document.model
    is_open = card is not None and card.key == key
    name = card.title if is_open and card is not None else ModelReference.to(key).name
    details = [key.dtype] * (key.dtype != "float32") + ["folded weights"] * key.folded
    return f"Model: {name}" + f" ({', '.join(details)})" * bool(details) + "."


def told(prompts: Prompts) -> list[str]:
    """Return the sentences about prompts and metric."""
    pair, count = prompts.pair, prompts.count
    if pair is None:
        return [] if prompts.under is None else _under(prompts.under)
    under = _under(pair)
    if count:
        mean = f"Mean over {count} prompt pair{'s' * (count != 1)}; metric: {pair.metric}."
        return [mean, *under]
    said = []
    if pair.clean:
        said.append(f"Clean: {_quoted(pair.clean)}{_written(pair.clean_prompt)}.")
    if pair.corrupted:
        said.append(f"Corrupted: {_quoted(pair.corrupted)}{_written(pair.corrupted_prompt)}.")
    answers = [f"answer {_quoted(pair.answer)}" if pair.answer else LIKELIEST]
    answers += [f"distractor {_quoted(pair.distractor)}"] * bool(pair.distractor)
    return [*said, _sentence(f"{', '.join(answers)}; metric: {pair.metric}"), *under]


def _under(pair: PromptPair) -> list[str]:
    """Return the sentence about what is done to the model; none where nothing is."""
    acting = [words(one, pair.others) for one in pair.interventions if one.is_on]
    return [_sentence(f"Under interventions: {'; '.join(acting)}")] if acting else []


def _written(prompt: Prompt) -> str:
    """Return how much the model wrote that stands behind a prompt."""
    count = len(prompt.more)
    return f" and {count} written token{'s' * (count != 1)}" if count else ""


def _quoted(text: str) -> str:
    """Return text between quotation marks; a space that would not be seen there has a sign."""
    dotted = UNSEEN.sub(lambda found: SPACE * len(found[0]), shorten(text, MOST_PROMPT))
    return f"“{' '.join(map(visible, dotted.split(' ')))}”"


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    text = text[:1].upper() + text[1:]
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
