"""Closing the window: what would be lost is said first, once."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from lensgui.panes.controls.controls import headline, plain_label
from lensgui.panes.token_text import plain_tip
from lensgui.state.document import Document
from lensgui.state.selection import place_name

QUESTION = "Close, and lose what you noted?"
CLOSE, COPY, STAY = "Close", "Copy and close", "Stay"
STAYED, COPIED, CLOSED = range(3)  # Esc stays
CHOICES = (
    (STAY, QDialogButtonBox.ButtonRole.RejectRole, "Leave the window open."),
    (
        COPY,
        QDialogButtonBox.ButtonRole.AcceptRole,
        "Copy pins, notes and roles as text to the clipboard, then close.",
    ),
    (CLOSE, QDialogButtonBox.ButtonRole.DestructiveRole, "Close, and lose them."),
)


def noted(document: Document) -> list[str]:
    """Return what the user noted in a document that nothing else keeps, a line each."""
    lines = [f"pinned: {place_name(pin)}" for pin in document.pins]
    lines += [f"{place_name(note.place)}: {note.text}" for note in document.notes]
    lines += [
        f"L{role.layer}H{role.head}: {role.name or 'no role'}, as you named it"
        for role in document.roles
    ]
    return lines


def counted(document: Document) -> str:
    """Return what there is of it: 2 pins and 1 note."""
    kinds = (("pin", document.pins), ("note", document.notes), ("role", document.roles))
    parts = [f"{len(some)} {name}{'s' * (len(some) != 1)}" for name, some in kinds if some]
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def may_close(document: Document, parent: QWidget) -> bool:
    """Ask whether to close a window whose document holds what nothing else keeps.

    Args:
        document: What would be lost.
        parent: The window.

    Returns:
        Whether to close; without a question where nothing would be lost.
    """
    lines = noted(document)
    if not lines:
        return True
    box = QDialog(parent)
    box.setWindowTitle("lensgui")
    column = QVBoxLayout(box)
    column.addWidget(headline(QUESTION, box))
    column.addWidget(plain_label(f"Kept nowhere else: {counted(document)}.", box))
    buttons = QDialogButtonBox(box)
    for code, (name, role, tip) in enumerate(CHOICES):
        button = buttons.addButton(name, role)
        button.setToolTip(plain_tip(tip))
        button.clicked.connect(lambda checked=False, code=code: box.done(code))
    column.addWidget(buttons)
    answer = box.exec()
    box.deleteLater()
    if answer == COPIED:
        QGuiApplication.clipboard().setText("\n".join(lines))
    return answer in (COPIED, CLOSED)
