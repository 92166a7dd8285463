"""How Qt's own controls are drawn: Fusion, with outlines that are seen in every theme.

Fusion derives its outlines from the window's colour, darkened, which is invisible on black. Here
buttons are filled and outlined, fields and boxes are outlined, the tab in front has a bar in the
colour of the selection, and what has the keyboard a frame in it. Nothing that is pressed is lower
than a finger or an unsteady hand needs.
"""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import (
    QProxyStyle,
    QScrollArea,
    QStyle,
    QStyleOption,
    QStyleOptionComplex,
    QTabBar,
    QWidget,
)

from lensgui.panes import theme
from lensgui.panes.theme import Theme

TARGET = 24  # pixels of what is pressed, across and down, at least (WCAG 2.2, 2.5.8)
ROUNDING = 3.0
BAR = 3  # pixels of the mark of the tab in front
HOVER, ON = 0.10, 0.22  # how much of another colour is mixed into a button's

Primitive, Control = QStyle.PrimitiveElement, QStyle.ControlElement
Complex, Sub, Contents = QStyle.ComplexControl, QStyle.SubControl, QStyle.ContentsType
State = QStyle.StateFlag
BUTTONS = (Primitive.PE_PanelButtonTool, Primitive.PE_PanelButtonCommand)
FRAMES = (Primitive.PE_Frame, Primitive.PE_FrameLineEdit, Primitive.PE_IndicatorCheckBox)
BOXES = (Complex.CC_ComboBox, Complex.CC_SpinBox)
HANDLES = {
    Complex.CC_Slider: Sub.SC_SliderHandle,
    Complex.CC_ScrollBar: Sub.SC_ScrollBarSlider,
}
TARGETS = (
    Contents.CT_ToolButton,
    Contents.CT_PushButton,
    Contents.CT_ComboBox,
    Contents.CT_CheckBox,
    Contents.CT_SpinBox,
    Contents.CT_LineEdit,
    Contents.CT_Slider,
    Contents.CT_TabBarTab,
    Contents.CT_MenuItem,
    Contents.CT_MenuBarItem,
)
SOUTH = (QTabBar.Shape.RoundedSouth, QTabBar.Shape.TriangularSouth)


class Style(QProxyStyle):
    """Fusion, outlined."""

    def __init__(self) -> None:
        super().__init__("Fusion")

    def drawPrimitive(
        self,
        element: QStyle.PrimitiveElement,
        option: QStyleOption,
        painter: QPainter,
        widget: QWidget | None = None,
    ) -> None:
        """Draw buttons and the frame of the keyboard; outline frames and boxes to tick."""
        if element in BUTTONS:
            _button(painter, option)
        elif element == Primitive.PE_FrameFocusRect:
            frame(painter, option.rect, theme.of(option.palette))
        elif element == Primitive.PE_Frame and isinstance(widget, QScrollArea):
            if option.state & State.State_HasFocus:  # else it is no box, only a part of a pane
                _outline(painter, option, option.rect)
        else:
            super().drawPrimitive(element, option, painter, widget)
            if element in FRAMES:
                _outline(painter, option, option.rect)

    def drawControl(
        self,
        element: QStyle.ControlElement,
        option: QStyleOption,
        painter: QPainter,
        widget: QWidget | None = None,
    ) -> None:
        """Draw tabs."""
        if element == Control.CE_TabBarTabShape and isinstance(widget, QTabBar):
            _tab(painter, option, is_below=widget.shape() in SOUTH)
        else:
            super().drawControl(element, option, painter, widget)

    def drawComplexControl(
        self,
        control: QStyle.ComplexControl,
        option: QStyleOptionComplex,
        painter: QPainter,
        widget: QWidget | None = None,
    ) -> None:
        """Outline boxes, and what is dragged."""
        super().drawComplexControl(control, option, painter, widget)
        if control in BOXES:
            _outline(painter, option, option.rect)
        elif control in HANDLES:
            handle = self.subControlRect(control, option, HANDLES[control], widget)  # type: ignore[arg-type]
            _outline(painter, option, handle)

    def sizeFromContents(
        self,
        kind: QStyle.ContentsType,
        option: QStyleOption,
        size: QSize,
        widget: QWidget | None = None,
    ) -> QSize:
        """Leave room to hit what is pressed."""
        result = super().sizeFromContents(kind, option, size, widget)  # type: ignore[arg-type]
        if kind not in TARGETS:
            return result
        is_square = kind == Contents.CT_ToolButton
        return result.expandedTo(QSize(TARGET if is_square else 0, TARGET))


def frame(painter: QPainter, where: QRect, colors: Theme) -> None:
    """Draw the frame of what has the keyboard."""
    painter.save()
    painter.setBrush(QColor(0, 0, 0, 0))
    painter.setPen(QPen(QColor(colors.accent), 2))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.drawRect(where.adjusted(1, 1, -1, -1))
    painter.restore()


def mixed(color: str, other: str, share: float) -> QColor:
    """Return a colour with a share, 0 to 1, of another one."""
    one, two = QColor(color), QColor(other)
    return QColor.fromRgbF(
        one.redF() + (two.redF() - one.redF()) * share,
        one.greenF() + (two.greenF() - one.greenF()) * share,
        one.blueF() + (two.blueF() - one.blueF()) * share,
    )


def _button(painter: QPainter, option: QStyleOption) -> None:
    colors, state = theme.of(option.palette), option.state
    is_on = bool(state & (State.State_On | State.State_Sunken))
    is_off = not state & State.State_Enabled
    has_keys = bool(state & State.State_HasFocus) and not is_off
    fill, edge, width = QColor(colors.raised), colors.outline, 2.0 if has_keys else 1.0
    if is_off:
        fill, edge = QColor(colors.window), colors.line
    elif is_on:
        fill, edge = mixed(colors.raised, colors.accent, ON), colors.accent
    elif state & State.State_MouseOver:
        fill = mixed(colors.raised, colors.text, HOVER)
    edge = colors.accent if has_keys else edge
    inset = width / 2
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    style = Qt.PenStyle.DotLine if is_off else Qt.PenStyle.SolidLine
    painter.setPen(QPen(QColor(edge), width, style))
    painter.setBrush(fill)
    where = QRectF(option.rect).adjusted(inset, inset, -inset, -inset)
    painter.drawRoundedRect(where, ROUNDING, ROUNDING)
    if is_on and not is_off:
        bar = QRectF(where.left(), where.bottom() - BAR, where.width(), BAR)
        painter.fillRect(bar.adjusted(1, 0, -1, 0), QColor(colors.accent))
    painter.restore()


def _outline(painter: QPainter, option: QStyleOption, where: QRect) -> None:
    """Outline a field, a box or a handle; a thicker outline has the keyboard."""
    colors, state = theme.of(option.palette), option.state
    has_keys = bool(state & State.State_HasFocus) and bool(state & State.State_Enabled)
    edge = colors.outline if state & State.State_Enabled else colors.line
    width = 2.0 if has_keys else 1.0
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(QColor(0, 0, 0, 0))
    painter.setPen(QPen(QColor(colors.accent if has_keys else edge), width))
    inset = width / 2
    box = QRectF(where).adjusted(inset, inset, -inset, -inset)
    painter.drawRoundedRect(box, ROUNDING - 1, ROUNDING - 1)
    painter.restore()


def _tab(painter: QPainter, option: QStyleOption, *, is_below: bool) -> None:
    """Draw a tab; the one in front is of the colour of its pane, and has a bar."""
    colors, state = theme.of(option.palette), option.state
    is_front = bool(state & State.State_Selected)
    where = option.rect.adjusted(0, 0, -1, -1)
    fill = QColor(colors.surface if is_front else colors.raised)
    if not is_front and state & State.State_MouseOver:
        fill = mixed(colors.raised, colors.text, HOVER)
    painter.save()
    painter.fillRect(where, fill)
    painter.setPen(QPen(QColor(colors.outline), 1))
    painter.drawRect(where)
    if is_front:
        top = where.bottom() - BAR + 1 if is_below else where.top()
        bar = QRect(QPoint(where.left(), top), QSize(where.width(), BAR))
        painter.fillRect(bar.adjusted(1, 0, 0, 0), QColor(colors.accent))
    painter.restore()
    if is_front and state & State.State_HasFocus:
        frame(painter, option.rect, colors)
