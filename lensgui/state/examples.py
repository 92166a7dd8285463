"""The pairs of prompts that travel with lensgui."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from lensgui.prompts.pair import PromptPair
from lensgui.state.document import PAIR_FIELDS, Document
from lensgui.state.selection import Cursor
from lensgui.terms.model_key import DEFAULT_MODEL, TOY_MODEL, ModelKey
from lensgui.terms.resources import resource

FIRST = "ioi"
TOY = "toy"
# Where there is most to see in the demo model: layer, head, position.
PLACES = {
    "ioi": Cursor(23, 3, 13),
    "capital": Cursor(23, 4, 8),
    "agreement": Cursor(26, 0, 7),
    "gender": Cursor(25, 2, 9),
    "landmark": Cursor(23, 4, 9),
    "docstring": Cursor(22, 0, 28),
    "year": Cursor(20, 8, 17),
    "days": Cursor(23, 3, 8),
    "induction": Cursor(18, 6, 10),
    "opposite": Cursor(22, 8, 4),
    "two-hop": Cursor(23, 4, 10),
    TOY: Cursor(1, 1, 10),
}


@dataclass(frozen=True, slots=True)
class Example:
    """A pair worth looking at.

    Attributes:
        name: One word.
        title: What the menu says.
        about: What there is to see, in a sentence or two.
        document: The model and the pair.
        cursor: What is selected at first.
    """

    name: str
    title: str
    about: str
    document: Document
    cursor: Cursor


@cache
def examples() -> tuple[Example, ...]:
    """Return the examples for the demo model, in the order of the menu, and the toy's own."""
    path = resource("examples", "examples.json")
    entries = json.loads(path.read_text(encoding="utf-8"))
    return (*(_example(entry) for entry in entries), _toy())


def find(name: str) -> Example:
    """Return an example by its name.

    Raises:
        KeyError: If there is none.
    """
    return {example.name: example for example in reversed(examples())}[name]


@cache
def _by_pair() -> dict[PromptPair, Example]:
    return {example.document.pair: example for example in reversed(examples())}


def example_of(pair: PromptPair) -> Example | None:
    """Return the example that a pair is; None of any other."""
    return _by_pair().get(pair)


def about_pair(pair: PromptPair) -> str:
    """Return what there is to see in a pair that is an example's; "" of any other."""
    example = example_of(pair)
    return example.about if example is not None else ""


def _example(entry: dict[str, Any]) -> Example:
    return Example(
        name=entry["name"],
        title=entry["title"],
        about=entry["description"],
        document=Document(ModelKey(DEFAULT_MODEL), _pair(entry)),
        cursor=PLACES.get(entry["name"], Cursor(23, 3)),
    )


def _toy() -> Example:
    path = resource("models", TOY_MODEL, "lensgui.json")
    return Example(
        name=TOY,
        title="What followed last time, for the built-in toy",
        about="The two-layer toy model continues a sequence of words that it has seen before.",
        document=Document(
            ModelKey(TOY_MODEL), _pair(json.loads(path.read_text(encoding="utf-8"))["example"])
        ),
        cursor=PLACES[TOY],
    )


def _pair(entry: dict[str, Any]) -> PromptPair:
    return PromptPair(**{name: entry[name] for name in PAIR_FIELDS if name in entry})
