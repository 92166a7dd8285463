"""What the table says at the moment: columns, numbers, which heads, and in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lensgui.jobs.answers.arrays import Axis
from lensgui.panes.figures.figure import Data, Rows, Sheet
from lensgui.panes.head_grid.ranking import NAMED, Ranking
from lensgui.panes.heads.conditions import OPERATORS, PLACES, WORDS, Condition
from lensgui.terms.kinds import Head
from lensgui.terms.roles import Part

Flat = NDArray[np.float64]  # a number for each head, layer by layer
Order = NDArray[np.intp]
ABOUT = {
    "role": "The part that the head plays: as the user named it, else as a rule proposes it; the "
    "rules are the attention pane’s, under “Roles…”.",
    "label": "Your own note about the head; double-click or press F2 to write one.",
}
COMING, NOTHING = "…", "–"


def heading(column: str) -> str:
    """Return what stands above a column: two lines of about the same length, if it has words."""
    words = column.split()
    ways = (
        ("\n".join((" ".join(words[:at]), " ".join(words[at:])))) for at in range(1, len(words))
    )
    return min(ways, key=lambda way: max(map(len, way.split("\n"))), default=column)


@lru_cache(maxsize=64)
def scale_of(ranking: Ranking) -> tuple[float, bool]:
    """Return what the strongest colour of a score stands for, and whether it has two ends."""
    return ranking.full, ranking.is_signed


@dataclass(frozen=True, slots=True, eq=False)
class HeadRows:
    """All that the table says of the heads.

    Attributes:
        shape: How many layers there are, and heads of each.
        scores: The keys of the scores that are columns.
        rankings: What is known of every score that is a column, or is compared.
        stale: Those of them that answer an older question.
        roles: What part heads play.
        labels: The user's own words about heads.
    """

    shape: tuple[int, int] = (0, 0)
    scores: tuple[str, ...] = ()
    rankings: Mapping[str, Ranking] = field(default_factory=dict)
    stale: frozenset[str] = frozenset()
    roles: Mapping[Head, Part] = field(default_factory=dict)
    labels: Mapping[Head, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """What columns are called: words first, then scores."""
        return (*WORDS, *self.scores)

    @property
    def count(self) -> int:
        """How many heads there are."""
        return self.shape[0] * self.shape[1]

    def head(self, at: int) -> Head:
        """Return layer and head of the head of a number, counted layer by layer."""
        return divmod(int(at), self.shape[1])

    def name(self, at: int) -> str:
        """Return what such a head is called."""
        return "L{}H{}".format(*self.head(at))

    def numbers(self, column: str) -> Flat:
        """Return a column's numbers, NaN where there is none."""
        if column in PLACES:
            layers, heads = np.divmod(np.arange(self.count), max(1, self.shape[1]))
            return np.asarray(layers if column == "layer" else heads, np.float64)
        found = self.rankings.get(column)
        if found is None or found.values is None or found.values.shape != self.shape:
            return np.full(self.count, np.nan)
        return found.values.reshape(-1).astype(np.float64)

    def word(self, column: str, at: int) -> str:
        """Return what a column of words says of a head."""
        if column == "label":
            return self.labels.get(self.head(at), "")
        part = self.roles.get(self.head(at))
        return part.name if part is not None else ""

    def text(self, column: str, at: int) -> str:
        """Return what a cell says."""
        if column in WORDS:
            return " ".join(self.word(column, at).split())
        found = self.rankings.get(column)
        if found is None or not self.is_known(column, at):
            return NOTHING if found is not None and found.is_whole else COMING
        return found.number(*self.head(at))

    def is_known(self, column: str, at: int) -> bool:
        """Whether a score is known of a head."""
        found = self.rankings.get(column)
        if found is None or found.values is None or found.values.shape != self.shape:
            return False
        return bool(np.isfinite(found.values[self.head(at)]))

    def share(self, column: str, at: int) -> float | None:
        """Return how strong a score's colour is, −1 to 1; None for none."""
        found = self.rankings.get(column)
        if found is None or found.values is None or not self.is_known(column, at):
            return None
        return float(found.values[self.head(at)]) / scale_of(found)[0]

    def words(self, column: str, at: int) -> str:
        """Return what a cell says in full, with its unit and what it is of."""
        name = self.name(at)
        if column == "role":
            part = self.roles.get(self.head(at))
            return f"{name}: no role" if part is None else f"{name}: {part.words}. {part.rule}"
        if column == "label":
            return f"{name}: {self.word(column, at) or 'no label'}"
        found = self.rankings.get(column)
        said = found.words(*self.head(at)) if self.is_known(column, at) and found else ""
        if said and found is not None:
            older = ", of an older question" * (column in self.stale)
            return f"{name}: {said}" + f" ({found.remark}{older})" * bool(found.remark)
        title = NAMED[column].title
        if found is None or not found.is_whole:
            return f"{name}: {title} is not known yet"
        return f"{name}: no {title}" + f" ({found.remark.rstrip('.')})" * bool(found.remark)

    def about(self, column: str) -> str:
        """Return what a column is: its meaning, its unit, and what its numbers are of."""
        if column in WORDS:
            return ABOUT[column]
        score, found = NAMED[column], self.rankings.get(column)
        unit = found.unit if found is not None and found.unit else score.unit
        counted = f"In {unit}." if unit else "A share: no unit."
        said = [f"{score.title}: {score.meaning}", counted]
        if found is not None and found.remark:
            said.append(f"Now: {found.remark.rstrip('.')}.")
        return "\n".join(said)

    def of_head(self, at: int) -> str:
        """Return all that is known of a head, in one line."""
        said = [f"{column} {self.text(column, at)}" for column in self.scores]
        words = [self.word(column, at) for column in WORDS]
        known = [one for one in (*words, *said) if one and not one.endswith((COMING, NOTHING))]
        return f"{self.name(at)}: {', '.join(known) or 'nothing is known yet'}"

    def holds(self, condition: Condition) -> NDArray[np.bool_] | None:
        """Return of which heads a condition holds; None while nothing is known of its column."""
        compare = OPERATORS[condition.operator]
        if condition.column in WORDS:
            wanted = str(condition.value)
            heads = range(self.count)
            words = [self.word(condition.column, at).casefold() for at in heads]
            has = np.array([wanted in one if wanted else not one for one in words], np.bool_)
            return has if condition.operator == "=" else ~has
        values = self.numbers(condition.column)
        is_known = np.isfinite(values)
        found = self.rankings.get(condition.column)
        if not is_known.any() and not (found is not None and found.is_whole):
            return None
        return np.asarray(compare(values, condition.value) & is_known)

    def order(
        self, conditions: Sequence[Condition], sort: str = "", *, is_descending: bool = True
    ) -> Order:
        """Return the numbers of the heads that fit, in order; equal ones layer by layer.

        Args:
            conditions: All of which must hold, as far as they are known.
            sort: The column that orders them; "" for layer by layer.
            is_descending: Whether the largest comes first; what has none always comes last.
        """
        kept = np.ones(self.count, np.bool_)
        for condition in conditions:
            found = self.holds(condition)
            kept &= True if found is None else found
        heads = np.flatnonzero(kept)
        if sort in WORDS:
            words = [self.word(sort, int(at)).casefold() for at in heads]
            ranks = {word: at for at, word in enumerate(sorted({*words} - {""}))}
            keys = np.array([ranks.get(word, np.inf) for word in words], np.float64)
        elif sort:
            values = self.numbers(sort)[heads]
            keys = np.where(np.isfinite(values), -values if is_descending else values, np.inf)
        else:
            keys = np.zeros(len(heads))
        return heads[np.argsort(keys, kind="stable")]

    def sheet(self, order: Order) -> Sheet:
        """Return some heads, in order, as a panel of a figure."""
        heads = [int(at) for at in order]
        names = [self.name(at) for at in heads]
        titles = ["head", *self.columns]

        def row(at: int) -> list[str]:
            return [names[at], *(self.text(column, heads[at]) for column in self.columns)]

        numbers = {column: self.numbers(column)[order] for column in self.scores}
        numbers |= {
            "layer": self.numbers("layer")[order],
            "head of it": self.numbers("head")[order],
        }
        words = {column: [self.word(column, at) for at in heads] for column in WORDS}
        return Sheet(
            "",
            titles,
            Rows(len(heads), row),
            Data((Axis("head", tuple(heads), tuple(names)),), numbers, words),
        )
