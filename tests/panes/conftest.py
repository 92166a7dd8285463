from __future__ import annotations

import pytest

from lensgui.jobs.answers.reply import Reply
from lensgui.jobs.requests import OpenModel
from lensgui.prompts.pair import PromptPair
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.state.session import Session
from lensgui.terms.model_key import ModelKey
from tests import fakes
from tests.answering import last

CURSOR = Cursor(layer=2, head=1, position=3)
OF_PICTURES = ("Export this picture…", "Copy as picture", "Copy its numbers")  # in every menu
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


@pytest.fixture
def hear():
    """Let a pane hear what another one is told: the fake answerer's answer, or another."""
    replies = {}

    def hear(pane, request, title="Some pane", name="some question", found=None, status="whole"):
        if found is None and status == "whole":
            found = last(fakes.FakeAnswerer().answer(request))
        replies[title, name] = Reply(request, found, status)
        pane.show_all(replies)
        return found

    return hear


def tell(pane, name, found=None, status="whole", sentence="", request=None):
    """Tell a pane how one of its questions stands: what was known stays if nothing new is."""
    before = pane.reply(name)
    request = request or (before.request if before is not None else OpenModel(ModelKey("fake")))
    of = None
    if before is not None and found is None:
        found, of = before.answer, before.of
        if before.answer is not None and request != before.request:
            of = before.of or before.request
        if status == "failed" and before.is_waiting:  # what had an answer was about these prompts
            found = of = None
    pane.show_reply(name, Reply(request, found, status, sentence, of))


def answer(pane, document, cursor=CURSOR):
    """Show a pane a document, a cursor, and the fake answerer's answers."""
    opening = OpenModel(document.model)
    tell(pane, "model", fakes.card(opening), request=opening)
    pane.show_document(document)
    pane.show_cursor(cursor)
    for name, request in pane.requests(document, cursor).items():
        reply(pane, name, request)
    return pane


def reply(pane, name, request):
    """Give a pane the fake answerer's answer to one of its questions."""
    found = last(fakes.FakeAnswerer().answer(request))
    tell(pane, name, status="waiting", request=request)
    tell(pane, name, found, request=request)
    return found


def in_session(pane, document):
    """Let what a pane says was edited be edited, as in the window; return the session."""
    session = Session(document, pane)
    pane.edited.connect(lambda changes: session.edit(**changes))
    session.changed.connect(pane.show_document)
    pane.show_document(document)
    return session


def take_head(pane, document, cursor):
    """Let the pane have the numbers of the heads it asks about."""
    reply(pane, "head", pane.requests(document, cursor)["head"])
