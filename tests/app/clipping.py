"""Which texts of a window are cut off, or drawn over each other."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QToolButton,
    QWidget,
)

from lensgui.panes.controls.controls import Elided, Lines
from lensgui.panes.pane import Pane

TEXTS = (QLabel, QAbstractButton, QComboBox, QLineEdit)
NEAR = 1  # pixels that two boxes may share


def faults(window: QWidget) -> list[str]:
    """Return what is wrong, a sentence each."""
    shown = [part for part in window.findChildren(QWidget) if is_seen(part)]
    return sorted({*_cut(shown), *_outside(shown), *_overlapping(shown)})


def is_seen(widget: QWidget) -> bool:
    """Whether any of a widget is in view, and says something."""
    is_text = isinstance(widget, TEXTS) and not isinstance(widget.parent(), QComboBox)
    return is_text and widget.isVisible() and not widget.visibleRegion().isEmpty()


def name(widget: QWidget) -> str:
    """Return what a widget says, or is called."""
    said = widget.text() if isinstance(widget, QLabel | QAbstractButton | QLineEdit) else ""
    return f"{type(widget).__name__} “{said or widget.accessibleName()}”"


def _cut(shown: list[QWidget]) -> Iterator[str]:
    """Yield the texts that are wider or taller than what they are written on."""
    for part in shown:
        if isinstance(part, Elided | Lines | QLineEdit | QComboBox):
            continue  # these say so by an ellipsis, scroll, or show all in their list
        if isinstance(part, QLabel) and part.wordWrap():
            needed = part.heightForWidth(part.width())
            if needed > part.height() + NEAR:
                yield f"{name(part)} is {part.height()} pixels tall and needs {needed}"
        elif isinstance(part, QLabel | QCheckBox | QToolButton | QPushButton) and part.text():
            needed = part.minimumSizeHint().width()
            if needed > part.width() + NEAR:
                yield f"{name(part)} is {part.width()} pixels wide and needs {needed}"


def _outside(shown: list[QWidget]) -> Iterator[str]:
    """Yield what stands out of its parent, where it can't be scrolled to."""
    for part in shown:
        parent = part.parentWidget()
        if parent is None or isinstance(parent.parentWidget(), QAbstractScrollArea):
            continue
        if not parent.rect().adjusted(-NEAR, -NEAR, NEAR, NEAR).contains(part.geometry()):
            yield f"{name(part)} stands out of {type(parent).__name__}"


def _overlapping(shown: list[QWidget]) -> Iterator[str]:
    """Yield the pairs that cover each other, but for messages, which may."""
    places = [(part, _seen_of(part)) for part in shown if not _is_message(part)]
    for at, (one, box) in enumerate(places):
        for other, its in places[at + 1 :]:
            is_inside = one.isAncestorOf(other) or other.isAncestorOf(one)
            shared = box.intersected(its)
            if min(shared.width(), shared.height()) > NEAR and not is_inside:
                yield f"{name(one)} and {name(other)} overlap"


def _seen_of(widget: QWidget) -> QRect:
    """Return where what can be seen of a widget is in its window."""
    box = widget.visibleRegion().boundingRect()
    return box.translated(widget.mapTo(widget.window(), QPoint(0, 0)))


def _is_message(widget: QWidget) -> bool:
    parent = widget.parentWidget()
    return isinstance(parent, Pane) and widget is parent.message
