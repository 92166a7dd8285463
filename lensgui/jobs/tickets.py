"""Which jobs are still needed: the only state that two threads share."""

from __future__ import annotations

from itertools import count


class Tickets:
    """Numbered claims on answers, handed out by the window and looked at by the worker.

    Adding to a set, removing from it and asking whether something is in it are each one step of the
    interpreter, so no lock is needed.
    """

    def __init__(self) -> None:
        self._numbers = count(1)
        self._valid: set[int] = set()

    def issue(self) -> int:
        """Return a new ticket, valid until it is withdrawn."""
        ticket = next(self._numbers)
        self._valid.add(ticket)
        return ticket

    def withdraw(self, ticket: int) -> None:
        """Want nothing more for this ticket; harmless when repeated."""
        self._valid.discard(ticket)

    def is_valid(self, ticket: int) -> bool:
        """Whether anybody still waits for this ticket's answer."""
        return ticket in self._valid
