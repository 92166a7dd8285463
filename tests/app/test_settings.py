from __future__ import annotations

import gc

import pytest
from PySide6.QtCore import QSettings

from lensgui.app import start
from lensgui.app.runtime import Collector
from lensgui.app.window.appearance import Appearance
from lensgui.app.window.statusline import StatusLine
from lensgui.jobs.downloads import Fetched
from lensgui.jobs.kept import LIMIT_BYTES
from lensgui.jobs.progress import Progress


def kept_look(home):
    return QSettings(str(home / "settings.ini"), QSettings.Format.IniFormat).value("look")


def test_the_look_is_kept(window, parts, tmp_path):
    looks = {
        action.data(): action
        for menu in window.menuBar().actions()
        for action in menu.menu().actions()
        if action.actionGroup()
    }
    assert list(looks) == ["system", "light", "dark", "high contrast"]
    looks["dark"].trigger()
    assert parts.appearance.choice == "dark"
    assert kept_look(tmp_path) == "dark"
    looks["system"].trigger()
    assert kept_look(tmp_path) == "system"


def test_an_unknown_look_follows_the_system(qapp, tmp_path):
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    settings.setValue("look", "plaid")
    appearance = Appearance(qapp, settings)
    assert appearance.choice == "system"
    appearance.choose("light")


def test_the_status_line_counts_and_guesses(qtbot):
    line = StatusLine()
    qtbot.addWidget(line)
    line.show()
    line.show_progress(Progress("activation patching", 120, 420, 1.2))
    assert line.what.text() == "activation patching 120 / 420 · 2 s left"
    assert line.bar.isVisible()
    places = [part.geometry() for part in (line.stop, line.bar, line.what)]
    assert line.stop.isEnabled()
    line.show_readout("L9H6: 0.72")  # takes of a sentence's room, and moves nothing
    assert [part.geometry() for part in (line.stop, line.bar, line.what)] == places
    line.show_readout("")
    line.show_progress(Progress())
    assert line.what.text() == "ready"
    assert not line.bar.isVisible()
    assert not line.stop.isEnabled()
    assert [part.geometry() for part in (line.stop, line.bar, line.what)] == places


def test_a_download_is_shown_in_megabytes(qtbot):
    line = StatusLine()
    qtbot.addWidget(line)
    line.show_fetched(Fetched("Downloading tiny", 5_000_000, 98_000_000))
    assert line.what.text() == "Downloading tiny: 5 of 98 MB"
    line.show_fetched(None)
    assert line.what.text() == "ready"


def test_garbage_is_collected_here_only_and_all_of_it_when_idle(qapp):
    was_enabled = gc.isenabled()
    collections = []
    gc.callbacks.append(
        lambda phase, info: collections.append(info["generation"]) if phase == "start" else None
    )
    busy = [True]
    try:
        collector = Collector(lambda: busy[0])
        assert not gc.isenabled()
        for _ in range(12):
            collector.collect()
        assert set(collections) == {0}
        busy[0] = False
        collector.collect()
        assert collections[-1] == 2
        collector.release()
    finally:
        gc.callbacks.pop()
        gc.unfreeze()
        if was_enabled:
            gc.enable()


@pytest.mark.parametrize(
    ("said", "limit"), [("1000", 1000), ("a lot", LIMIT_BYTES), ("-5", LIMIT_BYTES)]
)
def test_how_much_is_kept_is_said_by_the_settings_if_it_is_a_number(tmp_path, qapp, said, limit):
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    settings.setValue("kept_bytes", said)
    assert start.kept_bytes(settings) == limit
