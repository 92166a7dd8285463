from __future__ import annotations

from PySide6.QtGui import QPalette

from lensgui.app.window.statusline import StatusLine


def test_only_what_went_wrong_has_the_colour_of_warnings(qtbot):
    line = StatusLine()
    qtbot.addWidget(line)
    line.show_fault("That went wrong.")
    assert line.sentence.foregroundRole() == QPalette.ColorRole.BrightText
    line.show_sentence("Copied 3 lines of Python.")
    assert line.sentence.foregroundRole() == QPalette.ColorRole.WindowText
