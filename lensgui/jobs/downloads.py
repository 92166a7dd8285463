"""Fetching a model without holding anything up: a process of its own that prints its progress."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass

from PySide6.QtCore import QObject, QProcess, Signal, Slot

from lensgui.models.store import STEPS
from lensgui.terms.resources import own_command

log = logging.getLogger(__name__)

PATIENCE_MS = 2000


@dataclass(frozen=True, slots=True)
class Fetched:
    """How far a download is.

    Attributes:
        what: The step and the model, in words.
        done: In the step's own unit, mostly bytes.
        total: Likewise; 0 when it is not known.
    """

    what: str
    done: int
    total: int


class Download(QObject):
    """One model being fetched; stopping it at any moment leaves nothing half done.

    Attributes:
        progressed: (Fetched,)
        finished: (name,) once the model can be opened.
        failed: (sentence,)
    """

    progressed = Signal(object)
    finished = Signal(str)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.name = ""
        self._sentence = ""
        self._rest = b""
        self._process = QProcess(self)
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.finished.connect(self._end)
        self._process.errorOccurred.connect(self._break)

    @property
    def is_running(self) -> bool:
        """Whether something is being fetched."""
        return self._process.state() != QProcess.ProcessState.NotRunning

    def start_import(self, name: str) -> None:
        """Fetch a model whose weights are pickled, likewise: what `lensgui models import` takes."""
        self.start(name, [*own_command(), "models", "import", name, "--json"])

    def start(self, name: str, command: list[str] | None = None) -> None:
        """Fetch a model by its name, unless something is being fetched already.

        Args:
            name: What `lensgui models get` takes.
            command: What to run instead of `lensgui models get NAME --json`.
        """
        if self.is_running:
            return
        self.name, self._sentence, self._rest = name, "", b""
        program, *arguments = command or [*own_command(), "models", "get", name, "--json"]
        self._process.start(program, arguments)

    def stop(self) -> None:
        """End the process, gently first."""
        if self.is_running:
            self.blockSignals(True)
            self._process.terminate()
            if not self._process.waitForFinished(PATIENCE_MS):
                self._process.kill()
                self._process.waitForFinished(PATIENCE_MS)
            self.blockSignals(False)

    @Slot()
    def _read(self) -> None:
        self._rest += bytes(self._process.readAllStandardOutput().data())
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            self._read_output(line)

    def _read_output(self, line: bytes) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            log.info("models: %s", line.decode(errors="replace"))
            return
        if event.get("event") == "error":
            self._sentence = str(event.get("message", ""))
        elif event.get("event") == "progress":
            step = str(event.get("step", ""))
            what = f"{STEPS.get(step, step)} {self.name}"
            self.progressed.emit(Fetched(what, int(event["done"]), int(event["total"])))

    @Slot(int, QProcess.ExitStatus)
    def _end(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read()
        errors = bytes(self._process.readAllStandardError().data()).decode(errors="replace")
        if errors.strip():
            log.info("models, on its error stream:\n%s", errors.strip())
        if code == 0 and status == QProcess.ExitStatus.NormalExit:
            self.finished.emit(self.name)
        else:
            self.failed.emit(self._sentence or f"{self.name} could not be fetched; see the log.")

    @Slot(QProcess.ProcessError)
    def _break(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self.failed.emit(f"{self.name} could not be fetched: no process could be started.")
