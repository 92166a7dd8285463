"""Giving a window its session files: what it is asked to open, what is dropped, what it lacks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSettings

from lensgui.app.sessions.absent import AbsentBar
from lensgui.app.sessions.choosing import Drops
from lensgui.app.sessions.host import Host, key_here
from lensgui.app.sessions.sessions import Sessions
from lensgui.app.window.exchange import MODEL
from lensgui.app.window.window import MainWindow
from lensgui.jobs.answers.reply import Reply
from lensgui.jobs.requests import OpenModel
from lensgui.jobs.runner import STOPPED
from lensgui.panes.pane import Channel
from lensgui.state.document import Document
from lensgui.state.sessions.late import read
from lensgui.state.sessions.saved import Saved
from lensgui.terms.errors import SessionError
from lensgui.terms.homes import expanded


@dataclass(frozen=True, slots=True)
class SessionFile:
    """A file that is to be opened as the window is made.

    Attributes:
        path: The file.
        saved: What it holds; None if it can't be read.
        trouble: Why it can't; "" if it can.
    """

    path: Path
    saved: Saved | None = None
    trouble: str = ""

    @classmethod
    def of(cls, path: Path) -> SessionFile:
        """Return what a file holds, or why it can't be read."""
        path = expanded(path).absolute()
        try:
            return cls(path, read(path))
        except SessionError as error:
            return cls(path, trouble=str(error))

    @property
    def document(self) -> Document | None:
        """What it is about on this machine; None if it can't be read."""
        saved = self.saved
        return None if saved is None else saved.about(key_here(saved.model)).document


def attach(
    window: MainWindow, history: QSettings | None, request: SessionFile | None
) -> tuple[Sessions, AbsentBar]:
    """Let a window's session be a file, and say which model it lacks.

    Args:
        window: The window, not shown yet.
        history: Where the last files are remembered; None for nowhere.
        request: A file to open at once.
    """
    sessions, drops = Sessions(Host(window), history, window), Drops(window)
    bar = AbsentBar(window.session, window)
    window.addToolBarBreak()
    window.addToolBar(bar)
    window.may_close = sessions.may_close
    sessions.titled.connect(window.show_title)
    sessions.status_message.connect(window.status.show_sentence)
    sessions.failed.connect(window.status.show_fault)
    sessions.absent.connect(bar.show_reference)

    def fall_back(channel: Channel, reply: Reply | None) -> None:
        """Show what the file has where its model can't be opened."""
        if channel == MODEL and reply is not None and reply.status == "failed":
            is_asked = reply.request == OpenModel(window.session.document.model)
            if is_asked and reply.sentence != STOPPED:
                sessions.fall_back(reply.sentence)

    window.runner.replied.connect(fall_back)
    bar.fetch_requested.connect(window.model_bar.fetch_requested)
    bar.another_requested.connect(window.model_bar.model.showMenu)
    drops.session.connect(sessions.open_file)
    drops.model.connect(window.model_bar.open_source)
    sessions.show_title()
    if request is not None and request.saved is not None:
        sessions.show(request.saved, request.path)
    return sessions, bar
