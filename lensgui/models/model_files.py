"""Models of the catalogue that came as a file: where one is looked for, and what to do without."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import platformdirs

from lensgui.models import store
from lensgui.models.known_models import Entry
from lensgui.terms.resources import is_bundle


def own_folder() -> Path:
    """Return the folder that the user may put files of models into."""
    return store.home() / "files"


def folders() -> list[Path]:
    """Return where files of models are looked for: the user's, the app's and the system's."""
    shared = platformdirs.site_data_dir("lensgui", appauthor=False, multipath=True)
    beside = [Path(sys.executable).resolve().parent / "models"] if is_bundle() else []
    places = [*beside, *(Path(place) / "models" for place in shared.split(os.pathsep))]
    return [own_folder(), *places]


def find(entry: Entry) -> Path | None:
    """Return a file that a model can be made of; None if none is where it would be looked for."""
    for folder in folders():
        with contextlib.suppress(OSError):  # a home that can't be one
            for pattern in entry.files:
                for path in sorted(folder.glob(pattern)):
                    return path
    return None


def is_wanting(entry: Entry) -> bool:
    """Whether the user has to say where a model's file is: the app neither finds nor fetches it."""
    is_fetched = not is_bundle()
    return not (entry.is_built_in or entry.is_here or is_fetched) and find(entry) is None


def sentence(entry: Entry) -> str:
    """Return where a model's file is expected."""
    *others, last = entry.files
    return (
        f"{entry.title} comes as a file ({', '.join(others)} or {last}), which is expected in "
        f"{own_folder()}"
    )
