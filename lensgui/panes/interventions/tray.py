"""Interventions: what is done to the model, a line for each; every pane shows what follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from PySide6.QtCore import QMimeData, QPoint, Qt, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QHideEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QMenu,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from lensgui.jobs.answers.interventions import InterventionReading, InterventionsReading
from lensgui.jobs.answers.readings import PairReading
from lensgui.jobs.questions.intervention_requests import ReadInterventions
from lensgui.jobs.request import Request
from lensgui.jobs.requests import ReadPair
from lensgui.panes import menus
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.controls import button, dress, line, sentence
from lensgui.panes.files import files_folder
from lensgui.panes.interventions import list_menu, verbs
from lensgui.panes.interventions.chip_line import ChipLine
from lensgui.panes.interventions.lines import alike, lines, overridden
from lensgui.panes.interventions.tray_actions import NOTHING
from lensgui.panes.pane import Pane
from lensgui.panes.python import interventions as code
from lensgui.panes.token_text import spelled
from lensgui.panes.verb import Verb, submenu
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.terms.interventions import Intervention, Site, direct_path_of
from lensgui.terms.recipes import OfFile, Unmade

EMPTY = (
    f"{NOTHING} Right-click a head, a cell, an edge, a neuron or a token in any pane and choose "
    "“Intervene on …”, or press Add."
)
FILES = "Vectors (*.gguf *.safetensors *.npz);;All files (*)"
MARK = 2  # pixels
SUFFIXES = (".gguf", ".safetensors", ".npz")


class InterventionsPane(Pane):
    """The tray: lines with switches and sliders, in the order in which they are done.

    Attributes:
        held: (is_held,) whether every pane is to show what is so without interventions.
    """

    title: ClassVar[str] = "Interventions"
    guide: ClassVar[str] = "interventions.md"
    about: ClassVar[str] = (
        "What is done to the model wherever it runs, in order; every pane shows what follows."
    )
    shows_all_interventions: ClassVar[bool] = True
    held = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cursor = Cursor()
        self._unfolded: set[Intervention] = set()
        self._dragged: tuple[Intervention, ...] | None = None  # the list in which a line is
        self._menu: QMenu | None = None  # of a line, as long as the list is what it is about
        self.all = dress(QCheckBox("all", self), PANE_ACTIONS["switch_interventions"])
        self.count = line(self)
        self.before = button(PANE_ACTIONS["hold_before"], self)
        self.add = button(PANE_ACTIONS["add_intervention"], self)
        self.clear = button(PANE_ACTIONS["remove_interventions"], self)
        self.empty = sentence(self)
        self.empty.setText(EMPTY)
        self.lines: list[ChipLine] = []
        self._lay_out()
        self._connect()
        self.setAcceptDrops(True)
        self._show_lines()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(4)
        for part, share in (
            (self.all, 0), (self.count, 1), (self.before, 0), (self.add, 0), (self.clear, 0),
        ):  # fmt: skip
            row.addWidget(part, share)
        self.column.addLayout(row)
        inside = QWidget(self)
        self._list = QVBoxLayout(inside)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(2)
        self._list.addWidget(self.empty)
        self.mark = QFrame(inside)  # between which lines one that is dragged comes to lie
        self.mark.setFrameShape(QFrame.Shape.HLine)
        self.mark.setLineWidth(MARK)
        self.mark.hide()
        self._list.addStretch(1)
        room = QScrollArea(self)
        room.setWidgetResizable(True)
        room.setFrameShape(QFrame.Shape.NoFrame)
        room.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        room.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        room.setWidget(inside)
        self.column.addWidget(room, 1)

    def _connect(self) -> None:
        self.all.clicked.connect(self._switch_all)
        self.add.clicked.connect(self._offer_more)
        self.clear.clicked.connect(lambda: self._edit(()))
        self.before.pressed.connect(lambda: self.held.emit(True))
        self.before.released.connect(lambda: self.held.emit(False))

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Ask what is to be known of each, and for the tokens of the prompts."""
        pair = document.pair
        if not pair.clean:
            return {}
        asked: dict[str, Request] = {"pair": ReadPair(document.model, document.shown.pair)}
        if pair.interventions:
            whole = document.with_means(pair, pair.interventions)
            asked["interventions"] = ReadInterventions(document.model, whole)
        return asked

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to get the metric of both prompts under them, and without."""
        return code.interventions(document.shown)

    def show_document(self, document: Document) -> None:
        """Show a line for each, or for those that are alike."""
        before, self._document = self.listed, document
        if self._menu is not None and before != self.listed:
            self._menu.close()  # what it offers is about the list before
            self._menu = None
        self._show_lines()

    def show_cursor(self, cursor: Cursor) -> None:
        """Offer to add something there."""
        self._cursor = cursor

    def draw_reply(self, name: str) -> None:
        """Say what is known of each; a slider that is dragged goes on once its metric is known."""
        if name == "interventions":
            self._show_lines()
        pair = self.known("pair", PairReading)
        if name == "pair" and pair is not None and pair.complete:
            for widget in self.lines:
                widget.go_on()

    @property
    def listed(self) -> tuple[Intervention, ...]:
        """All that is done, in order; what is off too."""
        return self._document.pair.interventions if self._document is not None else ()

    @property
    def _readings(self) -> tuple[InterventionReading, ...]:
        """What is known of each; () while that is of other ones."""
        found, request = self.answer("interventions", InterventionsReading), None
        if found is not None:
            request = self.answered("interventions")
        if found is None or not isinstance(request, ReadInterventions):
            return ()
        return found.of if _are_alike(request.pair.interventions, self.listed) else ()

    def _show_lines(self) -> None:
        listed, readings = self.listed, self._readings
        overrides, shown = overridden(listed), lines(listed, self._unfolded)
        while len(self.lines) < len(shown):
            self._add_line()
        has_groups = any(one.is_group for one in shown)
        for number, one in enumerate(shown):
            first = listed[one.numbers[0]]
            is_unfolded = one.is_group and alike(first) in self._unfolded
            self.lines[number].show_line(
                one, listed, overrides, readings, is_unfolded=is_unfolded, has_groups=has_groups
            )
        for number, widget in enumerate(self.lines):
            widget.setVisible(number < len(shown))
        count = sum(one.is_on for one in listed)
        self.empty.setVisible(not listed)
        self.count.setText(f"{count} of {len(listed)} on" if listed else "")
        self.all.setTristate(0 < count < len(listed))
        state = Qt.CheckState
        whole = state.Checked if listed and count == len(listed) else state.Unchecked
        self.all.setCheckState(state.PartiallyChecked if 0 < count < len(listed) else whole)
        for part in (self.all, self.clear):
            part.setEnabled(bool(listed))
        self.before.setEnabled(bool(count) or self.before.isDown())
        faults = [reading.fault for reading in readings if reading.fault]
        self._say("faults", faults[0] if faults else "")

    def _add_line(self) -> None:
        widget = ChipLine(self)
        self._list.insertWidget(1 + len(self.lines), widget)
        before: QWidget = self.lines[-1].more if self.lines else self.clear
        for part in (widget.fold, widget.switch, widget.slider, widget.number, widget.more):
            QWidget.setTabOrder(before, part)  # else lines come behind all of the window
            before = part
        self.lines.append(widget)
        widget.switched.connect(self._switch)
        widget.strengthened.connect(self._strengthen)
        widget.unfolded.connect(self._unfold)
        widget.menu_requested.connect(self._offer)
        widget.chosen.connect(self._choose)
        widget.dragged.connect(self._drag)
        widget.let_go.connect(self._put)

    @property
    def _sending(self) -> tuple[int, ...]:
        """Which interventions the line is of that says something."""
        widget = self.sender()
        return widget.line.numbers if isinstance(widget, ChipLine) else ()

    def _edit(self, after: tuple[Intervention, ...]) -> None:
        self.edited.emit({"interventions": after})

    @Slot(bool)
    def _switch(self, is_on: bool) -> None:
        self._edit(list_menu.changed(self.listed, self._sending, lambda one: one.on(is_on)))

    @Slot()
    def _switch_all(self) -> None:
        self.all.setTristate(False)
        is_on = self.all.checkState() != Qt.CheckState.Unchecked
        self._edit(tuple(one.on(is_on) for one in self.listed))

    @Slot(float)
    def _strengthen(self, strength: float) -> None:
        changed = list_menu.changed(
            self.listed, self._sending, lambda one: replace(one, strength=strength)
        )
        self._edit(changed)

    @Slot()
    def _unfold(self) -> None:
        self._unfolded ^= {alike(self.listed[self._sending[0]])}
        self._show_lines()

    @Slot()
    def _choose(self) -> None:
        if len(numbers := self._sending) == 1:
            self._select(self.listed[numbers[0]])

    @Slot(int)
    def _drag(self, height: int) -> None:
        """Mark where a line that is dragged would come to lie."""
        if self._dragged is None:
            self._dragged = self.listed
        shown, gap = self._shown_lines(), self._gap(height)
        last = gap == len(shown)
        beside = shown[gap - 1].geometry() if last else shown[gap].geometry()
        top = beside.bottom() + 1 if last else beside.top() - self._list.spacing()
        self.mark.setGeometry(beside.left(), max(0, top), beside.width(), MARK)
        self.mark.raise_()
        self.mark.show()

    @Slot(int)
    def _put(self, height: int) -> None:
        """Put a line where it is let go, unless the list is another by now."""
        self.mark.hide()
        before, self._dragged = self._dragged, None
        shown, gap = self._shown_lines(), self._gap(height)
        if before == self.listed and self._sending:
            behind = shown[gap].line.numbers[0] if gap < len(shown) else len(self.listed)
            after = list_menu.put(self.listed, self._sending, behind)
            if after != self.listed:
                self._edit(after)

    def _shown_lines(self) -> list[ChipLine]:
        return [widget for widget in self.lines if not widget.isHidden()]

    def _gap(self, height: int) -> int:
        """Return how many lines are above a height of the screen."""
        middles = [widget.mapToGlobal(widget.rect().center()).y() for widget in self._shown_lines()]
        return sum(middle < height for middle in middles)

    def _select(self, one: Intervention) -> None:
        site, at = one.site, one.where
        places = {"layer": site.layer, "head": site.head, "neuron": site.neuron}
        places["position"] = at[0] if isinstance(at, tuple) and at else None
        places["source"] = one.sources[0] if one.sources else None
        self.picked.emit({name: place for name, place in places.items() if place is not None})

    @Slot(QPoint)
    def _offer(self, where: QPoint) -> None:
        """Show what can be done with a line."""
        pair = self.answer("pair", PairReading)
        tokens = spelled(pair.clean.tokens) if pair is not None else []
        found = list_menu.of_line(self.listed, self._sending, tokens, self._edit, self._select)
        self._menu = menus.show_menu(self, found, where)

    @Slot()
    def _offer_more(self) -> None:
        """Show what can be done to the model at the selected place, and elsewhere."""
        self._menu = None
        where = self.add.mapToGlobal(self.add.rect().bottomLeft())
        menus.show_menu(self, self.additions(), where)

    def additions(self) -> list[Verb]:
        """Return what can be added: at the selected place, along vectors, and to know paths by."""
        cursor, pair = self._cursor, self.answer("pair", PairReading)
        tokens = [pair.answer, pair.distractor] if pair is not None else []
        named = [token for token in tokens if token is not None]
        found = verbs.of_place(self, cursor, named)
        if len(cursor.heads) > 1:
            found.insert(0, verbs.of_heads(self, cursor.heads))
        card = self.card
        if card is not None and cursor.layer is None and named:
            layer = round(verbs.DEPTH * card.n_layers)
            steering = [verbs.steering_with(self, token, layer) for token in named]
            tip = "Add or remove the direction of the answer, or of the distractor."
            found.append(submenu("Steer with a token", tip, steering))
        if pair is not None and pair.differing:
            noise = Intervention(Site("embed"), "noise", pair.differing, 3.0, runs="corrupted")
            tip = "Causal tracing: three standard deviations of the embeddings (Meng et al. 2022)."
            name = "Noise on what differs, in the corrupted prompt"
            found.append(Verb(name, tip, verbs.adding(self, [noise])))
        if card is not None:
            tip = (
                "Freeze attention patterns, MLP outputs and what norms divide by, so that only the "
                "direct path of an intervention is left."
            )
            path = direct_path_of(card.n_layers, has_mlps=bool(card.n_neurons))
            found.append(Verb("Direct path only", tip, verbs.adding(self, path)))
        action = PANE_ACTIONS["open_vectors"]
        found.append(Verb(action.text, action.tip, self._open))
        return found

    @Slot()
    def _open(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Read vectors", files_folder(), FILES)
        if path:
            self._add_vectors(path)

    def _add_vectors(self, path: str) -> None:
        self.intervened.emit((Unmade(OfFile(path), "add"),))

    def hideEvent(self, event: QHideEvent) -> None:
        """Let go of the button: it is not there any more to be let go."""
        if self.before.isDown():
            self.before.setDown(False)
            self.held.emit(False)
        super().hideEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a file of vectors."""
        if dropped_vectors(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Read it."""
        if path := dropped_vectors(event.mimeData()):
            event.acceptProposedAction()
            self._add_vectors(path)


def dropped_vectors(data: QMimeData) -> str:
    """Return the path of the one file that is dragged; "" if it can't hold vectors."""
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    if len(paths) != 1 or not paths[0].is_file() or paths[0].suffix not in SUFFIXES:
        return ""
    return str(paths[0])


def _are_alike(some: Sequence[Intervention], others: Sequence[Intervention]) -> bool:
    """Whether two lists do the same at the same places, however strongly, and on or off."""
    return len(some) == len(others) and all(
        one == other or replace(one, strength=other.strength, is_on=other.is_on) == other
        for one, other in zip(some, others, strict=True)
    )
