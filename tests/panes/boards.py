"""A circuit board on the screen, with made-up answers, for its tests."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QMenu

from lensgui.jobs.answers.circuits import EdgeTable
from lensgui.panes import menus
from lensgui.panes.circuit.circuit import CircuitPane
from lensgui.prompts.pair import PairRow
from lensgui.state.selection import Cursor
from tests.panes.conftest import answer, in_session


def opened(show, document):
    """A board of a pair, in a session."""
    found = show(CircuitPane(), 700, 520)
    found.session = in_session(found, document)
    return answer(found, document)


def set_to(pane, document, **view):
    """Show the pane with other settings, and answer what it asks then."""
    after = document.having(board=replace(document.views.board, **view))
    return after, answer(pane, after)


def table_of(pane):
    """What every edge is worth."""
    return pane.answer("edges", EdgeTable)


def middle(pane, name):
    """Where a node is drawn."""
    return pane.board.places().chips[name].center()


def table_with(document, count=6):
    """As many pairs, to average over."""
    pairs = (replace(document.pair, clean=f"{document.pair.clean} {at}") for at in range(count))
    rows = tuple(map(PairRow, pairs))
    return document.having(table=rows, is_average=True)


def chosen(pane, start):
    """The line of the circuit's menu that begins so."""
    pane.controls.menu.click()
    menu = pane.findChild(QMenu, menus.MENU)
    return next(line for line in menu.actions() if line.text().startswith(start))


def dropped(pane, path):
    """A file that is dropped on the pane, and read."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    copy = Qt.DropAction.CopyAction
    enter = QDragEnterEvent(QPoint(9, 9), copy, data, left, none)
    QApplication.sendEvent(pane, enter)
    assert enter.isAccepted() == path.is_file()
    QApplication.sendEvent(pane, QDropEvent(QPointF(9, 9), copy, data, left, none))
    return pane.requests(pane.session.document, Cursor()).get("file")
