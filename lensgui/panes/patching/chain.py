"""From who feeds a head back to who feeds that one: a line of links."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from lensgui.panes import theme
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.controls import button
from lensgui.panes.menus import heads_name
from lensgui.state.views import Link

MOST_LETTERS = 14  # of a link's name; of more heads only the number is said
MOST_NAMES = 12  # of heads, in a tooltip
GAP = 2


def link_name(link: Link) -> str:
    """Return the short name of a link: L23H1.q, L23H1+3.q, 7 heads.q."""
    by_layer: dict[int, list[str]] = {}
    for layer, head in link.heads:
        by_layer.setdefault(layer, []).append(str(head))
    name = "+".join(f"L{layer}H{'+'.join(heads)}" for layer, heads in by_layer.items())
    is_long = len(name) > MOST_LETTERS and len(link.heads) > 1
    return f"{len(link.heads)} heads.{link.input}" if is_long else f"{name}.{link.input}"


class Chain(QWidget):
    """Links from the first question to the present one; those in the middle give way.

    Attributes:
        chosen: (number,) of the link that is to be asked about again.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.links: tuple[Link, ...] = ()
        self.buttons: list[QToolButton] = []
        self._gap = button(PANE_ACTIONS["links_left_out"], self)
        self._gap.setEnabled(False)
        self.setAccessibleName("Chain of who feeds whom")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Return the height of a link, whether there is one or not."""
        return QSize(100, self._gap.sizeHint().height())

    def show_links(self, links: Sequence[Link]) -> None:
        """Show the way to the present question, which is the last."""
        if tuple(links) == self.links:
            return
        self.links = tuple(links)
        for old in self.buttons:
            old.hide()
            old.deleteLater()
        self.buttons = []
        for at, link in enumerate(self.links):
            whole = f"{heads_name(link.heads, MOST_NAMES)}: {link.input}"
            title, tip = f"Link {at + 1}: {whole}", f"Who feeds {whole}."
            each = button(PANE_ACTIONS["link"], self, text=link_name(link), title=title, tip=tip)
            each.setCheckable(True)
            each.setAutoRaise(False)
            is_present = at == len(self.links) - 1
            each.setChecked(is_present)
            each.setFont(theme.text_font(theme.SMALL_POINTS + 0.5, bold=is_present))
            each.clicked.connect(partial(self._choose, at))
            self.buttons.append(each)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show more links, or fewer."""
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Lay the links out anew in another font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    def _fit(self) -> None:
        """Leave out what there is no room for: links after the first, at last the first too.

        The present link is shortened where even it is too wide; its tooltip has all of it.
        """
        for at, each in enumerate(self.buttons):
            each.setText("← " * bool(at) + link_name(self.links[at]))
        widths = [each.sizeHint().width() + GAP for each in self.buttons]
        gap, left_out = self._gap.sizeHint().width() + GAP, range(1, 1)
        while left_out.stop < len(widths) - 1 and self._exceeds(widths, left_out, gap):
            left_out = range(1, left_out.stop + 1)
        if len(widths) > 1 and self._exceeds(widths, left_out, gap):
            left_out = range(left_out.stop)
        self._gap.setVisible(bool(left_out))
        x = 0
        for at, each in enumerate(self.buttons):
            each.setVisible(at not in left_out)
            if left_out and at == left_out.start:
                self._gap.setGeometry(x, 0, gap - GAP, self.height())
                x += gap
            if at not in left_out:
                room = max(0, min(widths[at] - GAP, self.width() - x))
                _shorten(each, widths[at] - GAP - room)
                each.setGeometry(x, 0, room, self.height())
                x += widths[at]

    def _exceeds(self, widths: list[int], left_out: range, gap: int) -> bool:
        """Whether links with these widths, some left out, are wider than there is room for."""
        shown = [width for at, width in enumerate(widths) if at not in left_out]
        return sum(shown) + gap * bool(left_out) > self.width()

    def _choose(self, number: int, checked: bool = False) -> None:
        for at, each in enumerate(self.buttons):
            each.setChecked(at == len(self.links) - 1)
        self.chosen.emit(number)


def _shorten(link: QToolButton, missing: int) -> None:
    """Write a link with so many pixels less than its whole name takes."""
    if missing > 0:
        metrics, text = link.fontMetrics(), link.text()
        most = metrics.horizontalAdvance(text) - missing
        link.setText(metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, most))
