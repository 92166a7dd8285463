"""What can go wrong with a model, said so that the user can act on it."""

from __future__ import annotations


class ModelError(Exception):
    """A model can't be had or opened; the message is one sentence for the user."""


def reason(error: BaseException) -> str:
    """Return all that an error says, in one line, or its kind, to be put into a sentence."""
    lines = [line.strip().rstrip(".:;") for line in str(error).splitlines()]
    return ": ".join(filter(None, lines)).replace(". ", "; ") or type(error).__name__


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its kind, to be put into a sentence."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")
