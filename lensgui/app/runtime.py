"""What runs beside the window: errors nobody caught, garbage collection, imports put off."""

from __future__ import annotations

import gc
import logging
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from weakref import WeakSet

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from lensgui.jobs.runner import Runner

INTERVAL_MS = 1000
IDLE_ROUNDS = 10  # between two full collections

_collectors: WeakSet[QObject] = (
    WeakSet()
)  # of open windows, while any of which Python must not collect
_found_enabled: list[bool] = []  # whether it did before the first of them


class Collector(QObject):
    """Collects the young generation every second, and everything now and then while idle."""

    def __init__(self, is_busy: Callable[[], bool], parent: QObject | None = None) -> None:
        super().__init__(parent)
        if not _collectors:
            _found_enabled.append(gc.isenabled())
        _collectors.add(self)
        gc.disable()
        gc.freeze()
        self._is_busy = is_busy
        self._rounds = 0
        self._timer = QTimer(self, interval=INTERVAL_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    @Slot()
    def collect(self) -> None:
        """Collect what is due."""
        self._rounds += 1
        is_due = self._rounds >= IDLE_ROUNDS and not self._is_busy()
        gc.collect(2 if is_due else 0)
        if is_due:
            self._rounds = 0

    @Slot()
    def freeze(self) -> None:
        """Set aside what will stay, such as modules just imported and a model just loaded.

        Garbage is collected first: what is set aside is never collected.
        """
        gc.collect()
        gc.freeze()

    def release(self) -> None:
        """Leave collecting to the interpreter again, if it did so before the first window."""
        self._timer.stop()
        _collectors.discard(self)
        if not _collectors and _found_enabled and _found_enabled.pop():
            gc.enable()


THREAD = "lensgui-import"
LATER = "pyqtgraph"  # half a second, which the window's thread must not spend at once


class Warming(QObject):
    """Imports the plots' library on a thread of its own when the runner is first at rest."""

    def __init__(self, runner: Runner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._thread: threading.Thread | None = None
        runner.settled.connect(self._begin)

    @Slot()
    def _begin(self) -> None:
        self._runner.settled.disconnect(self._begin)
        # No daemon: the interpreter must not be taken down under an import.
        self._thread = threading.Thread(target=import_module, args=(LATER,), name=THREAD)
        self._thread.start()

    def finish(self, seconds: float = 1.0) -> bool:
        """Return whether nothing is imported any more, within some time."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()


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
