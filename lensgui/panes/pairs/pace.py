"""How far a long table is read, and how long the rest will take."""

from __future__ import annotations

from math import ceil

LEAST = 100  # pairs; fewer are read before this can be
SOON_S = 0.5  # before which the pace says little


def words(known: int, total: int, seconds: float) -> str:
    """Return how many pairs are read and how long the others take; "" once all are.

    Args:
        known: How many are read.
        total: How many there are.
        seconds: How long that took.
    """
    if known >= total or total < LEAST:
        return ""
    said = f"{known:,} of {total:,} are read"
    if not known or seconds < SOON_S:
        return f"{said}."
    left = seconds * (total - known) / known
    return f"{said}, about {_spelled(left)} left."


def _spelled(seconds: float) -> str:
    return f"{ceil(seconds)} s" if seconds < 90 else f"{ceil(seconds / 60)} min"
