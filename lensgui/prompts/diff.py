"""Where two sequences of words or tokens differ. Free of torch, and never slow."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise

MOST_MATCHED = 60  # items that are compared each with each; more are first tied together

Span = tuple[int, int, int, int]
Items = Sequence[Hashable]


def changed_spans(one: Items, other: Items) -> list[Span]:
    """Return what has to be replaced in one sequence to get the other.

    Long ones are tied together at pairs of neighbours that occur once in each, as in patience
    sorting; only what lies between is compared item by item.

    Returns:
        For each difference, in order: its start and end in the one, its start and end in the other.
    """
    return list(_changed(one, other, 0, 0))


def _changed(one: Items, other: Items, at: int, other_at: int) -> Iterator[Span]:
    """Yield the differences of two parts that start at some places of the whole."""
    shorter = min(len(one), len(other))
    start = next((place for place in range(shorter) if one[place] != other[place]), shorter)
    shared = shorter - start
    tail = next((back for back in range(shared) if one[-1 - back] != other[-1 - back]), shared)
    one, other = one[start : len(one) - tail], other[start : len(other) - tail]
    at, other_at = at + start, other_at + start
    if not one and not other:
        return
    ties = _ties(one, other) if max(len(one), len(other)) > MOST_MATCHED else []
    if ties:
        before = (0, 0)
        for here in [*ties, (len(one), len(other))]:
            parts = one[before[0] : here[0]], other[before[1] : here[1]]
            yield from _changed(*parts, at + before[0], other_at + before[1])
            before = here
    elif max(len(one), len(other)) > MOST_MATCHED:
        yield at, at + len(one), other_at, other_at + len(other)
    else:
        matcher = SequenceMatcher(None, one, other, autojunk=False)
        for kind, first, end, other_first, other_end in matcher.get_opcodes():
            if kind != "equal":
                yield at + first, at + end, other_at + other_first, other_at + other_end


def _ties(one: Items, other: Items) -> list[tuple[int, int]]:
    """Return places, rising in both, where neighbours stand that each sequence has once.

    Places at the very start are left out: they would tie nothing together.
    """
    places = []
    for items in (one, other):
        pairs = list(pairwise(items))
        counts = Counter(pairs)
        places.append({pair: at for at, pair in enumerate(pairs) if counts[pair] == 1})
    shared = [(at, places[1][pair]) for pair, at in places[0].items() if pair in places[1]]
    return [tie for tie in _rising(shared) if tie[0] and tie[1]]


def _rising(ties: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest part of ties, rising in the first, that rises in the second too."""
    ends: list[int] = []
    last: list[int] = []  # which tie ends the best row of each length
    previous: list[int | None] = []
    for number, (_, place) in enumerate(ties):
        length = bisect_left(ends, place)
        previous.append(last[length - 1] if length else None)
        ends[length:], last[length:] = (
            [place, *ends[length + 1 :]],
            [number, *last[length + 1 :]],
        )
    found: list[tuple[int, int]] = []
    at = last[-1] if last else None
    while at is not None:
        found.append(ties[at])
        at = previous[at]
    return found[::-1]
