"""From what the panes show to files and to the clipboard."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from operator import attrgetter
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, QTimer, Signal, Slot
from PySide6.QtGui import QCursor, QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget

from lensgui.app.export import deck
from lensgui.app.export.dialog import ExportDialog, Picture
from lensgui.app.sessions.closing import ask_writing_over
from lensgui.app.sessions.host import Host
from lensgui.app.sessions.sessions import Sessions
from lensgui.app.window.window import MainWindow
from lensgui.panes import menus, theme
from lensgui.panes.figures import files
from lensgui.panes.figures.drawing import painting
from lensgui.panes.figures.drawing.layout import draw
from lensgui.panes.figures.drawing.style import PAPER, Style
from lensgui.panes.figures.files import FORMATS, Options
from lensgui.panes.figures.numbers import as_table
from lensgui.panes.figures.shown import NOTHING, STALE, Context, figure, innermost, slug
from lensgui.panes.files import files_folder
from lensgui.panes.pane import Pane
from lensgui.panes.python.notebook import Part, notebook
from lensgui.state.autosave import Writer
from lensgui.state.sessions.late import to_bytes
from lensgui.terms.errors import ExportError, SessionError

NO_PICTURE = "No pane in front shows a picture yet: there is nothing to export."
LEFT_OUT = " Left out, as they answer an older question: {count}."
COPIED = "Copied {name} as a picture."
COPIED_NUMBERS = "Copied the numbers of {name}: paste them into a spreadsheet."
HOLDS_MORE = "The session has pairs or notes, which are not to travel in a picture unseen."
SOON_MS = 50  # from a change in the window to the dialog
SECONDS = 10.0  # that leaving waits for a disk


class Exporting(QObject):
    """Exports the pictures of a window.

    Attributes:
        said: (sentence,) what was done.
        failed: (sentence,) why it could not be.
    """

    said = Signal(str)
    failed = Signal(str)

    def __init__(self, window: MainWindow, sessions: Sessions) -> None:
        super().__init__(window)
        self._window, self._sessions = window, sessions
        self._dialog: ExportDialog | None = None
        self._folder: Path | None = None  # where the last file went
        self._pending: set[Path] = set()  # files that are about to be written
        self._written: list[Path] = []  # of those that are exported together
        self._left_out = 0  # pictures that are not among them, as they are of an older question
        self._troubles: list[str] = []  # why others of them were not
        self._writer: Writer | None = None  # a thread that most windows never need
        self._soon = QTimer(self, singleShot=True, interval=SOON_MS)
        self._soon.timeout.connect(self._follow)
        for changed in (window.session.changed, window.selection.changed, window.runner.settled):
            changed.connect(self._wait)
        self.said.connect(window.status.show_sentence)
        self.failed.connect(window.status.show_fault)

    def pictures(self) -> Iterator[Picture]:
        """Yield the pictures of all panes, those of panes in front first."""
        panes = sorted(self._window.panes.values(), key=lambda pane: not _is_seen(pane))
        for pane in panes:
            yield from self._of(pane)

    def _of(self, pane: Pane) -> Iterator[Picture]:
        window = self._window
        document, cursor = window.exchange.of(pane), window.exchange.at(pane)
        asked, code = pane.requests(document, cursor), ""
        for shown in pane.shown():
            code = code or pane.python(document, cursor)
            changed = window.session.changed_at
            card = window.exchange.card
            context = Context(document, card, asked, changed, code, pane.averages)
            yield Picture(pane.title, shown, figure(pane.title, shown, context))

    def current(self) -> Picture | None:
        """Return the picture that has the keyboard, else the first one in front."""
        focus = QApplication.focusWidget()
        found = [each for each in self.pictures() if _is_in_front(each)]
        having = innermost([each.shown for each in found], focus)
        exact = [each for each in found if each.shown is having]
        inside = [each for each in found if _pane_of(each.shown.widget) is _pane_of(focus)]
        return next(iter([*exact, *inside, *found]), None)

    @Slot()
    def export(self, picture: Picture | None = None) -> None:
        """Show the dialog, at a picture or at the one that has the keyboard."""
        picture = picture or self.current()
        if picture is None:
            self.failed.emit(NO_PICTURE)
            return
        if self._dialog is None:
            self._dialog = ExportDialog(self._window)
            self._dialog.save_requested.connect(self._save_one)
            self._dialog.copy_requested.connect(self._copy_picture)
        reopening = self._reopening()
        self._dialog.open_for(list(self.pictures()), picture, reopening)

    @Slot()
    def _wait(self) -> None:
        """Bring to the dialog what changes behind it, once for all changes of a moment."""
        if self._dialog is not None and self._dialog.isVisible():
            self._soon.start()

    @Slot()
    def _follow(self) -> None:
        if self._dialog is not None and self._dialog.isVisible():
            self._dialog.show_anew(list(self.pictures()), self._reopening())

    @Slot()
    def export_all(self) -> None:
        """Export every picture that a pane shows, in the formats that are chosen last."""
        every = list(self.pictures())
        found = [each for each in every if not each.shown.is_stale]
        if not found:
            title = every[0].figure.title if every else ""
            self.failed.emit(STALE.format(title=title) if every else NO_PICTURE)
            return
        chosen = QFileDialog.getExistingDirectory(
            self._window, "Export all pictures to a folder", str(self._where())
        )
        if chosen:
            self._left_out = len(every) - len(found)
            self.export_to(Path(chosen), found)

    @Slot()
    def export_notebook(self) -> None:
        """Save a notebook that computes what every pane shows."""
        name = self._sessions.name if self._sessions.file.path is not None else "session"
        first = self._where() / f"{slug(name)}.ipynb"
        path, _ = QFileDialog.getSaveFileName(
            self._window, "Export as a notebook", str(first), "*.ipynb"
        )
        whole = self._whole(path, ".ipynb", self._window)
        if whole is not None:
            self._folder, data = whole.parent, notebook(name, self.parts())
            self._write(whole, lambda: data)

    @Slot()
    def export_scenes(self) -> None:
        """Save the scenes as a deck, a page for browsers, or pictures."""
        if trouble := deck.trouble(Host(self._window)):
            self.failed.emit(trouble)
            return
        name = self._sessions.name if self._sessions.file.path is not None else "scenes"
        listed = {f"{title} (*{suffix})": suffix for suffix, title in deck.FORMATS.items()}
        path, chosen = QFileDialog.getSaveFileName(
            self._window, "Export scenes", str(self._where() / slug(name)), ";;".join(listed)
        )
        suffix = Path(path).suffix.lower()
        suffix = suffix if suffix in deck.FORMATS else listed.get(chosen, ".pdf")
        whole = self._whole(path, suffix, self._window)
        if whole is not None:
            self.export_scenes_to(whole)

    def export_scenes_to(self, path: Path) -> None:
        """Write the scenes to a file whose ending says of which kind."""
        window, saved = self._window, self._sessions.saved()
        self._folder = path.parent
        made = list(deck.slides(saved, deck.Known(Host(window).card, window.runner.board.known)))
        found = list(deck.files(made, path, saved.model, theme.of(window.palette())))
        there = [one for one, _ in found if one != path and os.path.lexists(one)]
        if ask_writing_over(there, window):
            for one, data in found:
                self._write(one, partial(bytes, data))

    def parts(self) -> list[Part]:
        """Return what every pane computes: its main picture's script, or the lines it copies."""
        exchange, found = self._window.exchange, list[Part]()
        for pane in filter(attrgetter("is_computed"), self._window.panes.values()):
            picture = next(iter(self._of(pane)), None)
            made = picture.figure if picture is not None and picture.figure.code else None
            of = exchange.of(pane), exchange.at(pane)
            code = made.code if made is not None else pane.python(*of)
            found.append(Part(pane.title, pane.about if made is None else made.caption, code))
        return found

    def export_to(self, folder: Path, found: list[Picture]) -> None:
        """Write pictures to a folder, each as vector graphics, pixels and numbers."""
        self._folder = folder
        options = self._dialog.options() if self._dialog is not None else usual()
        options = replace(options, session=b"")
        files_ = [
            (picture, name, folder / f"{picture.figure.name}{FORMATS[name].suffix}")
            for picture in found
            for name in ("png", "svg", "pdf", "csv")
        ]
        there = [path for _, _, path in files_ if os.path.lexists(path)]
        if ask_writing_over(there, self._window):
            for picture, name, path in files_:
                self._submit(picture, name, path, options)

    @Slot()
    def copy_picture(self) -> None:
        """Copy the picture that has the keyboard to the clipboard."""
        picture = self.current()
        if picture is None:
            self.failed.emit(NO_PICTURE)
        else:
            self._copy_picture(picture, usual())

    @Slot()
    def copy_numbers(self) -> None:
        """Copy the numbers of the picture that has the keyboard as a table."""
        picture = self.current()
        if picture is None:
            self.failed.emit(NO_PICTURE)
        else:
            self._copy_numbers(picture)

    def close(self) -> bool:
        """End the thread that writes; return whether it ended in time."""
        return self._writer is None or self._writer.close(SECONDS)

    def take(self, pane: Pane, widget: QWidget | None, how: str) -> None:
        """Do what a pane's menu was asked to do with a picture, or show that menu."""
        found = list(self._of(pane))
        meant = innermost([each.shown for each in found], widget)
        picture = next((each for each in found if each.shown is meant), None)
        if picture is None:
            self.failed.emit(NOTHING.format(title=pane.title))
        elif how == "menu":
            menus.show_menu(pane, [], QCursor.pos())
        elif how == "copy_picture":
            self._copy_picture(picture, usual())
        elif how == "copy_numbers":
            self._copy_numbers(picture)
        else:
            self.export(picture)

    def _copy_numbers(self, picture: Picture) -> None:
        if self._is_old(picture):
            return
        QGuiApplication.clipboard().setText(as_table(picture.figure))
        self.said.emit(COPIED_NUMBERS.format(name=picture.figure.title))

    @Slot(object, object)
    def _copy_picture(self, picture: Picture, options: Options) -> None:
        """Copy pixels, and lines and text beside them for programs that take these."""
        if self._is_old(picture):
            return
        data = QMimeData()
        data.setImageData(painting.image(draw(picture.figure, options.style), 2))
        data.setData("image/svg+xml", files.as_bytes(picture.figure, "svg", options))
        QGuiApplication.clipboard().setMimeData(data)
        self.said.emit(COPIED.format(name=picture.figure.title))

    @Slot(object, str, object)
    def _save_one(self, picture: Picture, name: str, options: Options) -> None:
        """Ask where a picture is to be saved, and save it."""
        if self._is_old(picture):
            return
        suffix = FORMATS[name].suffix
        first = self._where() / f"{picture.figure.name}{suffix}"
        path, _ = QFileDialog.getSaveFileName(
            self._dialog, f"Export {picture.figure.title}", str(first), f"*{suffix}"
        )
        whole = self._whole(path, suffix, self._dialog or self._window)
        if whole is not None:
            self.save_to(whole, picture, name, options)

    def save_to(self, path: Path, picture: Picture, name: str, options: Options) -> None:
        """Write a picture to a file."""
        self._folder = path.parent
        self._submit(picture, name, path, options)

    def _whole(self, chosen: str, suffix: str, parent: QWidget) -> Path | None:
        """Return the file that was chosen, with its ending; None for none.

        The system's dialog asks about a file that is there, but not where our ending is added.
        """
        if not chosen:
            return None
        path = Path(chosen)
        if path.suffix.lower() == suffix:
            return path
        whole = path.with_name(path.name + suffix)
        is_free = not os.path.lexists(whole)
        return whole if is_free or ask_writing_over([whole], parent) else None

    def _submit(self, picture: Picture, name: str, path: Path, options: Options) -> None:
        self._write(path, lambda: files.as_bytes(picture.figure, name, options))

    def _write(self, path: Path, make: Callable[[], bytes]) -> None:
        """Make a file's content and write it, both beside the window."""

        def write() -> None:
            try:
                files.save(make(), path)
            except ExportError as error:
                raise SessionError(str(error)) from error

        if self._writer is None:
            self._writer = Writer(self)
            self._writer.written.connect(self._take_written)
            self._writer.failed.connect(self._take_failed)
        self._pending.add(path)
        self._writer.submit(path, write)

    @Slot(object)
    def _take_written(self, path: Path) -> None:
        self._pending.discard(path)
        self._written.append(path)
        self._sum_up()

    @Slot(object, str)
    def _take_failed(self, path: Path, sentence: str) -> None:
        self._pending.discard(path)
        self._troubles.append(sentence)
        self._sum_up()

    def _sum_up(self) -> None:
        """Say what became of all files, once all of them are written or can't be."""
        if self._pending:
            return
        left_out, self._left_out = self._left_out, 0
        written, self._written = self._written, []
        troubles, self._troubles = self._troubles, []
        count, lacking = len(written), len(troubles)
        if lacking:
            others = f" {lacking - 1} more were not written either." * (lacking > 1)
            self.failed.emit(troubles[0] + others + f" {count} were exported." * (count > 0))
        else:
            what = written[0].name if count == 1 else f"{count} files"
            more = LEFT_OUT.format(count=left_out) if left_out else ""
            self.said.emit(f"Exported {what} to {written[0].parent}.{more}")

    def _is_old(self, picture: Picture) -> bool:
        """Whether a picture answers an older question, which is said."""
        if picture.shown.is_stale:
            self.failed.emit(STALE.format(title=picture.figure.title))
        return picture.shown.is_stale

    def _reopening(self) -> tuple[bytes, str]:
        """Return the session that a picture could hold, or why it can't."""
        document = self._window.session.document
        has_rows = document.kept is not None and document.kept.rows
        if document.table or document.notes or has_rows:
            return b"", HOLDS_MORE
        saved = self._sessions.saved()
        alone = replace(document, scenes=())
        try:
            return to_bytes(replace(saved, document=alone, unknown=())), ""
        except SessionError as error:
            return b"", str(error)

    def _where(self) -> Path:
        return self._folder or Path(files_folder())


def usual() -> Options:
    """Return how pictures are written that nobody was asked about: for a journal's column."""
    return Options(Style.of("column", PAPER))


def _pane_of(widget: QWidget | None) -> Pane | None:
    while widget is not None and not isinstance(widget, Pane):
        widget = widget.parentWidget()
    return widget


def _is_seen(pane: Pane) -> bool:
    return pane.isVisible() and pane.is_in_front


def _is_in_front(picture: Picture) -> bool:
    pane = _pane_of(picture.shown.widget)
    return pane is not None and _is_seen(pane)
