"""What runs beside the window: errors nobody caught, garbage collection, imports put off."""

from __future__ import annotations

import contextlib
import gc
import logging
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from importlib import import_module
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from weakref import WeakSet

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from lensgui.jobs.runner import Runner

log = logging.getLogger(__name__)

INTERRUPTED = 130  # the exit status after Ctrl-C
INTERVAL_MS = 1000
IDLE_ROUNDS = 10  # between two full collections
SWITCH_INTERVAL = 0.0002  # seconds that the worker's Python may hold up the window
THREAD = "lensgui-import"
LATER = "pyqtgraph"  # half a second, which the window's thread must not spend at once
MOST_BYTES = 1 << 20
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
OURS = ("lensgui", "pyqtgraph")  # packages whose slots a window answers for

_collectors: WeakSet[QObject] = WeakSet()  # of open windows
_found: list[tuple[bool, float]] = []  # whether Python collected before them; its switch interval
_hooks: list[_Hooks] = []  # the ones that windows share; those of windows before only pass on


class Collector(QObject):
    """Collects garbage in the window's thread alone, and keeps other threads' turns short.

    The young generation every second, and everything now and then while idle. Anywhere else a
    collection could destroy Qt's objects.
    """

    def __init__(self, is_busy: Callable[[], bool], parent: QObject | None = None) -> None:
        super().__init__(parent)
        if not _found:
            _found.append((gc.isenabled(), sys.getswitchinterval()))
        _collectors.add(self)
        sys.setswitchinterval(SWITCH_INTERVAL)
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
        """Stop; the last one leaves the interpreter as the first one found it."""
        self._timer.stop()
        _collectors.discard(self)
        if not _collectors and _found:
            collects, interval = _found.pop()
            sys.setswitchinterval(interval)
            gc.unfreeze()
            if collects:
                gc.enable()


@contextlib.contextmanager
def interruptible(end: Callable[[int], None]) -> Iterator[None]:
    """Let Ctrl-C end an event loop, within the second: Python must run to hear of a signal.

    Args:
        end: Ends the loop with an exit status.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda number, frame: end(INTERRUPTED))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)


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


class Faults(QObject):
    """Catches what slots and threads let fall.

    Attributes:
        status_message: (sentence,) for the status bar; safe to send from any thread.
        caught: (what, details) likewise: what happened in a sentence, and where in the program.
        log_path: Where the log is; None if it can't be written.
    """

    status_message = Signal(str)
    caught = Signal(str, str)

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._log = _open_log(folder)
        self.log_path = Path(self._log.baseFilename) if self._log else None
        self._hooks = _hooks_in_use()
        self._hooks.faults.append(self)

    def catch(
        self,
        kind: type[BaseException],
        error: BaseException,
        trace: TracebackType | None,
    ) -> None:
        """Log an exception and tell the user in a sentence."""
        log.critical("nobody caught this", exc_info=(kind, error, trace))
        where = f"; details are in {self.log_path}" if self.log_path else ""
        what = f"{kind.__name__}: {error}"
        self.status_message.emit(f"Something went wrong in lensgui itself: {what}{where}")
        self.caught.emit(what, "".join(traceback.format_exception(kind, error, trace)))

    def release(self) -> None:
        """Catch and log nothing any more; the last one puts back the hooks from before."""
        self._hooks.remove(self)
        if self._log is not None:
            logging.getLogger("lensgui").removeHandler(self._log)
            self._log.close()


class _Hooks:
    """The interpreter's hooks, taken over while there are windows, and shared by these.

    What is not the window's goes to the hooks that were there before. So does everything once the
    windows are gone, since somebody may have put a hook over these that still calls them.
    """

    def __init__(self) -> None:
        self.faults: list[Faults] = []
        self._before = sys.excepthook, threading.excepthook
        self._ours = self._catch, self._catch_in_thread  # bound once: each access makes another
        sys.excepthook, threading.excepthook = self._ours

    def remove(self, faults: Faults) -> None:
        """Let a window have nothing more; hooks that somebody put over these stay in place."""
        self.faults = [other for other in self.faults if other is not faults]
        if not self.faults and sys.excepthook is self._ours[0]:
            sys.excepthook = self._before[0]
        if not self.faults and threading.excepthook is self._ours[1]:
            threading.excepthook = self._before[1]

    def _catch(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if self.faults and not issubclass(kind, KeyboardInterrupt) and _is_ours(trace):
            self.faults[-1].catch(kind, error, trace)
        else:
            self._before[0](kind, error, trace)

    def _catch_in_thread(self, arguments: threading.ExceptHookArgs) -> None:
        name = arguments.thread.name if arguments.thread is not None else ""
        if self.faults and name.startswith("lensgui-") and arguments.exc_value is not None:
            self.faults[-1].catch(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
        else:
            self._before[1](arguments)


def _hooks_in_use() -> _Hooks:
    """Return the hooks of the windows that are open, or new ones, above whatever is there now."""
    if not _hooks or not _hooks[-1].faults:
        _hooks[:] = [_Hooks()]
    return _hooks[-1]


def _is_ours(trace: TracebackType | None) -> bool:
    """Whether an error came up to a slot or an event handler of the window's own.

    What Qt calls is the outermost frame of the traceback: a script's own code, or a slot of its
    own, is the script's.
    """
    if trace is None:  # Qt could not call a slot at all
        return True
    module = str(trace.tb_frame.f_globals.get("__name__", ""))
    return module.partition(".")[0] in OURS and module != "lensgui.__main__"


class _Log(RotatingFileHandler):
    """A log that a full disk ends, and nothing else with it."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Leave out what can't be written."""

    def close(self) -> None:
        """Close the file, even if what is left to be written can't be."""
        with contextlib.suppress(OSError):
            super().close()


def _open_log(folder: Path) -> RotatingFileHandler | None:
    path = folder / "lensgui.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = _Log(path, maxBytes=MOST_BYTES, backupCount=1, encoding="utf-8")
    except OSError:
        return None
    handler.setFormatter(logging.Formatter(FORMAT))
    root = logging.getLogger("lensgui")
    root.addHandler(handler)
    root.setLevel(min(root.level or logging.INFO, logging.INFO))  # --log-level may ask for more
    return handler
