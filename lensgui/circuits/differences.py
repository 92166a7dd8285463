"""Where two sequences of words or tokens differ. Free of torch, and never slow."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from difflib import SequenceMatcher

MOST_MATCHED = 40  # items between the common ends; more of them count as one difference

Span = tuple[int, int, int, int]


def changed_spans(one: Sequence[Hashable], other: Sequence[Hashable]) -> list[Span]:
    """Return what has to be replaced in one sequence to get the other.

    Returns:
        For each difference, in order: its start and end in the one, its start and end in the other.
    """
    shorter = min(len(one), len(other))
    start = next((at for at in range(shorter) if one[at] != other[at]), shorter)
    shared = shorter - start
    tail = next((at for at in range(shared) if one[-1 - at] != other[-1 - at]), shared)
    middles = one[start : len(one) - tail], other[start : len(other) - tail]
    if not any(middles):
        return []
    if max(map(len, middles)) > MOST_MATCHED:
        return [(start, len(one) - tail, start, len(other) - tail)]
    matcher = SequenceMatcher(None, middles[0], middles[1], autojunk=False)
    return [
        (start + first, start + end, start + other_first, start + other_end)
        for kind, first, end, other_first, other_end in matcher.get_opcodes()
        if kind != "equal"
    ]
