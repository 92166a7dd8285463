"""Tours of the examples: what each step says, which numbers it quotes, what it has one click."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache

from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.resources import resource

Quantity = tuple[str | int, ...]
"""What is quoted, and where: ("stream", 24, 13) is what patching the stream before layer 24 at
position 13 restores. The others are "clean" and "corrupted" (the metric), "head" (what a head's
output at all positions restores), "looks" (layer, head, destination, source: attention), "adds"
(direct logit attribution), "without" (the clean metric with a head set to 0) and "edges" (the
faithfulness of so many edges with the largest scores)."""
_QUOTED = re.compile(r"\{([a-z]+(?: \d+)*)=([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be clicked.

    Attributes:
        kind: "cell" of the patching map (layer, position), "head" of the grid (layer, head), "pane"
            (its tab), "switch" of the first intervention, or "" for nothing.
        places: Its numbers.
        title: Of the pane.
    """

    kind: str = ""
    places: tuple[int, ...] = ()
    title: str = ""

    @classmethod
    def of(cls, words: str) -> Target:
        """Return what a tour's file says: "cell 24 13", "pane Attribution"."""
        kind, _, rest = words.partition(" ")
        if kind in ("cell", "head"):
            return cls(kind, tuple(map(int, rest.split())))
        return cls(kind, title=rest)


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a tour.

    Attributes:
        says: What there is to see, and what to click.
        quotes: The numbers in it, each with how it is written.
        target: What is to be clicked.
    """

    says: str
    quotes: tuple[tuple[Quantity, str], ...]
    target: Target


@dataclass(frozen=True, slots=True)
class Tour:
    """A tour of an example.

    Attributes:
        name: Of the example.
        steps: From four to eight.
    """

    name: str
    steps: tuple[Step, ...]

    @property
    def head(self) -> tuple[int, int]:
        """The head that it is about: the last that it has one click."""
        found = [step.target.places for step in self.steps if step.target.kind == "head"]
        layer, head = found[-1]
        return layer, head

    @property
    def off(self) -> Intervention:
        """What it switches off: that head, which is not off yet."""
        layer, head = self.head
        return Intervention(Site("z", layer, head), "zero", is_on=False)


@cache
def tours() -> dict[str, Tour]:
    """Return the tours by the names of their examples."""
    entries = json.loads(resource("examples", "tours.json").read_text(encoding="utf-8"))
    return {name: Tour(name, tuple(map(_step, steps))) for name, steps in entries.items()}


def _step(entry: dict[str, str]) -> Step:
    text = entry["says"]
    quotes = tuple((_quantity(said), value) for said, value in _QUOTED.findall(text))
    return Step(_QUOTED.sub(r"\2", text), quotes, Target.of(entry["click"]))


def _quantity(words: str) -> Quantity:
    name, *places = words.split()
    return (name, *map(int, places))
