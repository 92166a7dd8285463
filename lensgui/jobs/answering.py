"""What the worker needs of a bench: nothing but answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from lensgui.jobs.arrays import Atlas, HeadEffects, Slice, Verification
from lensgui.jobs.pairreports import PairsReading, Replacements, TokenMatches
from lensgui.jobs.requests import Request
from lensgui.jobs.results import (
    EdgeReading,
    HeadReading,
    LensReading,
    MLPReading,
    ModelCard,
    PairReading,
)

Answer = (
    Slice
    | Atlas
    | HeadEffects
    | Verification
    | PairReading
    | HeadReading
    | EdgeReading
    | MLPReading
    | LensReading
    | ModelCard
    | PairsReading
    | TokenMatches
    | Replacements
)


class Answering(Protocol):
    """Whatever can answer requests."""

    def answer(self, request: Request) -> Iterator[Answer | None]:
        """Yield ever more complete answers to a request, and None where only time has passed."""
