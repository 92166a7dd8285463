from __future__ import annotations

import json
import sys

import pytest

from lensgui.jobs.downloads import Download, Fetched


def script(*events: object, code: int = 0, then: str = "") -> list[str]:
    lines = "".join(f"print({json.dumps(event)!r}, flush=True)\n" for event in events)
    return [sys.executable, "-c", f"import sys, time\n{lines}{then}\nsys.exit({code})"]


@pytest.fixture
def download(qapp, qtbot):
    download = Download()
    yield download
    download.stop()


def test_progress_is_told_in_bytes(download, qtbot):
    seen = []
    download.progressed.connect(seen.append)
    event = {"event": "progress", "step": "download", "done": 5, "total": 98}
    with qtbot.waitSignal(download.finished, timeout=20_000) as finished:
        download.start("tiny", script(event, {"event": "done", "path": "/x"}))
    assert seen == [Fetched("Downloading tiny", 5, 98)]
    assert finished.args == ["tiny"]


def test_a_failure_is_the_sentence_that_was_printed(download, qtbot):
    event = {"event": "error", "message": "The disk is full."}
    with qtbot.waitSignal(download.failed, timeout=20_000) as failed:
        download.start("tiny", script(event, code=1))
    assert failed.args == ["The disk is full."]


def test_a_silent_failure_is_still_a_sentence(download, qtbot):
    with qtbot.waitSignal(download.failed, timeout=20_000) as failed:
        download.start("tiny", [sys.executable, "-c", "print('no JSON'); raise SystemExit(3)"])
    assert failed.args == ["tiny could not be fetched; see the log."]


def test_a_program_that_is_not_there_is_a_sentence(download, qtbot):
    with qtbot.waitSignal(download.failed, timeout=20_000):
        download.start("tiny", ["/nowhere/at/all"])


def test_it_can_be_stopped_and_started_again(download, qtbot):
    event = {"event": "progress", "step": "download", "done": 1, "total": 2}
    with qtbot.waitSignal(download.progressed, timeout=20_000):
        download.start("tiny", script(event, then="time.sleep(60)"))
    download.stop()
    assert not download.is_running
    with qtbot.waitSignal(download.finished, timeout=20_000):
        download.start("tiny", script(event))
