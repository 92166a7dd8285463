"""Bringing a model in the background while another is open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace

from PySide6.QtCore import QObject, Signal, Slot

from lensgui.jobs.downloads import Download, Fetched
from lensgui.state.document import Document
from lensgui.state.examples import FIRST, find
from lensgui.state.selection import Selection
from lensgui.state.session import Session
from lensgui.terms.model_key import DEFAULT_MODEL

MEANWHILE = "The demo model is being fetched; the built-in toy model is open meanwhile."


class Fetching(QObject):
    """Fetches a model, then opens it, unless the user has gone on to something else.

    Attributes:
        status_message: (sentence,) for the status bar.
        failed: (sentence,) why nothing could be fetched.
        fetched: (Fetched | None,) how far it is.
    """

    status_message = Signal(str)
    failed = Signal(str)
    fetched = Signal(object)

    def __init__(
        self, session: Session, selection: Selection, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.download = Download(self)
        self._session = session
        self._selection = selection
        self._before: Document | None = None
        self.download.progressed.connect(self.fetched)
        self.download.finished.connect(self._open)
        self.download.failed.connect(self._give_up)

    @Slot(str)
    def fetch(self, name: str) -> None:
        """Begin to fetch a model by its name, one at a time."""
        self._begin(name, self.download.start)

    @Slot(str)
    def fetch_pickled(self, name: str) -> None:
        """Begin to fetch a model whose weights must be imported, likewise."""
        self._begin(name, self.download.start_import)

    def _begin(self, name: str, start: Callable[[str], None]) -> None:
        if self.download.is_running:
            self.status_message.emit(
                f"{self.download.name} is being fetched: stop that first, then {name}."
            )
            return
        sentence = MEANWHILE if name == DEFAULT_MODEL else f"{name} is being fetched."
        self._before = self._session.document
        self.fetched.emit(Fetched(f"Fetching {name}", 0, 0))
        self.status_message.emit(sentence)
        start(name)

    @Slot()
    def stop(self) -> None:
        """Stop fetching; what was begun is thrown away."""
        if self.download.is_running:
            self.download.stop()
            self.fetched.emit(None)
            self.status_message.emit("Stopped fetching; choose the model again to go on.")

    @Slot(str)
    def _open(self, name: str) -> None:
        self.fetched.emit(None)
        before, present = self._before, self._session.document
        if before is None or present.having(views=before.views) != before:
            self.status_message.emit(f"{name} is here now: open it from the toolbar.")
            return
        example = find(FIRST)
        if name == DEFAULT_MODEL:
            model = replace(self._session.document.model, source=name)
            self._session.edit(model=model, pair=example.document.pair)
            self._selection.move(**asdict(example.cursor))
        else:
            self._session.edit(model=replace(self._session.document.model, source=name))
        self.status_message.emit(f"{name} is here now.")

    @Slot(str)
    def _give_up(self, sentence: str) -> None:
        self.fetched.emit(None)
        self.failed.emit(sentence)
