"""Ctrl-C ends the app, and a script that waits for its window, with exit status 130."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from lensgui.models import store

SAY = """
import sys
from PySide6.QtCore import QTimer
from lensgui.app.window.window import MainWindow
shown = MainWindow.showEvent
def show(window, event):
    shown(window, event)
    QTimer.singleShot({delay}, lambda: print("shown", flush=True))
MainWindow.showEvent = show
"""
APP = "from lensgui.__main__ import main\nsys.exit(main(['--model', 'toy']))"
SCRIPT = "import lensgui\nlensgui.open('toy', clean=' table', block=True)\nprint('went on')"


def interrupted(code, home, times=1):
    """Run code until its window is shown, interrupt it, and return what it said and its status."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", store.HOME_VARIABLE: str(home)}
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout.readline() == "shown\n"
        start = time.monotonic()
        for _ in range(times):
            process.send_signal(signal.SIGINT)
        said, errors = process.communicate(timeout=20)
        assert time.monotonic() - start < 10
    finally:
        process.kill()
    return said, errors, process.returncode


@pytest.mark.parametrize("delay", [0, 1500], ids=["while it loads", "later"])
@pytest.mark.parametrize("code", [APP, SCRIPT], ids=["the app", "a script"])
def test_control_c_ends_it(code, delay, tmp_path):
    said, errors, status = interrupted(SAY.format(delay=delay) + code, tmp_path)
    assert (said, status) == ("", 130), errors
    assert "Traceback" not in errors
    assert "QThread" not in errors


def test_a_script_goes_on_with_its_own_handler(tmp_path):
    code = (
        "import signal\n"
        "from PySide6.QtWidgets import QApplication\n"
        "before = signal.getsignal(signal.SIGINT)\n"
        "import lensgui\n"
        "try:\n    lensgui.open('toy', clean=' table', block=True)\n"
        "except SystemExit as end:\n"
        "    print(end.code, signal.getsignal(signal.SIGINT) is before)\n"
    )
    code = SAY.format(delay=500) + code
    said, errors, status = interrupted(code, tmp_path)
    assert (said, status) == ("130 True\n", 0), errors
