"""Where lensgui keeps what it fetched and measured; it writes whole files or none."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import platformdirs

from lensgui.terms.errors import ModelError
from lensgui.terms.homes import NOWHERE, expanded

STEPS = {
    "download": "Downloading",
    "check": "Checking",
    "unpack": "Unpacking",
    "convert": "Converting",
}
HOME_VARIABLE = "LENSGUI_HOME"
_SAMPLE = 1 << 20  # bytes read from each end of a weights file to recognise it
FULL = {errno.ENOSPC, errno.EDQUOT}
FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fetch is.

    Attributes:
        step: One of `STEPS`.
        done: Bytes so far; for "convert", parts so far.
        total: Of how many.
    """

    step: str
    done: int
    total: int


Report = Callable[[Progress], None]


def silence(progress: Progress) -> None:
    """Report nothing."""


def home() -> Path:
    """Return the folder for everything lensgui keeps: LENSGUI_HOME, else the user's cache.

    For a user without a home folder it is one that nothing can be written to.
    """
    chosen = os.environ.get(HOME_VARIABLE)
    if chosen:
        return expanded(chosen).absolute()
    try:
        return platformdirs.user_cache_path("lensgui", appauthor=False)
    except RuntimeError:
        return NOWHERE


def models_folder() -> Path:
    """Return the folder that holds one folder for each fetched model."""
    return home() / "models"


def in_words(size: int) -> str:
    """Return a number of bytes as users read it."""
    if size >= 1e9:
        return f"{size / 1e9:.1f} GB"
    if size >= 1e5:
        return f"{size / 1e6:.0f} MB" if size >= 1e7 else f"{size / 1e6:.1f} MB"
    return f"{size / 1e3:.0f} kB" if size else "nothing"


def writing_sentence(error: OSError, folder: Path) -> str:
    """Return what to tell the user about a write that failed.

    Args:
        error: What the system said.
        folder: Where the write was to go.
    """
    if error.errno in FULL:
        return f"The disk that holds {folder} is full: free some space there and try again."
    if error.errno in FORBIDDEN or isinstance(error, FileExistsError | NotADirectoryError):
        return f"{folder} can't be written to: set {HOME_VARIABLE} to a folder that can be."
    reason = error.strerror or type(error).__name__
    return f"{folder} can't be written to ({reason}): check that folder and try again."


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn a failure to write below `folder` into one sentence.

    Raises:
        ModelError: If the disk is full, read-only or otherwise unwilling.
    """
    try:
        yield
    except OSError as error:
        raise ModelError(writing_sentence(error, folder)) from error


def write_text(path: Path, text: str) -> None:
    """Write a small file, in a folder that is made if need be, as `write_whole` does.

    Raises:
        ModelError: If it can't be written.
    """
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees all of it or what was there before, even after a crash.

    Raises:
        OSError: If it can't be written; what was there stays.
    """
    partial = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, partial)
        partial.replace(path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # Windows opens no folders
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def want_room(folder: Path, size: int) -> None:
    """See that there is room for so many bytes before any is written.

    Raises:
        OSError: If there is not, as if the disk were full.
    """
    if shutil.disk_usage(folder).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextlib.contextmanager
def alone(folder: Path | None = None, patience: float = -1) -> Iterator[None]:
    """Let one process at a time make files in a folder.

    Args:
        folder: Which, made if need be; `models_folder` if None.
        patience: How many seconds to wait for another process; -1 for as long as it takes.

    Raises:
        ModelError: If the other process takes longer.
    """
    from filelock import FileLock, Timeout  # late: a window starts without it

    folder = folder or models_folder()
    folder.mkdir(parents=True, exist_ok=True)
    # The system lets go of it when the process ends, however.
    lock = FileLock(folder / ".lock", timeout=patience)
    try:
        lock.acquire()
    except Timeout as error:
        raise ModelError(
            "Another process is fetching, importing or converting a model: try again once it has "
            "ended."
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def working_folder() -> Iterator[Path]:
    """Yield a folder that is gone afterwards but for what was renamed out; only within `alone`."""
    folder = models_folder()
    for old in folder.glob(".get-*"):
        shutil.rmtree(old, ignore_errors=True)  # under the lock, it can only be left over
    work = folder / f".get-{os.getpid()}"
    work.mkdir()
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def listing(folder: Path) -> dict[str, list[int | str]]:
    """Return the size in bytes and the SHA-256 of each file of a folder, by name."""
    return {path.name: _facts(path) for path in sorted(folder.iterdir()) if path.is_file()}


def _facts(path: Path) -> list[int | str]:
    with path.open("rb") as file:
        return [path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()]


def differing(folder: Path, files: object, thorough: bool = True) -> list[str]:
    """Return the names of a folder's files that are missing, or other ones than were noted.

    Args:
        folder: The folder.
        files: What `listing` said of it, as it was noted; anything else says nothing.
        thorough: Whether hashes are compared, not only sizes.
    """
    if not isinstance(files, dict):
        return []
    return [name for name, facts in files.items() if not _is_as(folder / name, facts, thorough)]


def _is_as(path: Path, facts: list[int | str], thorough: bool) -> bool:
    if not path.is_file() or path.stat().st_size != facts[0]:
        return False
    return not thorough or _facts(path) == facts


def digest(data: bytes) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def fingerprint(place: Path) -> str:
    """Return a name for weights that changes when they do; reads only the ends of their files.

    It covers config.json and, of each file of weights, name, size, time of change and both ends.

    Args:
        place: A model's folder, or its only file of weights.
    """
    weights = place.glob("*.safetensors") if place.is_dir() else [place]
    folder = place if place.is_dir() else place.parent
    digest = hashlib.sha256()
    for path in sorted([*weights, *folder.glob("config.json")]):
        facts = path.stat()
        digest.update(f"{path.name} {facts.st_size} {facts.st_mtime_ns}\n".encode())
        with path.open("rb") as file:
            digest.update(file.read(_SAMPLE))
            file.seek(max(facts.st_size - _SAMPLE, 0))
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()[:32]


def read_verification(place: Path, dtype: str = "float32") -> float | None:
    """Return the largest |difference| to the Hugging Face logits that `models check` stored.

    Args:
        place: The model's folder, or its only file of weights.
        dtype: The number format that it runs in.

    Returns:
        The figure in logits; None if these weights were never checked with these versions.
    """
    stored = read_measured("verified", place, dtype)
    try:
        return None if stored is None else float(stored["difference"])
    except (ValueError, KeyError, TypeError):
        return None


def write_verification(
    place: Path,
    difference: float,
    dtype: str = "float32",
    details: Mapping[str, float | str] | None = None,
) -> None:
    """Store what `models check` measured, for the model's badge.

    Args:
        place: The model's folder, or its only file of weights.
        difference: The largest |difference| to the Hugging Face logits.
        dtype: The number format that was checked.
        details: What else was measured, by name.

    Raises:
        ModelError: If it can't be written.
    """
    facts = {**(details or {}), "difference": difference, "dtype": dtype, "folder": place.name}
    write_measured("verified", place, dtype, facts)


def read_measured(kind: str, place: Path, name: str) -> dict[str, Any] | None:
    """Return what was measured of some weights and stored; None if it never was as things are now.

    Args:
        kind: What it is, the name of a folder.
        place: The model's folder, or its only file of weights.
        name: How it runs, such as its number format.
    """
    try:
        stored = json.loads(_measured_path(kind, place, name).read_text(encoding="utf-8"))
        return stored if stored["versions"] == versions() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_measured(kind: str, place: Path, name: str, facts: Mapping[str, Any]) -> None:
    """Store what was measured of some weights, for as long as neither they nor versions change.

    Args:
        kind: As of `read_measured`, and so are `place` and `name`.
        place: The weights.
        name: How they run.
        facts: What was measured.

    Raises:
        ModelError: If it can't be written.
    """
    text = json.dumps({**facts, "versions": versions()}, indent=1)
    write_text(_measured_path(kind, place, name), text + "\n")


def _measured_path(kind: str, place: Path, name: str) -> Path:
    # Not in the model's own folder: the toy's may be read-only, and a user's folder is the user's.
    return home() / kind / f"{fingerprint(place)}-{name}.json"


def versions() -> dict[str, str]:
    """Return the versions that numbers depend on."""
    found = {}
    for name in ("lensgui", "torch", "transformers"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found
