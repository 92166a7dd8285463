"""A circuit board on the screen, with made-up answers, for its tests."""

from __future__ import annotations

from dataclasses import replace

from lensgui.jobs.answers.circuits import EdgeTable
from lensgui.panes.circuit.circuit import CircuitPane
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
