"""From a fresh start to path patching into a set of heads, by mouse."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QTabBar

from lensgui.jobs.requests import AttentionHead, WhoFeeds
from lensgui.panes.menus import FEEDERS, go_to
from lensgui.panes.patching.necessary_sufficient import NecessaryPane
from lensgui.panes.patching.who_feeds import FeedersPane
from lensgui.state.selection import Cursor
from tests.pictures import move
from tests.windows import pane_of

LEFT, SHIFT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier


def click_tab(window, title):
    for bar in window.findChildren(QTabBar):
        for at in range(bar.count()):
            if bar.tabText(at) == title:
                QTest.mouseClick(bar, LEFT, pos=bar.tabRect(at).center())
                return
    raise AssertionError(title)


def drag_around(scatter, numbers):
    view, middles = scatter.plot.viewport(), [scatter.middle_of(number) for number in numbers]
    xs, ys = [at.x() for at in middles], [at.y() for at in middles]
    left, right, top, bottom = min(xs) - 8, max(xs) + 8, min(ys) - 8, max(ys) + 8
    QTest.mousePress(view, LEFT, SHIFT, QPoint(left, top))
    for corner in ((right, top), (right, bottom), (left, bottom), (left, top)):
        move(view, QPoint(*corner), SHIFT, drags=True)
    QTest.mouseRelease(view, LEFT, SHIFT, QPoint(left, top))


def test_path_patching_into_a_set_takes_three_clicks(window, answerer, qtbot):
    pane, feeders = (pane_of(window, kind) for kind in (NecessaryPane, FeedersPane))
    click_tab(window, "Necessary or sufficient")
    qtbot.waitUntil(lambda: pane.reply("roles") is not None and not window.runner.is_busy)
    drag_around(pane.scatter, np.argsort(pane.scatter.points.x)[-3:])
    heads = window.selection.cursor.heads
    assert len(heads) > 1
    qtbot.mouseClick(pane.selected.feeders, LEFT)
    qtbot.waitUntil(lambda: feeders.feeding is not None and not window.runner.is_busy)
    assert feeders.isVisible()
    asked = [request for request in answerer.asked if isinstance(request, WhoFeeds)]
    assert asked[-1].heads == tuple(sorted(heads))
    averaged = [request for request in answerer.asked if isinstance(request, AttentionHead)]
    assert averaged[-1].heads == heads
    assert window.panes["Attention"].grid.marks.several == heads
    window.selection.back()
    assert window.selection.cursor.heads == ()
    window.selection.forward()
    assert window.selection.cursor.heads == heads


def test_who_feeds_a_head_is_asked_wherever_it_was_a_sender_before(window, answerer, qtbot):
    feeders = pane_of(window, FeedersPane)
    window.selection.move(layer=4, head=1)
    window.show_pane(FeedersPane.title)
    qtbot.waitUntil(lambda: feeders.feeding is not None and not window.runner.is_busy)
    feeders.heatmap.picked.emit({"layer": 2, "head": 3})
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    assert feeders.feeding.heads == ((4, 1),)
    window.selection.move(layer=1, head=0)
    go_to(window.panes["Attention"], Cursor(2, 3), FEEDERS)
    qtbot.waitUntil(lambda: feeders.feeding.heads == ((2, 3),))
    window.session.undo_stack.undo()
    qtbot.waitUntil(lambda: feeders.feeding.heads == ((4, 1),))
    assert window.session.undo_stack.redoText() == "Who feeds it: sender"
