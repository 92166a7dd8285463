"""Prompts for indirect object identification (Wang et al. 2022), drawn from templates."""

from __future__ import annotations

import random
from collections.abc import Sequence

NAMES = (
    "Alice", "Anna", "Ben", "Carl", "Daniel", "David", "Emma", "George", "Jack", "James", "Jane",
    "John", "Kate", "Laura", "Mark", "Martin", "Mary", "Paul", "Peter", "Rose", "Sarah", "Simon",
    "Tom", "William",
)  # fmt: skip
TEMPLATES = (
    "When {io} and {s} went to the {place}, {s} gave a {object} to",
    "After {io} and {s} met at the {place}, {s} handed a {object} to",
    "Then {s} and {io} had a long talk at the {place}. At the end {s} gave a {object} to",
    "While {s} and {io} were waiting at the {place}, {s} passed a {object} to",
)
PLACES = ("store", "school", "park", "station", "office", "restaurant")
OBJECTS = ("drink", "book", "ring", "letter", "ball", "key")


def ioi_prompts(
    count: int, symmetric: bool = False, seed: int = 42, names: Sequence[str] = NAMES
) -> list[dict[str, str]]:
    """Draw prompts in which the indirect object is the right answer.

    Args:
        count: How many prompts.
        symmetric: Whether every second prompt is the one before with its names swapped.
        seed: Seed of the draw.
        names: The names to draw from, two or more.

    Returns:
        Rows with "text", "IO" (the answer) and "S" (the subject), the last two with a leading
        space.

    Raises:
        ValueError: If there are fewer than two names.
    """
    if len(names) < 2:
        raise ValueError("Indirect object identification needs two names or more.")
    draw = random.Random(seed)
    rows: list[dict[str, str]] = []
    while len(rows) < count:
        io, s = draw.sample(list(names), 2)
        template = draw.choice(TEMPLATES)
        place, thing = draw.choice(PLACES), draw.choice(OBJECTS)
        for a, b in ((io, s), (s, io)) if symmetric else ((io, s),):
            text = template.format(io=a, s=b, place=place, object=thing)
            rows.append({"text": text, "IO": " " + a, "S": " " + b})
    return rows[:count]
