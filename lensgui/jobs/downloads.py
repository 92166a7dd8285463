"""What is done to models without holding anything up: a process of its own that prints JSON."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal, Slot

from lensgui.models.store import STEPS
from lensgui.terms.resources import own_command

log = logging.getLogger(__name__)

PATIENCE_MS = 2000
OFFLINE = "HF_HUB_OFFLINE"


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


class Child(QObject):
    """A `lensgui models` command; stopping it at any moment leaves nothing half done.

    Attributes:
        name: The model that it is about.
        progressed: (Fetched,)
        said: (dict,) any other object that it prints, but for errors.
        finished: (name,) once it has done it.
        failed: (sentence,)
        stopped: It was stopped, and has ended.
    """

    progressed = Signal(object)
    said = Signal(object)
    finished = Signal(str)
    failed = Signal(str)
    stopped = Signal()

    def __init__(self, parent: QObject | None = None, *, doing: str = "be done") -> None:
        """Make one that runs nothing yet.

        Args:
            parent: What it ends with.
            doing: What could not be done where it fails without a sentence.
        """
        super().__init__(parent)
        self.name, self._doing = "", doing
        self._is_stopped = False
        self._sentence = ""
        self._rest = b""
        self._process = QProcess(self)
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.finished.connect(self._end)
        self._process.errorOccurred.connect(self._break)

    @property
    def is_running(self) -> bool:
        """Whether it runs."""
        return self._process.state() != QProcess.ProcessState.NotRunning

    def ask(self, name: str, *words: str, online: bool = False) -> None:
        """Run `lensgui models WORDS --json`, unless it runs already.

        Args:
            name: The model that it is about.
            words: The command's own words.
            online: Whether it may use the network: the user has asked for that just now.
        """
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert(OFFLINE, "0" if online else environment.value(OFFLINE, "0"))
        self._process.setProcessEnvironment(environment)
        self._run(name, [*own_command(), "models", *words, "--json"])

    def cancel(self) -> None:
        """End the process without waiting for its end, gently first."""
        if self.is_running:
            self._is_stopped = True
            self._process.terminate()
            QTimer.singleShot(PATIENCE_MS, self, self._kill)

    def _run(self, name: str, command: list[str]) -> None:
        if self.is_running:
            return
        self.name, self._sentence, self._rest = name, "", b""
        self._is_stopped = False
        program, *arguments = command
        self._process.start(program, arguments)

    @Slot()
    def _kill(self) -> None:
        if self._is_stopped and self.is_running:
            self._process.kill()

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
        if not isinstance(event, dict):
            log.info("models: %s", event)
        elif event.get("event") == "error":
            self._sentence = str(event.get("message", ""))
        elif event.get("event") == "progress":
            step = str(event.get("step", ""))
            what = f"{STEPS.get(step, step)} {self.name}"
            self.progressed.emit(Fetched(what, int(event["done"]), int(event["total"])))
        elif not self._is_stopped:
            self.said.emit(event)

    @Slot(int, QProcess.ExitStatus)
    def _end(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read()
        errors = bytes(self._process.readAllStandardError().data()).decode(errors="replace")
        if errors.strip():
            log.info("models, on its error stream:\n%s", errors.strip())
        if self._is_stopped:
            self.stopped.emit()
        elif code == 0 and status == QProcess.ExitStatus.NormalExit:
            self.finished.emit(self.name)
        else:
            self.failed.emit(self._sentence or f"{self.name} could not {self._doing}; see the log.")

    @Slot(QProcess.ProcessError)
    def _break(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            sentence = f"{self.name} could not {self._doing}: no process could be started."
            self.failed.emit(sentence)


class Download(Child):
    """One model being fetched; what has arrived when it is stopped is gone on from.

    `finished` says that the model can be opened.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent, doing="be fetched")

    def start_import(self, name: str) -> None:
        """Fetch a model whose weights are pickled, likewise: what `lensgui models import` takes."""
        self.start(name, [*own_command(), "models", "import", name, "--json"])

    def start_lens(self, path: str) -> None:
        """Import a lens from a file: what `lensgui lens import` takes; `said` has where it is."""
        self.start(path, [*own_command(), "lens", "import", path, "--json"])

    def start(self, name: str, command: list[str] | None = None) -> None:
        """Fetch a model by its name, unless something is being fetched already.

        Args:
            name: What `lensgui models get` takes.
            command: What to run instead of `lensgui models get NAME --json`.
        """
        self._run(name, command or [*own_command(), "models", "get", name, "--json"])
