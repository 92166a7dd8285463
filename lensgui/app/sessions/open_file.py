"""The file that a window has open: its lock, and whether somebody else has changed it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

IN_USE = (
    "{name} is open in another window already: this one shows a copy, and Save asks for another "
    "name."
)
GONE = "{name} is no longer there: Save writes it anew."
CHANGED = "{name} was changed by another program: Save asks before anything is replaced."
Stamp = tuple[int, int, int]


class OpenFile:
    """A session's file, or none yet.

    Attributes:
        path: The file; None while there is none, or where another window has it.
        sentence: What is to be said of it since it was looked at last; "" for nothing.
    """

    def __init__(self) -> None:
        self.path: Path | None = None
        self.sentence = ""
        self._lock: BaseFileLock | None = None
        self._stamp: Stamp | None = None  # of the file as this window knows it

    def take(self, path: Path) -> None:
        """Have a file open from now on, as it is now, and no other."""
        if self.path != path:
            self.release()
            lock = FileLock(_lock_of(path))
            try:
                lock.acquire(timeout=0)
                self._lock = lock
            except Timeout:
                self.sentence = IN_USE.format(name=path.name)
                return
            except OSError:
                pass  # a folder that can't be written to: nobody else can save there either
            self.path = path
        self.sentence = ""
        self._stamp = _stamp(path)

    def release(self) -> None:
        """Have no file open."""
        if self.path is not None and self._lock is not None:
            with contextlib.suppress(OSError):
                _lock_of(self.path).unlink(missing_ok=True)
            self._lock.release()
        self.path = self._lock = self._stamp = None
        self.sentence = ""

    @property
    def is_changed(self) -> bool:
        """Whether the file is there and is not what this window wrote or read."""
        now = _stamp(self.path) if self.path is not None else None
        return now is not None and now != self._stamp

    def look(self) -> str:
        """Return what has become of the file, if that is new; "" if nothing is."""
        if self.path is None:
            return ""
        said = GONE if _stamp(self.path) is None else CHANGED if self.is_changed else ""
        before, self.sentence = self.sentence, said.format(name=self.path.name)
        return self.sentence if self.sentence != before else ""


def is_in_use(path: Path) -> bool:
    """Whether another window has a file open."""
    if not _lock_of(path).exists():
        return False
    try:
        with FileLock(_lock_of(path)).acquire(timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False


def _lock_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


def _stamp(path: Path) -> Stamp | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_size, facts.st_mtime_ns
