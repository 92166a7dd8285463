"""Circuits that are read from files and written to them, by the worker, one at a time."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, QTimer, Signal, Slot
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog, QWidget

from lensgui.jobs.answers.circuits import OpenedCircuit, OpenedGraph, SavedCircuit
from lensgui.jobs.answers.reply import Reply
from lensgui.jobs.questions.circuit_requests import OpenCircuit, SaveCircuit
from lensgui.models.attribution_graphs import AttributionGraph
from lensgui.panes.files import files_folder
from lensgui.terms.circuits.kept import KeptCircuit
from lensgui.terms.model_key import ModelKey

FILES = "Circuits and attribution graphs (*.json);;All files (*)"
SUFFIX = ".json"


class Filing(QObject):
    """Asks for a circuit of a file, or for one to be written.

    Attributes:
        question: What is asked; None while nothing is.
        graph: An attribution graph that is looked at instead of the model's own; None for none.
        found: (circuit,) what was read.
        doubted: (opened,) what was read has scores that may be of a loss.
        said: (sentence,) what is to be known of it.
        altered: Something else is asked.
    """

    found = Signal(object)
    doubted = Signal(object)
    said = Signal(str)
    altered = Signal()

    def __init__(self, pane: QWidget) -> None:
        super().__init__(pane)
        self._pane = pane
        self.question: OpenCircuit | SaveCircuit | None = None
        self.graph: AttributionGraph | None = None
        self._model: ModelKey | None = None
        pane.setAcceptDrops(True)
        pane.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take one file that is dropped on the pane."""
        if not isinstance(event, QDropEvent) or not (path := dropped(event.mimeData())):
            return False
        event.acceptProposedAction()
        if event.type() == QEvent.Type.Drop:
            self.open(path)
        return True

    def follow(self, model: ModelKey, *, has_failed: bool) -> None:
        """Let a fault go once something was done, and work with the model that is open by now."""
        is_other = self._model not in (None, model)
        self._model = model
        if is_other and self.graph is not None:
            QTimer.singleShot(0, self, self.close_graph)
        if has_failed or (is_other and not isinstance(self.question, SaveCircuit)):
            QTimer.singleShot(0, self, self.end)

    @Slot()
    def choose(self) -> None:
        """Let a file be chosen, and read it."""
        path, _ = QFileDialog.getOpenFileName(self._pane, "Open a circuit", files_folder(), FILES)
        if path:
            self.open(path)

    def open(self, path: str) -> None:
        """Read a file, unless one is being written."""
        if isinstance(self.question, SaveCircuit):
            self.said.emit(f"Wait until {Path(self.question.path).name} is written.")
            return
        if self._model is None:
            return
        try:
            stamp = Path(path).stat().st_mtime_ns
        except OSError:
            stamp = 0  # who reads it says what is wrong
        self._ask(OpenCircuit(self._model, path, stamp))

    def save(self, circuit: KeptCircuit) -> None:
        """Let a file be chosen, and write it."""
        start = str(Path(files_folder()) / f"circuit{SUFFIX}")
        path, _ = QFileDialog.getSaveFileName(self._pane, "Save the circuit", start, FILES)
        if path and self._model is not None:
            named = path if Path(path).suffix else path + SUFFIX
            self._ask(SaveCircuit(self._model, named, circuit, time.time_ns()))

    def _ask(self, question: OpenCircuit | SaveCircuit | None) -> None:
        self.question = question
        self.altered.emit()

    @Slot()
    def end(self) -> None:
        """Ask nothing any more."""
        if self.question is not None:
            self._ask(None)

    def take(self, reply: Reply | None) -> None:
        """Take what was read, or say that it is written; a fault stays until something is done."""
        if reply is None or reply.request != self.question or reply.known is None:
            return
        known = reply.known
        QTimer.singleShot(0, self, self.end)
        if isinstance(known, SavedCircuit):
            self.said.emit(f"The circuit is in {Path(known.path).name}.")
        elif isinstance(known, OpenedGraph):
            self.graph = known.graph
            self.altered.emit()
        elif isinstance(known, OpenedCircuit):
            self.graph = None
            self._take(known)

    @Slot()
    def close_graph(self) -> None:
        """Look at the model's own graph again."""
        if self.graph is not None:
            self.graph = None
            self.altered.emit()

    def _take(self, opened: OpenedCircuit) -> None:
        if opened.warnings:
            self.said.emit(" ".join(opened.warnings))
        self.found.emit(opened.circuit)
        if opened.from_input < 0:
            self.doubted.emit(opened)


def dropped(data: QMimeData) -> str:
    """Return the path of the one file that is dragged; "" if it can't hold a circuit."""
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    if len(paths) != 1 or not paths[0].is_file() or paths[0].suffix.lower() != SUFFIX:
        return ""
    return str(paths[0])
