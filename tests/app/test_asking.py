"""Closing asks once, where pins, notes or roles would be lost; errors go with their cause."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QDialog, QFileDialog, QLabel, QPushButton

from lensgui.app.sessions.closing import counted, is_worth_asking
from lensgui.state.document import Note
from lensgui.state.selection import Cursor
from lensgui.state.sessions.sessions import read
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
    asked = answering(window, "Stay")
    assert not window.close()
    assert asked == [("Save “Untitled” first?", "It holds 2 pins and 1 note.")]
    assert window.isVisible()
    asked = answering(window, "Don’t save")
    assert window.close()
    assert len(asked) == 1


def test_what_is_noted_can_be_saved_on_the_way_out(window, tmp_path, monkeypatch):
    window.session.edit(pins=(PLACE,), roles=(GivenRole(4, 2, "mover"),))
    chosen = str(tmp_path / "work.lens")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (chosen, ""))
    answering(window, "Save")
    assert window.close()
    assert read(chosen).document.roles == (GivenRole(4, 2, "mover"),)


def test_no_file_chosen_stays(window, monkeypatch):
    window.session.edit(pins=(PLACE,))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    answering(window, "Save")
    assert not window.close()


def test_a_complaint_of_the_table_goes_with_the_next_step(window):
    pane = window.panes["Prompt pairs"]
    pane.take_text("nothing of the kind", "The pasted text")
    assert pane.messages["input"]
    pane.draw_like_this(next(iter(pane.draw._menu.actions())).data())
    assert not pane.messages["input"]


def test_what_took_work_is_counted(window):
    document = window.session.document
    assert counted(document) == ""
    assert not is_worth_asking(document, None)
    assert is_worth_asking(document, Path("x.lens"))
    pinned = document.having(pins=(Cursor(1, 1), Cursor(1, 2)), notes=(Note(Cursor(1, 1), "x"),))
    assert counted(pinned) == "2 pins and 1 note"
