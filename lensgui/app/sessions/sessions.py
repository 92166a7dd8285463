"""New, open, save, save as: the window's session as a file, and what may be closed."""

from __future__ import annotations

import threading
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QSettings, Qt, Signal, Slot

from lensgui.app.sessions.autosaving import Autosave
from lensgui.app.sessions.choosing import Recent, ask_where, ask_which
from lensgui.app.sessions.closing import Leave, ask_overwriting, ask_saving, is_worth_asking
from lensgui.app.sessions.host import Host, as_saved, key_here, read_or_say
from lensgui.app.sessions.open_file import OpenFile, is_in_use
from lensgui.app.sessions.sample import Sample
from lensgui.jobs.answers.models import ModelCard
from lensgui.jobs.requests import ReadPair
from lensgui.models import recognised
from lensgui.panes.files import files_folder
from lensgui.prompts.pair import PromptPair
from lensgui.state.autosave import Left, Writer, discard
from lensgui.state.document import Document
from lensgui.state.sessions.late import model_shape, size_of_answers, write
from lensgui.state.sessions.pictures import is_picture
from lensgui.state.sessions.saved import SUFFIX, ModelReference, Saved
from lensgui.terms.homes import expanded
from lensgui.terms.model_key import ABSENT

UNTITLED = "Untitled"
READER = "lensgui-reader"  # the thread that reads a file
SECONDS = 10.0  # that closing waits for a disk
OTHER_MODEL = (
    "The {name} of this machine is not the one that the session was made with: what is shown is "
    "computed here."
)
NOTHING_LEFT = "Nothing was left: every window before was closed as it should be."


class Sessions(QObject):
    """The session's file: what is open, whether it is changed, and how it is kept.

    Attributes:
        file: The file that is open.
        recent: Those that were.
        with_answers: Whether answers are saved too.
        titled: (title, is_modified) the window is to be called otherwise.
        status_message: (sentence,) for the status line.
        failed: (sentence,) why something could not be read or written.
        absent: (ModelReference or None,) the model that is needed and not here.
    """

    titled = Signal(str, bool)
    status_message = Signal(str)
    failed = Signal(str)
    absent = Signal(object)
    _read = Signal(object, object)  # path, and Saved or a sentence

    def __init__(
        self, host: Host, history: QSettings | None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._host = host
        self.file, self.recent = OpenFile(), Recent(history)
        self.with_answers = False
        self._clean: Document | None = host.session.document  # as the file has it
        self._done: dict[Path, tuple[Document, int]] = {}  # what the thread has written, of when
        self._turn = self._written = 0  # of sessions that were begun; how often one was written
        self._reference: ModelReference | None = None
        self._kept: Saved | None = None  # what the file holds beside what this window knows
        self._model_before = host.session.document.model
        self._is_left = False
        self._reading = 0  # the number of the file that is to be opened next
        self.writer = Writer(self)
        self.autosave = Autosave(self.saved, lambda: self.file.path, self.writer, self)
        self._sample = Sample(host.exchange, self)
        self._sample.agreed.connect(self.status_message)
        self._sample.differed.connect(self.failed)
        self.writer.written.connect(self._take_written)
        self.writer.failed.connect(self._fail)
        self.autosave.failed.connect(self.failed)
        self.autosave.recovered.connect(self._recover)
        self._read.connect(self._show_read, Qt.ConnectionType.QueuedConnection)
        host.session.changed.connect(self._note_edit)
        host.exchange.opened.connect(self._compare_model)
        host.window.installEventFilter(self)
        host.selection.changed.connect(self._note_move)

    @property
    def is_modified(self) -> bool:
        """Whether there is something that the file does not have."""
        return as_saved(self._host.session.document) != as_saved(self._clean)

    @property
    def name(self) -> str:
        """What the session is called."""
        return self.file.path.stem if self.file.path is not None else UNTITLED

    def saved(self, *, with_answers: bool = False) -> Saved:
        """Return what is there as a file would have it, with what was computed or without."""
        host, document = self._host, self._host.session.document
        saved = Saved(
            document=document,
            cursor=host.selection.cursor,
            layout=host.layout(),
            model=self._model(),
            answers=host.answers() if with_answers else (),
            changed=datetime.now(UTC),
        )
        before = self._kept
        if before is None:
            return saved
        return replace(saved, unknown=before.unknown)

    def _model(self) -> ModelReference:
        """Return which model the document is about, without where it lies here."""
        key, card, before = self._host.session.document.model, self._host.card, self._reference
        if key.is_absent and before is not None:
            return replace(before, folded=key.folded, dtype=key.dtype)
        found = ModelReference.to(key, recognised.content_id_of(key.source))
        if card is not None and card.key == key:
            return replace(found, content_id=card.content_id)
        if found.content_id or before is None or before.name != found.name:
            return found
        return replace(found, content_id=before.content_id)

    @Slot()
    def _note_move(self) -> None:
        if self.is_modified:  # where one looks alone is not worth an offer after a crash
            self.autosave.note_change()

    @Slot(object)
    def _note_edit(self, document: Document) -> None:
        if document.model != self._model_before:
            self._model_before = document.model
            self.autosave.now()  # opening a model may take all memory there is
        else:
            self.autosave.note_change()
        self.show_title()
        if not document.model.is_absent:
            self.absent.emit(None)

    @Slot(object)
    def _compare_model(self, card: ModelCard) -> None:
        """Drop the numbers of a file where the model that is open now is another one."""
        meant, kept = self._reference, self._kept
        if meant is None or kept is None or ModelReference.to(card.key).name != meant.name:
            return
        ids = {meant.content_id, card.content_id} - {""}
        shape = zip(model_shape(kept.answers), (card.n_layers, card.n_heads), strict=True)
        if len(ids) > 1 or any(of not in (None, here) for of, here in shape):
            self._host.forget_answers(kept.about(card.key).answers)
            self._sample.begin((), meant.dtype, self.name)
            self.status_message.emit(OTHER_MODEL.format(name=meant.name))

    def fall_back(self, why: str) -> None:
        """Show what the file has where its model can't be opened; if it has nothing, say no more.

        Args:
            why: What went wrong, as a sentence.
        """
        saved, gone = self._kept, self._host.session.document.model
        if saved is None or not saved.answers or gone.is_absent:
            return
        key = replace(gone, source=ABSENT + saved.model.name)
        self._host.take_answers(saved.about(key).answers)
        self._clean = self._clean and replace(self._clean, model=key)
        self._host.session.keep_model(gone, key)
        self.absent.emit(saved.model)
        self.failed.emit(f"Numbers are those of the file: {why}")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Say what has become of the file while the user was elsewhere."""
        if event.type() == QEvent.Type.WindowActivate and (said := self.file.look()):
            self.status_message.emit(said)
        return False

    def show_title(self) -> None:
        """Say what is open, and whether it is modified."""
        self.titled.emit(self.name, self.is_modified)

    @Slot()
    def new(self) -> None:
        """Begin anew, with nothing typed, once it is agreed what becomes of what is there."""
        if self._may_leave():
            self._reference = self._kept = None
            self.with_answers = False
            self._begin(Document(self._host.session.document.model, PromptPair("")), None)
            self._host.show_layout(None)

    @Slot()
    def open(self) -> None:
        """Let the user choose a file, and open it."""
        path = ask_which(self._host.window, self._folder)
        if path is not None:
            self.open_file(path)

    def open_file(self, path: Path) -> None:
        """Read a file beside the window, and show it once it is read."""
        path = expanded(path).absolute()
        self.autosave.now()
        self._reading += 1
        which = path, self._reading
        threading.Thread(target=self._read_beside, args=which, name=READER, daemon=True).start()

    def _read_beside(self, path: Path, number: int) -> None:
        self._read.emit((path, number), read_or_say(path))

    @Slot(object, object)
    def _show_read(self, which: tuple[Path, int], found: Saved | str) -> None:
        path, number = which
        if number != self._reading:
            return  # another was chosen meanwhile
        if isinstance(found, str):
            self.recent.drop(path)
            self.failed.emit(found)
            return
        before, is_open = self._written, path == self.file.path
        if self._may_leave() and not (is_open and self._written > before):
            kept = None if is_picture(path) else path  # which Save must not replace
            self.show(found, kept)  # else it is there already, newer than what was read

    def show(self, saved: Saved, path: Path | None, *, is_modified: bool = False) -> None:
        """Show what a file has, or more than that file; of what is in none, without its path."""
        here = saved.about(replace(key_here(saved.model), device=self._host.device))
        self._reference, self._kept = saved.model, saved
        self.with_answers = bool(saved.answers)
        is_absent = here.document.model.is_absent
        self._host.take_answers(
            one for one in here.answers if is_absent or not isinstance(one[0], ReadPair)
        )
        self._begin(here.document, path, is_modified=is_modified)
        self._host.show_layout(saved.layout)
        self._host.selection.move(**asdict(saved.cursor))
        self.absent.emit(saved.model if is_absent else None)
        self._sample.begin(() if is_absent else here.answers, saved.model.dtype, self.name)
        if self._host.card is not None:
            self._compare_model(self._host.card)
        remarks = [saved.remark, self.file.sentence]
        if saved.is_lossy and path is not None:
            self.file.release()
        if path is not None:
            self.recent.add(path)
        if said := " ".join(filter(None, remarks)):
            self.status_message.emit(said)

    def _begin(self, document: Document, path: Path | None, *, is_modified: bool = False) -> None:
        """Have another document, with no history."""
        self.file.release()
        self._turn += 1
        if path is not None:
            self.file.take(path)
        if is_modified:
            self.file.know_nothing()
        card = self._host.card
        if card is not None and card.key != document.model:
            self._host.exchange.forget_model()  # else a model that fails would be replaced by it
        self._clean = None if is_modified else document
        self._host.session.begin(document, self._kept.changed if self._kept else None)
        if is_modified:
            self.autosave.now()
        else:
            self.autosave.forget()
        self.show_title()

    @Slot()
    def switch_answers(self) -> None:
        """Keep answers in the file from now on, or no longer."""
        self.with_answers = not self.with_answers
        kept = "keeps" if self.with_answers else "leaves out"
        self.status_message.emit(f"The next Save {kept} what the panes show.")

    def size_of_answers(self) -> int:
        """Return how many bytes answers would take in the file, about."""
        return size_of_answers(self._host.answers(), self._host.session.document.model)

    @Slot()
    def save(self) -> None:
        """Save to the file that is open; ask for one where there is none."""
        path = self.file.path
        if path is None:
            self.save_as()
            return
        self._take_written(path)
        is_ours = self.writer.is_busy_with(path) or not self.file.is_changed
        if is_ours or ask_overwriting(path, self._host.window):
            self._write(path)

    def save_to(self, path: Path) -> None:
        """Save to a file, whether it is open or not."""
        self._write(path.absolute())

    @Slot()
    def save_as(self) -> None:
        """Let the user choose a file to save to."""
        name = self.name if self.file.path is not None else "session"
        path = ask_where(self._host.window, self._folder / f"{name}{SUFFIX}")
        if path is not None:
            self._write(path)

    def _write(self, path: Path) -> None:
        if path != self.file.path and is_in_use(path):
            self.failed.emit(f"{path.name} is open in another window: save to another name.")
            return
        saved, turn = self.saved(with_answers=self.with_answers), self._turn
        self._host.session.seal()

        def save() -> None:
            write(path, saved)
            self._done[path] = saved.document, turn

        self.writer.submit(path, save)

    @Slot(object)
    def _take_written(self, path: Path) -> None:
        """Take what was written to a file as what it has, if that is still what is open."""
        document, turn = self._done.pop(path, (None, -1))
        if document is None:
            return
        self._written += 1
        self.recent.add(path)
        if turn == self._turn:  # else another session is open by now
            self.file.take(path)
            self._clean = document
        if not self.is_modified:
            self.autosave.forget()
        self.show_title()
        self.status_message.emit(f"Saved as {path}.")

    @Slot(object, str)
    def _fail(self, path: Path, sentence: str) -> None:
        recovery = self.autosave.recovery
        if path not in (recovery.path, recovery.last):
            self.failed.emit(sentence)

    @property
    def _folder(self) -> Path:
        """Where files are looked for at first: where the last one is."""
        known = [self.file.path, *self.recent.paths]
        return next((path.parent for path in known if path is not None), Path(files_folder()))

    def _may_leave(self) -> bool:
        """Whether what is there may go: it is saved, or the user does not want it."""
        document = self._host.session.document
        if not self.is_modified or not is_worth_asking(document, self.file.path):
            return True
        answer = ask_saving(document, self.name, self._host.window)
        if answer == Leave.SAVE:
            self.save()
            self.writer.wait(SECONDS)
            QCoreApplication.sendPostedEvents(self.writer)  # which says that it is written
        return answer == Leave.DROP or (answer == Leave.SAVE and not self.is_modified)

    def may_close(self) -> bool:
        """Whether the window may close; then nothing is left of it but what is to be kept."""
        if not self._may_leave():
            return False
        self._leave(is_kept=self.is_modified)
        return True

    def _leave(self, *, is_kept: bool) -> None:
        """Leave nothing, or what is there as the last that was not saved."""
        self._is_left = True
        if is_kept:
            self.autosave.now()
            self.writer.submit(self.autosave.recovery.last, self.autosave.recovery.keep)
        else:
            self.autosave.forget()
        self.file.release()

    def close(self) -> bool:
        """End the thread that writes; return whether it ended in time.

        Of a window that is left without being asked, what took work is offered at the next start.
        """
        is_worth = is_worth_asking(self._host.session.document, self.file.path)
        if not self._is_left and self.is_modified and is_worth:
            self.autosave.now()
            self.file.release()
        elif not self._is_left:
            self._leave(is_kept=self.is_modified)
        return self.writer.close(SECONDS)

    @Slot()
    def recover(self) -> None:
        """Offer what was not saved, the last that was closed too; say so if there is nothing."""
        if not self.autosave.offer(self._host.window, with_last=True):
            self.status_message.emit(NOTHING_LEFT)

    @Slot()
    def offer(self) -> None:
        """Offer what crashed windows have left, if anything."""
        self.autosave.offer(self._host.window)

    @Slot(object)
    def _recover(self, left: Left) -> None:
        if self._may_leave():
            self.show(left.saved, left.origin, is_modified=True)
            self.autosave.keep(lambda: discard(left.path))
