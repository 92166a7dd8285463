from __future__ import annotations

from PySide6.QtGui import QPalette

from lensgui.app.window.statusline import StatusLine
from lensgui.jobs.downloads import Fetched
from lensgui.jobs.progress import Progress


def test_only_what_went_wrong_has_the_colour_of_warnings(qtbot):
    line = StatusLine()
    qtbot.addWidget(line)
    line.show_fault("That went wrong.")
    assert line.sentence.foregroundRole() == QPalette.ColorRole.BrightText
    line.show_sentence("Copied 3 lines of Python.")
    assert line.sentence.foregroundRole() == QPalette.ColorRole.WindowText


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
