"""Where dialogs begin that open or save files: set in one place for all of them."""

from __future__ import annotations

from pathlib import Path

from lensgui.terms.homes import user_folder

_FOLDER = [""]  # of the whole application


def files_folder() -> str:
    """Return the folder that was chosen, if it is there, else the user's own."""
    chosen = _FOLDER[0]
    return chosen if chosen and Path(chosen).is_dir() else str(user_folder())


def set_files_folder(folder: str) -> None:
    """Begin elsewhere from now on; "" in no folder in particular."""
    _FOLDER[0] = folder
