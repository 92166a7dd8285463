"""The dialog of models, beside the window, which goes on."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QHideEvent, QPalette
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from lensgui.app.fetching import Fetching
from lensgui.app.models import words
from lensgui.app.models.another import Another, is_path
from lensgui.app.models.table import Reader, Table
from lensgui.app.models.working import Working
from lensgui.app.window.actions import ACTIONS
from lensgui.app.window.toolbar import allow_hub
from lensgui.app.window.window import MainWindow
from lensgui.jobs.downloads import Child, Fetched
from lensgui.jobs.requests import OpenModel
from lensgui.models import speeds
from lensgui.models.library import Listed
from lensgui.models.store import in_words
from lensgui.panes import theme
from lensgui.panes.controls.controls import announce, button, dress, headline, sentence
from lensgui.panes.controls.flow import Flow
from lensgui.state.document import Document
from lensgui.terms.model_key import BEST_DEVICE, NUMBER_FORMATS

SIZE = 860, 680  # pixels, times the zoom
READING = "Looking which models are here …"
WEIGHTS = ("raw", "folded")
IS_OPEN = "{title} is open: open another model before this one is deleted."
ON_FETCH = "Stop fetching; what has arrived of a hub's model is gone on with the next time."
ON_CHECK = "Stop it; nothing is noted."


class ModelsDialog(QDialog):
    """What is here, what another one needs, and how they are opened.

    Attributes:
        table: The models that are here.
        another: What is opened next, and what it needs.
        child: What checks and deletes.
        said: What came of it, or why a model can't be deleted.
        speed: How long sweeps of the chosen model take here, if one was run.
    """

    def __init__(self, window: MainWindow, fetching: Fetching) -> None:
        super().__init__(window)
        self._window, self._fetching = window, fetching
        self._is_fetching = False  # for this dialog, so that it ends with it
        self._deleted: Listed | None = None  # what it was asked to delete
        self._checked: Listed | None = None
        self.setWindowTitle("Models")
        self.reader, self.child = Reader(), Child(self, doing="be checked or deleted")
        self.table, self.another = Table(self), Another(self)
        self.said, self.speed = sentence(self), sentence(self)
        self.open_it = button(ACTIONS["models_open"], self)
        self.check = button(ACTIONS["models_check"], self)
        self.delete = button(ACTIONS["models_delete"], self)
        self.delete_it = button(ACTIONS["models_delete_it"], self)
        self.keep_it = button(ACTIONS["models_keep_it"], self)
        self.working = Working("Cancel the check", ON_CHECK, self)
        self.fetched = Working("Cancel fetching", ON_FETCH, self)
        self.device = self._choice("models_device", (BEST_DEVICE, "cpu"))
        self.dtype = self._choice("models_dtype", NUMBER_FORMATS)
        self.folded = self._choice("models_folded", WEIGHTS)
        self._lay_out()
        self._connect()

    def _choice(self, name: str, options: tuple[str, ...]) -> QComboBox:
        box = dress(QComboBox(self), ACTIONS[name])
        box.addItems(options)
        return box

    def _lay_out(self) -> None:
        inside = QWidget(self)
        column = QVBoxLayout(inside)
        column.setContentsMargins(4, 0, 8, 0)
        buttons, asked, ways = Flow(), Flow(), QFormLayout()
        for part in (self.open_it, self.check, self.delete):
            buttons.addWidget(part)
        for part in (self.delete_it, self.keep_it):
            asked.addWidget(part)
        for box in (self.device, self.dtype, self.folded):
            ways.addRow(ACTIONS[box.objectName()].called, box)
        column.addWidget(headline("On this machine", inside))
        column.addWidget(self.table, 1)
        column.addLayout(buttons)
        column.addWidget(self.speed)
        column.addWidget(self.said)
        column.addLayout(asked)
        column.addWidget(self.working)
        column.addWidget(headline("Open another", inside))
        column.addWidget(self.another)
        column.addWidget(self.fetched)
        column.addWidget(headline("How models are opened", inside))
        column.addLayout(ways)
        area = QScrollArea(self, widgetResizable=True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its parts are gone to, and are shown then
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        QHBoxLayout(self).addWidget(area)

    def _connect(self) -> None:
        table, child, fetching = self.table, self.child, self._fetching
        self.reader.listed.connect(self._list)
        table.chosen.connect(self._show_chosen)
        table.opened.connect(self._open)
        table.deleted.connect(self._ask)
        for part, act in (
            (self.open_it, self._open),
            (self.check, self._check),
            (self.delete, self._ask),
            (self.delete_it, self._delete),
            (self.keep_it, self._keep),
        ):
            part.clicked.connect(act)
        self.working.cancelled.connect(child.cancel)
        child.said.connect(self._take)
        child.finished.connect(self._end)
        child.stopped.connect(self._end)
        child.failed.connect(self._fail)
        self.another.get_requested.connect(self._get)
        self.fetched.cancelled.connect(fetching.stop)
        fetching.fetched.connect(self._show_fetched)
        fetching.failed.connect(self._say_fault)
        for box in (self.device, self.dtype, self.folded):
            box.activated.connect(self._change)
        self._window.session.changed.connect(self._show_document)
        self._window.exchange.opened.connect(self._read)
        self._window.exchange.failed.connect(self._say_fault)

    def open_for(self) -> None:
        """Show it in front, with what is here now."""
        self.another.offer_names()
        self._say(READING if not self.table.rows.models else "")
        self._show_document(self._window.session.document)
        if not self.isVisible():
            width, height = map(theme.zoomed, SIZE)
            self.resize(min(width, self._window.width()), min(height, self._window.height()))
        self.show()
        self.raise_()
        self.activateWindow()
        self.table.setFocus()
        self._read()

    def hideEvent(self, event: QHideEvent) -> None:
        """End what runs for it, unless it is only out of sight."""
        super().hideEvent(event)
        if not event.spontaneous():
            self.end()

    def end(self) -> None:
        """End what runs for it, without waiting for the end of what needs none."""
        self.child.cancel()
        self.another.child.cancel()
        if self._is_fetching:
            self._fetching.stop()

    @Slot()
    def _read(self) -> None:
        """Look which models are here; the one that is open stands out."""
        if self.isVisible() or not self.table.rows.models:
            self.reader.read(self._window.session.document.model.dtype)

    @Slot(object)
    def _list(self, models: list[Listed]) -> None:
        if self.said.text() == READING:
            self._say("")
        self.table.show_models(models)

    @Slot(object)
    def _show_document(self, document: Document) -> None:
        """Show how models are opened, which the document says."""
        key, card = document.model, self._window.exchange.card
        devices = (BEST_DEVICE, *(card.devices if card is not None else ("cpu",)))
        if [self.device.itemText(at) for at in range(self.device.count())] != [*devices]:
            self.device.clear()
            self.device.addItems(devices)
        self.device.setCurrentText(key.device)
        self.folded.setCurrentIndex(int(key.folded))
        is_other = self.dtype.currentText() != key.dtype
        self.dtype.setCurrentText(key.dtype)
        for box in (self.device, self.dtype, self.folded):
            box.setEnabled(not key.is_in_memory)
        self.table.rows.show_open(key.source)
        self.another.show_key(key)
        self._show_chosen()
        if is_other:
            self._read()  # each number format has its own check

    @Slot()
    def _change(self) -> None:
        self._window.model_bar.change(
            device=self.device.currentText(),
            dtype=self.dtype.currentText(),
            folded=bool(self.folded.currentIndex()),
        )

    @Slot()
    def _show_chosen(self) -> None:
        """Offer what can be done with the model that is chosen."""
        model, is_busy = self.table.model_chosen, self.child.is_running
        is_here = model is not None and model.is_here
        self.open_it.setEnabled(model is not None)
        self.open_it.setText("Open" if is_here else "Get and open")
        self.check.setEnabled(is_here and not is_busy)
        self.delete.setEnabled(is_here and not is_busy)
        guess = None if model is None else speeds.of_model(model.names, self.dtype.currentText())
        self.speed.setText("" if guess is None else words.speed(guess))
        self.speed.setVisible(guess is not None)
        self._offer(None)

    def _offer(self, model: Listed | None) -> None:
        """Ask whether a model is to be deleted; None for nothing."""
        if model is None and self._deleted is not None:
            self._say("")
        self._deleted = model
        for part in (self.delete_it, self.keep_it):
            part.setVisible(model is not None)

    @Slot()
    def _open(self) -> None:
        model = self.table.model_chosen
        if model is not None and model.is_here:
            self._window.model_bar.change(source=model.source)
        elif model is not None:
            self._begin_fetching()
            self._window.model_bar.fetch_requested.emit(model.source)

    @Slot(object)
    def _get(self, facts: dict[str, Any]) -> None:
        """Open what was looked up, which is fetched first if it is not here."""
        bar, name = self._window.model_bar, facts["source"]
        if facts["is_here"] and not facts["is_pickled"]:
            bar.change(source=name)
            return
        if not is_path(name):
            allow_hub()
        self._begin_fetching()
        (bar.import_requested if facts["is_pickled"] else bar.fetch_requested).emit(name)

    def _begin_fetching(self) -> None:
        self._say("")
        self._is_fetching = not self._fetching.download.is_running

    @Slot(object)
    def _show_fetched(self, fetched: Fetched | None) -> None:
        self.fetched.show_fetched(fetched)
        self.another.show_busy(fetched is not None)
        if fetched is None:
            self._is_fetching = False
            self._read()

    @Slot()
    def _check(self) -> None:
        model = self.table.model_chosen
        if model is not None and not self.child.is_running:
            self._checked = model
            dtype = self._window.session.document.model.dtype
            self._say("")
            self.child.ask(model.title, "check", model.source, "--dtype", dtype)
            self.working.begin(f"Comparing {model.title} with Hugging Face's own code …")
            self._show_chosen()

    @Slot()
    def _ask(self) -> None:
        """Ask whether the chosen model is to be deleted, or say why it can't be."""
        model, open_ = self.table.model_chosen, self._window.exchange.card
        if model is None or self.child.is_running:
            return
        sources = [self._window.session.document.model.source]
        sources += [open_.key.source] if open_ is not None else []
        is_open = any(source in model.names for source in sources)
        why_not = model.why_kept or (is_open and IS_OPEN.format(title=model.title))
        if why_not:
            self._say_fault(why_not)
            return
        self._offer(model)
        kept = " and its folded weights" if model.folded else ""
        frees = f"That frees {in_words(model.size)} ({model.place}{kept})."
        self._say(f"Delete {model.title}? {frees}")
        self.keep_it.setFocus()

    @Slot()
    def _keep(self) -> None:
        self.table.setFocus()  # the button is about to be hidden
        self._offer(None)

    @Slot()
    def _delete(self) -> None:
        model = self._deleted
        if model is not None and not self.child.is_running:
            self._offer(None)
            self.child.ask(model.title, "delete", str(model.place), "--yes")
            self.working.begin(f"Deleting {model.title} …")
            self._show_chosen()
            self.table.setFocus()

    @Slot(object)
    def _take(self, event: dict[str, Any]) -> None:
        """Say what came of a check or of deleting."""
        if event.get("event") == "deleted":
            self._say(f"{self.child.name} is deleted: {in_words(event['freed'])} are free again.")
        elif event.get("event") == "checked":
            figure = words.verified(event["logits"])
            self._say(f"{self.child.name}: {figure} to Hugging Face, in {event['dtype']}.")
            model = self._window.session.document.model
            if self._checked is not None and self.table.rows.is_open(self._checked):
                self._window.runner.retry(OpenModel(model))  # its card says how far it is verified

    @Slot()
    def _end(self) -> None:
        self.working.show_fetched(None)
        self._show_chosen()
        self._read()

    @Slot(str)
    def _fail(self, sentence: str) -> None:
        self._end()
        self._say_fault(sentence)

    def _say(self, sentence: str) -> None:
        self.said.setForegroundRole(QPalette.ColorRole.WindowText)
        self.said.setText(sentence)
        self.said.setVisible(bool(sentence))
        if sentence and self.isVisible():
            announce(self.said, sentence)

    @Slot(str)
    def _say_fault(self, sentence: str) -> None:
        self._say(sentence)
        self.said.setForegroundRole(QPalette.ColorRole.BrightText)


class Models(QObject):
    """Shows the dialog of a window's models, which is made when it is first asked for."""

    def __init__(self, window: MainWindow, fetching: Fetching) -> None:
        super().__init__(window)
        self._window, self._fetching = window, fetching
        self.dialog: ModelsDialog | None = None
        window.model_bar.models_requested.connect(self.show_dialog)
        window.closed.connect(self.close)

    @Slot()
    def show_dialog(self) -> None:
        """Show it, in front if it is shown already."""
        if self.dialog is None:
            self.dialog = ModelsDialog(self._window, self._fetching)
        self.dialog.open_for()

    @Slot()
    def close(self, seconds: float = 0.5) -> bool:
        """End what runs for it; return whether all of it ended in time."""
        if self.dialog is None:
            return True
        self.dialog.end()
        self.dialog.child.stop()
        self.dialog.another.child.stop()
        return self.dialog.reader.finish(seconds)
