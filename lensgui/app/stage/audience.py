"""What an audience sees: one or two pictures, the prompt above them, what is said below."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, dropwhile, islice

from PySide6.QtCore import QPointF, QRectF, QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import (
    QCloseEvent,
    QColor,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLineEdit,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from lensgui.app.stage.canvas import Canvas, Look, Revealing
from lensgui.app.stage.pictures import MOST, OnStage
from lensgui.app.window.actions import ACTIONS
from lensgui.panes import theme
from lensgui.panes.controls.controls import dress, plain_label
from lensgui.panes.figures.reveal import words
from lensgui.panes.figures.slides import SAID_LINES, said
from lensgui.panes.token_text import visible
from lensgui.state.selection import Cursor

LEAST_POINTS = 24  # of any text, on a screen of 720 lines
LINES = 720  # of a screen, from which text grows with it
GROWTH = 0.5  # of text, for a screen that is twice as high, the square root of 2
LEAST_EACH = 18  # times the size of text, that a picture is wide beside another
NOTHING = "No pane of this scene shows a picture."
HALO = 72  # pixels across
FINE = 1000  # steps of the slider
LOOKS = ("light", "dark", "high contrast")
STEPS = {
    Qt.Key.Key_Space: 1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_Backspace: -1,
}
ALWAYS = {Qt.Key.Key_PageDown: 1, Qt.Key.Key_PageUp: -1}


class Halo(QWidget):
    """A ring around the pointer, which is small on a projector."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFixedSize(HALO, HALO)
        self.color = QColor()
        self.hide()

    def point(self, place: QPointF) -> None:
        """Stand around a place; nowhere where it is negative."""
        self.setVisible(place.x() >= 0)
        self.move(round(place.x()) - HALO // 2, round(place.y()) - HALO // 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the ring."""
        pale = QColor(self.color)
        pale.setAlphaF(0.22)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(self.color, 4))
            painter.setBrush(pale)
            painter.drawEllipse(QRectF(self.rect()).adjusted(4, 4, -4, -4))


class Words(QWidget):
    """What is said in a few lines, and in one that is left the prompts."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._label = plain_label(parent=self)
        self._label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self._caption, self._rest = "", ""

    def text(self) -> str:
        """Return what is written."""
        return self._label.text()

    def say(self, caption: str, rest: str) -> None:
        """Say something; what has no room ends in an ellipsis."""
        self._caption, self._rest = caption, rest
        room = max(1, self.width()) * 72 / self.logicalDpiY()
        self._label.setText("\n".join(said(caption, rest, room, self.font().pointSizeF())))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Write in the new room."""
        super().resizeEvent(event)
        self._label.resize(self.size())
        self.say(self._caption, self._rest)


class Audience(QWidget):
    """The window that a projector shows.

    It can be typed into and clicked, and asks nothing: what it shows are the pictures of the
    window's panes, as they are exported, with larger text.

    Attributes:
        prompt: The clean prompt.
        canvases: Where pictures are drawn.
        stepped: (by,) the keyboard or a clicker goes on, or back.
        chosen: (number,) the keyboard goes to a scene.
        left: The talk is over, or interrupted.
        resized: There is more room for pictures, or less.
        typed: (text,) another clean prompt.
        another: (pane,) another picture of a pane is to be seen.
        turned: Pictures are to be shown bit by bit in another way.
        revealed: (share,) so much of them is to be seen, 0 to 1.
        passed: (QKeyEvent,) a key that means here what it means in the window.
    """

    stepped = Signal(int)
    chosen = Signal(int)
    left = Signal()
    resized = Signal()
    typed = Signal(str)
    another = Signal(str)
    turned = Signal()
    revealed = Signal(float)
    passed = Signal(object)

    def __init__(self, look: str, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setWindowTitle("lensgui: presenting")
        self.setAccessibleName("What the audience sees")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAutoFillBackground(True)
        self._chosen_look = look
        self._look = Look(theme.THEMES[look], LEAST_POINTS)
        self._caption, self._summary, self._hovered = "", "", ""
        self._revealing: Revealing | None = None
        self.prompt = dress(QLineEdit(self), ACTIONS["stage_prompt"])
        self.prompt.setToolTip("")  # nothing small comes up before an audience
        self.prompt.textEdited.connect(self.typed)
        self.canvases = [Canvas(self._look, self) for _ in range(MOST)]
        self.said, self.count = Words(self), plain_label(parent=self)
        self.count.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom)
        self.nothing = plain_label(NOTHING, self)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.slider = dress(QSlider(Qt.Orientation.Horizontal, self), ACTIONS["stage_reveal"])
        self.slider.setToolTip("")
        self.slider.setRange(0, FINE)
        self.slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.slider.valueChanged.connect(self._reveal)
        self.so_far = plain_label(parent=self)
        self.halo = Halo(self)
        self._lay_out()
        for canvas in self.canvases:
            canvas.pointed.connect(self._point)
        self._dress()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.addWidget(self.prompt)
        row, below, so_far = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        row.setSpacing(16)
        for part in (*self.canvases, self.nothing):
            row.addWidget(part, 1)
        below.addWidget(self.said, 1)
        below.addWidget(self.count)
        so_far.addWidget(self.slider, 1)
        so_far.addWidget(self.so_far)
        column.addLayout(row, 1)
        column.addLayout(so_far)
        column.addLayout(below)

    def show_reveal(self, revealing: Revealing | None) -> None:
        """Say how much of the pictures is to be seen, before these are shown; None for all."""
        self._revealing = revealing
        for part in (self.slider, self.so_far):
            part.setVisible(revealing is not None)
        if revealing is not None:
            with QSignalBlocker(self.slider):
                self.slider.setValue(round(revealing.share * FINE))

    @Slot(int)
    def _reveal(self, value: int) -> None:
        self.revealed.emit(value / FINE)

    def show_pictures(self, pictures: Sequence[OnStage], cursor: Cursor) -> None:
        """Show one or two pictures beside each other."""
        if self._revealing is not None:
            how, share = self._revealing.how, self._revealing.share
            self.so_far.setText(words([one.figure for one in pictures], how, share))
        for at, canvas in enumerate(self.canvases):
            canvas.setVisible(at < len(pictures))
        self.nothing.setVisible(not pictures)
        layout = self.layout()
        assert layout is not None
        layout.activate()
        for canvas, one in zip(self.canvases, pictures, strict=False):
            canvas.show_figure(one.title, one.figure, self._revealing, is_stale=one.shown.is_stale)
            canvas.show_cursor(cursor)

    def show_prompt(self, text: str, *, can_be_typed: bool) -> None:
        """Show the clean prompt, where it is not what is typed."""
        shown = text if can_be_typed else visible(text)
        self.prompt.setReadOnly(not can_be_typed)
        if self.prompt.text() != shown:
            self.prompt.setText(shown)
            self.prompt.setCursorPosition(0)

    def show_words(self, caption: str, summary: str, count: str) -> None:
        """Show what is said, which prompts there are, and which scene of how many it is.

        Args:
            caption: What is said.
            summary: The prompts and their metric.
            count: The scene, in figures.
        """
        self._caption, self._summary = caption, summary
        self.count.setText(count)
        self._say()

    def _say(self) -> None:
        self.said.say(self._caption, self._hovered or self._summary)

    @Slot(str, QPointF)
    def _point(self, words: str, place: QPointF) -> None:
        self.halo.point(place)
        self.halo.raise_()
        if words != self._hovered:
            self._hovered = words
            self._say()

    @property
    def look(self) -> Look:
        """In which colours and how large it is drawn."""
        return self._look

    @property
    def most(self) -> int:
        """How many pictures there is room for beside each other."""
        room = self.width() / self.canvases[0].scale
        return MOST if room >= MOST * LEAST_EACH * self._look.size else 1

    def next_look(self) -> None:
        """Go from light to dark to high contrast."""
        again = dropwhile(lambda name: name != self._chosen_look, cycle(LOOKS))
        self._chosen_look = next(islice(again, 1, None))
        self._dress()

    def _dress(self) -> None:
        """Give everything its colours and its fonts."""
        growth = max(1.0, self.height() / LINES) ** GROWTH
        self._look = Look(theme.THEMES[self._chosen_look], round(LEAST_POINTS * growth))
        colors = self._look.colors
        palette = theme.palette(colors)
        palette.setColor(QPalette.ColorRole.Window, QColor(colors.surface))
        self.setPalette(palette)
        font = theme.text_font()
        font.setPointSizeF(self._look.size)
        for part in (self.prompt, self.said, self.count, self.nothing, self.so_far):
            part.setFont(font)
        line = self.said.fontMetrics().lineSpacing()
        self.said.setFixedHeight(SAID_LINES * line)
        self.halo.color = QColor(colors.accent)
        for canvas in self.canvases:
            canvas.show_look(self._look)
        self._say()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let text grow with the screen."""
        super().resizeEvent(event)
        self._dress()
        self.resized.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step; Escape goes back from a picture or the prompt first."""
        focus, key = QApplication.focusWidget(), Qt.Key(event.key())
        is_stage = focus is None or focus is self or not self.isAncestorOf(focus)
        if key in ALWAYS:
            self._step(ALWAYS[key], event)
        elif key == Qt.Key.Key_Escape and not is_stage:
            self.setFocus()
        elif key in (Qt.Key.Key_Escape, Qt.Key.Key_F11):
            self.left.emit()
        elif is_stage and key in STEPS:
            self._step(STEPS[key], event)
        elif is_stage and event.text() in [*"123456789"]:
            self.chosen.emit(int(event.text()) - 1)
        elif not self.prompt.hasFocus():
            self._do(key, event)

    def _do(self, key: Qt.Key, event: QKeyEvent) -> None:
        """Do what a letter means."""
        if key == Qt.Key.Key_H:
            self.next_look()
        elif key == Qt.Key.Key_R:
            self.turned.emit()
        elif key == Qt.Key.Key_P:
            shown = [canvas for canvas in self.canvases if canvas.isVisible()]
            having = [canvas for canvas in shown if canvas.hasFocus()]
            for canvas in (having or shown)[:1]:
                self.another.emit(canvas.title)
        else:
            self.passed.emit(event)

    def _step(self, by: int, event: QKeyEvent) -> None:
        if not event.isAutoRepeat():
            self.stepped.emit(by)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Hand on what is held in the window."""
        if not self.prompt.hasFocus():
            self.passed.emit(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Leave the talk."""
        super().closeEvent(event)
        self.left.emit()
