"""One line of the tray: on or off, what is done where, how much, its menu."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QPoint, QSignalBlocker, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QContextMenuEvent, QMouseEvent, QPalette, QWheelEvent
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QSizePolicy,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QWidget,
)

from lensgui.jobs.answers.interventions import InterventionReading
from lensgui.panes import theme
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.controls import Elided, button, dress
from lensgui.panes.interventions import lines, strengths
from lensgui.panes.interventions.lines import Line
from lensgui.panes.token_text import plain_tip
from lensgui.terms.interventions import HAVE_STRENGTH, Intervention, words

PACE_MS = 200  # after which a strength is told even if what follows from the last is not known
MOST = 1e9  # that a strength can be typed as
INDENT = 14  # pixels
SLIDER = 60  # pixels at least
NAMED = 10  # interventions that a tooltip lists


class StrengthSlider(QSlider):
    """A slider that jumps to where it is pressed, and goes further with Shift.

    Attributes:
        widened: (is_wide,) it was pressed with Shift, or without.
    """

    widened = Signal(bool)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setRange(0, strengths.STEPS)
        self.setPageStep(strengths.STEPS // 20)
        self.setMinimumWidth(SLIDER)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go where it is pressed, and follow from there."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.widened.emit(bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
            option = QStyleOptionSlider()
            self.initStyleOption(option)
            control, part = QStyle.ComplexControl.CC_Slider, QStyle.SubControl.SC_SliderHandle
            handle = self.style().subControlRect(control, option, part, self)
            if not handle.contains(event.position().toPoint()):
                room = self.width() - handle.width()
                left = round(event.position().x()) - handle.width() // 2
                self.setValue(QStyle.sliderValueFromPosition(0, strengths.STEPS, left, room))
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer, unless the drag was ended meanwhile."""
        if self.isSliderDown():
            super().mouseMoveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the list, which is scrolled far more often."""
        event.ignore()


class ChipLine(QFrame):
    """One intervention, or several that are alike.

    Attributes:
        line: What it is of.
        switched: (is_on,) the user switches it.
        strengthened: (strength,) the user chose how much, or is still dragging.
        unfolded: The user wants to see each of those that are alike, or no longer.
        menu_requested: (where,) its menu is wanted at a place of the screen.
        chosen: It was clicked.
        dragged: (height,) it is dragged to a height of the screen, in pixels from the top.
        let_go: (height,) it was let go there.
    """

    switched = Signal(bool)
    strengthened = Signal(float)
    unfolded = Signal()
    menu_requested = Signal(QPoint)
    chosen = Signal()
    dragged = Signal(int)
    let_go = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.line = Line(())
        self._pressed: QPoint | None = None  # where on the screen, while it is held
        self._is_dragged = False
        self._one: Intervention | None = None
        self._reach, self._is_wide = strengths.Reach(0.0, 1.0), False
        self._unit: float | None = None
        self._sent: int | None = None  # the step of the slider that was told last
        self._told: float | None = None  # the strength there
        self._pace = QTimer(self, singleShot=True)
        self._pace.timeout.connect(self._catch_up)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.fold = button(PANE_ACTIONS["unfold_interventions"], self)
        self.fold.setAutoRaise(True)
        self.switch = dress(QCheckBox(self), PANE_ACTIONS["switch_intervention"])
        self.label = Elided(Qt.AlignmentFlag.AlignLeft, self)
        self.at = Elided(Qt.AlignmentFlag.AlignLeft, self)
        self.at.setFont(theme.text_font(theme.SMALL_POINTS + 0.5))
        self.slider = dress(StrengthSlider(self), PANE_ACTIONS["intervention_strength"])
        self.number = dress(QDoubleSpinBox(self), PANE_ACTIONS["intervention_number"])
        self.number.setRange(-MOST, MOST)
        self.number.setDecimals(3)
        self.number.setKeyboardTracking(False)
        self.number.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        self.number.setMaximumWidth(self.number.fontMetrics().horizontalAdvance("−0.000") + 10)
        self.more = button(PANE_ACTIONS["intervention_menu"], self)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(3, 1, 2, 1)
        self.row.setSpacing(4)
        for part, share in (
            (self.fold, 0),
            (self.switch, 0),
            (self.label, 5),
            (self.at, 2),
            (self.slider, 2),
            (self.number, 0),
            (self.more, 0),
        ):
            self.row.addWidget(part, share)

    def _connect(self) -> None:
        self.switch.clicked.connect(self._switch)
        self.fold.clicked.connect(self.unfolded)
        self.slider.valueChanged.connect(self._slide)
        self.slider.widened.connect(self._widen)
        self.number.valueChanged.connect(self._type)
        self.more.clicked.connect(self._offer)

    def show_line(
        self,
        line: Line,
        listed: Sequence[Intervention],
        overrides: Sequence[tuple[int, ...]],
        readings: Sequence[InterventionReading],
        *,
        is_unfolded: bool = False,
        has_groups: bool = False,
    ) -> None:
        """Show some of the interventions of a list.

        Args:
            line: Which.
            listed: All of them.
            overrides: What each of all overrides.
            readings: What is known of each; () while nothing is.
            is_unfolded: Whether each of those that are alike has a line below.
            has_groups: Whether any line is of several, so that all keep room for its arrow.
        """
        found = [listed[number] for number in line.numbers]
        one = found[0]
        is_other = self._one is None or replace(self._one, strength=one.strength) != one
        if is_other or one.strength != self._told:
            self._pace.stop()  # what was dragged is over: it is another now, or was set elsewhere
        if is_other:
            self.slider.setSliderDown(False)
            self._unit = None
        self.line, self._one = line, one
        self._unit = readings[line.numbers[0]].unit if readings else self._unit
        name = self._show_words(line, listed, overrides, readings)
        policy = self.fold.sizePolicy()
        policy.setRetainSizeWhenHidden(has_groups)
        self.fold.setSizePolicy(policy)
        self.fold.setVisible(line.is_group)
        self.fold.setArrowType(Qt.ArrowType.DownArrow if is_unfolded else Qt.ArrowType.RightArrow)
        self.row.setContentsMargins(3 + INDENT * line.is_inside, 1, 2, 1)
        count = sum(each.is_on for each in found)
        state = Qt.CheckState
        self.switch.setTristate(0 < count < len(found))
        on = state.Checked if count == len(found) else state.Unchecked
        self.switch.setCheckState(state.PartiallyChecked if 0 < count < len(found) else on)
        for part, what in (
            (self.switch, "on"),
            (self.slider, "strength"),
            (self.number, "strength as a number"),
            (self.more, "menu"),
            (self.fold, "one by one"),
        ):
            part.setAccessibleName(f"{name}: {what}")
        self._show_strength(one)

    def _show_words(
        self,
        line: Line,
        listed: Sequence[Intervention],
        overrides: Sequence[tuple[int, ...]],
        readings: Sequence[InterventionReading],
    ) -> str:
        """Say what is done, and what is to be known of it; return what the line is called."""
        found = [listed[number] for number in line.numbers]
        place = f"#{line.numbers[0] + 1} {lines.place(listed, line)}"
        remark = lines.remark(line.numbers, overrides, readings)
        has_fault = any(readings[number].fault for number in line.numbers) if readings else False
        text = " · ".join(filter(None, [lines.told(listed, line), remark]))
        self.label.setText(f"⚠ #{line.numbers[0] + 1} {remark}" if has_fault else text)
        self.at.setText(lines.where(found[0]))
        self.at.setVisible(bool(self.at.text()))
        more = [f"… and {len(found) - NAMED} more"] if len(found) > NAMED else []
        share = strengths.share(found[0], self._unit)
        known = share, remark, lines.matched(line.numbers, readings)
        said = [*(words(one) for one in found[:NAMED]), *more, *filter(None, known)]
        for part in (self.label, self.at):
            part.setToolTip(plain_tip("\n".join(said)))
        self.label.setAccessibleName("\n".join(said))
        role = QPalette.ColorRole
        usual = role.WindowText if any(one.is_on for one in found) else role.PlaceholderText
        self.label.setForegroundRole(role.BrightText if has_fault else usual)
        self.at.setForegroundRole(role.PlaceholderText)
        return place

    def _show_strength(self, one: Intervention) -> None:
        has = one.op in HAVE_STRENGTH
        self.slider.setVisible(has)
        self.number.setVisible(has)
        if not has:
            return
        is_behind = self._pace.isActive() and self.slider.value() != self._sent
        if not (self.slider.isSliderDown() or is_behind):
            self._reach = strengths.reach(one, self._unit, is_wide=self._is_wide)
            with QSignalBlocker(self.slider):
                self.slider.setValue(self._reach.step(one.strength))
        with QSignalBlocker(self.number):
            self.number.setValue(one.strength)
        ends = f"From {self._reach.low:.3g} to {self._reach.high:.3g}"
        share = strengths.share(one, self._unit)
        tip = f"{ends}; four times as far with Shift." + f" Now {share}." * bool(share)
        self.slider.setToolTip(plain_tip(tip))

    @Slot()
    def _switch(self) -> None:
        self.switch.setTristate(False)
        self.switched.emit(self.switch.checkState() != Qt.CheckState.Unchecked)

    @Slot(int)
    def _slide(self, step: int) -> None:
        """Tell the strength, once what follows from the one before is known."""
        if not self._pace.isActive():
            self._sent, self._told = step, self._reach.at(step)
            self._pace.start(PACE_MS)
            self.strengthened.emit(self._told)

    def go_on(self) -> None:
        """Tell the strength by now, once all panes have what follows from the one before."""
        if self._pace.isActive():
            self._pace.start(0)

    @Slot()
    def _catch_up(self) -> None:
        """Tell where the slider is by now, if it was dragged on."""
        if self.slider.value() != self._sent:
            self._slide(self.slider.value())

    @Slot(bool)
    def _widen(self, is_wide: bool) -> None:
        """Go further, or no longer; what is chosen stays where it is chosen."""
        self._is_wide = is_wide
        if self._one is not None:
            self._show_strength(self._one)

    @Slot(float)
    def _type(self, strength: float) -> None:
        self.strengthened.emit(strength)

    @Slot()
    def _offer(self) -> None:
        self.menu_requested.emit(self.more.mapToGlobal(self.more.rect().bottomLeft()))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done with it."""
        self.menu_requested.emit(event.globalPos())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Say that it was clicked."""
        super().mousePressEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._is_dragged = event.globalPosition().toPoint(), False
            self.chosen.emit()
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Be dragged among the others."""
        at = event.globalPosition().toPoint()
        if self._pressed is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        far = (at - self._pressed).manhattanLength() >= QApplication.startDragDistance()
        if far or self._is_dragged:
            self._is_dragged = True
            self.dragged.emit(at.y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Stay where it is let go."""
        super().mouseReleaseEvent(event)
        if self._is_dragged:
            self.let_go.emit(event.globalPosition().toPoint().y())
        self._pressed, self._is_dragged = None, False
