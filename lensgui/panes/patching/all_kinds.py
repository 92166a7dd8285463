"""All kinds at once: a small map of every kind of sweep, with one scale, cursor and pointer."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import ClassVar, get_args

from PySide6.QtCore import QPoint, Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from lensgui.jobs.answers.arrays import Sweep, Verification
from lensgui.jobs.answers.readings import PairReading
from lensgui.jobs.request import Request
from lensgui.jobs.requests import Patching, ReadPair, VerifyCell
from lensgui.jobs.runner import STOPPED
from lensgui.panes import menus
from lensgui.panes.controls.chooser import Chooser, Groups, Option
from lensgui.panes.controls.controls import Lines, keep_room
from lensgui.panes.controls.flow import Flow
from lensgui.panes.figures.figure import Cells
from lensgui.panes.figures.shown import Shown
from lensgui.panes.pane import Pane
from lensgui.panes.patching import followups
from lensgui.panes.patching.patching import ALL_KINDS, EMPTY_STATE, PatchingPane
from lensgui.panes.patching.tiles import Tiles
from lensgui.panes.pictures.level_bar import LevelBar
from lensgui.panes.python import sweeps
from lensgui.panes.python.figures import Code
from lensgui.panes.sweep_view import cells, faces, panels, sweep_footer
from lensgui.panes.sweep_view.faces import Setting
from lensgui.panes.sweep_view.kinds import DIRECTIONS
from lensgui.panes.sweep_view.sweep_footer import PauseButton
from lensgui.panes.token_text import plain_tip
from lensgui.panes.verb import Verb
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.state.views import AT_FIRST, AllKindsView, Range, Stream
from lensgui.terms.kinds import SweepKind

STREAMS: tuple[Stream, ...] = get_args(Stream)
OTHERS = (
    *(SweepKind(name) for name in ("attn_out", "mlp_out")),
    *(SweepKind(name, "all") for name in ("z", "q", "k", "v", "pattern")),
)
NAMES = ("stream", *(kind.activation for kind in OTHERS))  # of the questions, and of the maps
OFFERED: Groups[Stream] = (
    ("", tuple(Option(stream, *SweepKind(stream).words) for stream in STREAMS)),
)
BAR_HEIGHT = 200  # pixels: seen whole where the maps are scrolled


class AllKindsPane(Pane):
    """Every kind of sweep in one direction, small, at once."""

    title: ClassVar[str] = ALL_KINDS
    guide: ClassVar[str] = "all_kinds.md"
    averages: ClassVar[bool] = True
    view_name: ClassVar[str] = "all_kinds"
    about: ClassVar[str] = "Activation patching of every kind, with one scale and one selection."

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cursor = Cursor()
        self._verifying: VerifyCell | None = None
        self._whole = frozenset[Request]()  # sweeps that are to go on when they have settled
        self._drawn_end: float | None = None
        self._drawn: dict[int, tuple[Sweep | None, Setting]] = {}
        self.stream = Chooser("Residual stream: where it is patched", OFFERED, self)
        self.direction = Chooser("Direction of patching of all kinds", DIRECTIONS, self)
        self.direction.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.direction.setSizeAdjustPolicy(Chooser.SizeAdjustPolicy.AdjustToContents)
        self.pause = PauseButton("all sweeps", self)
        self.legend, self.remarks = Lines(2, self), Lines(1, self)
        self.tiles = Tiles(self.kinds, self.say_place, self.say_cell, self)
        self.levels = LevelBar(self)
        self.levels.setFixedHeight(BAR_HEIGHT)
        keep_room(self.levels)
        self._empty_states = {self.tiles: EMPTY_STATE}
        self._lay_out()
        self._connect()
        self._draw()

    def _lay_out(self) -> None:
        choices = Flow(spacing=6)
        for part in (self.stream, self.direction, self.pause):
            choices.addWidget(part)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.tiles, 1)
        row.addWidget(self.levels, 0, Qt.AlignmentFlag.AlignTop)
        self.column.addLayout(choices)
        self.column.addWidget(self.legend)
        self.column.addLayout(row, 1)
        self.column.addWidget(self.remarks)

    def _connect(self) -> None:
        self.stream.chosen.connect(self._choose_stream)
        self.direction.chosen.connect(self._edit_direction)
        self.pause.paused.connect(self._pause)
        self.pause.resumed.connect(self.again)
        self.pause.completed.connect(self._go_on)
        self.tiles.picked.connect(self.picked)
        self.tiles.hovered.connect(self.hovered)
        self.tiles.menu_requested.connect(self._show_verbs)
        self.tiles.verb_requested.connect(self._act)
        self.tiles.chosen.connect(self.set_view)
        self.levels.ranged.connect(self._range)

    @property
    def kinds(self) -> tuple[SweepKind, ...]:
        """What the maps show."""
        return _kinds(self._view)

    @property
    def _view(self) -> AllKindsView:
        views = self._document.views if self._document is not None else AT_FIRST
        return views.all_kinds

    @property
    def sweeps(self) -> list[Sweep | None]:
        """What is drawn of each kind."""
        return [self.answer(name, Sweep) for name in NAMES]

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Return a sweep of each kind, once there are two prompts."""
        if not document.pair.is_complete and not document.rows:
            return {}
        kinds = _kinds(document.views.all_kinds)
        each = (document.patching(kind) for kind in kinds)
        asked = {
            name: replace(one, is_whole=True) if one in self._whole else one
            for name, one in zip(NAMES, each, strict=True)
        }
        found: dict[str, Request] = {"pair": ReadPair(document.model, document.pair)}
        found |= dict(reversed(asked.items()))  # the worker begins with the last: what is cheap
        if self._verifying is not None and self._verifying.patching in asked.values():
            found["verify"] = self._verifying
        return found

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to sweep all kinds, and which cell of each does most."""
        view = document.views.all_kinds
        return sweeps.all_kinds(document, [document.patching(kind) for kind in _kinds(view)])

    def shown(self) -> list[Shown]:
        """Return all maps in one figure, or the one that is enlarged."""
        maps, values, is_stale = list[Cells](), list[str](), False
        alone = self.tiles.enlarged
        for number, (kind, tile) in enumerate(zip(self.kinds, self.tiles.tiles, strict=True)):
            if tile.picture is None or tile.sweep is None or alone not in (None, number):
                continue
            unit = faces.counted(tile.sweep)
            limit = cells.scaled(tile.sweep, self._drawn[number][1].end)[1]
            name = kind.words[0]
            maps.append(panels.heatmap(tile.picture, limit, unit, name[:1].upper() + name[1:]))
            values.append(f"shown[{kind.activation!r}]")
            is_stale = is_stale or tile.is_stale
        leading = self._leading()
        if not maps or leading is None:
            return []
        says = panels.says(leading, "Activation patching of all kinds")
        code = Code(tuple(values))
        return [Shown(self.tiles, "", tuple(maps), says, is_stale, code=code)]

    def draw_roles(self) -> None:
        """Write the letters of roles."""
        for tile in self.tiles.tiles:
            tile.show_roles(self.roles)

    def show_document(self, document: Document) -> None:
        """Show what is patched and which way, and frame what is pinned."""
        self._document = document
        self.direction.show_value(document.direction)
        self.stream.show_value(self._view.stream)
        self.tiles.show_kinds(self.kinds)
        self.tiles.show_enlarged(self._view.enlarged)
        asked = self.requests(document, self._cursor)
        if self._verifying is not None and self._verifying.patching not in asked.values():
            self._verifying = None
        self._draw()

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline the selected place in every map."""
        self._cursor = cursor
        self.tiles.show_cursor(cursor, self._group)

    def draw_reply(self, name: str) -> None:
        """Fill in the cells swept so far of one kind, or of all if they count otherwise now."""
        if name in NAMES and self._shared_end() == self._drawn_end:
            self._draw_tile(NAMES.index(name))
            self._draw_words()
        else:
            self._draw()

    def draw_anew(self) -> None:
        """Draw all that is known again."""
        self._drawn.clear()
        super().draw_anew()

    @property
    def _group(self) -> int:
        return cells.group_size(self.card)

    def _draw(self) -> None:
        """Draw what is known by now."""
        document = self._document
        asked = self.requests(document, self._cursor) if document is not None else {}
        self.tiles.show_asked(is_asked=bool(asked))
        self.levels.setVisible(bool(asked))
        self._drawn_end = self._shared_end()
        for number in range(len(NAMES)):
            self._draw_tile(number)
        self.tiles.show_cursor(self._cursor, self._group)
        self._draw_words()

    def _draw_tile(self, number: int) -> None:
        sweep = self.answer(NAMES[number], Sweep)
        pins = self._document.marked if self._document is not None else ()
        leading = self._leading()
        is_alike = sweep is not None and leading and sweep.shown_unit == leading.shown_unit
        end = self._drawn_end if is_alike else None
        setting = Setting(self._group, self.answer("pair", PairReading), end, pins)
        if self._drawn.get(number) != (sweep, setting):
            self._drawn[number] = sweep, setting
            shown = None if sweep is None else faces.draw(sweep, setting)[0]
            self.tiles.show_tile(number, sweep, shown)
        self.tiles.tiles[number].show_stale(self.is_stale(NAMES[number]))

    def _leading(self) -> Sweep | None:
        """Return a sweep that says what the colours count: one of the present prompts if any."""
        known = [self.known(name, Sweep) for name in NAMES]
        return next((sweep for sweep in [*known, *self.sweeps] if sweep is not None), None)

    def _shared_end(self) -> float | None:
        """Return what full colour stands for in all maps; None while there are none."""
        leading = self._leading()
        if leading is None:
            return None
        own = faces.own_end(self._view.range, faces.counted(leading))
        if own is not None:
            return own
        alike = [one for one in self.sweeps if one and one.shown_unit == leading.shown_unit]
        return max(cells.scaled(one)[1] for one in (alike if leading.refusal else [leading]))

    def _draw_words(self) -> None:
        """Say what the colours count, how far they reach, and how the sweeps stand."""
        leading, end = self._leading(), self._drawn_end
        replies = [reply for name in NAMES if (reply := self.reply(name)) is not None]
        is_paused = any(reply.status == "paused" for reply in replies)
        self.pause.show_state(
            is_paused=is_paused,
            is_stopped=any(reply.sentence == STOPPED for reply in replies),
            is_running=any(self._is_under_way(name) for name in NAMES),
            more=sweep_footer.more([sweep for sweep in self.sweeps if sweep is not None]),
        )
        if leading is None or end is None:
            self.legend.setText("")
            self.remarks.setText("")
            return
        is_own = faces.own_end(self._view.range, faces.counted(leading)) is not None
        self.levels.show_end(end, is_own=is_own)
        how = "yours" if is_own else "fitted" if leading.refusal else "fixed"
        scale = f"{cells.legend(leading)} · {how}: ±{end:g}"
        self.legend.setText("\n".join(filter(None, (scale, cells.refusal(leading)))))
        tips = cells.refusal(leading), cells.legend_tip(leading)
        self.legend.setToolTip(plain_tip("\n".join(filter(None, tips))))
        self.remarks.setText(" · ".join(self._remarks(is_paused=is_paused)))
        self.remarks.setToolTip(plain_tip(self.remarks.text()))

    def _remarks(self, *, is_paused: bool) -> list[str]:
        """Return what is to be said of the maps, a few words each."""
        found = [sweep for sweep in self.sweeps if sweep is not None]
        said = sweep_footer.shared_remarks(found, is_paused=is_paused)
        if self.tiles.enlarged is not None:
            alone = self.sweeps[self.tiles.enlarged]
            said = [] if alone is None else sweep_footer.remarks(alone, is_paused=is_paused)
        return [*said, *filter(None, [self._verified()])]

    def _verified(self) -> str:
        """Return how far the cell that is checked is from the slow way; "" if none is."""
        checked = self._verifying.patching.kind if self._verifying is not None else None
        if checked not in self.kinds or self.has_failed("verify"):
            return ""
        found, sweep = self.known("verify", Verification), self.sweeps[self.kinds.index(checked)]
        if found is None or sweep is None:
            return "verifying …"
        return sweep_footer.verified(sweep, found)

    def say_place(self, number: int, row: int, column: int) -> str:
        """Return the values of all maps at the place of a cell of one of them."""
        sweep = self.tiles.tiles[number].sweep
        if sweep is None:
            return ""
        places = self.tiles.same_places(number, row, column)
        said = []
        for kind, here, tile in zip(self.kinds, places, self.tiles.tiles, strict=True):
            if here is not None and tile.sweep is not None and all(len(at) == 1 for at in here):
                index = here[0][0], here[1][0]
                said.append(f"{kind.activation} {cells.number(tile.sweep, index)}")
        return f"{cells.cell_name(sweep, row, column)}: {', '.join(said)} {sweep.shown_unit}"

    def say_cell(self, number: int, row: int, column: int) -> str:
        """Return all that is known of one cell."""
        sweep = self.tiles.tiles[number].sweep
        if sweep is None:
            return ""
        name = f"{self.kinds[number].words[0]}, {cells.cell_name(sweep, row, column)}"
        return f"{name}: {cells.cell_words(sweep, row, column)}"

    @Slot(object)
    def _choose_stream(self, stream: object) -> None:
        self.set_view({"stream": stream})

    @Slot(object)
    def _edit_direction(self, direction: object) -> None:
        self.edited.emit({"direction": direction})

    @Slot(object)
    def _range(self, end: float | None) -> None:
        leading = self._leading()
        if leading is not None:
            range_ = None if end is None else Range(end, faces.counted(leading))
            self.set_view({"range": range_})

    @Slot()
    def _go_on(self) -> None:
        """Ask for all cells of the sweeps that have settled."""
        asked = zip(map(self.reply, NAMES), self.sweeps, strict=True)
        self._whole = frozenset(r.request for r, of in asked if r and of and of.settled)
        self.altered.emit()

    @Slot(bool)
    def _pause(self, is_paused: bool) -> None:
        for name in NAMES:
            reply = self.reply(name)
            rests = reply is not None and reply.status == "paused"
            if self._is_under_way(name) if is_paused else rests:
                self.paused.emit(name, is_paused)

    def _is_under_way(self, name: str) -> bool:
        """Whether a sweep runs, and not merely the check of it."""
        reply, sweep = self.reply(name), self.known(name, Sweep)
        is_whole = sweep is not None and sweep.done == sweep.total
        return reply is not None and reply.is_running and not is_whole

    @Slot(str, int, int, int)
    def _act(self, verb: str, number: int, row: int, column: int) -> None:
        sweep = self.tiles.tiles[number].sweep
        if sweep is not None:
            place = Cursor(**cells.cursor_at(sweep, (row, column), self._group))
            menus.act(self, verb, place)

    @Slot(int, int, int, object)
    def _show_verbs(self, number: int, row: int, column: int, where: QPoint) -> None:
        """Show what can be done with a cell."""
        sweep = self.tiles.tiles[number].sweep
        if self._document is None or sweep is None:
            return
        kind = self.kinds[number]
        place = Cursor(**cells.cursor_at(sweep, (row, column), self._group))
        found = []
        if not self.is_stale(NAMES[number]):
            found = followups.of_cell(
                kind, place, self._follow, partial(followups.feed, self, self._document, place)
            )
            found.append(followups.verifying(lambda: self._verify(number, row, column)))
        found.append(
            Verb(
                f"Open in {PatchingPane.title}",
                "Show this kind with its table, its estimates and what it is compared with.",
                lambda: self._follow(kind, place),
            )
        )
        found += menus.of_place(self, place, self._document.pins)
        found.append(menus.copying(self.say_cell(number, row, column)))
        menus.show_menu(self, found, where)

    def _follow(self, kind: SweepKind, place: Cursor) -> None:
        """Select a place and show a kind of sweep where it has all the room."""
        menus.select(self, place)
        self.edited.emit({"kind": kind})
        self.pane_requested.emit(PatchingPane.title)

    def _verify(self, number: int, row: int, column: int) -> None:
        """Ask for a cell the slow way."""
        if self._document is not None:
            patching = self.requests(self._document, self._cursor)[NAMES[number]]
            assert isinstance(patching, Patching)
            self._verifying = VerifyCell(patching, (row, column))
            self.altered.emit()
            self._draw_words()


def _kinds(view: AllKindsView) -> tuple[SweepKind, ...]:
    """Return what the maps show."""
    return (SweepKind(view.stream), *OTHERS)
