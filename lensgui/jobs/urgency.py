"""Which questions are answered before others: what changes at every keystroke goes first."""

from __future__ import annotations

from lensgui.jobs.requests import (
    AttentionGrid,
    AttentionHead,
    FindReplacements,
    FindTokens,
    LogitLens,
    OpenModel,
    ReadEdge,
    ReadHead,
    ReadMLP,
    ReadPair,
    Request,
    VerifyCell,
)

_ORDER: tuple[tuple[type, ...], ...] = (
    (OpenModel, AttentionGrid),
    (ReadPair, FindTokens),
    (AttentionHead, ReadHead, ReadEdge, ReadMLP, LogitLens, FindReplacements, VerifyCell),
)


def urgency(request: Request) -> int:
    """Return how long a question may wait: 0 for the most urgent.

    A job runs only while nothing more urgent is left to do; all the urgent ones are short, and
    averages over many pairs are not.
    """
    if getattr(request, "rows", ()):
        return len(_ORDER)
    return next(
        (rank for rank, kinds in enumerate(_ORDER) if isinstance(request, kinds)), len(_ORDER)
    )


def is_slow(request: Request) -> bool:
    """Whether a question takes long enough to wait for the user to pause."""
    return urgency(request) == len(_ORDER)
