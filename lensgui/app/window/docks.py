"""A pane's dock: its frame, and its title with the pane's buttons."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QScrollArea,
    QSizePolicy,
    QStyle,
    QTabBar,
    QToolButton,
    QWidget,
)

from lensgui.app.window.actions import ACTIONS
from lensgui.panes import theme
from lensgui.panes.controls.controls import Elided, ElidedButton, button, dress, line
from lensgui.panes.pane import Pane
from lensgui.panes.style import TARGET
from lensgui.panes.token_text import plain_tip

LEAST = QSize(200, 120)  # so that five panes stand side by side in 1024 pixels
LEAST_NAME = 24  # pixels of a pane's name, where its title has buttons instead
MOST = 16777215  # pixels: no limit, to Qt
Sign = tuple[tuple[int, int, int, int], ...]
SHUT: Sign = ((5, 5, 11, 11), (5, 11, 11, 5))
ALONE: Sign = ((4, 4, 12, 4), (12, 4, 12, 12), (12, 12, 4, 12), (4, 12, 4, 4), (4, 5, 12, 5))
TOGETHER: Sign = ((4, 4, 12, 4), (12, 4, 12, 12), (12, 12, 4, 12), (4, 12, 4, 4), (8, 4, 8, 12))
MOST_STEPS = 500  # from one control to the next that is seen


class Frame(QScrollArea):
    """Gives a pane all the room there is, and asks the window for little of it.

    A pane that needs more than it is given would else widen or heighten the whole window.
    """

    def __init__(self, pane: Pane, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._pane = pane
        self.setWidget(pane)
        self.verticalScrollBar().valueChanged.connect(self._tell_bottom)

    def sizeHint(self) -> QSize:
        """Return what the pane likes."""
        return self._pane.sizeHint()

    def minimumSizeHint(self) -> QSize:
        """Return the least useful size of any pane."""
        return LEAST

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the pane the new room."""
        super().resizeEvent(event)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Give the pane more where its parts need it."""
        result = super().eventFilter(watched, event)
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return result

    def _fit(self) -> None:
        pane, room = self._pane, self.viewport().size()
        layout = pane.layout()
        if layout is None:
            pane.resize(room)
            return
        width = max(room.width(), layout.totalMinimumSize().width())
        least = layout.totalMinimumSize().height()
        if layout.hasHeightForWidth():
            least = layout.totalMinimumHeightForWidth(width)
        pane.resize(width, max(room.height(), least))
        self._tell_bottom()

    @Slot()
    def _tell_bottom(self) -> None:
        self._pane.show_bottom(self.verticalScrollBar().value() + self.viewport().height())


def tab_bars(window: QMainWindow) -> list[QTabBar]:
    """Return the bars of panes that share a place."""
    directly = Qt.FindChildOption.FindDirectChildrenOnly
    return [bar for bar in window.findChildren(QTabBar, options=directly) if bar.isVisible()]


def is_in_front(widget: QWidget | None) -> bool:
    """Return whether a widget is in no dock, or is not hidden by a tab or a fold of its dock."""
    above = widget
    while above is not None and not isinstance(above, Dock):
        above = above.parentWidget()
    if above is None or widget is None:
        return True
    return above.pane.is_in_front and not (above.is_folded and above.pane.isAncestorOf(widget))


def step_in_sight(step: Callable[[bool], bool], is_next: bool) -> bool:
    """Go to another control until one is in front; return whether there is any.

    Args:
        step: Qt's own step.
        is_next: Whether it goes on, rather than back.
    """
    for _ in range(MOST_STEPS):
        if not step(is_next):
            return False
        if is_in_front(QApplication.focusWidget()):
            break
    return True


class Grip(QWidget):
    """Dots that say where a pane can be dragged; the title bar around them does the same."""

    def __init__(self, pane: Pane, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName(f"{pane.title}: handle")
        self.setToolTip("Drag to put this pane elsewhere, or out of the window.")
        self.setCursor(Qt.CursorShape.SizeAllCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)

    def sizeHint(self) -> QSize:
        """Return room for two columns of dots."""
        return QSize(9, TARGET)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the dots."""
        colors = theme.of(self.palette())
        with QPainter(self) as painter:
            top = self.height() // 2 - 6
            for row, column in product(range(4), range(2)):
                painter.fillRect(1 + 4 * column, top + 4 * row, 2, 2, QColor(colors.outline))


class SignButton(QToolButton):
    """A button with a sign in strokes, which no font has to have.

    Attributes:
        sign: Its strokes, each from one point to another, in sixteenths of its height.
    """

    def __init__(self, sign: Sign, parent: QWidget) -> None:
        super().__init__(parent)
        self.sign = sign

    def sizeHint(self) -> QSize:
        """Return a square as high as other buttons."""
        side = max(TARGET, self.fontMetrics().height() + 6)
        return QSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the button and its sign."""
        super().paintEvent(event)
        unit, middle = self.height() / 16, QRectF(self.rect()).center()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(theme.of(self.palette()).text), 1.5))
            for left, top, right, bottom in self.sign:
                ends = (QPointF(x - 8, y - 8) * unit for x, y in ((left, top), (right, bottom)))
                painter.drawLine(*(middle + end for end in ends))


class TitleBar(QWidget):
    """The strip above a pane; it can be dragged, and holds the pane's buttons.

    Attributes:
        soloed: All the room there is is requested for the pane, or no longer.
    """

    soloed = Signal()

    def __init__(self, pane: Pane, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = pane.title
        self.grip = Grip(pane, self)
        self.copy = button(ACTIONS["copy_python"], self, title=f"{pane.title}: copy as Python")
        self.copy.setFont(theme.text_font(theme.SMALL_POINTS))
        self.copy.setVisible(pane.is_computed)
        self.solo = SignButton(ALONE, self)
        self.solo.setCheckable(True)
        self.shut = SignButton(SHUT, self)
        dress(self.shut, ACTIONS["close_pane"], title=f"{pane.title}: close")
        name = Elided(Qt.AlignmentFlag.AlignLeft, self)
        name.setText(pane.title)
        name.setFont(theme.text_font(theme.SMALL_POINTS + 0.5, bold=True))
        name.setToolTip(plain_tip(pane.about))
        self.fold = button(ACTIONS["fold_pane"], self, title=f"{pane.title}: fold to one line")
        self.fold.setCheckable(True)
        self.fold.setVisible(pane.folds)
        self.mode = self._at_times("show_pair", "show this pair")
        self.written = self._at_times("show_prompt", "show the prompt alone")
        self.from_file = self._at_times("compute_here", "compute here")
        self.summary = line(self)
        self.summary.setAccessibleName(f"{pane.title}, in one line")
        self._lay_out(name, pane)
        self._connect(pane)
        self.show_folded(is_folded=False)
        self.show_solo(is_solo=False)

    def _at_times(self, name: str, act: str) -> QToolButton:
        """Return a button that is hidden until what it leaves is so."""
        found = dress(ElidedButton(self), ACTIONS[name], title=f"{self._title}: {act}")
        found.setText(ACTIONS[name].text)
        found.setFont(theme.text_font(theme.SMALL_POINTS))
        found.hide()
        return found

    def _connect(self, pane: Pane) -> None:
        pane.summarised.connect(self.summary.setText)
        self.solo.clicked.connect(self.soloed)
        self.mode.clicked.connect(lambda: pane.edited.emit({"is_average": False}))
        pane.moded.connect(self._show_mode)
        self.written.clicked.connect(pane.unfollowed)
        pane.continued.connect(self._show_written)
        pane.from_file.connect(self.from_file.setVisible)
        self.from_file.clicked.connect(pane.anew)

    def _lay_out(self, name: QWidget, pane: Pane) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 1, 4, 0)
        row.setSpacing(3)
        row.addWidget(self.grip)
        row.addWidget(self.fold)
        name.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        name.setMinimumWidth(LEAST_NAME)
        row.addWidget(name, 0 if pane.folds else 1)
        row.addWidget(self.summary, 1 if pane.folds else 0)
        for part in (self.from_file, self.mode, self.written, self.copy, self.solo, self.shut):
            row.addWidget(part)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Give the pane all the room there is, or back what it had."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.soloed.emit()

    def show_solo(self, *, is_solo: bool) -> None:
        """Offer all the room there is, or the way back."""
        self.solo.setChecked(is_solo)
        self.solo.sign = TOGETHER if is_solo else ALONE
        act = "show the other panes again" if is_solo else "show it alone"
        tip = f"{act.capitalize()}; a double-click on the title does the same."
        dress(self.solo, ACTIONS["show_alone"], title=f"{self._title}: {act}", tip=tip)
        self.solo.update()

    @Slot(str)
    def _show_mode(self, words: str) -> None:
        """Say that means are shown, with the way back to the pair."""
        self.mode.setVisible(bool(words))
        self.mode.setText(f"{words} · show this pair")

    @Slot(str, str)
    def _show_written(self, words: str, how: str) -> None:
        """Say how much is shown behind the prompt, and in the tip how, with the way back to it."""
        self.written.setVisible(bool(words))
        self.written.setText(f"{words} · show the prompt")
        self.written.setToolTip(plain_tip(f"{how} {ACTIONS['show_prompt'].tip}"))

    def show_folded(self, *, is_folded: bool) -> None:
        """Show the pane's one line while that is all there is."""
        self.fold.setChecked(is_folded)
        arrow = Qt.ArrowType.RightArrow if is_folded else Qt.ArrowType.DownArrow
        self.fold.setArrowType(arrow)
        self.summary.setVisible(is_folded)


class Dock(QDockWidget):
    """Holds one pane.

    Attributes:
        pane: What it holds.
        is_folded: Whether there is only its title.
        is_folded_for_room: Whether that is so since the window is low.
        copied: (Pane,) when its code is requested.
        soloed: (Pane,) when it is to be alone, or no longer.
    """

    copied = Signal(object)
    soloed = Signal(object)

    def __init__(self, pane: Pane, parent: QWidget | None = None) -> None:
        super().__init__(pane.title, parent)
        self.pane = pane
        self.setObjectName(pane.title)
        self.setWidget(Frame(pane, self))
        self.setAllowedAreas(Qt.DockWidgetArea.AllDockWidgetAreas)
        self.bar = TitleBar(pane, self)
        self.bar.copy.clicked.connect(self._copy)
        self.bar.fold.clicked.connect(self.fold)
        self.bar.shut.clicked.connect(self.close)
        self.bar.soloed.connect(self._solo)
        self.setTitleBarWidget(self.bar)
        self.is_folded = self.is_folded_for_room = False
        self._unfolded = 0  # how tall it was
        self.visibilityChanged.connect(self._keep_visibility)
        self.toggleViewAction().triggered.connect(self._come_forward)

    @Slot(bool)
    def fold(self, is_folded: bool) -> None:
        """Leave only the title, with the pane in one line; or give it back the room it had."""
        if is_folded == self.is_folded:
            return
        frame = self.widget()
        self.is_folded = is_folded
        self.bar.show_folded(is_folded=is_folded)
        if is_folded:
            self._unfolded = self.height()
            frame.setFixedHeight(0)
            focus = self.window().focusWidget()
            if focus is not None and self.pane.isAncestorOf(focus):
                self.bar.fold.setFocus()  # else one would type unseen
            return
        frame.setMinimumHeight(0)
        frame.setMaximumHeight(MOST)
        self.be_tall(self._unfolded or self.sizeHint().height())

    def be_tall(self, height: int) -> None:
        """Take so much height, at the cost of what is below if the window holds it."""
        own = self.layout()
        if self.isFloating() and own is not None:
            own.activate()  # it was limited to its title
            self.resize(self.width(), height)
            return
        window = self.parent()
        if not isinstance(window, QMainWindow):
            return
        layout = window.layout()
        assert layout is not None
        layout.activate()
        others = (dock for dock in window.findChildren(Dock) if dock.isVisible())
        lower = (dock for dock in others if dock.y() > self.y())
        below = min(lower, key=QWidget.y, default=None)
        if below is not None:
            between = self.style().pixelMetric(QStyle.PixelMetric.PM_DockWidgetSeparatorExtent)
            tabs = max((bar.height() for bar in tab_bars(window)), default=0)
            bottom = below.y() + below.height() + tabs * bool(window.tabifiedDockWidgets(below))
            room = bottom - self.y()  # the same while both move to their places
            rest = max(1, room - between - height)
            window.resizeDocks([self, below], [height, rest], Qt.Orientation.Vertical)

    @Slot(bool)
    def _keep_visibility(self, is_visible: bool) -> None:
        self.pane.is_in_front = is_visible  # behind a tab, Qt still calls a pane visible

    def focusNextPrevChild(self, next: bool) -> bool:
        """Pass over what stands behind a tab or is folded, which Qt calls visible too."""
        return step_in_sight(super().focusNextPrevChild, next)

    @Slot(bool)
    def _come_forward(self, is_valid: bool) -> None:
        if is_valid:
            self.raise_()

    @Slot()
    def _solo(self) -> None:
        self.soloed.emit(self.pane)

    @Slot()
    def _copy(self) -> None:
        self.copied.emit(self.pane)
