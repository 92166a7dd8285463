"""Where the panes are when nobody has moved them."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QLayout, QMainWindow, QTabBar

ROWS = (("Prompt",), ("Attention", "Activation patching", "Inspector"))
BEHIND = {  # panes that share a place: the first is in front
    "Attention": ("Prompt pairs",),
    "Activation patching": ("Necessary or sufficient", "Who feeds it"),
}
BESIDE = ("Patching 2", "Patching 3")  # hidden until asked for, then to the right of the first
WIDTHS = {"Attention": 520, "Activation patching": 420, "Inspector": 340}
HEIGHTS = {"Prompt": 190, "Attention": 520}
COLUMNS = ("Activation patching", *BESIDE)  # share what the panes at their sides leave
LEAST_SIDES = {"Attention": 340, "Inspector": 220}


def arrange(window: QMainWindow, docks: Mapping[str, QDockWidget]) -> None:
    """Put every pane in its place."""
    layout = window.layout()
    assert layout is not None
    limits = layout.sizeConstraint()
    layout.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
    for dock in filter(QDockWidget.isFloating, docks.values()):
        dock.setFloating(False)
    _place(window, docks)
    layout.activate()
    layout.setSizeConstraint(limits)  # on the way, docks may want more than the window has


def _place(window: QMainWindow, docks: Mapping[str, QDockWidget]) -> None:
    above: QDockWidget | None = None
    for row in ROWS:
        left = docks[row[0]]
        if above is None:
            window.addDockWidget(Qt.DockWidgetArea.TopDockWidgetArea, left)
        else:
            window.splitDockWidget(above, left, Qt.Orientation.Vertical)
        for title in row[1:]:
            window.splitDockWidget(left, docks[title], Qt.Orientation.Horizontal)
            left = docks[title]
        above = docks[row[0]]
    for title, dock in docks.items():  # a pane that is shown only to be placed widens the window
        dock.setVisible(title not in BESIDE)
    _place_the_others(window, docks)
    for bar in window.findChildren(QTabBar):
        bar.setAccessibleName("Panes that share this place")
        bar.setToolTip("Click a name to bring that pane to the front.")
    for sizes, way in ((WIDTHS, Qt.Orientation.Horizontal), (HEIGHTS, Qt.Orientation.Vertical)):
        window.resizeDocks([docks[title] for title in sizes], list(sizes.values()), way)


def make_room(window: QMainWindow, docks: Mapping[str, QDockWidget], title: str) -> None:
    """Share the width out anew when a sweep is shown beside others."""
    if title not in BESIDE:
        return
    columns = [name for name in COLUMNS if docks[name].isVisible()]
    sides = {name: width for name, width in LEAST_SIDES.items() if docks[name].isVisible()}
    share = max(1, window.width() - sum(sides.values())) // max(1, len(columns))
    widths = {**sides, **dict.fromkeys(columns, share)}
    window.resizeDocks(
        [docks[name] for name in widths], list(widths.values()), Qt.Orientation.Horizontal
    )


def _place_the_others(window: QMainWindow, docks: Mapping[str, QDockWidget]) -> None:
    beside = docks["Activation patching"]
    for title in BESIDE:
        window.splitDockWidget(beside, docks[title], Qt.Orientation.Horizontal)
        beside = docks[title]
    for front, others in BEHIND.items():
        for title in others:
            window.tabifyDockWidget(docks[front], docks[title])
        docks[front].raise_()
