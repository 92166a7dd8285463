"""Where the panes stand, taken down and restored."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt

from lensgui.app.sessions.placement import place, placed


def test_panes_come_back_where_they_stood(window, qtbot):
    docks = window.docks
    window.splitDockWidget(docks["Inspector"], docks["Who feeds it"], Qt.Orientation.Vertical)
    window.tabifyDockWidget(docks["Prompt pairs"], docks["Inspector"])
    docks["All kinds at once"].close()
    docks["Attention"].raise_()
    qtbot.wait(50)  # until it is laid out
    before = placed(window, docks)
    shown = {
        title: dock.geometry()
        for title, dock in docks.items()
        if dock.pane.is_in_front and dock.isVisible()
    }
    window.reset_layout()
    assert placed(window, docks) != before
    place(window, docks, before)
    qtbot.wait(50)
    after = placed(window, docks)
    assert {area.panes for area in after.areas} == {area.panes for area in before.areas}
    assert after.hidden == before.hidden
    for title, where in shown.items():
        now = docks[title].geometry()
        near = [
            abs(now.x() - where.x()),
            abs(now.y() - where.y()),
            abs(now.width() - where.width()),
        ]
        assert max(near) <= 24, title


def test_a_layout_that_no_window_wrote_shows_every_pane_once(window):
    layout = placed(window, window.docks)
    area = layout.areas[0]
    odd = replace(
        layout,
        areas=(
            replace(area, panes=("nobody", "Attention", "Attention"), front="nobody"),
            replace(area, panes=("Attention", "Inspector"), front="Inspector"),
            replace(area, panes=(), front=""),
        ),
        hidden=("nobody",),
        folded=("Attention", "nobody"),
        solo="nobody",
    )
    place(window, window.docks, odd)
    assert not any(dock.isHidden() for dock in window.docks.values())
    place(window, window.docks, replace(layout, areas=()))
    assert not any(dock.isHidden() for dock in window.docks.values())
