"""What answers requests, and how much of the machine it may use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.request import Request


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the machine whatever answers may use.

    Attributes:
        threads: How many threads compute; 0 for as many as leave the window one core.
        runs_bytes: Bytes of activations that are kept for the next question.
    """

    threads: int = 0
    runs_bytes: int = 1 << 30


class Answerer(Protocol):
    """Whatever can answer requests."""

    def answer(self, request: Request) -> Iterator[Answer | None]:
        """Yield ever more complete answers to a request, and None where only time has passed."""

    def limit(self, limits: Limits) -> None:
        """Use no more than that from now on; called on the thread that asks for answers."""
