"""Copies of folded weights under the home: which there are, how much they may take, and away again.

A copy is one safetensors file, written under another name and renamed once it is whole. What it was
made of stands in its header. Its time of change is set to one that the header says, so that a
file that was written to afterwards, by whatever program, is told from one that was not. An empty
file beside it says by its time when the copy was used last: times of access are anybody's.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lensgui.models import store

FOLDER = "folded"
LIMIT = "LENSGUI_FOLDED_GB"  # what all copies may take together; 0 for none
USUAL_LIMIT = 20.0
SHARE = 4  # copies take at most one part in so many of what is free, they themselves counted
FACTS, STAMP = "lensgui", "changed"  # of a header
ENDING, PARTIAL, USED = ".safetensors", ".part", ".used"
ABANDONED = 3600  # seconds after which nobody writes on at a file
_SAMPLE = 64 << 10  # bytes of each end of a file of weights


@dataclass(frozen=True, slots=True)
class Copy:
    """The folded weights of a model.

    Attributes:
        path: Its file.
        place: Of which model: its folder, or its only file of weights.
        size: Bytes.
        used: When it was made or opened last, in seconds since 1970.
    """

    path: Path
    place: str
    size: int
    used: float


def folder() -> Path:
    """Return the folder that holds the copies."""
    return store.home() / FOLDER


def read_header(path: Path) -> tuple[dict[str, Any], int]:
    """Return what a safetensors file says of its tensors by name, and where their bytes begin.

    Raises:
        ValueError: If it is no such file.
        OSError: If it can't be read.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > path.stat().st_size - 8:
            raise ValueError(f"{path} ends within its header")
        header = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise ValueError(f"{path} has no header")
    return header, 8 + length


def facts_of(path: Path) -> dict[str, Any]:
    """Return what a copy was made of; {} if the file was changed since, or is no copy at all."""
    try:
        header, _ = read_header(path)
        said = header["__metadata__"]
        facts = json.loads(said[FACTS]) if is_unchanged(path, said) else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def is_unchanged(path: Path, said: Mapping[str, str]) -> bool:
    """Return whether nobody wrote to a copy since it was made.

    Args:
        path: Its file.
        said: What its header says beside the tensors.

    Raises:
        OSError: If it is gone.
        ValueError: If it is no copy.
        KeyError: Likewise.
    """
    return int(said[STAMP]) == path.stat().st_mtime_ns


def path_of(facts: Mapping[str, Any]) -> Path:
    """Return where the copy lies of a model that is folded in a way.

    Args:
        facts: What it is made of, of which "place" and "way" count here: what was made of weights
            that changed since is written over.
    """
    name = json.dumps([facts["place"], facts["way"]], sort_keys=True)
    return folder() / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}{ENDING}"


def identity(files: list[Path], config: Path) -> str:
    """Return a name for a model's files that changes whenever one of them does.

    It covers all of the config and, of each file of weights, its path, size, number on the disk,
    times of change, and both ends. Programs can set back one of the times, the other they can't.

    Args:
        files: Its files of weights.
        config: Its config.json.

    Raises:
        OSError: If one can't be read.
    """
    digest = hashlib.sha256(config.read_bytes())
    for path in files:
        status = path.stat()
        facts = (status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns)
        digest.update(f"{path} {facts}\n".encode())
        with path.open("rb") as file:
            digest.update(file.read(_SAMPLE))
            file.seek(max(status.st_size - _SAMPLE, 0))
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()


def note_use(path: Path) -> None:
    """Note that a copy was opened just now."""
    with contextlib.suppress(OSError):
        path.with_suffix(USED).touch()


def _used(path: Path) -> float:
    beside = path.with_suffix(USED)
    return (beside if beside.exists() else path).stat().st_mtime


def copies() -> list[Copy]:
    """Return the copies that are here, the one that was used last at the end."""
    found = []
    with contextlib.suppress(OSError):  # a home that can't be one
        for path in folder().glob(f"[!.]*{ENDING}"):
            with contextlib.suppress(OSError):
                place = str(facts_of(path).get("place", ""))
                found.append(Copy(path, place, path.stat().st_size, _used(path)))
    return sorted(found, key=lambda copy: copy.used)


def sizes() -> dict[str, int]:
    """Return how many bytes the copies of each model take, by its place."""
    total: dict[str, int] = {}
    for copy in copies():
        total[copy.place] = total.get(copy.place, 0) + copy.size
    return total


def name_of(place: Path) -> str:
    """Return how copies call a model's place: links to it are followed."""
    return os.path.realpath(place)


def delete(place: Path) -> int:
    """Take the copies of a model off the disk.

    Args:
        place: Its folder, or its only file of weights; it need not be there any more.

    Returns:
        How many bytes that frees.
    """
    name = name_of(place)
    return sum(_removed(copy) for copy in copies() if copy.place == name)


def _removed(copy: Copy) -> int:
    """Remove a copy, and return its size; 0 where it stays, being open in another program."""
    try:
        copy.path.unlink()
        copy.path.with_suffix(USED).unlink(missing_ok=True)
    except OSError:
        return 0
    return copy.size


def make_room(size: int) -> bool:
    """Remove what has no use, then the copies that were used longest ago, for one of a size.

    Returns:
        Whether there is room for it now.
    """
    _clear()
    here = copies()
    taken = sum(copy.size for copy in here)
    most = min(limit(), (shutil.disk_usage(store.home()).free + taken) // SHARE)
    if size > most:
        return False
    for copy in here:
        if taken + size <= most:
            break
        taken -= _removed(copy)
    return taken + size <= most


def limit() -> int:
    """Return how many bytes all copies may take together."""
    try:
        chosen = float(os.environ.get(LIMIT, USUAL_LIMIT))
    except ValueError:
        chosen = USUAL_LIMIT
    return int(1e9 * chosen) if 0 <= chosen < 1e9 else 0


def _clear() -> None:
    """Remove copies of models that are gone, damaged ones, and what an interruption left."""
    for copy in copies():
        if not copy.place or not os.path.exists(copy.place):
            _removed(copy)
    now = time.time()
    for path in folder().glob(f".*{PARTIAL}"):
        with contextlib.suppress(OSError):
            if now - path.stat().st_mtime > ABANDONED:
                path.unlink()
