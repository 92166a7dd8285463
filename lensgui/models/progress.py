"""How far a fetch is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

STEPS = {
    "download": "Downloading",
    "check": "Checking",
    "unpack": "Unpacking",
    "convert": "Converting",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fetch is.

    Attributes:
        step: One of `STEPS`.
        done: Bytes so far; for "convert", parts so far.
        total: Of how many.
    """

    step: str
    done: int
    total: int


Report = Callable[[Progress], None]


def silence(progress: Progress) -> None:
    """Report nothing."""
