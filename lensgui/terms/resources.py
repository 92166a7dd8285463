"""What travels with lensgui: toy, examples, icons, fonts; whether it is whole; its own command."""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
LISTING = "files.json"  # of the installed app: the size of each of its files, by name


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
    return [sys.executable] if is_bundle() else [sys.executable, "-m", "lensgui"]


def is_bundle() -> bool:
    """Whether this is the installed app, whose Python runs nothing else and has no pip."""
    return bool(getattr(sys, "frozen", False))


@cache
def damage() -> str:
    """Return which files of the installed app are not as they were made, as a sentence; or ""."""
    try:
        sizes = json.loads((PACKAGE / LISTING).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    folder = PACKAGE.parent
    found = [name for name, size in sizes.items() if not _has_size(folder / name, size)]
    if not found:
        return ""
    lost = f"{found[0]} and {len(found) - 1:,} more are" if found[1:] else f"{found[0]} is"
    return f"lensgui is damaged ({lost} missing or cut short): install it again."


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False
