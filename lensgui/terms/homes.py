"""The user's own folder, which not every user has: services, and numbers without a name."""

from __future__ import annotations

import os
from pathlib import Path

NOWHERE = Path(os.devnull) / "lensgui"  # where nothing can be written, on any system


def user_folder() -> Path:
    """Return the user's own folder; without one, that of the system itself."""
    found = os.path.expanduser("~")
    return Path(found if os.path.isabs(found) else os.sep)


def expanded(path: str | Path) -> Path:
    """Return a path with a leading `~` or `~name` replaced, where that has a meaning."""
    return Path(os.path.expanduser(path))
