"""Where the panes stand, as a value that a session file can hold, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMainWindow

from lensgui.app.window.docks import Dock, tab_bars
from lensgui.state.layout import Area, Layout

NEAR = 0.02  # of the window: parts that overlap by less stand beside each other
LEAST = 0.05  # of the window, that a part has at least
ACROSS, DOWN = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
Docks = Mapping[str, Dock]


def placed(window: QMainWindow, docks: Docks) -> Layout:
    """Return where the panes stand now, in shares of the window."""
    areas, seen = [], set[str]()
    for title, dock in docks.items():
        if title in seen or dock.isHidden():
            continue
        together = _tabs(window, dock)
        seen.update(together)
        front = next((name for name in together if docks[name].pane.is_in_front), title)
        areas.append(_area(window, docks[front], tuple(together)))
    return Layout(
        areas=tuple(areas),
        hidden=tuple(title for title, dock in docks.items() if dock.isHidden()),
        folded=tuple(title for title, dock in docks.items() if dock.is_folded),
    )


def _tabs(window: QMainWindow, dock: Dock) -> list[str]:
    """Return the titles of the panes that share a place with one, in the order of their tabs."""
    title = dock.windowTitle()
    others = {other.windowTitle() for other in window.tabifiedDockWidgets(dock)}
    for bar in tab_bars(window):
        texts = [bar.tabText(at) for at in range(bar.count())]
        if {*texts} == {title, *others}:
            return texts
    return [title, *sorted(others)]


def _area(window: QMainWindow, dock: Dock, together: tuple[str, ...]) -> Area:
    around = _screen(window) if dock.isFloating() else window.rect()
    where = dock.geometry()
    if len(together) > 1:
        heights = (bar.height() for bar in tab_bars(window))
        where.setHeight(where.height() + max(heights, default=0))
    left, top = where.x() - around.x(), where.y() - around.y()
    width, height = max(1, around.width()), max(1, around.height())
    shares = (left / width, top / height, where.width() / width, where.height() / height)
    left_share, top_share, wide, high = (min(1.0, max(0.0, share)) for share in shares)
    return Area(together, dock.windowTitle(), left_share, top_share, wide, high, dock.isFloating())


def place(window: QMainWindow, docks: Docks, layout: Layout) -> None:
    """Put the panes where a layout says; what it does not know stands behind its first part."""
    areas = _known(layout.areas, docks)
    inside = [area for area in areas if not area.is_floating]
    if not inside:
        return  # nothing that could be a window: what is there stays
    for dock in docks.values():
        dock.setFloating(False)
        dock.fold(is_folded=False)
        window.removeDockWidget(dock)
    window.addDockWidget(Qt.DockWidgetArea.TopDockWidgetArea, docks[_first(inside).panes[0]])
    sizes = _split(window, docks, inside)
    for area in areas:
        _fill(window, docks, area)
    _place_the_rest(window, docks, areas)
    hidden = set(layout.hidden) if docks.keys() - layout.hidden else set()  # never all of them
    for title, dock in docks.items():
        dock.setVisible(title not in hidden)
    for area in areas:
        docks[area.front].raise_()
    _resize(window, docks, sizes)
    for title in set(layout.folded) & docks.keys():
        docks[title].fold(is_folded=docks[title].pane.folds)


Sizes = list[tuple[Qt.Orientation, list[str], list[float]]]


def _split(window: QMainWindow, docks: Docks, areas: Sequence[Area]) -> Sizes:
    """Give each part's first pane its place beside that of `_first`, which stands already.

    Returns:
        Which panes are to get which shares of the window, the outermost parts first.
    """
    orientation, groups = _cut(areas)
    if len(groups) == 1:  # one part, or what nothing can cut: a file that no window has written
        for area in areas:
            if area is not areas[0]:
                window.tabifyDockWidget(docks[areas[0].panes[0]], docks[area.panes[0]])
        return []
    firsts = [_first(group).panes[0] for group in groups]
    for before, after in pairwise(firsts):
        window.splitDockWidget(docks[before], docks[after], orientation)
    sizes: Sizes = [(orientation, firsts, [_length(group, orientation) for group in groups])]
    for group in groups:
        sizes += _split(window, docks, group)
    return sizes


def _first(areas: Sequence[Area]) -> Area:
    """Return the part that all others are split off from."""
    _, groups = _cut(areas)
    return areas[0] if len(groups) == 1 else _first(groups[0])


def _cut(areas: Sequence[Area]) -> tuple[Qt.Orientation, list[list[Area]]]:
    """Return the parts on either side of cuts through all of them, and which way these go."""
    for orientation in (DOWN, ACROSS):
        groups = _groups(areas, orientation)
        if len(groups) > 1:
            return orientation, groups
    return DOWN, [list(areas)]


def _resize(window: QMainWindow, docks: Docks, sizes: Sizes) -> None:
    for orientation, titles, shares in sizes:
        length = window.width() if orientation == ACROSS else window.height()
        some = [docks[title] for title in titles]
        window.resizeDocks(some, [max(1, round(share * length)) for share in shares], orientation)


def _groups(areas: Sequence[Area], orientation: Qt.Orientation) -> list[list[Area]]:
    """Return the parts that stand after each other along a direction, each with what is beside."""
    groups: list[list[Area]] = []
    end = -1.0
    for area in sorted(areas, key=lambda area: _span(area, orientation)):
        start, stop = _span(area, orientation)
        if not groups or start < end - NEAR:
            groups = [*groups[:-1], [*groups[-1], area]] if groups else [[area]]
        else:
            groups.append([area])
        end = max(end, stop)
    return groups


def _span(area: Area, orientation: Qt.Orientation) -> tuple[float, float]:
    if orientation == ACROSS:
        return area.left, area.left + area.width
    return area.top, area.top + area.height


def _length(areas: Sequence[Area], orientation: Qt.Orientation) -> float:
    spans = [_span(area, orientation) for area in areas]
    return max(LEAST, max(stop for _, stop in spans) - min(start for start, _ in spans))


def _fill(window: QMainWindow, docks: Docks, area: Area) -> None:
    """Put the panes that share a place behind the first one, in their order."""
    first = docks[area.panes[0]]
    if area.is_floating:
        window.addDockWidget(Qt.DockWidgetArea.TopDockWidgetArea, first)
        first.setFloating(True)
        first.setGeometry(_on_screen(area, first, _screen(window)))
    for title in area.panes[1:]:
        window.tabifyDockWidget(first, docks[title])


def _on_screen(area: Area, dock: Dock, screen: QRect) -> QRect:
    """Return where a pane of its own is seen whole."""
    wanted = QSize(round(area.width * screen.width()), round(area.height * screen.height()))
    size = wanted.expandedTo(dock.minimumSizeHint()).boundedTo(screen.size())
    corner = QPoint(round(area.left * screen.width()), round(area.top * screen.height()))
    where = QRect(screen.topLeft() + corner, size)
    where.moveRight(min(where.right(), screen.right()))
    where.moveBottom(min(where.bottom(), screen.bottom()))
    return where


def _place_the_rest(window: QMainWindow, docks: Docks, areas: Sequence[Area]) -> None:
    """Put panes that a layout does not place behind the first that it does."""
    stand = {title for area in areas for title in area.panes}
    first = docks[next(area.panes[0] for area in areas if not area.is_floating)]
    for title, dock in docks.items():
        if title not in stand:
            window.tabifyDockWidget(first, dock)


def _known(areas: Sequence[Area], docks: Docks) -> list[Area]:
    """Return parts with the panes that there are, each pane once; no part is empty."""
    found, seen = [], set[str]()
    for area in areas:
        panes = tuple(title for title in area.panes if title in docks and title not in seen)
        seen.update(panes)
        panes = tuple(dict.fromkeys(panes))
        if panes:
            front = area.front if area.front in panes else panes[0]
            found.append(replace(area, panes=panes, front=front))
    return found


def _screen(window: QMainWindow) -> QRect:
    screen = window.screen() or QGuiApplication.primaryScreen()
    return screen.availableGeometry()
