"""The switch that colours tokens by their surprisal, and what its colours stand for."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from lensgui.panes import theme
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.controls import button, keep_room
from lensgui.panes.pictures.painted import ramp
from lensgui.panes.prompt.token_rows import MOST_BITS
from lensgui.panes.token_text import plain_tip

LOW, HIGH = "0", f"{MOST_BITS:.0f} bits"
BAR = 30.0  # pixels, at least
SPACE = 4.0


class SurprisalSwitch(QWidget):
    """A button, and below it while it is on the scale of colours.

    Attributes:
        chosen: (is_on,) the user switched it.
    """

    chosen = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.button = button(PANE_ACTIONS["surprisal"], self)
        self.button.setCheckable(True)
        self.scale = SurprisalScale(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.button)
        column.addWidget(self.scale)
        column.addStretch(1)
        keep_room(self.scale)
        self.show_on(is_on=False)
        self.button.clicked.connect(self.chosen)

    def show_on(self, *, is_on: bool) -> None:
        """Show whether tokens are coloured, without saying so."""
        self.button.setChecked(is_on)
        self.scale.setVisible(is_on)


class SurprisalScale(QWidget):
    """0 bits, the colours in between, and the bits from which a token has the strongest."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFont(theme.text_font(theme.SMALL_POINTS))
        self.setAccessibleName(f"Colours of surprisal, {LOW} to {HIGH}")
        self.setToolTip(
            plain_tip(
                f"From {LOW} bits, a token that was certain, to {HIGH} and more: a probability of "
                f"{2**-MOST_BITS:.6f} or less."
            )
        )
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Return room for the words and a short bar."""
        metrics = QFontMetricsF(self.font())
        words = metrics.horizontalAdvance(LOW) + metrics.horizontalAdvance(HIGH)
        return QSize(round(words + BAR + 2 * SPACE), round(metrics.height()))

    def minimumSizeHint(self) -> QSize:
        """Return the same: less says nothing."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the colours between their ends."""
        colors = theme.of(self.palette())
        metrics, whole = QFontMetricsF(self.font()), QRectF(self.rect())
        left, right = (metrics.horizontalAdvance(words) + SPACE for words in (LOW, HIGH))
        bar = whole.adjusted(left, 3, -right, -3)
        with QPainter(self) as painter:
            painter.drawImage(bar, ramp(theme.sequential(colors), is_upright=False))
            painter.setPen(QColor(colors.line))
            painter.drawRect(bar)
            painter.setPen(QColor(colors.faint))
            middle = Qt.AlignmentFlag.AlignVCenter
            painter.drawText(whole, middle, LOW)
            painter.drawText(whole, middle | Qt.AlignmentFlag.AlignRight, HIGH)
