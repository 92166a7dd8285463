"""Closing asks once, where pins, notes or roles would be lost; errors go with their cause."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QLabel, QPushButton

from lensgui.app import leaving
from lensgui.state.document import Note
from lensgui.state.selection import Cursor
from lensgui.terms.roles import GivenRole

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")
PLACE = Cursor(4, 2)


def answering(window, button):
    """Press a button of the question once it is asked; what was asked is collected."""
    asked = []

    def press():
        box = next((box for box in window.findChildren(QDialog) if box.isVisible()), None)
        if box is None:
            QTimer.singleShot(5, press)
            return
        asked.append(tuple(label.text() for label in box.findChildren(QLabel)))
        next(each for each in box.findChildren(QPushButton) if each.text() == button).click()

    QTimer.singleShot(0, press)
    return asked


def test_nothing_noted_closes_at_once(window):
    assert window.close()


def test_it_asks_once_and_stays(window):
    window.session.edit(pins=(PLACE, Cursor(1)), notes=(Note(PLACE, "moves names"),))
    asked = answering(window, leaving.STAY)
    assert not window.close()
    assert asked == [(leaving.QUESTION, "Kept nowhere else: 2 pins and 1 note.")]
    assert window.isVisible()
    asked = answering(window, leaving.CLOSE)
    assert window.close()
    assert len(asked) == 1


def test_what_is_noted_can_be_taken_along(window):
    window.session.edit(pins=(PLACE,), notes=(Note(PLACE, "moves names"),))
    window.session.edit(roles=(GivenRole(4, 2, "mover"),))
    answering(window, leaving.COPY)
    assert window.close()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines == ["pinned: L4H2", "L4H2: moves names", "L4H2: mover, as you named it"]


def test_a_complaint_of_the_table_goes_with_the_next_step(window):
    pane = window.panes["Prompt pairs"]
    pane.take_text("nothing of the kind", "The pasted text")
    assert pane.messages["input"]
    pane.draw_like_this(next(iter(pane.draw._menu.actions())).data())
    assert not pane.messages["input"]
