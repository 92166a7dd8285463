"""The command line, without a process of its own."""

from __future__ import annotations

from lensgui.__main__ import main


def lensgui(*words: str) -> int:
    """Run `lensgui models WORDS`; return its status."""
    return main(["models", *words])
