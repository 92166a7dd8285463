"""What is typed to filter heads: conditions on columns, or one sentence on what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from operator import eq, ge, gt, le, lt, ne
from typing import Any

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    ">=": ge,
    "<=": le,
    "!=": ne,
    ">": gt,
    "<": lt,
    "=": eq,
}
WRITTEN = {"≥": ">=", "≤": "<=", "≠": "!=", "==": "=", "−": "-"}  # other ways to say the same
WORDS = ("role", "label")  # columns that hold words
PLACES = ("layer", "head")  # what every head has, beside its scores
EXAMPLE = "induction > .4"
_AND = re.compile(r"\s*(?:,|;|&&?|\band\b)\s*", re.IGNORECASE)
_OR = re.compile(r"\|\|?|\bor\b|\bnot\b", re.IGNORECASE)
_PARTS = re.compile(r"(.*?)(>=|<=|!=|=|>|<)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison.

    Attributes:
        column: Of what: "layer", "head", "role", "label", or the key of a score.
        operator: One of `OPERATORS`.
        value: What is compared with: a number, or of words their beginning or a part.
    """

    column: str
    operator: str
    value: float | str

    @property
    def code(self) -> str:
        """The comparison as Python and Qt's field have it, but for the column."""
        operator = "==" if self.operator == "=" else self.operator
        return f"{operator} {self.value!r}"


def read_conditions(text: str, scores: Iterable[str]) -> tuple[Condition, ...]:
    """Return the conditions that a text says, all of which are to hold; () for no text.

    Args:
        text: Such as "induction > .4 and layer < 20"; commas do for "and".
        scores: The keys of scores that can be compared.

    Raises:
        ValueError: If it says something else; one sentence says what can be said.
    """
    for other, usual in WRITTEN.items():
        text = text.replace(other, usual)
    known = (*PLACES, *WORDS, *scores)
    parts = _AND.split(text.strip())
    if len(parts) > 1 and not parts[-1]:
        parts.pop()  # one goes on typing
    return tuple(_condition(part, known) for part in parts) if text.strip() else ()


def _condition(part: str, known: tuple[str, ...]) -> Condition:
    found = _PARTS.fullmatch(part)
    if found is None:
        said = f"‘{part}’ is no condition" if part else "A condition is missing"
        raise ValueError(f"{said}: write a column, a comparison and a number, such as {EXAMPLE}.")
    name, operator, value = (piece.strip() for piece in found.groups())
    if _PARTS.search(value):
        raise ValueError(
            f"‘{part}’ compares twice: write two conditions, with “and” or a comma between."
        )
    column = _column(name, known)
    if column in WORDS:
        return _of_words(column, operator, value)
    return Condition(column, operator, _number(value, part))


def _column(name: str, known: tuple[str, ...]) -> str:
    """Return the column that a name means: its own, or the only score that begins like it."""
    wanted = " ".join(name.casefold().split())
    if wanted in known:
        return wanted
    alike = sorted((one for one in known if wanted and one.startswith(wanted)), key=len)
    if alike and all(one.startswith(alike[0]) for one in alike):
        return alike[0]  # the only one, but for the same on the prompt at hand
    if _OR.search(name):
        raise ValueError("Conditions are joined by “and” or commas only: all of them must hold.")
    if alike:
        raise ValueError(f"‘{name}’ may be {' or '.join(alike)}: write more of it.")
    close = get_close_matches(wanted, known, 1)
    meant = f" Perhaps {close[0]}?" if close else ""
    raise ValueError(f"There is no column ‘{name}’.{meant} There are {', '.join(known)}.")


def _of_words(column: str, operator: str, value: str) -> Condition:
    if operator not in ("=", "!="):
        raise ValueError(
            f"‘{column}’ holds words: compare it by = or !=, such as {column} = mover."
        )
    return Condition(column, operator, value.strip("'\"“”‘’").casefold())


def _number(value: str, part: str) -> float:
    is_share = value.endswith("%")
    try:
        number = float(value.removesuffix("%"))
    except ValueError:
        number = float("nan")
    if number != number:
        what = f"compares with ‘{value}’, which is no number" if value else "compares with nothing"
        if _OR.search(value):
            what = "joins conditions by another word than “and”"
        raise ValueError(f"‘{part}’ {what}: write one condition at a time, such as {EXAMPLE}.")
    return number / 100 if is_share else number
