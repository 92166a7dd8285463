"""What work that is done step by step comes to."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TypeVar

T = TypeVar("T")


def last(steps: Iterator[T | None]) -> Generator[None, None, T]:
    """Return what some steps come to at last, yielding None for each."""
    found: T | None = None
    for step in steps:
        found = step
        yield None
    assert found is not None
    return found


def finished(steps: Generator[None, None, T]) -> T:
    """Return what some steps return, without a rest between them."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: T = end.value
            return found
