"""Fitted lenses that were imported or fitted here: where they lie, and which there are."""

from __future__ import annotations

import re
from pathlib import Path

from lensgui.models import store

SUFFIX = ".safetensors"
NAME = r"[\w.+-]{1,200}\.safetensors"  # what the file of a lens is called: no place on disk


def folder() -> Path:
    """Return the folder that lenses lie in."""
    return store.home() / "lenses"


def here() -> list[Path]:
    """Return the lenses that there are, by name."""
    try:
        found = sorted(folder().glob(f"*{SUFFIX}"))
    except OSError:  # a home that can't be one
        return []
    return [path for path in found if re.fullmatch(NAME, path.name, re.ASCII)]


def place_of(source: Path, stem: str) -> Path:
    """Return where a lens is kept that is made of a file, by what that holds.

    Args:
        source: The file.
        stem: What it is called; letters that the name of a lens has not are left out.
    """
    plain = re.sub(r"[^\w.+-]+", "-", stem, flags=re.ASCII)[:150]
    return folder() / f"{plain}-{store.fingerprint(source)[:8]}{SUFFIX}"


def find(name: str | Path) -> Path:
    """Return the file of a lens, by its path or by its name in the folder."""
    path = Path(name)
    return folder() / path.name if path.parent == Path() and not path.exists() else path
