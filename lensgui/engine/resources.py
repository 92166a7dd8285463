"""Where the files that travel with lensgui are: the toy model, examples, icons and fonts."""

from __future__ import annotations

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
