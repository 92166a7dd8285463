"""Keeps the screen on while something is presented, as far as the system lets a program do that."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
from collections.abc import Callable

from PySide6.QtDBus import QDBusConnection, QDBusMessage

WHY = "Presenting"
BUS = "lensgui-presenting"  # a connection of its own: what is asked by it ends with it
SAVER = ("org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver")
CONTINUOUS, SYSTEM, DISPLAY = 0x80000000, 0x1, 0x2  # of SetThreadExecutionState
Undo = Callable[[], object]


class Awake:
    """Asks the system for a screen that stays on, and lets it sleep again."""

    def __init__(self, platform: str = sys.platform) -> None:
        self._platform = platform
        self._undo: Undo | None = None

    def keep(self) -> None:
        """Have the screen stay on; where that can't be had, nothing happens."""
        if self._undo is None:
            with contextlib.suppress(OSError, AttributeError):
                self._undo = _ways.get(self._platform, _ask_desktop)()

    def release(self) -> None:
        """Let the screen go off again when it likes."""
        undo, self._undo = self._undo, None
        if undo is not None:
            with contextlib.suppress(OSError, AttributeError):
                undo()


def _ask_desktop() -> Undo | None:
    bus = QDBusConnection.connectToBus(QDBusConnection.BusType.SessionBus, BUS)
    if not bus.isConnected():
        return None
    call = QDBusMessage.createMethodCall(*SAVER, SAVER[0], "Inhibit")
    call.setArguments(["lensgui", WHY])
    bus.send(call)  # nobody waits for what a desktop says
    return lambda: QDBusConnection.disconnectFromBus(BUS)


def _ask_windows() -> Undo:
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
    kernel.SetThreadExecutionState(CONTINUOUS | SYSTEM | DISPLAY)
    return lambda: kernel.SetThreadExecutionState(CONTINUOUS)


def _ask_mac() -> Undo:
    own = str(os.getpid())  # with which it ends at the latest
    return subprocess.Popen(["/usr/bin/caffeinate", "-d", "-w", own]).terminate


_ways: dict[str, Callable[[], Undo | None]] = {"win32": _ask_windows, "darwin": _ask_mac}
