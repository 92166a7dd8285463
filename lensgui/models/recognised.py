"""Models that were open on this machine before, found again by what they are."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from lensgui.models import known_models, store
from lensgui.models.aliases import ALIASES
from lensgui.terms.errors import ModelError
from lensgui.terms.homes import expanded
from lensgui.terms.model_key import ABSENT, MEMORY

FILE = "recognised.json"
USES = "used.json"  # when each was opened last
MOST = 1000  # models that are remembered, the latest first
LONGEST = 4096  # letters of a source


@dataclass(frozen=True, slots=True)
class Recognised:
    """A model that was open here.

    Attributes:
        content_id: What it is; see `checkpoints.content`.
        source: How it was asked for: a name, or the path of a folder or file.
    """

    content_id: str
    source: str

    @property
    def name(self) -> str:
        """What to call it elsewhere: paths are nobody else's business."""
        return name_of(self.source)

    @property
    def is_here(self) -> bool:
        """Whether it is there still, as far as a look at its path says."""
        return os.path.exists(self.source) if os.path.isabs(self.source) else True


def name_of(source: str) -> str:
    """Return what to call a model: its name, or the last part of its path."""
    source = source.removeprefix(MEMORY).removeprefix(ABSENT)
    is_path = os.path.isabs(source) or source.startswith((".", "~"))
    return Path(source).name if is_path else source


def remember(content_id: str, source: str) -> None:
    """Remember how a model was asked for; a home that can't be written to remembers nothing."""
    path = os.path.abspath(expanded(source))
    found = Recognised(content_id, path if os.path.exists(path) else source)
    note_use(found.source)
    known = read()
    if known[:1] == (found,):
        return
    kept = [found, *(other for other in known if other != found)][:MOST]
    text = json.dumps([[one.content_id, one.source] for one in kept], indent=1)
    try:
        store.write_text(store.home() / FILE, text + "\n")
    except ModelError:
        return


def read() -> tuple[Recognised, ...]:
    """Return the models that are remembered, the latest first; none where that can't be read."""
    try:
        written = json.loads((store.home() / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return ()
    rows = written if isinstance(written, list) else []
    return tuple(Recognised(*row) for row in rows[:MOST] if _is_row(row))


def note_use(source: str) -> None:
    """Note that a model was opened just now; a home that can't be written to notes nothing.

    Args:
        source: A name, or the whole path of a folder or file.
    """
    kept = {**uses(), ALIASES.get(source.lower(), source): time.time()}
    latest = sorted(kept.items(), key=lambda use: use[1], reverse=True)[:MOST]
    try:
        store.write_text(store.home() / USES, json.dumps(dict(latest), indent=1) + "\n")
    except ModelError:
        return


def uses() -> dict[str, float]:
    """Return when models were opened last, in seconds since 1970, by name or path."""
    try:
        written = json.loads((store.home() / USES).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    rows = written.items() if isinstance(written, dict) else ()
    return {source: float(when) for source, when in rows if isinstance(when, int | float)}


def content_id_of(source: str) -> str:
    """Return what a model was when it was open here last; "" if it never was."""
    return next((one.content_id for one in read() if one.source == source), "")


def find(content_id: str, name: str) -> str | None:
    """Return how to ask for a model here: by what it is, else by its name; None if it is not here.

    A name is compared with those of models that are known here, and is never used as a path.

    Args:
        content_id: What it is; "" where that is not known.
        name: What it was called.
    """
    here = [one for one in read() if one.is_here]
    for one in here:
        if content_id and one.content_id == content_id:
            return one.source
    for entry in known_models.CATALOGUE:
        if entry.name == name and entry.is_here:
            return entry.name
    if name in known_models.imports():
        return name
    return next((one.source for one in here if one.name == name), None)


def _is_row(row: object) -> bool:
    return (
        isinstance(row, list)
        and len(row) == 2
        and all(isinstance(part, str) and len(part) <= LONGEST for part in row)
    )
