"""A file that one process holds at a time."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any


class Lock:
    """Taken by one process at a time; the system lets go of it when the process ends, however.

    Attributes:
        path: The file that is locked; it means nothing else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: Any = None

    def take(self) -> bool:
        """Take it; whether nobody else has it.

        Raises:
            OSError: If no such file can be made.
        """
        from filelock import FileLock, Timeout  # late: a window starts without it

        lock = FileLock(self.path, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        self._held = lock
        return True

    def release(self) -> None:
        """Let go of it, and leave no file."""
        if self._held is not None:
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)
            self._held.release()
            self._held = None


def is_free(path: Path) -> bool:
    """Whether nobody has a lock; one that can't be looked at is somebody's."""
    lock = Lock(path)
    try:
        return lock.take()
    except OSError:
        return False
    finally:
        lock.release()
