"""What keeps work through a crash: a thread that writes, and the folder of what it wrote."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal, Slot

from lensgui.models import store
from lensgui.state.locks import Lock, is_free
from lensgui.state.sessions.late import read, write
from lensgui.state.sessions.saved import SUFFIX, Saved
from lensgui.terms.errors import ModelError, SessionError

log = logging.getLogger(__name__)
FAULT = "something went wrong in lensgui itself, and what was there before stays."
THREAD = "lensgui-writer"
FOLDER = "recovery"
LAST = "last"  # what was closed without being saved anywhere is called so
DISCARDED = "discarded"  # and so what was discarded last


class Writer(QObject):
    """Writes files on a thread of its own, one after the other; of several for one, the latest.

    Attributes:
        written: (path,) a file was written; like the next, it is sent in the thread of its owner.
        failed: (path, sentence) why one could not be.
    """

    written = Signal(object)
    failed = Signal(object, str)
    _ended = Signal(object, str)  # path, and why it was not written; sent in the thread that writes

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pending: dict[Path, Callable[[], object]] = {}
        self._current: Path | None = None  # what is being written
        self._is_over = False
        self._changed = threading.Condition()
        self._ended.connect(self._tell, Qt.ConnectionType.QueuedConnection)
        self._thread = threading.Thread(target=self._run, name=THREAD, daemon=True)
        self._thread.start()

    def submit(self, path: Path, write: Callable[[], object]) -> None:
        """Have a file written soon; what was to be written to it before is not."""
        with self._changed:
            self._pending[path] = write
            self._changed.notify_all()

    def is_busy_with(self, path: Path) -> bool:
        """Whether a file is being written, or is about to be."""
        with self._changed:
            return path in self._pending or path == self._current

    def wait(self, seconds: float) -> bool:
        """Wait until all is written; return whether it is."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._pending and self._current is None, seconds
            )

    def close(self, seconds: float = 5.0) -> bool:
        """Write what is left, and end the thread; return whether it ended in time."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (job := self._next()) is not None:
            path, write = job
            trouble = ""
            try:
                write()
            except SessionError as error:
                trouble = str(error)
            except Exception:  # a fault of ours must not end what keeps work
                log.exception("a file was not written")
                trouble = f"{path.name} was not written: {FAULT}"
            with contextlib.suppress(RuntimeError):  # the window is gone
                self._ended.emit(path, trouble)

    @Slot(object, str)
    def _tell(self, path: Path, trouble: str) -> None:
        if trouble:
            self.failed.emit(path, trouble)
        else:
            self.written.emit(path)

    def _next(self) -> tuple[Path, Callable[[], object]] | None:
        """Return what is to be written next, once there is something; None when all is over."""
        with self._changed:
            self._current = None
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._pending or self._is_over)
            if not self._pending:
                return None
            path = next(iter(self._pending))
            self._current = path
            return path, self._pending.pop(path)


@dataclass(frozen=True, slots=True)
class Left:
    """What a window that ended without closing has left.

    Attributes:
        path: The file in the folder of such files.
        saved: What was there.
        origin: The user's file that it was about; None if it was in none.
    """

    path: Path
    saved: Saved
    origin: Path | None

    @property
    def is_discarded(self) -> bool:
        """Whether it was discarded before, so that it goes for good where it is again."""
        return self.path.stem == DISCARDED


class Recovery:
    """This window's file in the folder where those of windows that crashed are found.

    A lock beside the file is held for as long as the window lives: the system lets go of it when
    the process ends, however it ends.

    Attributes:
        path: This window's file, which need not be there.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or store.home() / FOLDER
        self.path = self._folder / f"{secrets.token_hex(16)}{SUFFIX}"
        self._lock = Lock(_lock_of(self.path))
        self._is_locked = False

    @property
    def last(self) -> Path:
        """Where what was closed without being saved anywhere is kept, one at a time."""
        return self._folder / f"{LAST}{SUFFIX}"

    @property
    def discarded(self) -> Path:
        """Where what was discarded is kept, one at a time."""
        return self._folder / f"{DISCARDED}{SUFFIX}"

    def write(self, saved: Saved, origin: Path | None) -> None:
        """Keep what is there now.

        Args:
            saved: What is there.
            origin: The user's file that it is about; None if it is in none.

        Raises:
            SessionError: If it can't be written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._is_locked = self._is_locked or self._lock.take()
            note = json.dumps({"origin": "" if origin is None else str(origin)})
            store.write_text(_note_of(self.path), note)
        except (OSError, ModelError) as error:
            raise SessionError(f"What is open can't be kept in {self._folder}: {error}") from error
        write(self.path, saved)

    def left(self, *, with_last: bool = False) -> list[Left]:
        """Return what crashed windows have left, the latest first; what can't be read stays.

        Args:
            with_last: Whether what was closed or discarded last without being saved is among it.
        """
        found: list[tuple[float, Left]] = []
        for path in [*self._files(), *(self.last, self.discarded) * with_last]:
            with contextlib.suppress(SessionError):
                found.append((_time(path), Left(path, read(path), _origin(path))))
        return [left for _, left in sorted(found, key=lambda pair: -pair[0])]

    def _files(self) -> list[Path]:
        """Return the files that no living window holds."""
        try:
            files = sorted(self._folder.glob(f"*{SUFFIX}"))
        except OSError:
            return []
        others = [path for path in files if path not in (self.path, self.last, self.discarded)]
        return [path for path in others if is_free(_lock_of(path))]

    def keep(self) -> None:
        """Keep what is there as the last that was closed without being saved, and leave."""
        with contextlib.suppress(OSError):
            os.replace(self.path, self.last)
        self.end()

    def set_aside(self, left: Left) -> None:
        """Offer something as what was discarded last, in place of what was so before.

        What was discarded already goes for good.
        """
        if left.is_discarded:
            discard(left.path)
            return
        with contextlib.suppress(OSError):  # else it stays what it is
            discard(_note_of(self.discarded))  # it may be of something else
            os.replace(left.path, self.discarded)
            if left.origin is not None:
                os.replace(_note_of(left.path), _note_of(self.discarded))
            discard(left.path)

    def end(self) -> None:
        """Leave nothing."""
        discard(self.path)  # first: what is not locked is offered by others
        self._lock.release()
        self._is_locked = False


def discard(path: Path) -> None:
    """Remove a file of the folder, and what is noted of it."""
    for part in (path, _note_of(path), _lock_of(path)):
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock")


def _note_of(path: Path) -> Path:
    return path.with_suffix(".json")


def _time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _origin(path: Path) -> Path | None:
    try:
        written = json.loads(_note_of(path).read_text(encoding="utf-8"))["origin"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Path(written) if isinstance(written, str) and written else None
