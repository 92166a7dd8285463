"""What travels with lensgui: the toy model, examples, icons, fonts; and its own command."""

from __future__ import annotations

import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def resource(*parts: str) -> Path:
    """Return the path of a file or folder of `resources`.

    An installed lensgui carries them inside the package; a checkout has them beside it.

    Args:
        parts: The path inside `resources`, such as "models", "toy".
    """
    installed = PACKAGE / "resources"
    folder = installed if installed.is_dir() else PACKAGE.parent / "resources"
    return folder.joinpath(*parts)


def own_command() -> list[str]:
    """Return the command that runs lensgui's command line, from a bundle too."""
    return [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "lensgui"]
