"""Where the answer lives: activation patching of every place of one kind."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from PySide6.QtCore import QPoint, Slot
from PySide6.QtWidgets import QSizePolicy, QWidget

from lensgui.jobs.answers.arrays import Sweep, Verification
from lensgui.jobs.answers.readings import PairReading
from lensgui.jobs.request import Request
from lensgui.jobs.requests import Patching, ReadPair, VerifyCell
from lensgui.jobs.runner import STOPPED
from lensgui.panes import menus
from lensgui.panes.controls.chooser import Chooser
from lensgui.panes.controls.flow import Flow
from lensgui.panes.figures.shown import Prompts, Shown, told
from lensgui.panes.pane import UNEQUAL, Pane
from lensgui.panes.patching import followups
from lensgui.panes.pictures.heatmap import Heatmap
from lensgui.panes.python import sweeps
from lensgui.panes.sweep_view import cells, compare, faces, sweep_footer
from lensgui.panes.sweep_view.compare import KEPT
from lensgui.panes.sweep_view.kinds import DIRECTIONS, KINDS
from lensgui.panes.sweep_view.sweep_view import SweepContents, SweepPlot
from lensgui.panes.verb import Verb
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.state.views import AT_FIRST, PatchingView
from lensgui.terms.kinds import SweepKind

EMPTY_STATE = (
    "Type a corrupted prompt with as many tokens as the clean one, and the sweep starts by itself."
)
NO_HEAD = "Select a head, and its attention edges are patched one at a time."
ALL_KINDS = "All kinds at once"
OTHER_MODEL = "The sweep kept as A was of another model, so there is nothing to compare with."


class PatchingPane(Pane):
    """How much each place of one run moves the answer of the other."""

    title: ClassVar[str] = "Activation patching"
    guide: ClassVar[str] = "patching.md"
    averages: ClassVar[bool] = True
    view_name: ClassVar[str] = "patching"
    about: ClassVar[str] = "One run's activations are put into the other, one place at a time."

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cursor = Cursor()
        self._verifying: VerifyCell | None = None
        self._whole: Patching | None = None  # the sweep that is to go on when it has settled
        self.kind = Chooser("Kind of activation that is patched", KINDS, self)
        self.direction = Chooser("Direction of patching", DIRECTIONS, self)
        self.direction.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.direction.setSizeAdjustPolicy(Chooser.SizeAdjustPolicy.AdjustToContents)
        self.view = SweepPlot(self.title, self)
        self._empty_states = {self.view.heatmap: EMPTY_STATE}
        choices = Flow(spacing=6)
        choices.addWidget(self.kind)
        choices.addWidget(self.direction)
        self.column.addLayout(choices)
        self.column.addWidget(self.view, 1)
        self._connect()

    def _connect(self) -> None:
        view, tools = self.view, self.view.tools
        self.kind.chosen.connect(self._edit_kind)
        self.direction.chosen.connect(self._edit_direction)
        view.picked.connect(self.picked)
        view.hovered.connect(self.hovered)
        view.menu_requested.connect(self._show_verbs)
        view.verb_requested.connect(self._act)
        view.chosen.connect(self.set_view)
        view.compare.compared.connect(self._compare)
        view.compare.dropped.connect(self._drop_kept)
        tools.pause.paused.connect(self._pause)
        tools.pause.resumed.connect(self.again)
        tools.pause.completed.connect(self._go_on)
        tools.kept.connect(self._keep)
        tools.all_kinds.connect(self._show_all_kinds)

    @property
    def heatmap(self) -> Heatmap:
        """The picture."""
        return self.view.heatmap

    @property
    def sweep(self) -> Sweep | None:
        """The sweep so far."""
        return self.answer("sweep", Sweep)

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Return a sweep over all places of the chosen kind, once there are two prompts."""
        if not document.pair.is_complete and not document.rows:
            return {}
        found: dict[str, Request] = {"pair": ReadPair(document.model, document.pair)}
        patching = _placed(document.patching(), cursor)
        if patching is None:
            return found
        if self._whole == patching:
            patching = replace(patching, is_whole=True)
        found["sweep"] = patching
        a = self._a(document, cursor)
        if a is not None and _view(document).side != "B":
            found[self._name_of_a(document)] = a
        if self._verifying is not None and self._verifying.patching == patching:
            found["verify"] = self._verifying
        return found

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to compute the sweep that is shown, A, B or A − B."""
        anywhere = replace(cursor, layer=cursor.layer or 0, head=cursor.head or 0)
        request = _placed(document.patching(), anywhere)
        assert request is not None
        answered = self.answer(self._name_of_a(document), Sweep)
        side = compare.drawn_side(_view(document).side, answered, self.sweep)
        return sweeps.shown(document, request, self._a(document, anywhere), side)

    def shown(self) -> list[Shown]:
        """Return the sweep's map, and what is open beside it."""
        document = self._document
        if document is None:
            return []
        a, b = self._a(document, self._cursor), self._request() or document.patching()
        name, more = self._name_of_a(document), dict[str, Any]()
        answered, side = self.answer(name, Sweep), _view(document).side
        drawn = compare.drawn_side(side, answered, self.sweep) if answered else "B"
        if side == "A" and a is not None:
            found = self.view.shown(f"{self.title}: {_words(a)}")
            about, left_out = Prompts(a.pair, len(a.rows)), frozenset({"sweep", "pair", "verify"})
            more = {"prompts": about, "leaves_out": left_out, "is_stale": self.is_stale(name)}
        elif drawn == "A − B" and a is not None:
            both = " ".join((*_told("A", a), *_told("B", b)))
            found = self.view.shown(f"{self.title}: A − B", both)
            more = {"prompts": Prompts(None)}
        else:
            found = self.view.shown(f"{self.title}: {_words(b)}")
            more = {"leaves_out": frozenset({KEPT, "against"})}
        return [replace(one, **more) for one in found]

    def show_document(self, document: Document) -> None:
        """Show what is patched, and which way."""
        self._document = document
        self.kind.show_value(document.kind)
        self.direction.show_value(document.direction)
        side = _view(document).side
        self.view.compare.show_compared(document.compared, document.kept, side)
        is_other = document.kept is not None and document.compared is None
        self._say(KEPT, OTHER_MODEL if is_other else "")
        self._refresh()

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline the selected cell."""
        self._cursor = cursor
        self._refresh()

    def _refresh(self) -> None:
        """Draw; a check of what is no longer asked is over."""
        request = self._request()
        if self._verifying is not None and request != self._verifying.patching:
            self._verifying = None
        self._empty_states = {self.view.heatmap: self._what_is_missing()}
        self._draw()

    def draw_roles(self) -> None:
        """Write the letters of roles."""
        self.view.picture.show_roles(self.roles)

    def _what_is_missing(self) -> str:
        """Return what to do to get a sweep."""
        document = self._document
        if document is None or not (document.pair.is_complete or document.rows):
            return EMPTY_STATE
        reading = self.reading_of(document)
        if reading is not None and reading.is_unequal and not document.rows:
            return UNEQUAL
        return NO_HEAD if self._request() is None else EMPTY_STATE

    def draw_reply(self, name: str) -> None:
        """Fill in the cells swept so far, or say why there are none and nothing else."""
        if name in ("sweep", "pair"):
            self._empty_states = {self.view.heatmap: self._what_is_missing()}
            self._say_if_empty(self._empty_states, "sweep")
        self._draw()

    def _draw(self) -> None:
        """Draw what is known by now."""
        reply, document = self.reply("sweep"), self._document
        self.view.show_sweeps(
            SweepContents(
                self.sweep,
                self.answer(self._name_of_a(document), Sweep),
                self.answer("pair", PairReading),
                self._cursor,
                document.marked if document is not None else (),
                cells.group_size(self.card),
                self._verified(),
                is_paused=reply is not None and reply.status == "paused",
                is_stopped=reply is not None and reply.sentence == STOPPED,
                is_stale=self.is_stale("sweep"),
                is_averaged=document is not None and bool(document.rows),
                view=AT_FIRST.patching if document is None else _view(document),
            )
        )

    def _verified(self) -> str:
        """Return how far the cell that is checked is from the slow way; "" if none is."""
        found, sweep = self.known("verify", Verification), self.sweep
        if self._verifying is None or self.has_failed("verify"):
            return ""
        if found is None or sweep is None or len(found.index) != sweep.values.ndim:
            return "verifying …"
        return sweep_footer.verified(sweep, found)

    def _request(self) -> Patching | None:
        """Return the sweep that the pane shows; None if there is nothing to sweep."""
        asked = self.requests(self._document, self._cursor) if self._document else {}
        patching = asked.get("sweep")
        return patching if isinstance(patching, Patching) else None

    def _a(self, document: Document, cursor: Cursor) -> Patching | None:
        """Return the sweep to compare with; None if there is none of this model."""
        a = document.compared
        return a if a is None or a is document.kept else _placed(a, cursor)

    @staticmethod
    def _name_of_a(document: Document | None) -> str:
        """Return the pane's name for it: that of a kept sweep, or of one of these prompts."""
        return KEPT if document is None or document.against is None else "against"

    @Slot(object)
    def _edit_kind(self, kind: object) -> None:
        self.edited.emit({"kind": kind})

    @Slot(object)
    def _edit_direction(self, direction: object) -> None:
        self.edited.emit({"direction": direction})

    @Slot(bool)
    def _pause(self, is_paused: bool) -> None:
        self.paused.emit("sweep", is_paused)

    @Slot()
    def _go_on(self) -> None:
        """Ask for all cells of a sweep that has settled."""
        request = self._request()
        if request is not None:
            self._whole = request
            self.altered.emit()

    @Slot()
    def _keep(self) -> None:
        self.edited.emit({"kept": self._request(), "against": None})

    @Slot(object)
    def _compare(self, choice: object) -> None:
        self.edited.emit({"against": choice})

    @Slot()
    def _drop_kept(self) -> None:
        views = self._document.views if self._document is not None else AT_FIRST
        side = replace(views.patching, side="B")
        self.edited.emit({"kept": None, "against": None, self.view_name: side})

    @Slot()
    def _show_all_kinds(self) -> None:
        self.pane_requested.emit(ALL_KINDS)

    @Slot(str, int, int)
    def _act(self, verb: str, row: int, column: int) -> None:
        if self.view.face is not None:
            menus.act(self, verb, self.view.place(row, column))

    @Slot(int, int, object)
    def _show_verbs(self, row: int, column: int, where: QPoint) -> None:
        """Show what can be done with a cell."""
        if self._document is None or self.view.face is None:
            return
        place = self.view.place(row, column)
        found = [] if self.is_stale("sweep") else self._questions(place, row, column)
        found += menus.of_place(self, place, self._document.pins)
        found.append(menus.copying(self.view.words(row, column)))
        menus.show_menu(self, found, where)

    def _questions(self, place: Cursor, row: int, column: int) -> list[Verb]:
        """Return what can be asked of a cell of the picture that answers the present question."""
        assert self._document is not None
        side = _view(self._document).side
        a = self._document.compared if side == "A" else None
        kind = self._document.kind if a is None else a.kind
        found = followups.of_cell(
            kind, place, self._follow, partial(followups.feed, self, self._document, place)
        )
        if side == "B":
            found.append(followups.verifying(lambda: self._verify(row, column)))
        return found

    def _follow(self, kind: SweepKind, place: Cursor) -> None:
        """Select a place and show another kind of sweep."""
        menus.select(self, place)
        self.edited.emit({"kind": kind})

    def _verify(self, row: int, column: int) -> None:
        """Ask for a cell the slow way."""
        sweep, request = self.sweep, self._request()
        if sweep is not None and request is not None:
            index = faces.whole_index(sweep, row, column, self.view.slider.at)
            self._verifying = VerifyCell(request, index)
            self.altered.emit()
            self._draw()


def _view(document: Document) -> PatchingView:
    """Return how the sweep is shown; where nothing is compared with, that is B."""
    view = document.views.patching
    return view if document.compared is not None else replace(view, side="B")


def _words(patching: Patching) -> str:
    """Return what is patched, with the name of the head whose edges are."""
    head = f"L{patching.layer}H{patching.head}"
    return patching.kind.words[0].replace("the selected head", head)


def _told(name: str, patching: Patching) -> list[str]:
    """Return what one of two sweeps is of, in sentences."""
    what = f"{name}: {_words(patching)}, {patching.direction}."
    return [what, *told(Prompts(patching.pair, len(patching.rows)))]


def _placed(patching: Patching, cursor: Cursor) -> Patching | None:
    """Return a sweep, of edges those of the selected head; None if that needs one and has none."""
    if patching.kind.extent != "edge":
        return patching
    if cursor.layer is None or cursor.head is None:
        return None
    return replace(patching, layer=cursor.layer, head=cursor.head)
