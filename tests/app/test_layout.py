"""The window stays as large as it is, whatever its panes show."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from lensgui.app.window.window import SIZE
from lensgui.terms.kinds import SweepKind


def places(window):
    docks = window.docks.items()
    return {title: dock.geometry() for title, dock in docks if dock.pane.is_in_front}


def fill(window, qtbot):
    """Open all that a window can show at once."""
    pane = window.panes["Activation patching"]
    pane.view.tools.table.click()
    pane.view.tools.estimate.click()
    pane.view.tools.keep.click()
    with qtbot.waitSignal(window.runner.settled):
        window.session.edit(kind=SweepKind("z"))
    window.show_pane("All kinds at once")
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    window.show_pane("Activation patching")
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    qtbot.wait(50)  # what the layout does late


@pytest.mark.parametrize("size", [(1024, 700), (1280, 800)])
def test_no_pane_makes_the_window_larger(window, qtbot, size):
    window.resize(*size)
    fill(window, qtbot)
    assert (window.width(), window.height()) == size
    assert window.minimumSizeHint().width() <= size[0]
    for title, dock in window.docks.items():
        assert title == "Prompt" or dock.minimumSizeHint().width() <= 240
    assert window.docks["Inspector"].width() >= 200


@pytest.mark.parametrize("size", [(1024, 700), (1280, 800)])
def test_every_part_of_a_low_pane_can_be_scrolled_to(window, qtbot, size):
    window.resize(*size)
    fill(window, qtbot)
    pane, tools = (
        window.panes["Activation patching"],
        window.panes["Activation patching"].view.tools,
    )
    for part in (tools.pause, tools.more, pane.kind, pane.direction, pane.view.table):
        box = part.rect().translated(part.mapTo(pane, part.rect().topLeft()))
        assert pane.rect().contains(box), part
    frame = window.docks["Activation patching"].widget()
    frame.ensureWidgetVisible(tools.more)
    assert not tools.more.visibleRegion().isEmpty()


@pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
def test_reset_layout_brings_back_what_was_there_first(window, qtbot):
    before = places(window)
    fill(window, qtbot)
    window.docks["Inspector"].setFloating(True)
    window.docks["Attention"].hide()
    window.removeDockWidget(window.docks["Who feeds it"])
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, window.docks["Who feeds it"])
    window.actions_by_name["reset_layout"].trigger()
    qtbot.wait(50)
    assert places(window) == before
    assert (window.width(), window.height()) == SIZE
