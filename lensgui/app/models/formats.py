"""Number formats side by side on the pair that is open, and a click to use one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QModelIndex, QObject, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from lensgui.app.window.actions import ACTIONS
from lensgui.app.window.window import MainWindow
from lensgui.jobs.answers.models import FormatReading, FormatReadings
from lensgui.jobs.answers.reply import Reply
from lensgui.jobs.requests import CompareFormats
from lensgui.models.store import in_words
from lensgui.panes.controls.controls import announce, button, sentence
from lensgui.panes.pane import NO_MODEL
from lensgui.panes.pictures.number_table import NumberTable, TableDialog
from lensgui.panes.theme import zoomed
from lensgui.panes.token_text import power, signed
from lensgui.state.document import Document
from lensgui.terms.model_key import NUMBER_FORMATS, ModelKey

ASKED = "number formats"  # the name of the question, and of who asks it
TITLE = "Number formats"
SIZE = 860, 330  # pixels, times the zoom
WAITING = "Opening the model in each format and running both prompts …"
SAID = (
    "Each format next to float32, the weights as the files have them rounded to it: the largest "
    "difference of any logit over the last {positions} positions of the prompts, KL(float32 ‖ "
    "format) of the token after the clean one, and the {metric} of both. A processor without "
    "units for a format is slower with it; it takes less memory even then."
)
Column = Callable[[FormatReading, FormatReading], str]  # a row and that of float32 → a cell


def short(number: float) -> str:
    """Return a number with two digits that count."""
    return f"{number:.2g}".replace("-", "−")


def _value(value: float | None) -> str:
    return "" if value is None else signed(value)


COLUMNS: dict[str, Column] = {
    "weights": lambda row, _: in_words(row.weights),
    "one forward": lambda row, _: f"{row.seconds * 1e3:,.3g} ms",
    "speed": lambda row, base: f"{base.seconds / row.seconds:.2f}×",
    "max |Δ logit|": lambda row, base: "" if row is base else short(row.logits),
    "KL (nats)": lambda row, base: "" if row is base else power(row.divergence, 1),
    "clean": lambda row, _: _value(row.clean),
    "corrupted": lambda row, _: _value(row.corrupted),
}


def table(readings: FormatReadings | None, open_in: str, is_coming: bool = True) -> NumberTable:
    """Return what is known of each format, and which one the open model is in.

    Args:
        readings: What is known.
        open_in: The format of the open model.
        is_coming: Whether more will be.
    """
    rows = {row.dtype: row for row in readings.rows} if readings else {}

    def cell(row: int, column: int) -> str:
        known = rows.get(NUMBER_FORMATS[row])
        if known is None:
            return "…" if is_coming else ""
        if known.sentence:
            return "" if column else "—"
        return list(COLUMNS.values())[column](known, rows[NUMBER_FORMATS[0]])

    names = [f"{name} (open)" if name == open_in else name for name in NUMBER_FORMATS]
    return NumberTable(TITLE, names, tuple(COLUMNS), cell)


def in_short(readings: FormatReadings | None) -> dict[str, str]:
    """Return what a menu says of formats that were measured, by their names."""
    if readings is None:
        return {}
    base, words = readings.rows[0], {}
    for row in readings.rows[1:]:
        if not row.sentence:
            speed = base.seconds / row.seconds
            words[row.dtype] = f"{speed:.2g}× as fast, off by {short(row.logits)} logits here"
    return words


class FormatsDialog(TableDialog):
    """What each number format gives on the pair that is open, filled in as it is measured.

    Attributes:
        said: What the columns mean, or why there is nothing.
        use: What runs the model in the chosen format.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(table(None, ""), window)
        self._window, self._key = window, ModelKey()
        self._readings: FormatReadings | None = None
        self.said, self.use = sentence(self), button(ACTIONS["use_format"], self)
        column = self.layout()
        assert isinstance(column, QVBoxLayout)
        column.insertWidget(0, self.said)
        below = column.itemAt(column.count() - 1)
        assert isinstance(below, QHBoxLayout)
        below.insertWidget(1, self.use)
        self.use.clicked.connect(self._use)
        self.view.activated.connect(self._use)
        width, height = map(zoomed, SIZE)
        self.resize(min(width, window.width()), min(height, window.height()))

    def show_reply(self, reply: Reply | None, key: ModelKey, metric: str) -> None:
        """Show what is known.

        Args:
            reply: How the question stands.
            key: Which model is open, and in which format.
            metric: What the pair's metric is called.
        """
        known = reply.known if reply is not None else None
        self._readings = known if isinstance(known, FormatReadings) else None
        chosen = max(0, self.view.currentIndex().row())
        failed = key.is_absent or (reply is not None and bool(reply.sentence))
        self.show_table(table(self._readings, key.dtype, not failed))
        self.view.resizeColumnsToContents()
        self.view.selectionModel().currentChanged.connect(self._choose)
        self.view.setCurrentIndex(self.view.model().index(chosen, 0))
        self._key, words = key, WAITING
        if failed:
            words = NO_MODEL if reply is None or key.is_absent else reply.sentence
        if self._readings is not None and not failed:
            words = SAID.format(positions=self._readings.positions, metric=metric)
            words = " ".join(dict.fromkeys([words, *(row.sentence for row in self._readings.rows)]))
        role = QPalette.ColorRole.BrightText if failed else QPalette.ColorRole.WindowText
        self.said.setForegroundRole(role)
        if words.strip() != self.said.text():
            self.said.setText(words.strip())
            announce(self.said, words)
        self._choose()

    @Slot()
    def _choose(self, *_: QModelIndex) -> None:
        """Offer the chosen format, if it can be had and isn't in use."""
        row = self._chosen
        usable = row is not None and not row.sentence and row.dtype != self._key.dtype
        self.use.setEnabled(usable)

    @property
    def _chosen(self) -> FormatReading | None:
        at = self.view.currentIndex().row()
        known = self._readings.rows if self._readings is not None else ()
        return known[at] if 0 <= at < len(known) else None

    @Slot()
    def _use(self) -> None:
        row = self._chosen
        if row is not None and self.use.isEnabled():
            self._window.model_bar.change(dtype=row.dtype)


class Formats(QObject):
    """Compares number formats while their dialog is open, and has the menu say what came of it.

    Attributes:
        dialog: The dialog while it is open.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._request: CompareFormats | None = None
        self._reply: Reply | None = None
        self.dialog: FormatsDialog | None = None
        window.model_bar.formats_requested.connect(self.show_dialog)
        window.session.changed.connect(self._show_document)
        window.exchange.replied.connect(self._receive)

    @Slot()
    def show_dialog(self) -> None:
        """Show it, in front if it is shown already."""
        if self.dialog is None:
            self.dialog = FormatsDialog(self._window)
            self.dialog.finished.connect(self._close)
        self._show_document(self._window.session.document)
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    @Slot()
    def _close(self) -> None:
        self.dialog = None
        self._window.exchange.beside.pop(ASKED, None)
        self._window.exchange.ask()

    @Slot(object)
    def _show_document(self, document: Document) -> None:
        """Ask about the pair that is open now; what is known of another one is not shown for it."""
        first = replace(document.model, dtype=NUMBER_FORMATS[0])
        request = CompareFormats(first, document.pair)
        if request != self._request:
            self._request, self._reply = request, None
            self._window.model_bar.show_formats({})
        if self.dialog is not None:
            self._draw()
            if self._window.exchange.beside.get(ASKED) != {ASKED: request}:
                self._window.exchange.beside[ASKED] = {ASKED: request}
                self._window.exchange.ask()

    @Slot(str, object)
    def _receive(self, name: str, reply: Reply | None) -> None:
        if name == ASKED and reply is not None and reply.request == self._request:
            self._reply = reply
            known = reply.known if isinstance(reply.known, FormatReadings) else None
            self._window.model_bar.show_formats(in_short(known))
            self._draw()

    def _draw(self) -> None:
        if self.dialog is not None:
            document = self._window.session.document
            self.dialog.show_reply(self._reply, document.model, document.pair.metric)
