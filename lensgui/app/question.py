"""A question with a few answers, in words and by buttons."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from lensgui.panes import theme
from lensgui.panes.controls.controls import headline, sentence
from lensgui.panes.token_text import plain_tip

Answer = TypeVar("Answer")
WIDTH = 440  # pixels, times the zoom


def ask(
    question: str,
    said: str,
    choices: tuple[tuple[Answer, str, QDialogButtonBox.ButtonRole, str], ...],
    parent: QWidget,
) -> Answer:
    """Ask something and wait; Esc takes the first choice.

    Args:
        question: In a line.
        said: What has to be known for an answer.
        choices: What each means, what is on its button, its role, and its tooltip.
        parent: What the question stands before.
    """
    box = QDialog(parent)
    box.setWindowTitle("lensgui")
    column = QVBoxLayout(box)
    column.addWidget(headline(question, box))
    words = sentence(box)
    words.setText(said)
    words.setMinimumWidth(min(theme.zoomed(WIDTH), parent.window().width()))
    column.addWidget(words)
    buttons = QDialogButtonBox(box)
    for number, (_, name, role, tip) in enumerate(choices):
        button = buttons.addButton(name, role)
        button.setToolTip(plain_tip(tip))
        button.clicked.connect(lambda checked=False, number=number: box.done(number))
    column.addWidget(buttons)
    answer = box.exec()
    box.deleteLater()
    return choices[answer][0]
