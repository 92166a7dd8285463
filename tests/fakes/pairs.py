"""Made-up answers about many pairs and about words."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from lensgui.jobs.answers.readings import (
    Likely,
    PairsReading,
    Replacement,
    Replacements,
    RowReading,
    Token,
    TokenMatches,
)
from lensgui.jobs.requests import FindReplacements, FindTokens, ReadPairs

VOCABULARY = (" Mary", "Mary", " John", " Maria", " market")


def rows(request: ReadPairs) -> Iterator[PairsReading]:
    """Every third pair is wrong; a pair whose prompts have different lengths can't be swept."""
    found: list[RowReading] = []
    for pair in request.pairs:
        lengths = len(pair.clean.split()), len(pair.corrupted.split())
        is_right = zlib.crc32(pair.clean.encode()) % 3 != 0
        words = "" if lengths[0] == lengths[1] else "The lengths differ."
        found.append(RowReading(1.5 if is_right else -0.5, -2.0, lengths, is_right, words))
        if len(found) == 1:
            yield PairsReading(tuple(found), len(request.pairs))
    yield PairsReading(tuple(found), len(request.pairs))


def matches(request: FindTokens) -> TokenMatches:
    found = [text for text in VOCABULARY if request.text.casefold() in text.casefold()]
    likely = (Likely(Token(at, text), 0.5 / (at + 1), 2.0) for at, text in enumerate(found))
    return TokenMatches(tuple(likely), len(found), request.text)


def replacements(request: FindReplacements) -> Replacements:
    pair = request.pair
    return Replacements((Replacement("word", "other", pair.clean + "!", 0.25),))
