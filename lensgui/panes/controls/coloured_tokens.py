"""A text, token by token, each on the colour of its number: lines wrap, clicks and keys choose."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QWidget

from lensgui.panes import theme
from lensgui.panes.pictures import picture
from lensgui.panes.pictures.painted import Painted
from lensgui.panes.theme import Theme
from lensgui.state.selection import Cursor

PADDING = 4.0
SPACING = 2.0
STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}


class ColouredTokens(Painted):
    """Tokens from left to right under a line that says what the colours are of."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._places: list[QRectF] = []
        self.setFont(theme.mono_font())
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    @property
    def tokens(self) -> Sequence[str]:
        """What each token is called; () while there is nothing to draw."""
        raise NotImplementedError

    @property
    def chosen(self) -> int | None:
        """The token that is outlined."""
        raise NotImplementedError

    def headline(self) -> str:
        """Return what the colours are of."""
        raise NotImplementedError

    def color_of(self, token: int, colors: Theme) -> QColor:
        """Return the colour behind a token."""
        raise NotImplementedError

    def words(self, token: int) -> str:
        """Return a token's number in words."""
        raise NotImplementedError

    def fields(self, token: int) -> dict[str, int]:
        """Return the Cursor fields that a click on a token chooses."""
        return {"position": token}

    def take_tokens(self) -> None:
        """Draw other tokens, or other numbers."""
        self._places, self.is_stale = [], False
        self.updateGeometry()
        self.update()

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline another token."""
        super().show_cursor(cursor)
        self.setAccessibleDescription(self.headline())

    def sizeHint(self) -> QSize:
        """Return the height at this width."""
        return QSize(200, self.heightForWidth(max(self.width(), 100)))

    def heightForWidth(self, width: int) -> int:
        """Return how tall the text is when it wraps at a width."""
        places = self._lay_out(width)
        return round(places[-1].bottom() + 6) if places else 60

    def token_at(self, point: QPointF) -> int | None:
        """Return the token under a point of the widget."""
        self._places = self._places or self._lay_out(self.width())
        for index, place in enumerate(self._places):
            if place.contains(point):
                return index
        return None

    def place_of(self, token: int) -> QRectF:
        """Return where a token is, in the widget's pixels."""
        return self._lay_out(self.width())[token]

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the tokens in view."""
        colors = theme.of(self.palette())
        with QPainter(self) as painter:
            if not self.tokens:
                self.say_empty(painter, colors)
                return
            self._places = self._lay_out(self.width())
            painter.setOpacity(theme.STALE_OPACITY if self.is_stale else 1.0)
            painter.setPen(QColor(colors.faint))
            painter.setFont(theme.text_font(theme.SMALL_POINTS + 0.5))
            above = QRectF(0, 0, self.width(), self._top())
            words = painter.fontMetrics().elidedText(
                self.headline(), Qt.TextElideMode.ElideRight, self.width()
            )
            painter.drawText(above, Qt.AlignmentFlag.AlignVCenter, words)
            painter.setFont(self.font())
            for token, place in enumerate(self._places):
                if place.intersects(QRectF(event.rect())):
                    self._paint_token(painter, token, colors)

    def hit_test(self, point: QPointF) -> tuple[int | None, str]:
        """Return the token under a point, and its number in words."""
        token = self.token_at(point)
        return token, self.words(token) if token is not None else ""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the token under the pointer."""
        token = self.token_at(event.position())
        if token is not None and event.button() == Qt.MouseButton.LeftButton:
            self.picked.emit(self.fields(token))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose the token before or after."""
        step, chosen = STEPS.get(Qt.Key(event.key())), self.chosen
        if step is None or chosen is None or not self.tokens:
            super().keyPressEvent(event)
            return
        self.picked.emit(self.fields(max(0, min(len(self.tokens) - 1, chosen + step))))

    def _top(self) -> float:
        return QFontMetricsF(self.font()).height() + 8

    def _lay_out(self, width: int) -> list[QRectF]:
        metrics = QFontMetricsF(self.font())
        height = metrics.height() + 4
        places, left, top = [], 1.0, self._top()
        for token in self.tokens:
            wide = metrics.horizontalAdvance(token) + 2 * PADDING
            if left > 1 and left + wide > width - 2:
                left, top = 1.0, top + height + SPACING + 2
            places.append(QRectF(left, top, wide, height))
            left += wide + SPACING
        return places

    def _paint_token(self, painter: QPainter, token: int, colors: Theme) -> None:
        place, color = self._places[token], self.color_of(token, colors)
        painter.fillRect(place, color)
        if token == self.chosen:
            picture.outline(painter, place.adjusted(1, 1, -1, -1), colors.accent, colors.surface)
        painter.setPen(theme.readable_on(color.red(), color.green(), color.blue()))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, self.tokens[token])


class ScrolledTokens(QScrollArea):
    """A coloured text that scrolls where it is long."""

    def __init__(self, text: ColouredTokens, parent: QWidget | None = None) -> None:
        """Take the text in.

        Args:
            text: What scrolls.
            parent: Where it is.
        """
        super().__init__(parent)
        self._text = text
        self.setWidget(text)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def reveal(self) -> None:
        """Bring the token that is outlined into view."""
        chosen = self._text.chosen
        if chosen is not None:
            middle = self._text.place_of(chosen).center().toPoint()
            self.ensureVisible(middle.x(), middle.y(), 20, 30)
