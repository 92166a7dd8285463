"""Every pane, shown the answers that a session file holds."""

from __future__ import annotations

from lensgui.app.window.layout import PANES
from lensgui.jobs.answers.reply import Reply
from lensgui.jobs.requests import OpenModel
from lensgui.state.sessions.saved import Saved
from lensgui.state.sessions.sessions import from_bytes
from lensgui.terms.errors import SessionError
from tests import fakes


def opened(data: bytes) -> Saved | None:
    """Return what a session file holds; None if it is refused."""
    try:
        return from_bytes(data)
    except SessionError:
        return None


def draw(session: Saved) -> None:
    """Draw each pane with the session's answers to its kinds of questions, every head selected."""
    document = session.document
    opening = OpenModel(document.model)
    card = Reply(opening, fakes.card(opening), "whole")
    replies = {
        (type(asked).__name__, str(at)): Reply(asked, answer, "whole")
        for at, (asked, answer) in enumerate(session.answers)
    }
    for kind in PANES:
        pane = kind()
        pane.resize(520, 480)
        pane.show_reply("model", card)
        pane.show_document(document)
        pane.show_cursor(session.cursor)
        for name, request in pane.requests(document, session.cursor).items():
            for reply in replies.values():
                if type(reply.request) is type(request):
                    pane.show_reply(name, reply)
        pane.show_all(replies)
        pane.grab()
        pane.deleteLater()
