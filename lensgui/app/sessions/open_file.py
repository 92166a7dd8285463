"""The file that a window has open: its lock, and whether somebody else has changed it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from lensgui.state.locks import Lock, is_free

IN_USE = (
    "{name} is open in another window already: this one shows a copy, and Save asks for another "
    "name."
)
GONE = "{name} is no longer there: Save writes it anew."
CHANGED = "{name} was changed by another program: Save asks before anything is replaced."
LONGEST = 200  # bytes of a file's name in that of its lock
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
        self._lock: Lock | None = None
        self._stamp: Stamp | None = None  # of the file as this window knows it

    def take(self, path: Path) -> None:
        """Have a file open from now on, as it is now, and no other."""
        if self.path != path:
            self.release()
            self._lock = Lock(_lock_of(path))
            if not _is_taken(self._lock):
                self.sentence = IN_USE.format(name=path.name)
                return
            self.path = path
        self.sentence = ""
        self._stamp = _stamp(path)

    def release(self) -> None:
        """Have no file open."""
        if self._lock is not None:
            self._lock.release()
        self.path = self._lock = self._stamp = None
        self.sentence = ""

    def know_nothing(self) -> None:
        """Take the file as changed: what it has is not what this window shows."""
        self._stamp = None

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
    return os.path.exists(_lock_of(path)) and not is_free(_lock_of(path))


def _is_taken(lock: Lock) -> bool:
    """Take a lock, unless another window has it."""
    try:
        return lock.take()
    except OSError:
        return True  # a folder that can't be written to: nobody else can save there either


def _lock_of(path: Path) -> Path:
    """Return the lock of a file, or of what a link leads to; a name may not be too long."""
    path = Path(os.path.realpath(path))
    name = path.name
    if len(os.fsencode(name)) > LONGEST:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    return path.with_name(f".{name}.lock")


def _stamp(path: Path) -> Stamp | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_size, facts.st_mtime_ns
