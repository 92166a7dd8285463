"""Where in the window the things are that tours point at."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QTabBar, QWidget

from lensgui.app.window.docks import tab_bars
from lensgui.app.window.window import MainWindow
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.interventions.tray import InterventionsPane
from lensgui.panes.patching.patching import PatchingPane
from lensgui.state.tours import Target

AROUND = 12  # pixels beside the middle of a cell that is smaller


def place_of(window: MainWindow, target: Target) -> QRect:
    """Return where a target is seen, in the window's pixels; an empty one where it is not."""
    found = _FINDERS[target.kind](window, target) if target.kind else QRect()
    return found & window.rect()


def _around(widget: QWidget, middle: QPoint, window: MainWindow) -> QRect:
    if widget.window() is not window or not _is_seen(widget, middle):
        return QRect()
    corner = QPoint(AROUND, AROUND)
    at = widget.mapTo(window, middle)
    return QRect(at - corner, at + corner)


def _is_seen(widget: QWidget, place: QPoint) -> bool:
    """Whether nothing of what holds a widget cuts a place of it off; a tour may cover it."""
    above: QWidget | None = widget
    while above is not None:
        if not above.isVisible() or not above.rect().contains(widget.mapTo(above, place)):
            return False
        above = None if above.isWindow() else above.parentWidget()
    return True


def _cell(window: MainWindow, target: Target) -> QRect:
    pane = window.panes[PatchingPane.title]
    assert isinstance(pane, PatchingPane)
    heatmap = pane.view.picture.heatmap
    layer, position = target.places
    shown = heatmap.picture
    if shown is None or not pane.is_in_sight:
        return QRect()
    rows, columns = shown.rows.coordinates, shown.columns.coordinates
    if layer not in rows or position not in columns:
        return QRect()
    middle = heatmap.middle_of(rows.index(layer), columns.index(position))
    return _around(heatmap, middle.toPoint(), window)


def _head(window: MainWindow, target: Target) -> QRect:
    pane = window.panes[AttentionPane.title]
    assert isinstance(pane, AttentionPane)
    if pane.grid.atlas is None or not pane.is_in_sight:
        return QRect()
    layer, head = target.places
    return _around(pane.grid, pane.grid.middle_of(layer, head).toPoint(), window)


def _pane(window: MainWindow, target: Target) -> QRect:
    bar, at = tab_of(window, target.title)
    if bar is not None:
        where = bar.tabRect(at)
        return QRect(bar.mapTo(window, where.topLeft()), where.size())
    dock = window.docks[target.title]
    title = dock.bar
    shown = title.isVisible() and not dock.isFloating()
    return QRect(title.mapTo(window, QPoint()), title.size()) if shown else QRect()


def tab_of(window: MainWindow, title: str) -> tuple[QTabBar | None, int]:
    """Return the bar that has a pane's tab, and which tab it is; None if none does."""
    for bar in tab_bars(window):
        for at in range(bar.count()):
            if bar.tabText(at) == title:
                return bar, at
    return None, -1


def _switch(window: MainWindow, target: Target) -> QRect:
    pane = window.panes[InterventionsPane.title]
    assert isinstance(pane, InterventionsPane)
    shown = [line for line in pane.lines if not line.isHidden()]
    if not shown or not pane.is_in_sight:
        return QRect()
    switch = shown[0].switch
    if switch.window() is not window or not _is_seen(switch, switch.rect().center()):
        return QRect()
    return QRect(switch.mapTo(window, QPoint()), switch.size())


_FINDERS = {"cell": _cell, "head": _head, "pane": _pane, "switch": _switch}
