from __future__ import annotations

import pytest

from lensgui.jobs.requests import OpenModel
from lensgui.prompts.pair import PromptPair
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.terms.model_key import ModelKey
from tests import fakes

CURSOR = Cursor(layer=2, head=1, position=3)
PAIR = PromptPair("When John and Mary went", "When Mary and Mary went", " Mary", " John")


@pytest.fixture
def document() -> Document:
    return Document(ModelKey("fake"), PAIR)


@pytest.fixture
def show(qtbot):
    """Put a pane on the (virtual) screen at a usual size, with its words collected."""

    def put(pane, width=520, height=480):
        qtbot.addWidget(pane)
        pane.resize(width, height)
        with qtbot.waitExposed(pane):
            pane.show()
        return pane

    return put


def last(answers):
    *_, answer = answers
    return answer


def answer(pane, document, cursor=CURSOR):
    """Show a pane a document, a cursor, and the fake answerer's answers."""
    answerer = fakes.FakeAnswerer()
    pane.show_card(fakes.card(OpenModel(document.model)))
    pane.show_document(document)
    pane.show_cursor(cursor)
    for name, request in pane.requests(document, cursor).items():
        pane.expect(name)
        pane.show_answer(name, last(answerer.answer(request)))
    return pane


def viewing(document, **changes):
    """A document whose first patching pane shows something else."""
    return document.having(views=document.with_view(0, **changes))


def take_head(pane, document, cursor):
    """Let the pane have the numbers of the heads it asks about."""
    request = pane.requests(document, cursor)["head"]
    pane.show_answer("head", last(fakes.FakeAnswerer().answer(request)))
