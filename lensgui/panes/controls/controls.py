"""Small parts that several panes are put together from."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QAction,
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
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QSizePolicy,
    QSplitter,
    QStyle,
    QStyleOptionToolButton,
    QStylePainter,
    QToolButton,
    QToolTip,
    QWidget,
)

from lensgui.panes import theme
from lensgui.panes.action import Action
from lensgui.panes.token_text import plain_tip

APart = TypeVar("APart", bound=QWidget)
ARROWS = {"Left": "←", "Right": "→", "Up": "↑", "Down": "↓"}
TOKEN_LETTERS = 13
LEAST_LETTERS = 6  # of a button that gives way
LINES = 2  # of an editor, if nobody gives it more room
HISTORY_KEYS = (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo)


def plain_label(text: str = "", parent: QWidget | None = None) -> QLabel:
    """Return a label that shows text as it is; a bare one guesses whether it is HTML."""
    label = QLabel(text, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def caption(text: str, parent: QWidget | None = None) -> QLabel:
    """Return a faint label that names what is beside or below it."""
    return _faint(plain_label(text, parent))


def line(
    parent: QWidget | None = None, side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft
) -> QLabel:
    """Return an empty faint label of one line, which is cut at its end where it must be."""
    return _faint(Elided(side, parent))


def _faint(label: QLabel) -> QLabel:
    label.setFont(theme.text_font(theme.SMALL_POINTS + 0.5))
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return label


def button(
    action: Action,
    parent: QWidget | None = None,
    *,
    text: str = "",
    title: str = "",
    tip: str = "",
) -> QToolButton:
    """Return a button of an action; words that are given stand instead of the action's own."""
    result = dress(QToolButton(parent), action, title=title, tip=tip)
    result.setText(text or action.text)
    result.setAutoRaise(False)  # in a toolbar too, it looks like a button
    return result


def dress(part: APart, action: Action, *, title: str = "", tip: str = "") -> APart:
    """Return what does an action with the name of that, its accessible name and its sentence."""
    part.setObjectName(action.name)
    part.setAccessibleName(title or action.called)
    part.setToolTip(plain_tip(explained(action, tip)))
    return part


def menu_line(owner: QWidget, action: Action, text: str = "", tip: str = "") -> QAction:
    """Return a line of a menu; of a window, something that is done by its keys alone."""
    result = QAction(text or action.text, owner)
    owner.addAction(result)
    result.setObjectName(action.name)
    result.setStatusTip(tip or action.tip)
    result.setToolTip(plain_tip(explained(action, tip)))
    return result


def explained(action: Action, tip: str = "") -> str:
    """Return an action's sentence, or another one, with its key."""
    words = tip or action.tip
    return f"{words.removesuffix('.')} ({native(action.keys[0])})." if action.keys else words


def native(key: str) -> str:
    """Return a key as it is written on this machine's keyboard."""
    return ARROWS.get(key) or QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)


def announce(widget: QWidget, words: str) -> None:
    """Have a screen reader say what the keys have moved to."""
    QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(widget, words))


def headline(text: str, parent: QWidget | None = None) -> QLabel:
    """Return a label for the name of a section."""
    label = plain_label(text, parent)
    label.setFont(theme.text_font(bold=True))
    return label


def keep_room(widget: QWidget) -> None:
    """Let nothing move where a widget is hidden for a while."""
    policy = widget.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    widget.setSizePolicy(policy)


def sentence(parent: QWidget | None = None) -> QLabel:
    """Return an empty label that wraps, and whose text can be copied."""
    label = plain_label(parent=parent)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    policy.setHeightForWidth(True)
    label.setSizePolicy(policy)
    return label


class Shares(QSplitter):
    """Parts that share a length, as the user drags them or, at first, as they are given.

    Attributes:
        is_by_hand: Whether the user has shared the length out.
        was_reset: The shares are to be those of the beginning again.
    """

    was_reset = Signal()

    def __init__(self, orientation: Qt.Orientation, parent: QWidget) -> None:
        super().__init__(orientation, parent)
        self.setChildrenCollapsible(False)
        self.is_by_hand = False
        self._shares: list[int] = []
        self.splitterMoved.connect(self._take)

    def add_part(self, part: QWidget, share: int) -> None:
        """Add a part at the end; shares are relative to each other."""
        self.addWidget(part)
        self.setStretchFactor(self.count() - 1, share)
        self._shares.append(share)

    def reset(self) -> None:
        """Share out as at first."""
        self.is_by_hand = False
        most = max(self.width(), self.height())
        self.setSizes([most * share for share in self._shares])  # Qt makes them fit
        self.was_reset.emit()

    @Slot()
    def _take(self) -> None:
        self.is_by_hand = True


class Elided(QLabel):
    """One line that is cut at its end when there is no room for it.

    Attributes:
        shorter: What is written instead of a text that has no room; "" for none.
    """

    def __init__(
        self, side: Qt.AlignmentFlag, parent: QWidget | None = None, *, widest: str = ""
    ) -> None:
        """Make an empty line.

        Args:
            side: Where its text stands.
            parent: Where it is.
            widest: What it always has room for; "" for next to nothing.
        """
        super().__init__(parent)
        self._side, self._widest, self.shorter = side, widest, ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def minimumSizeHint(self) -> QSize:
        """Return next to nothing: the text gives way."""
        widest = self.fontMetrics().horizontalAdvance(self._widest)
        return QSize(max(40, widest), super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        """Return the room it always has, or that of its text."""
        hint = super().sizeHint()
        return QSize(self.minimumSizeHint().width(), hint.height()) if self._widest else hint

    def paintEvent(self, event: QPaintEvent) -> None:
        """Write as much as fits."""
        metrics, text = QFontMetrics(self.font()), self.text()
        if self.shorter and metrics.horizontalAdvance(text) > self.width():
            text = self.shorter
        fitting = metrics.elidedText(text, Qt.TextElideMode.ElideRight, self.width())
        with QPainter(self) as painter:
            painter.setPen(self.palette().color(self.foregroundRole()))
            painter.drawText(self.rect(), self._side | Qt.AlignmentFlag.AlignVCenter, fitting)


class ElidedButton(QToolButton):
    """A button whose text is cut at its end where there is no room for all of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        """Return room for its first letters."""
        around = self.sizeHint().width() - self.fontMetrics().horizontalAdvance(self.text())
        width = self.fontMetrics().horizontalAdvance("M" * LEAST_LETTERS) + around
        return QSize(min(width, self.sizeHint().width()), self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the button with as much of its text as fits."""
        option, painter = QStyleOptionToolButton(), QStylePainter(self)
        self.initStyleOption(option)
        around = self.sizeHint().width() - self.fontMetrics().horizontalAdvance(self.text())
        option.text = self.fontMetrics().elidedText(
            self.text(), Qt.TextElideMode.ElideRight, self.width() - around
        )
        painter.drawComplexControl(QStyle.ComplexControl.CC_ToolButton, option)


class Lines(QLabel):
    """A faint text that wraps within so many lines, whatever it says; the rest is left out."""

    def __init__(self, count: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole, self._count = "", count
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setFont(theme.text_font(theme.SMALL_POINTS + 0.5))
        self.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._take_room()

    def changeEvent(self, event: QEvent) -> None:
        """Take the room that another font needs."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._take_room()

    def _take_room(self) -> None:
        self.setFixedHeight(self._count * self.fontMetrics().lineSpacing() + 1)
        self._fit()

    def text(self) -> str:
        """Return all of the text."""
        return self._whole

    def setText(self, text: str) -> None:
        """Write a text, as far as there is room."""
        self._whole = text
        self.setAccessibleDescription(text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Write more, or less."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        words = self._whole.split(" ")
        shown = len(words)
        while shown > 1 and not self._fits(" ".join(words[:shown]) + " …" * (shown < len(words))):
            shown -= 1
        super().setText(" ".join(words[:shown]) + " …" * (shown < len(words)))

    def _fits(self, text: str) -> bool:
        metrics = self.fontMetrics()
        room = QRect(0, 0, max(1, self.width()), 1 << 20)
        needed = metrics.boundingRect(room, Qt.TextFlag.TextWordWrap, text).height()
        return needed <= self._count * metrics.lineSpacing()


def is_of_history(event: QEvent) -> bool:
    """Whether an event asks if a text field wants undo or redo for itself."""
    if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    return any(event.matches(key) for key in HISTORY_KEYS)


class Editor(QPlainTextEdit):
    """A prompt being typed, as tall as it is given room; undo and redo are the session's.

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
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.textChanged.connect(self._tell)

    def sizeHint(self) -> QSize:
        """Return room for two lines, whatever is typed."""
        return QSize(200, self._height(LINES))

    def minimumSizeHint(self) -> QSize:
        """Return room for one line."""
        return QSize(100, self._height(1))

    def show_text(self, text: str) -> None:
        """Take a text from elsewhere, unless it is what stands here."""
        if text != self.toPlainText():
            self.blockSignals(True)
            self.setPlainText(text)
            self.blockSignals(False)
            self.moveCursor(QTextCursor.MoveOperation.End)

    def event(self, event: QEvent) -> bool:
        """Leave undo and redo to the window's menu, and say below what it is for."""
        if is_of_history(event):
            event.ignore()
            return False
        if event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(self.mapToGlobal(self.rect().bottomLeft()), self.toolTip(), self)
            return True
        return super().event(event)

    def _height(self, lines: int) -> int:
        around = 2 * (self.frameWidth() + int(self.document().documentMargin()))
        return lines * self.fontMetrics().lineSpacing() + around + 2

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
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.textEdited.connect(self.typed)

    def sizeHint(self) -> QSize:
        """Return room for a long token."""
        width = self.fontMetrics().horizontalAdvance("M" * TOKEN_LETTERS) + 8
        return QSize(width, super().sizeHint().height())

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
