"""The prompt itself, coloured by what one token attends to, or by what attends to it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QWidget

from lensgui.panes import theme
from lensgui.panes.attention.head_numbers import Weights
from lensgui.panes.pictures import picture
from lensgui.panes.pictures.number_table import NumberTable
from lensgui.panes.pictures.painted import Painted
from lensgui.panes.theme import Theme
from lensgui.state.selection import Cursor

PADDING = 4.0
SPACING = 2.0
STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}


class ColouredText(Painted):
    """Tokens from left to right, each on the colour of its number.

    A click chooses the position, or where it colours by what attends to a token the source.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.weights: Weights | None = None
        self.name = ""
        self.is_from = True
        self._places: list[QRectF] = []
        self.setFont(theme.mono_font())
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName("The prompt, coloured by attention of the selected token")
        self.setToolTip("Click a token to colour the prompt by its attention.")

    def show_weights(self, weights: Weights | None) -> None:
        """Colour by a head's numbers."""
        self.weights, self.is_stale = weights, False
        self._places = []
        self.updateGeometry()
        self.update()

    def as_table(self) -> NumberTable | None:
        """Return the numbers of the head."""
        return None if self.weights is None else self.weights.as_table(self.name)

    def show_direction(self, *, is_from: bool) -> None:
        """Say whether colours are what the token attends to, or what attends to it.

        Args:
            is_from: The former.
        """
        self.is_from = is_from
        self.update()

    def show_cursor(self, cursor: Cursor) -> None:
        """Colour by another token."""
        super().show_cursor(cursor)
        self.setAccessibleDescription(self.headline())

    @property
    def chosen(self) -> int | None:
        """The token whose attention is shown: the selected one, else the last."""
        if self.weights is None:
            return None
        place = self._cursor.position if self.is_from else self._cursor.source
        last = len(self.weights.tokens) - 1
        return last if place is None else min(place, last)

    def sizeHint(self) -> QSize:
        """Return the height at this width."""
        return QSize(200, self.heightForWidth(max(self.width(), 100)))

    def heightForWidth(self, width: int) -> int:
        """Return how tall the text is when it wraps at a width."""
        places = self._lay_out(width)
        return round(places[-1].bottom() + 6) if places else 60

    def token_at(self, point: QPointF) -> int | None:
        """Return the token under a point of the widget."""
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
            if self.weights is None:
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
                    self._paint_token(painter, self.weights, token, colors)

    def hit_test(self, point: QPointF) -> tuple[int | None, str]:
        """Return the token under a point, and its number in words."""
        token = self.token_at(point)
        return token, self._words(token) if token is not None else ""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Colour by the token under the pointer."""
        token = self.token_at(event.position())
        if token is not None and event.button() == Qt.MouseButton.LeftButton:
            self._pick(token)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Colour by the token before or after."""
        step, chosen = STEPS.get(Qt.Key(event.key())), self.chosen
        if step is None or chosen is None or self.weights is None:
            super().keyPressEvent(event)
            return
        self._pick(max(0, min(len(self.weights.tokens) - 1, chosen + step)))

    def _pick(self, token: int) -> None:
        self.picked.emit({"position" if self.is_from else "source": token})

    def _top(self) -> float:
        return QFontMetricsF(self.font()).height() + 8

    def _lay_out(self, width: int) -> list[QRectF]:
        metrics = QFontMetricsF(self.font())
        height = metrics.height() + 4
        places, left, top = [], 1.0, self._top()
        for token in self.weights.tokens if self.weights else ():
            wide = metrics.horizontalAdvance(token) + 2 * PADDING
            if left > 1 and left + wide > width - 2:
                left, top = 1.0, top + height + SPACING + 2
            places.append(QRectF(left, top, wide, height))
            left += wide + SPACING
        return places

    def _edge(self, token: int) -> tuple[int, int]:
        """Return the row and column that colour a token."""
        chosen = self.chosen or 0
        return (chosen, token) if self.is_from else (token, chosen)

    def _paint_token(self, painter: QPainter, weights: Weights, token: int, colors: Theme) -> None:
        place, edge = self._places[token], self._edge(token)
        if weights.is_known(*edge):
            color = QColor(*map(int, weights.table(colors)[weights.shades[edge]]))
        else:
            color = QColor(colors.masked)
        painter.fillRect(place, color)
        if token == self.chosen:
            picture.outline(painter, place.adjusted(1, 1, -1, -1), colors.accent, colors.surface)
        painter.setPen(theme.readable_on(color.red(), color.green(), color.blue()))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, weights.tokens[token])

    def headline(self) -> str:
        """Return whose attention is shown, and which way."""
        if self.weights is None or self.chosen is None:
            return ""
        named = f"‘{self.weights.tokens[self.chosen]}’ ({self.chosen})"
        return f"what {named} attends to" if self.is_from else f"what attends to {named}"

    def _words(self, token: int) -> str:
        return f"{self.name} · {self.weights.words(*self._edge(token))}" if self.weights else ""


class TextArea(QScrollArea):
    """A coloured text that scrolls where it is long."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = ColouredText(self)
        self.setWidget(self.text)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def reveal(self) -> None:
        """Bring the token whose attention is shown into view."""
        chosen = self.text.chosen
        if chosen is not None:
            middle = self.text.place_of(chosen).center().toPoint()
            self.ensureVisible(middle.x(), middle.y(), 20, 30)
