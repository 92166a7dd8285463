"""The line at the bottom: what runs, how far it is, and the value under the pointer."""

from __future__ import annotations

from math import ceil

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QProgressBar, QSizePolicy, QStatusBar, QWidget

from lensgui.app.window.actions import ACTIONS
from lensgui.jobs.downloads import Fetched
from lensgui.jobs.progress import Progress
from lensgui.panes import theme
from lensgui.panes.controls.controls import Elided, button, keep_room
from lensgui.panes.token_text import plain_tip

PACE_MS = 100
SENTENCE_MS = 20_000
FINE = 1000  # steps of the progress bar
IDLE = "ready"
LONGEST = "activation patching 1005 / 2448 · 83 s left"  # that has room whole, or about


class Pacing(QObject):
    """Passes progress on ten times a second at most; that something begins or ends, at once.

    Attributes:
        progressed: (Progress,) to be shown.
    """

    progressed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shown, self._newest = Progress(), Progress()
        self._pause = QTimer(self, singleShot=True, interval=PACE_MS)
        self._pause.timeout.connect(self._tell)

    @Slot(object)
    def take(self, progress: Progress) -> None:
        """Show how far the jobs are."""
        self._newest = progress
        if not self._pause.isActive() or bool(progress.what) != bool(self._shown.what):
            self._tell()

    @Slot()
    def _tell(self) -> None:
        if self._newest != self._shown:
            self._shown = self._newest
            self._pause.start()
            self.progressed.emit(self._newest)


class StatusLine(QStatusBar):
    """Progress with a way to stop it, sentences, and the pointer's readout.

    Attributes:
        stopped: The user wants everything that runs to stop.
        said: (sentence,) something is said for a while; "" when that is over.
    """

    stopped = Signal()
    said = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fetched: Fetched | None = None
        self._progress = Progress()
        self.what = Elided(Qt.AlignmentFlag.AlignLeft, self, widest=LONGEST)
        self.what.setAccessibleName("What runs")
        self.bar = QProgressBar(self, maximum=FINE, textVisible=False)
        self.bar.setFixedSize(120, 10)
        self.bar.setAccessibleName("Progress")
        self.stop = button(ACTIONS["stop"], self, text="Stop")
        self.sentence = Elided(Qt.AlignmentFlag.AlignLeft, self)
        self.sentence.setAccessibleName("Message")
        self._fading = QTimer(self, singleShot=True, interval=SENTENCE_MS)
        self._fading.timeout.connect(self._fade)
        self.readout = Elided(Qt.AlignmentFlag.AlignRight, self)
        self.readout.setAccessibleName("Value under the pointer")
        self.readout.setFont(theme.mono_font(theme.SMALL_POINTS + 0.5))
        self.setContentsMargins(6, 0, 0, 0)
        keep_room(self.bar)
        self.what.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        for widget, share in ((self.stop, 0), (self.bar, 0), (self.what, 0), (self.sentence, 1)):
            self.addWidget(widget, share)
        self.addPermanentWidget(self.readout, 3)
        self.readout.hide()
        self._take_room()
        self.stop.clicked.connect(self.stopped)
        self.show_progress(Progress())

    def changeEvent(self, event: QEvent) -> None:
        """Take the height that another font needs."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._take_room()

    def _take_room(self) -> None:
        self.setFixedHeight(max(self.stop.sizeHint().height(), self.fontMetrics().height()) + 6)

    @Slot(object)
    def show_progress(self, progress: Progress) -> None:
        """Say what runs."""
        self._progress = progress
        self._show()

    @Slot(object)
    def show_fetched(self, fetched: Fetched | None) -> None:
        """Say how far a download is; None when there is none."""
        self._fetched = fetched
        self._show()

    @Slot(str)
    def show_fault(self, sentence: str) -> None:
        """Say for a while what went wrong."""
        self.show_sentence(sentence)
        self.sentence.setForegroundRole(QPalette.ColorRole.BrightText)

    @Slot(str)
    def show_sentence(self, sentence: str) -> None:
        """Say something for a while."""
        self.sentence.setForegroundRole(QPalette.ColorRole.WindowText)
        self.sentence.setText(sentence)
        self.sentence.setToolTip(plain_tip(sentence))
        self._fading.start()
        self.said.emit(sentence)

    @Slot(str)
    def show_readout(self, words: str) -> None:
        """Say what is under the pointer; sentences have the room while there is nothing."""
        self.readout.setText(words)
        self.readout.setVisible(bool(words))

    @Slot()
    def _fade(self) -> None:
        self.show_sentence("")

    def _show(self) -> None:
        progress, fetched = self._progress, self._fetched
        done, total, text = progress.done, progress.total, progress.what
        if fetched is not None:
            done, total, text = fetched.done, fetched.total, _fetched_words(fetched)
        elif total:
            text += f" {done} / {total}"
            if progress.seconds_left is not None:
                text += f" · {ceil(progress.seconds_left)} s left"
        self.what.setText(text or IDLE)
        self.bar.setVisible(bool(text) and total > 0)
        self.stop.setEnabled(bool(text))
        self.bar.setUpdatesEnabled(False)  # a bar paints itself at once, and all that waits with it
        self.bar.setValue(round(FINE * done / total) if total else 0)
        self.bar.setUpdatesEnabled(True)


def _fetched_words(fetched: Fetched) -> str:
    if fetched.total > 1e6:
        return f"{fetched.what}: {fetched.done / 1e6:.0f} of {fetched.total / 1e6:.0f} MB"
    return fetched.what
