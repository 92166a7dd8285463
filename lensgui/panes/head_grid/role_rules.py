"""The rules by which roles are proposed: each a sentence, its numbers, and the heads it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from lensgui.panes import theme
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.controls import dress, headline, plain_label, sentence
from lensgui.panes.pictures import role_marks
from lensgui.panes.token_text import plain_tip
from lensgui.terms.kinds import Head
from lensgui.terms.roles import ENOUGH_PAIRS, ROLES, USUAL, HeadRole, Part, RoleBounds

NUMBERS = {
    "attention": ("attention ≥", "The least attention from where the metric is read."),
    "attribution": ("of the metric ≥", "The least direct attribution, as a share of the metric."),
    "copying": ("copying >", "What the copying score must exceed, or fall below minus that."),
    "repeats": ("on repeats ≥", "The least score on random tokens that are said twice."),
    "pairs": ("of the pairs ≥", "On what share of the table’s pairs a rule must hold."),
}
FIRM = (
    "A letter is a ring while its rule holds on the pair at hand only, and filled once it holds on "
    f"enough of the table’s first {ENOUGH_PAIRS} pairs, or is about the model alone. A right-click "
    "on a head gives it another role, or none."
)
NOBODY = "no head"


class Letter(QWidget):
    """The letter of a role, as pictures have it."""

    def __init__(self, role: HeadRole, parent: QWidget) -> None:
        super().__init__(parent)
        self._part = Part(role, is_firm=True)
        self.setAccessibleName(role.name)
        self.setFixedSize(QSize(18, 18))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the letter."""
        with QPainter(self) as painter:
            where = self.rect().toRectF().adjusted(2, 2, -2, -2)
            role_marks.paint(painter, where, self._part, theme.of(self.palette()))


class RoleRules(QDialog):
    """Shows what the rules say, and lets their numbers be changed while one looks.

    Attributes:
        changed: (RoleBounds,) after a number was changed.
    """

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Roles of heads")
        self._bounds = USUAL
        self.numbers: dict[str, QDoubleSpinBox] = {}
        self.rules: dict[str, QLabel] = {}
        self.heads: dict[str, QLabel] = {}
        column = QVBoxLayout(self)
        column.addLayout(self._number_row())
        column.addWidget(self._scrolled(self._rule_grid()), 1)
        about = sentence(self)
        about.setText(FIRM)
        column.addWidget(about)
        buttons = QDialogButtonBox(self)
        usual = PANE_ACTIONS["usual_numbers"]
        reset = dress(buttons.addButton(usual.text, QDialogButtonBox.ButtonRole.ResetRole), usual)
        reset.clicked.connect(self._reset)
        buttons.addButton(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        column.addWidget(buttons)
        self.resize(620, 520)
        self.show_bounds(USUAL)

    def show_bounds(self, bounds: RoleBounds) -> None:
        """Show the numbers, and each rule with them."""
        self._bounds = bounds
        for name, box in self.numbers.items():
            box.blockSignals(True)
            box.setValue(getattr(bounds, name))
            box.blockSignals(False)
        for role in ROLES:
            self.rules[role.name].setText(role.words(bounds))

    def show_roles(self, roles: Mapping[Head, Part]) -> None:
        """Show which heads the rules name."""
        for role in ROLES:
            found = [
                f"L{layer}H{head}" + (f" ({part.pairs} of {part.total})" if part.total else "")
                for (layer, head), part in sorted(roles.items())
                if part.role == role
            ]
            self.heads[role.name].setText(", ".join(found) or NOBODY)

    def _number_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(10)
        for field in fields(RoleBounds):
            name, tip = NUMBERS[field.name]
            box = QDoubleSpinBox(self)
            box.setRange(0, 1)
            box.setSingleStep(0.01 if field.name == "attribution" else 0.05)
            for widget in (box, box.lineEdit()):
                widget.setAccessibleName(f"{name.rstrip('≥> ')}: bound")
                widget.setToolTip(plain_tip(tip))
            box.valueChanged.connect(self._change)
            self.numbers[field.name] = box
            cell = QVBoxLayout()
            cell.addWidget(plain_label(name, self))
            cell.addWidget(box)
            row.addLayout(cell)
        row.addStretch(1)
        return row

    def _rule_grid(self) -> QWidget:
        inside = QWidget(self)
        grid = QGridLayout(inside)
        grid.setColumnStretch(1, 1)
        grid.setVerticalSpacing(3)
        for at, role in enumerate(ROLES):
            grid.addWidget(Letter(role, inside), 3 * at, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(headline(role.name, inside), 3 * at, 1)
            self.rules[role.name] = sentence(inside)
            self.heads[role.name] = sentence(inside)
            self.heads[role.name].setAccessibleName(f"Heads of the role {role.name}")
            self.heads[role.name].setFont(theme.mono_font(theme.SMALL_POINTS))
            grid.addWidget(self.rules[role.name], 3 * at + 1, 1)
            grid.addWidget(self.heads[role.name], 3 * at + 2, 1)
        grid.setRowStretch(3 * len(ROLES), 1)
        return inside

    def _scrolled(self, inside: QWidget) -> QScrollArea:
        area = QScrollArea(self, widgetResizable=True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setAccessibleName("The rules")
        area.setWidget(inside)
        return area

    @Slot()
    def _change(self) -> None:
        bounds = self._bounds
        for name, box in self.numbers.items():
            bounds = replace(bounds, **{name: round(box.value(), 4)})
        self.show_bounds(bounds)
        self.changed.emit(bounds)

    @Slot()
    def _reset(self) -> None:
        self.show_bounds(USUAL)
        self.changed.emit(USUAL)
