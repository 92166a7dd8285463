"""How well a text matches what is typed, which of its letters do, and what is chosen often."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from math import isfinite

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSettings

CLOSE = 75  # percent of a word that a text must have together, at least
# What a word of the query is worth that begins a word of the text, stands inside of one, has a
# slip, or only has its letters somewhere in it, in their order.
BEGINS, INSIDE, SLIPPED, SCATTERED = 100.0, 90.0, 0.8, 40.0
FIRST, SAME = 10.0, 20.0  # more where the text begins with the whole query, or is the query
SHORTEST = 4  # letters of a word that may have a slip
USES = "search/uses"  # in the history
FADING = 0.95  # what earlier choices still count at the next one
MOST_USES = 100
LONGEST_NAME = 200  # letters of what is chosen, to be remembered

Scores = NDArray[np.float64]


def lowered(text: str) -> str:
    """Return a text in small letters, as long as it was."""
    small = text.lower()
    return small if len(small) == len(text) else text


def _words(small: str) -> str:
    """Return a text whose words begin after a space each; one letter longer."""
    return " " + re.sub(r"[\W_]", " ", small)


class Matcher:
    """Texts in which something is sought, prepared once for all that is typed."""

    def __init__(self, texts: Sequence[str], uses: Sequence[float]) -> None:
        """Prepare.

        Args:
            texts: What is sought in.
            uses: How much each was chosen; it decides among equal matches.
        """
        self._texts = [lowered(text) for text in texts]
        self._words = [_words(text) for text in self._texts]
        self._uses = np.array(uses, np.float64)

    def best(self, query: str, most: int) -> list[int]:
        """Return which texts match, the best first; without a query all, as they are used.

        Args:
            query: Words, all of which have to match.
            most: How many are returned at most.
        """
        query = lowered(query.strip())
        alive, scores = list(range(len(self._texts))), np.full(len(self._texts), BEGINS)
        for word in sorted(query.split(), key=len, reverse=True):  # the most telling one first
            found = self._score(word, alive)
            scores = np.minimum(scores, found)[found > 0]
            alive = [at for at, is_found in zip(alive, found > 0, strict=True) if is_found]
        if query:
            texts = [self._texts[at] for at in alive]
            scores += FIRST * np.array([text.startswith(query) for text in texts], bool)
            scores += SAME * np.array([text == query for text in texts], bool)
        order = np.lexsort((-self._uses[alive], -scores))  # stable: then as they come
        return [alive[at] for at in order[:most]]

    def _score(self, word: str, alive: list[int]) -> Scores:
        """Return what one word is worth in some of the texts; 0 where it does not match."""
        is_all = len(alive) == len(self._texts)
        texts = self._texts if is_all else [self._texts[at] for at in alive]
        words = self._words if is_all else [self._words[at] for at in alive]
        start = f" {word}"
        found = np.array(
            [
                BEGINS if start in line else INSIDE if word in text else 0.0
                for line, text in zip(words, texts, strict=True)
            ]
        )
        others = np.flatnonzero(found == 0)
        found[others] = _slips(word, [texts[at] for at in others.tolist()])
        return found


def _slips(word: str, texts: Sequence[str]) -> Scores:
    """Return what a word is worth in texts where it does not stand as it is."""
    from rapidfuzz import fuzz, process  # late: a window starts without it
    from rapidfuzz.distance import LCSseq

    common = process.cdist([word], texts, scorer=LCSseq.similarity, score_cutoff=len(word))[0]
    scattered = np.where(common > 0, SCATTERED, 0.0)
    if len(word) < SHORTEST:
        return scattered
    close = process.cdist([word], texts, scorer=fuzz.partial_ratio, score_cutoff=CLOSE)[0]
    lengths = np.array([len(text) for text in texts])
    return np.where(lengths < len(word), scattered, np.maximum(scattered, SLIPPED * close))


def matching(query: str, text: str) -> set[int]:
    """Return the places of a text's letters that a query matches."""
    from rapidfuzz import fuzz  # late, as above
    from rapidfuzz.distance import LCSseq

    small, found = lowered(text), set[int]()
    for word in lowered(query).split():
        at = _words(small).find(f" {word}")
        at = small.find(word) if at < 0 else at
        if at >= 0:
            found |= set(range(at, at + len(word)))
            continue
        cutoff = CLOSE if len(word) >= SHORTEST else 100
        part = fuzz.partial_ratio_alignment(word, small, score_cutoff=cutoff)
        # Where a letter was left out, the last one stands behind the part as long as the word.
        start, end = (part.dest_start, part.dest_end + 1) if part else (0, len(small))
        for step in LCSseq.opcodes(word, small[start:end]):
            if step.tag == "equal":
                found |= set(range(start + step.dest_start, start + step.dest_end))
    return found


class Uses:
    """How often and how recently things were chosen."""

    def __init__(self, history: QSettings | None) -> None:
        """Read what was chosen before.

        Args:
            history: Where that is kept; None for nowhere.
        """
        self._history = history
        self._uses = {} if history is None else _read(str(history.value(USES, "")))

    def of(self, name: str) -> float:
        """Return how much something was chosen: 1 for the last choice, less for earlier ones."""
        return self._uses.get(name[:LONGEST_NAME], 0.0)

    def add(self, name: str) -> None:
        """Count that something was chosen; of many things, the least used are forgotten."""
        name = name[:LONGEST_NAME]
        uses = {other: FADING * use for other, use in self._uses.items()}
        uses[name] = uses.get(name, 0.0) + 1
        self._uses = dict(sorted(uses.items(), key=lambda pair: -pair[1])[:MOST_USES])
        if self._history is not None:
            self._history.setValue(USES, json.dumps(self._uses))


def _read(said: str) -> dict[str, float]:
    """Return what the history says of uses, as far as that can be read."""
    try:
        uses = json.loads(said)
        pairs = uses.items() if isinstance(uses, dict) else ()
        known = {name[:LONGEST_NAME]: float(use) for name, use in pairs if _is_number(use)}
    except (ValueError, OverflowError, RecursionError):
        return {}
    return dict([pair for pair in known.items() if pair[1] > 0][:MOST_USES])


def _is_number(use: object) -> bool:
    return isinstance(use, int | float) and isfinite(use)
