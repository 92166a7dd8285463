"""What can go wrong with a model or a file, said so that the user can act on it."""

from __future__ import annotations


class ModelError(Exception):
    """A model can't be had or opened; the message is one sentence for the user."""


class SessionError(Exception):
    """A session file can't be read or written; the message is one sentence for the user."""


class ExportError(Exception):
    """A figure can't be written, or a picture not read; the message is one sentence."""


def reason(error: BaseException) -> str:
    """Return all that an error says, in one line, or its kind, to be put into a sentence."""
    lines = [line.strip().rstrip(".:;") for line in str(error).splitlines()]
    return ": ".join(filter(None, lines)).replace(". ", "; ") or type(error).__name__


_OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory ran out; torch says so on the CPU only in words."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error).lower() for words in _OUT_OF_MEMORY
    )


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its kind, to be put into a sentence."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")
