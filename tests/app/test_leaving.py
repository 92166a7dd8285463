"""Scripts that end, fail or leave while a window is open, and threads that are still importing."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time

import pytest

from lensgui.app import runtime
from lensgui.app.runtime import Faults, Warming
from lensgui.jobs.runner import Runner
from tests.fakes import FakeAnswerer

OPEN = (
    "import sys, lensgui\n"
    "window = lensgui.open('toy', clean=' table green', block=False)\n"
    "sys.stdout.write('open')\n"
)
SIZE_HINTS = "propagateSizeHints"  # which the offscreen platform always lacks


def script(tmp_path, code):
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "LENSGUI_HOME": str(tmp_path)}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=90
    )


def said(done):
    return [line for line in done.stderr.splitlines() if SIZE_HINTS not in line]


@pytest.mark.parametrize(
    ("end", "status"),
    [("window.close()", 0), ("raise KeyError('mine')", 1)],
)
def test_a_script_may_end_while_its_window_is_open(end, status, tmp_path):
    done = script(tmp_path, OPEN + end)
    assert done.stdout == "open"
    assert done.returncode == status, done.stderr
    if status == 1:
        assert done.stderr.rstrip().endswith("KeyError: 'mine'")
        assert said(done)[0].startswith("Traceback")
    else:
        assert said(done) == []


def test_two_windows_may_be_open_as_a_script_ends(tmp_path):
    second = OPEN.replace("window", "other").replace("'open'", "''")
    done = script(tmp_path, OPEN + second + "sys.exit(3)")
    assert (done.stdout, done.returncode) == ("open", 3), done.stderr
    assert said(done) == []


CLOSING_WHILE_IT_LOADS = """
import sys, time
import lensgui
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from lensgui.jobs.handlers import loaded
opened = loaded.open_model
def slowly(*arguments):
    time.sleep(3)
    return opened(*arguments)
loaded.open_model = slowly
app = QApplication([])
def close():
    next(of for of in app.topLevelWidgets() if type(of).__name__ == 'MainWindow').close()
QTimer.singleShot(1000, close)
lensgui.open('toy', clean=' table green', block=True)
sys.stdout.write('closed')
sys.exit(3)
"""


def test_a_window_that_blocks_may_be_closed_while_a_model_loads(tmp_path):
    done = script(tmp_path, CLOSING_WHILE_IT_LOADS)
    assert (done.stdout, done.returncode) == ("closed", 3), done.stderr
    assert said(done) == []


FAILING = """
def fail(*arguments):
    raise KeyError('mine')
"""


def test_what_a_slot_of_the_users_own_lets_fall_is_the_users(tmp_path):
    done = script(tmp_path, OPEN + FAILING + "window.closed.connect(fail)\nwindow.close()")
    assert done.returncode == 0
    assert done.stderr.rstrip().endswith("KeyError: 'mine'")


def test_a_hook_over_ours_and_another_window_are_no_circle(tmp_path):
    code = (
        "ours = sys.excepthook\n"
        "def theirs(*error):\n    sys.stderr.write('theirs\\n')\n    ours(*error)\n"
        "sys.excepthook = theirs\n"
        "from PySide6.QtWidgets import QApplication\n"
        "pump = QApplication.processEvents\n"
        "while window.exchange.card is None or window.runner.is_busy: pump()\n"
        "window.close()\n"
        "while lensgui.app.notebook.open_windows: pump()\n"
        "other = lensgui.open('toy', clean=' table green', block=False)\n"
        "raise KeyError('mine')"
    )
    done = script(tmp_path, OPEN + "import lensgui.app.notebook\n" + code)
    assert (done.stdout, done.returncode) == ("open", 1)
    lines = said(done)
    assert lines.count("theirs") == lines.count("KeyError: 'mine'") == 1
    assert len(lines) < 10


def test_the_hooks_go_back_in_whatever_order_windows_close(tmp_path, qapp):
    before = sys.excepthook, threading.excepthook
    for order in ((0, 1), (1, 0)):
        both = [Faults(tmp_path), Faults(tmp_path)]
        assert sys.excepthook is not before[0]
        both[order[0]].release()
        assert sys.excepthook is not before[0]
        both[order[1]].release()
        assert (sys.excepthook, threading.excepthook) == before


def test_a_hook_that_was_put_over_ours_stays(tmp_path, qapp, monkeypatch):
    caught = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: caught.append(error))
    faults = Faults(tmp_path)
    ours = sys.excepthook

    def theirs(*error):
        ours(*error)

    monkeypatch.setattr(sys, "excepthook", theirs)
    faults.release()
    assert sys.excepthook is theirs
    theirs(KeyError, KeyError("late"), None)
    assert caught[0][0] is KeyError


def test_the_users_own_threads_keep_their_hook(tmp_path, qapp, monkeypatch):
    caught = []
    monkeypatch.setattr(threading, "excepthook", caught.append)
    faults = Faults(tmp_path)
    try:
        thread = threading.Thread(target=lambda: 1 / 0, name="mine")
        thread.start()
        thread.join()
    finally:
        faults.release()
    assert [part.exc_type for part in caught] == [ZeroDivisionError]


TWO_WINDOWS = """
import gc, math, sys
from PySide6.QtCore import QCoreApplication
from lensgui.app.runtime import SWITCH_INTERVAL, Collector
app = QCoreApplication()
interval = sys.getswitchinterval()
first, second = Collector(lambda: False), Collector(lambda: False)
first.release()
assert not gc.isenabled()
assert math.isclose(sys.getswitchinterval(), SWITCH_INTERVAL, rel_tol=1e-6)
second.release()
assert gc.isenabled()
assert gc.get_freeze_count() == 0
assert math.isclose(sys.getswitchinterval(), interval, rel_tol=1e-6)
"""


def test_python_collects_again_only_after_the_last_window():
    done = subprocess.run([sys.executable, "-c", TWO_WINDOWS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_import_that_is_under_way_is_waited_for(qapp, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr(runtime, "import_module", lambda name: gate.wait(30))
    runner = Runner(FakeAnswerer)
    waiting = Warming(runner)
    assert waiting.finish(0)
    runner.settled.emit()
    assert not waiting.finish(0.05)
    threading.Timer(0.05, gate.set).start()
    assert waiting.finish(20)
    runner.close(5000)


def test_leaving_waits_for_what_is_being_written(parts, tmp_path):
    path = tmp_path / "picture.svg"
    parts.commands.exporting._write(path, lambda: time.sleep(0.3) or b"all of it")
    assert not path.exists()
    assert parts.commands.close()
    assert path.read_bytes() == b"all of it"


def test_leaving_makes_nothing_for_its_own_sake(parts):
    assert parts.commands.close()
    assert "exporting" not in vars(parts.commands)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a disk that is always full")
def test_a_log_on_a_full_disk_stops_nothing_and_says_nothing(tmp_path, qapp, capfd):
    (tmp_path / "lensgui.log").symlink_to("/dev/full")
    faults = Faults(tmp_path)
    logging.getLogger("lensgui.somewhere").info("word " * 10_000)
    faults.release()
    assert capfd.readouterr().err == ""
