"""One head, or the mean of several: as a map, as lines, or on the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from lensgui.jobs.answers.arrays import HeadSlice
from lensgui.panes.attention import panels
from lensgui.panes.attention.attention_controls import FocusBar
from lensgui.panes.attention.head_lines import HeadLines
from lensgui.panes.attention.head_map import HeadMap
from lensgui.panes.attention.head_numbers import Weights, weights
from lensgui.panes.attention.head_text import TextArea
from lensgui.panes.controls.controls import headline, line
from lensgui.panes.figures.figure import Panel
from lensgui.panes.figures.shown import Shown
from lensgui.panes.python.figures import Code
from lensgui.panes.token_text import percent, plain_tip, signed
from lensgui.state.selection import Cursor, place_name
from lensgui.state.views import AttentionView
from lensgui.terms.kinds import Head
from lensgui.terms.roles import Part

Heads = tuple[tuple[int, int], ...]
VIEWS = ("map", "lines", "text")


class HeadFocus(QWidget):
    """The views of one head under its name; its switches are laid out by whoever owns it.

    Attributes:
        heads: Those whose numbers are drawn, each a layer and a head.
        bar: The switches.
        view: How the head is drawn.
        picked: (fields,) the position or source that was clicked.
        hovered: (words,) what is under the pointer.
    """

    picked = Signal(object)
    hovered = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heads: Heads = ()
        self._needed: Heads = ()
        self.slice: HeadSlice | None = None
        self.weights: Weights | None = None
        self._roles: Mapping[Head, Part] = {}
        self.name = headline("", self)
        self.share = line(self, Qt.AlignmentFlag.AlignRight)
        self.bar = FocusBar(self)
        self.view = AttentionView()
        self.map = HeadMap(self)
        self.lines = HeadLines(self)
        self.area = TextArea(self)
        self.text = self.area.text
        self._stack = QStackedWidget(self)
        for view in (self.map, self.lines, self.area):
            self._stack.addWidget(view)
        title = QHBoxLayout()
        title.addWidget(self.name)
        title.addWidget(self.share, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(title)
        column.addWidget(self._stack, 1)
        for part in (self.map, self.lines, self.text):
            part.picked.connect(self.picked)
            part.hovered.connect(self.hovered)

    def show_view(self, view: AttentionView) -> None:
        """Draw the head otherwise."""
        before, self.view = self.view, view
        if view == before:
            return
        self.bar.show_view(view)
        if view.drawing != before.drawing:
            self._stack.setCurrentIndex(VIEWS.index(view.drawing))
            self.area.reveal()
        if view.least_line != before.least_line:
            self.lines.show_least(view.least_line)
        if view.is_from != before.is_from:
            self.lines.show_direction(is_from=view.is_from)
            self.text.show_direction(is_from=view.is_from)
            self.area.reveal()

    def expect(self, heads: Heads) -> None:
        """Say whose numbers come next; what is drawn keeps its name until they arrive."""
        self._needed = heads
        if self.slice is None:
            self.show_names()

    def show_names(self) -> None:
        """Name the heads that were expected: their numbers are here, or none are drawn."""
        self.heads = self._needed
        self._name_them()

    def _name_them(self) -> None:
        whole = [place_name(Cursor(*head)) for head in self.heads]
        name = _name(self.heads)
        part = self._roles.get(self.heads[0]) if len(self.heads) == 1 else None
        self.name.setText(f"{name} · {part.letter}" if part else name)
        rule = f"{part.words}\n{part.rule}" if part else ""
        self.name.setToolTip(plain_tip("\n".join(filter(None, (", ".join(whole), rule)))))
        for view in (self.map, self.lines, self.text):
            view.name = name

    def show_roles(self, roles: Mapping[Head, Part]) -> None:
        """Say what part the head plays."""
        self._roles = roles
        self._name_them()

    def show_slice(
        self, slice_: HeadSlice | None, tokens: Sequence[str], marked: frozenset[int]
    ) -> None:
        """Draw a head's numbers.

        Args:
            slice_: The numbers; None for none.
            tokens: What each position is called.
            marked: Positions that differ between clean and corrupted.
        """
        self.slice = slice_
        if slice_ is None:
            self.show_names()
        self.weights = None if slice_ is None else weights(slice_, tokens)
        self.map.show_weights(self.weights, marked)
        self.lines.show_weights(self.weights, marked)
        self.text.show_weights(self.weights)
        self.share.setText("" if self.weights is None else _share(self.weights))
        self.share.setToolTip(
            "How much of this head's attention position 0 holds, on average over later queries."
        )

    def shown(self, says: str, compared: str, marked: frozenset[int]) -> list[Shown]:
        """Return the head as it is drawn, to be taken home.

        Args:
            says: What it shows, with a place for the names of the heads.
            compared: Of which runs it is the difference; "" for none.
            marked: Positions that differ between clean and corrupted.
        """
        found, view = self.weights, self.view
        if found is None:
            return []
        heading, chosen = f"Attention of {_name(self.heads)}", self.text.chosen
        says, values = says.format(heads=_named(self.heads)), "shown"
        how = ": rows are destinations, columns are sources."
        widget: HeadMap | HeadLines | TextArea = self.map
        panel: Panel = panels.heatmap(found, marked, compared)
        if view.drawing == "lines":
            widget, panel = self.lines, panels.strands(found, marked, view, compared)
            how = f": lines below {percent(view.least_line)} of the scale are left out."
        elif view.drawing == "text" and chosen is not None:
            widget, panel = self.area, panels.prose(found, chosen, compared, is_from=view.is_from)
            how = f": {self.text.headline()}."
            values = f"shown[{chosen}]" if view.is_from else f"shown[:, {chosen}]"
        code = Code((values,))
        return [Shown(widget, "", (panel,), says + how, self.map.is_stale, heading, code)]

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline what is selected."""
        for part in (self.map, self.lines, self.text):
            part.show_cursor(cursor)
        self.area.reveal()

    def show_stale(self, is_stale: bool) -> None:
        """Dim what answers an older question, and say which head is to take its place."""
        for part in (self.map, self.lines, self.text):
            part.show_stale(is_stale)
        if is_stale and self.heads != self._needed:
            self.share.setText(f"{_name(self._needed)} is being read …")


def _name(heads: Heads) -> str:
    """Return what one head is called, or how many are averaged over."""
    if len(heads) > 1:
        return f"mean of {len(heads)} heads"
    return place_name(Cursor(*heads[0])) if heads else ""


def _named(heads: Heads) -> str:
    """Return what heads are called in a caption, each of several among them."""
    names = ", ".join(place_name(Cursor(*head)) for head in heads)
    return f"{_name(heads)} ({names})" if len(heads) > 1 else names


def _share(shown: Weights) -> str:
    """Return how much attention position 0 holds, of how many prompts, and what the scale is."""
    slice_ = shown.slice
    words = [] if slice_.prompts == 1 else [f"mean of {slice_.prompts} prompts"]
    share = slice_.first_share
    if share == share:
        number = signed(share, 2) if slice_.is_difference else percent(share)
        words.append(f"position 0: {number}")
    if slice_.measure == "contribution":
        words.append("in logits")
    words.append(shown.scale_words)
    return " · ".join(words)
