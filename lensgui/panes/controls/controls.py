"""Small parts that several panes are put together from."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import (
    QFontMetrics,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QTextCursor,
)
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from lensgui.panes import theme
from lensgui.panes.controls.chips import Chip, ChipRow
from lensgui.panes.token_text import plain_tip

MOST_LINES = 3  # of an editor
MOST_CHIP_LINES = 2
HISTORY_KEYS = (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo)


def plain_label(text: str = "", parent: QWidget | None = None) -> QLabel:
    """Return a label that shows text as it is; a bare one guesses whether it is HTML."""
    label = QLabel(text, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def caption(text: str, parent: QWidget | None = None) -> QLabel:
    """Return a faint label that names what is beside or below it."""
    return _faint(plain_label(text, parent))


def line(parent: QWidget | None = None) -> QLabel:
    """Return an empty faint label of one line, which is cut at its end where it must be."""
    return _faint(Elided(Qt.AlignmentFlag.AlignLeft, parent))


def _faint(label: QLabel) -> QLabel:
    label.setFont(theme.text_font(theme.SMALL_POINTS + 0.5))
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return label


def button(text: str, name: str, tip: str, parent: QWidget | None = None) -> QToolButton:
    """Return a flat button with its accessible name and its sentence."""
    result = QToolButton(parent)
    result.setText(text)
    result.setAccessibleName(name)
    result.setToolTip(plain_tip(tip))
    result.setAutoRaise(True)
    return result


def headline(text: str, parent: QWidget | None = None) -> QLabel:
    """Return a label for the name of a section."""
    label = plain_label(text, parent)
    label.setFont(theme.text_font(bold=True))
    return label


def sentence(parent: QWidget | None = None) -> QLabel:
    """Return an empty label that wraps, and whose text can be copied."""
    label = plain_label(parent=parent)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    policy.setHeightForWidth(True)
    label.setSizePolicy(policy)
    return label


class Elided(QLabel):
    """One line that is cut at its end when there is no room for it."""

    def __init__(self, side: Qt.AlignmentFlag, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._side = side
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def minimumSizeHint(self) -> QSize:
        """Return next to nothing: the text gives way."""
        return QSize(40, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Write as much as fits."""
        fitting = QFontMetrics(self.font()).elidedText(
            self.text(), Qt.TextElideMode.ElideRight, self.width()
        )
        with QPainter(self) as painter:
            painter.setPen(self.palette().color(self.foregroundRole()))
            painter.drawText(self.rect(), self._side | Qt.AlignmentFlag.AlignVCenter, fitting)


def is_of_history(event: QEvent) -> bool:
    """Whether an event asks if a text field wants undo or redo for itself."""
    if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    return any(event.matches(key) for key in HISTORY_KEYS)


class Editor(QPlainTextEdit):
    """A prompt being typed: one to three lines tall; undo and redo are the session's, not its own.

    Attributes:
        typed: (text,) after the user changed it.
    """

    typed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setUndoRedoEnabled(False)
        self.setTabChangesFocus(True)
        self.setFont(theme.mono_font())
        self.document().setDocumentMargin(3)
        self.document().documentLayout().documentSizeChanged.connect(self.fit)
        self.textChanged.connect(self._tell)
        self.fit()

    def show_text(self, text: str) -> None:
        """Take a text from elsewhere, unless it is what stands here."""
        if text != self.toPlainText():
            self.blockSignals(True)
            self.setPlainText(text)
            self.blockSignals(False)
            self.moveCursor(QTextCursor.MoveOperation.End)
            self.fit()

    def fit(self) -> None:
        """Be as tall as the text, within limits."""
        needed = int(self.document().size().height())
        lines = max(1, min(MOST_LINES, needed))
        bar = Qt.ScrollBarPolicy
        self.setVerticalScrollBarPolicy(
            bar.ScrollBarAsNeeded if needed > lines else bar.ScrollBarAlwaysOff
        )
        around = 2 * (self.frameWidth() + int(self.document().documentMargin()))
        self.setFixedHeight(lines * self.fontMetrics().lineSpacing() + around + 2)

    def event(self, event: QEvent) -> bool:
        """Leave undo and redo to the window's menu."""
        if is_of_history(event):
            event.ignore()
            return False
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Count the lines anew."""
        super().resizeEvent(event)
        self.fit()

    def _tell(self) -> None:
        self.typed.emit(self.toPlainText())


class TokenField(QLineEdit):
    """A token being typed, spaces and all; its history is the session's.

    Attributes:
        typed: (text,) after the user changed it.
    """

    typed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFont(theme.mono_font())
        self.setFixedWidth(self.fontMetrics().horizontalAdvance("M" * 13) + 8)
        self.textEdited.connect(self.typed)

    def show_text(self, text: str) -> None:
        """Take a text from elsewhere, unless it is what stands here."""
        if text != self.text():
            self.setText(text)

    def event(self, event: QEvent) -> bool:
        """Leave undo and redo to the window's menu."""
        if is_of_history(event):
            event.ignore()
            return False
        return super().event(event)


class ChipArea(QScrollArea):
    """Chips in at most two lines; more scroll."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.row = ChipRow(self)
        self.row.setToolTip("Click a token to select its position in every pane.")
        self.setWidget(self.row)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.viewport().setBackgroundRole(QPalette.ColorRole.Window)
        self._fit()

    def show_chips(self, chips: Sequence[Chip]) -> None:
        """Draw other chips."""
        self.row.show_chips(chips)
        self._fit()

    def show_chosen(self, index: int | None) -> None:
        """Outline one chip and bring it into view."""
        self.row.show_chosen(index)
        if index is not None and index < len(self.row.chips):
            middle = self.row.place_of(index).center().toPoint()
            self.ensureVisible(middle.x(), middle.y(), 20, 14)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap at the new width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        most = round(MOST_CHIP_LINES * self.row.line_height())
        needed = self.row.heightForWidth(self.viewport().width())
        self.setFixedHeight(min(most, needed) + 2)
