"""What happens to an exception that nobody caught: the log gets it all, the user one sentence."""

from __future__ import annotations

import logging
import sys
import threading
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, Signal

log = logging.getLogger(__name__)

MOST_BYTES = 1 << 20
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class Faults(QObject):
    """Catches what slots and threads let fall.

    Attributes:
        told: (sentence,) for the status bar; safe to send from any thread.
        log_path: Where the log is; None if it can't be written.
    """

    told = Signal(str)

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.log_path = _open_log(folder)
        _hooks.add(self)

    def catch(
        self,
        kind: type[BaseException],
        error: BaseException,
        trace: TracebackType | None,
    ) -> None:
        """Log an exception and tell the user in a sentence."""
        log.critical("nobody caught this", exc_info=(kind, error, trace))
        where = f"; details are in {self.log_path}" if self.log_path else ""
        self.told.emit(f"Something went wrong in lensgui itself: {kind.__name__}: {error}{where}")

    def release(self) -> None:
        """Catch nothing any more; the last one puts back the hooks that were there before."""
        _hooks.remove(self)


class _Hooks:
    """The interpreter's hooks, taken over while there are windows, and shared by all of them.

    What a script lets fall is not the window's, and goes to the hooks that were there before.
    """

    def __init__(self) -> None:
        self._faults: list[Faults] = []
        self._before = sys.excepthook, threading.excepthook
        self._ours = self._catch, self._catch_in_thread  # bound once: each access makes another

    def add(self, faults: Faults) -> None:
        """Let a window have what is caught, before those that are already there."""
        if not self._faults and sys.excepthook is not self._ours[0]:
            self._before = sys.excepthook, threading.excepthook
            sys.excepthook, threading.excepthook = self._ours
        self._faults.append(faults)

    def remove(self, faults: Faults) -> None:
        """Let a window have nothing more; hooks that somebody put over ours stay in place."""
        self._faults = [other for other in self._faults if other is not faults]
        if not self._faults and sys.excepthook is self._ours[0]:
            sys.excepthook = self._before[0]
        if not self._faults and threading.excepthook is self._ours[1]:
            threading.excepthook = self._before[1]

    def _catch(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        is_ours = not (issubclass(kind, KeyboardInterrupt) or _is_of_a_script(trace))
        if self._faults and is_ours:
            self._faults[-1].catch(kind, error, trace)
        else:
            self._before[0](kind, error, trace)

    def _catch_in_thread(self, arguments: threading.ExceptHookArgs) -> None:
        name = arguments.thread.name if arguments.thread is not None else ""
        if self._faults and name.startswith("lensgui-") and arguments.exc_value is not None:
            self._faults[-1].catch(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
        else:
            self._before[1](arguments)


_hooks = _Hooks()


def _is_of_a_script(trace: TracebackType | None) -> bool:
    """Whether an error went all through a script; what a slot lets fall ends at Qt."""
    if trace is None or trace.tb_frame.f_back is not None:
        return False
    is_module = trace.tb_frame.f_code.co_name == "<module>"
    return is_module or trace.tb_frame.f_globals.get("__name__") == "runpy"


def _open_log(folder: Path) -> Path | None:
    path = folder / "lensgui.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(path, maxBytes=MOST_BYTES, backupCount=1, encoding="utf-8")
    except OSError:
        return None
    handler.setFormatter(logging.Formatter(FORMAT))
    root = logging.getLogger("lensgui")
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    return path
