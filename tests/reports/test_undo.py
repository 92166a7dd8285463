"""Typing on is one step of the history, and nothing is kept for each keystroke."""

from __future__ import annotations

import gc
from weakref import WeakSet

from lensgui.state import session as sessions
from lensgui.state.examples import TOY, find
from lensgui.state.session import Session


def test_merged_edits_are_not_kept(qapp, monkeypatch):
    alive, first = WeakSet(), find(TOY).document
    start = sessions.Edit.__init__

    def counted(edit, *arguments):
        start(edit, *arguments)
        alive.add(edit)

    monkeypatch.setattr(sessions.Edit, "__init__", counted)
    session, seen = Session(first), []
    session.changed.connect(seen.append)
    for number in range(500):
        session.edit(clean=f"typed {number}")
    gc.collect()
    assert (len(alive), session.undo_stack.count(), len(seen)) == (1, 1, 500)
    session.undo_stack.undo()
    assert session.document == first
    session.undo_stack.redo()
    assert session.document.pair.clean == "typed 499"


def test_typing_back_to_the_beginning_is_no_step(qapp):
    first = find(TOY).document
    session = Session(first)
    for text in ("a", "ab", "a", first.pair.clean):
        session.edit(clean=text)
    assert session.undo_stack.count() == 0
    assert session.document == first
    session.edit(clean="b")
    session.undo_stack.undo()
    session.edit(clean="c")
    session.edit(clean="cd")
    assert session.undo_stack.count() == 1
