"""Many prompt pairs: drawn, pasted or read from a file, included or not, and averaged over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from operator import is_not
from time import monotonic
from typing import ClassVar

from PySide6.QtCore import QEvent, QModelIndex, QObject, Signal, Slot
from PySide6.QtGui import (
    QAction,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
)
from PySide6.QtWidgets import QCheckBox, QFileDialog, QMenu, QToolButton, QWidget

from lensgui.jobs.answers.models import ModelCard
from lensgui.jobs.answers.readings import PairsReading
from lensgui.jobs.request import Request
from lensgui.jobs.requests import ReadPairs
from lensgui.panes.action import Action
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.controls import button, dress, menu_line, sentence
from lensgui.panes.controls.flow import Flow
from lensgui.panes.figures.shown import Prompts, Shown
from lensgui.panes.files import files_folder
from lensgui.panes.pairs.pair_model import PairModel, PairView
from lensgui.panes.pairs.word_roles import WordRoles
from lensgui.panes.pane import Pane
from lensgui.panes.python import script
from lensgui.panes.python.figures import Code
from lensgui.panes.token_text import duration
from lensgui.prompts import pair_files
from lensgui.prompts.pair import TYPED, PairRow, PromptPair
from lensgui.prompts.tasks import DRAWN, TASKS, Task, akin, like, task_of
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.state.sessions.saved import SUFFIX

LEAST = 100  # pairs; fewer are read before this can be
SOON_S = 0.5  # before which the pace says little
INPUT = "input"  # the name under which the pane complains of what it was given
FILES = "Prompt pairs (*.csv *.tsv *.txt *.json)"
EMPTY = (
    "No pairs yet. Draw some, open or drop a CSV or JSON file, or paste lines of clean, "
    "corrupted, answer, distractor."
)


def pace_words(known: int, total: int, seconds: float) -> str:
    """Return how many pairs are read and how long the others take; "" once all are.

    Args:
        known: How many are read.
        total: How many there are.
        seconds: How long that took.
    """
    if known >= total or total < LEAST:
        return ""
    said = f"{known:,} of {total:,} are read"
    if not known or seconds < SOON_S:
        return f"{said}."
    left = seconds * (total - known) / known
    return f"{said}, about {duration(left)} left."


class TaskButton(QToolButton):
    """Lets the user choose a task, unless it is known which one is meant.

    Attributes:
        chosen: (task,) that pairs are to be drawn from.
    """

    chosen = Signal(object)

    def __init__(self, action: Action, parent: QWidget) -> None:
        super().__init__(parent)
        self._known: Task | None = None
        self.setText(action.text)
        dress(self, action)
        self._menu = QMenu(self)
        self._menu.setToolTipsVisible(True)
        for task in TASKS:
            menu_line(self._menu, PANE_ACTIONS["task"], task.title, task.about).setData(task)
        self._menu.triggered.connect(self._choose)
        self.clicked.connect(self._press)
        self.show_known(None)

    def show_known(self, task: Task | None) -> None:
        """Take a task that a press draws from at once; None to ask by the menu."""
        self._known = task
        self.setMenu(None if task is not None else self._menu)  # type: ignore[arg-type]
        self.setPopupMode(self.ToolButtonPopupMode.InstantPopup)

    def show_digits(self, digits: int) -> None:
        """Offer what suits a vocabulary.

        Args:
            digits: How many digits of a number make one token.
        """
        for action in self._menu.actions():
            action.setVisible(action.data().digits in (0, digits))

    @Slot(QAction)
    def _choose(self, action: QAction) -> None:
        self.chosen.emit(action.data())

    @Slot()
    def _press(self) -> None:
        if self._known is not None:
            self.chosen.emit(self._known)


class PairTablePane(Pane):
    """A table of prompt pairs, with the metric of each."""

    title: ClassVar[str] = "Prompt pairs"
    guide: ClassVar[str] = "pairs.md"
    about: ClassVar[str] = "Many pairs of prompts, to average over."

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._since = monotonic()
        self._pairs: tuple[PromptPair, ...] = ()
        self._pairs_of: tuple[object, ...] = ()  # the table, and what it is run under
        self.model = PairModel(self)
        self.view = PairView(self.model, self)
        self.draw = TaskButton(PANE_ACTIONS["draw_pairs"], self)
        self.open = button(PANE_ACTIONS["open_pairs"], self)
        self.paste = button(PANE_ACTIONS["paste_pairs"], self)
        self.copy = button(PANE_ACTIONS["copy_pairs"], self)
        self.delete = button(PANE_ACTIONS["delete_pairs"], self)
        self.exclude = button(PANE_ACTIONS["exclude_pairs"], self)
        self.hold = TaskButton(PANE_ACTIONS["does_it_hold"], self)
        self.name_words = button(PANE_ACTIONS["name_words"], self)
        average = PANE_ACTIONS["average"]
        self.average = dress(QCheckBox(average.text, self), average)
        self.counts = sentence(self)
        self._lay_out()
        self._connect()
        self.setAcceptDrops(True)

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Return the pairs, to be read; nothing while there are none."""
        pair = document.pair
        asked = document.table, pair.interventions, pair.reference
        if len(asked) != len(self._pairs_of) or any(map(is_not, asked, self._pairs_of)):
            self._pairs_of = asked
            self._pairs = tuple(row.pair for row in document.whole_table)
        return {"pairs": ReadPairs(document.model, self._pairs)} if self._pairs else {}

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to get the metric of every pair and its mean."""
        return script.pair_table(document)

    def shown(self) -> list[Shown]:
        """Return the table."""
        model = self.model
        if not model.rows:
            return []
        says = f"{len(model.rows)} prompt pairs and their {model.metric}"
        clean = "[reading[0] if reading else np.nan for reading in every]"
        document = self._document
        rows = document.whole_table if document is not None else model.rows
        code = Code((clean,), (script.every_pair(rows),))
        about = Prompts(None, under=document.pair if document is not None else None)
        return [Shown(self.view, "", (model.sheet(),), says, code=code, prompts=about)]

    def show_document(self, document: Document) -> None:
        """Show the pairs as they are now."""
        if self._document is not None and document.table != self._document.table:
            self._say(INPUT, "")  # one went on from what was complained of
        self._document = document
        if document.table:
            self.model.metric = document.table[0].pair.metric
        self.model.show_rows(document.table)
        self.view.empty = "" if document.table else EMPTY
        self.average.setChecked(document.is_average)
        self._count()

    def draw_reply(self, name: str) -> None:
        """Show what is known so far, and offer tasks that suit the model's vocabulary."""
        card, reply = self.known(name, ModelCard), self.reply(name)
        if card is not None:
            self.draw.show_digits(card.digits)
            self.hold.show_digits(card.digits)
        if name == "pairs":
            if reply is not None and reply.status == "waiting":
                self._since = monotonic()
            self.model.show_reading(self.known(name, PairsReading))
            self._count()

    def take_text(self, text: str, name: str) -> None:
        """Add the pairs in a text; complain if there are none."""
        try:
            self._take(pair_files.read_text(text, name), ())
        except ValueError as error:
            self._take((), [str(error)])

    def take_files(self, paths: Sequence[str]) -> None:
        """Add the pairs in files; complain of each that has none."""
        self._take(*pair_files.read_files(paths))

    @Slot(object)
    def draw_like_this(self, task: Task) -> None:
        """Add pairs of a task and average over these alone, in one step; the others stay."""
        if self._document is not None:
            before, pair = self._document.table, self._document.pair
            rows = akin(task, pair, DRAWN, len(before), {pair, *(row.pair for row in before)})
            others = (replace(row, is_included=False) for row in before)
            self.edited.emit({"table": (*others, *rows), "is_average": True})

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Paste, copy and delete rows."""
        if event.matches(QKeySequence.StandardKey.Paste):
            self._paste()
        elif event.matches(QKeySequence.StandardKey.Copy):
            self._copy()
        elif event.matches(QKeySequence.StandardKey.Delete):
            self._delete()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take paste, copy and delete before the table's own view does."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            keys = QKeySequence.StandardKey
            if any(event.matches(key) for key in (keys.Paste, keys.Copy, keys.Delete)):
                self.keyPressEvent(event)
                return True
        return super().eventFilter(watched, event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files and text; a session is the window's."""
        if any(url.fileName().endswith(SUFFIX) for url in event.mimeData().urls()):
            event.ignore()
            return
        if event.mimeData().hasUrls() or event.mimeData().hasText():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Read what was dropped."""
        data = event.mimeData()
        if any(url.isLocalFile() for url in data.urls()):
            self.take_files([url.toLocalFile() or url.toString() for url in data.urls()])
        elif data.hasText():
            self.take_text(data.text(), "The dropped text")
        event.acceptProposedAction()

    def _lay_out(self) -> None:
        above = self.draw, self.open, self.paste, self.copy, self.delete, self.exclude
        for parts in (above, (self.name_words, self.hold, self.average)):
            row = Flow()
            for part in parts:
                row.addWidget(part)
            self.column.addLayout(row)
        self.column.addWidget(self.view, 1)
        self.column.addWidget(self.counts)
        self.counts.setAccessibleName("What the table holds")

    def _connect(self) -> None:
        self.draw.chosen.connect(self._draw)
        self.hold.chosen.connect(self.draw_like_this)
        self.open.clicked.connect(self._open)
        self.paste.clicked.connect(self._paste)
        self.copy.clicked.connect(self._copy)
        self.delete.clicked.connect(self._delete)
        self.exclude.clicked.connect(self._exclude)
        self.average.clicked.connect(self._average)
        self.name_words.clicked.connect(self._name_words)
        self.model.included.connect(self._include)
        self.view.chosen.connect(self._choose)
        self.view.installEventFilter(self)

    def _count(self) -> None:
        """Say how many pairs there are, and switch on what can be done."""
        rows = self.model.rows
        known = len(self.model.readings)
        included = sum(row.is_included for row in rows)
        wrong, faulty = self.model.wrong, self.model.faulty
        words = [f"{included:,} of {len(rows):,} pairs count."] if rows else []
        words += filter(None, [pace_words(known, len(rows), monotonic() - self._since)])
        document = self._document
        acting = 0 if document is None else len(document.pair.acting.interventions)
        under = f" under {acting} intervention{'s' * (acting != 1)}" * bool(acting)
        if wrong or (acting and known):
            words.append(f"The model gets {len(wrong)} wrong{under}.")
        if faulty:
            pair = "pair" if len(faulty) == 1 else "pairs"
            why = " or not under all of them" * bool(acting)
            words.append(
                f"{len(faulty)} {pair} can't be swept{why}, marked “!”; point at the mark."
            )
        self.counts.setText(" ".join(words))
        found = any(rows[at].is_included for at in (*wrong, *faulty))
        self.exclude.setEnabled(found and not acting)  # what is studied does not choose on what
        self.exclude.setText(f"Exclude wrong ({len({*wrong, *faulty})})")
        for part in (self.delete, self.copy, self.average, self.name_words):
            part.setEnabled(bool(rows))
        self.hold.show_known(task_of(document.pair) if document is not None else None)

    def _take(self, rows: tuple[PairRow, ...], faults: Sequence[str]) -> None:
        """Add rows, and say what could not be read."""
        if self._document is None:
            return
        if len(rows) + len(self._document.table) > pair_files.MOST_ROWS:
            full = f"A table holds at most {pair_files.MOST_ROWS:,} pairs: nothing was added."
            rows, faults = (), [*faults, full]
        if rows:
            self.edited.emit({"table": self._document.table + like(rows, self._document.pair)})
        self._say(INPUT, "\n".join(faults))

    def _mark(self, rows: Iterable[int], *, is_included: bool) -> None:
        """Include or leave out some rows, as one step."""
        if self._document is not None:
            some = set(rows)
            table = tuple(
                replace(row, is_included=is_included) if at in some else row
                for at, row in enumerate(self._document.table)
            )
            self.edited.emit({"table": table})

    @Slot(object)
    def _draw(self, task: Task) -> None:
        if self._document is not None:
            table = self._document.table
            rows = like(task.draw(DRAWN, seed=len(table)), self._document.pair)
            held = {row.pair for row in table}
            self.edited.emit({"table": (*table, *(row for row in rows if row.pair not in held))})

    @Slot()
    def _open(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, "Open prompt pairs", files_folder(), FILES)
        if paths:
            self.take_files(paths)

    @Slot()
    def _paste(self) -> None:
        self.take_text(QGuiApplication.clipboard().text(), "The pasted text")

    @Slot()
    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(pair_files.write_text(self.model.rows))

    @Slot()
    def _delete(self) -> None:
        gone = self.view.chosen_rows()
        if self._document is not None and gone:
            kept = (row for at, row in enumerate(self._document.table) if at not in gone)
            table = tuple(kept)
            changes: dict[str, object] = {"table": table}
            if not table:
                changes["is_average"] = False
            self.edited.emit(changes)

    @Slot()
    def _exclude(self) -> None:
        self._mark({*self.model.wrong, *self.model.faulty}, is_included=False)

    @Slot()
    def _name_words(self) -> None:
        """Ask which word of the chosen row plays which part."""
        if self._document is not None and self._document.table:
            at = min(self.view.chosen_rows(), default=0)
            dialog = WordRoles(self._document.table, at, self)
            dialog.changed.connect(self._take_names)
            dialog.open()

    @Slot(object)
    def _take_names(self, rows: object) -> None:
        self.edited.emit({"table": rows})

    @Slot()
    def _average(self) -> None:
        self.edited.emit({"is_average": self.average.isChecked()})

    @Slot(int, bool)
    def _include(self, row: int, is_included: bool) -> None:
        chosen = self.view.chosen_rows()
        self._mark(chosen if row in chosen else {row}, is_included=is_included)

    @Slot(QModelIndex)
    def _choose(self, index: QModelIndex) -> None:
        pair = self.model.rows[index.row()].pair
        self.edited.emit({name: getattr(pair, name) for name in (*TYPED, "bos", "metric")})
