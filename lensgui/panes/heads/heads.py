"""Heads: the one table of the scores of all heads, sorted, filtered, linked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np
from PySide6.QtCore import QPoint, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QWidget

from lensgui.jobs.answers.arrays import Atlas, ModelScores
from lensgui.jobs.answers.readings import PairReading
from lensgui.jobs.answers.reply import Reply
from lensgui.jobs.request import Request
from lensgui.jobs.requests import AttentionGrid, ReadPair, ScoreHeads
from lensgui.panes import menus
from lensgui.panes.controls.controls import Lines, line
from lensgui.panes.figures.shown import Shown
from lensgui.panes.head_grid.ranking import NAMED, Ranking, question, ranking
from lensgui.panes.heads.conditions import Condition, read_conditions
from lensgui.panes.heads.head_controls import HeadControls
from lensgui.panes.heads.head_rows import HeadRows, Order
from lensgui.panes.heads.head_table import HeadModel
from lensgui.panes.heads.head_view import HeadView
from lensgui.panes.pane import MODEL, Pane
from lensgui.panes.python.figures import NO_CODE, Code
from lensgui.panes.python.head_table import can_order, head_table
from lensgui.panes.token_text import plain_tip, spelled
from lensgui.state.document import Document, Note
from lensgui.state.selection import Cursor, gathered
from lensgui.state.views import AT_FIRST, HeadsView
from lensgui.terms.kinds import Head
from lensgui.terms.scores import HeadScore

NOTHING = "No model is open: its heads are listed here once one is."
NO_HEAD_FITS = "No head meets the conditions “{filter}”: loosen one, or clear the filter."
NO_PROMPT = "type a prompt: scores come with it"
ESTIMATES = "estimated scores"
QUESTIONS = {
    "repeats": "scores",
    "weights": "scores",
    "answer": "evidence",
    "edge": "edge",
    "prompt": "grid",
    "outputs": "norms",
}


def question_name(score: HeadScore) -> str:
    """Return the pane's name for the question that a score needs."""
    if score.origin == "sweep":
        return "breaks" if score.key == "breaks" else "restores"
    return QUESTIONS[score.origin]


LACKING = frozenset({"evidence", "edge", "restores", "breaks"})  # many prompts have none of these


class HeadsPane(Pane):
    """A row for each head, a column for each score."""

    title: ClassVar[str] = "Heads"
    guide: ClassVar[str] = "heads.md"
    view_name: ClassVar[str] = "heads"
    averages: ClassVar[bool] = True
    says_itself: ClassVar[frozenset[str]] = LACKING | {ESTIMATES}
    about: ClassVar[str] = "Every head with all its scores: sort, filter, select."

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cursor = Cursor()
        self._conditions: tuple[Condition, ...] = ()
        self._fault = ""  # what is wrong with the filter, as a sentence
        self._rankings: dict[str, Ranking] = {}
        self._order: Order = HeadModel().order
        self._arranged: dict[str, object] = {}  # what the order was made of
        self.controls = HeadControls(self)
        self.said = line(self)
        self.said.setAccessibleName("Which heads are listed")
        self.model = HeadModel(self)
        self.view = HeadView(self.model, self)
        self.reading = Lines(2, self)
        self.reading.setAccessibleName("The scores of the selected head")
        self._empty_states = {self.view: NOTHING}
        for part in (self.controls, self.said):
            self.column.addWidget(part)
        self.column.addWidget(self.view, 1)
        self.column.addWidget(self.reading)
        self._connect()
        self._draw()

    def _connect(self) -> None:
        self.controls.chosen.connect(self.set_view)
        self.view.sorted_by.connect(self.controls.press_heading)
        self.view.picked.connect(self._pick)
        self.view.opened.connect(self._open)
        self.view.menu_requested.connect(self._show_verbs)
        self.view.hovered.connect(self.hovered)
        self.model.labelled.connect(self._label)

    @property
    def _view(self) -> HeadsView:
        views = self._document.views if self._document is not None else AT_FIRST
        return views.heads

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Return what the columns need, and what sorts and filters them."""
        asked: dict[str, Request] = {}
        for score in needed(document.views.heads):
            request = _question(score, document, cursor)
            if request is not None:
                asked[question_name(score)] = request
        scores = self.known("scores", ModelScores)
        if "scores" in asked and (scores is None or scores.unsettled):
            asked[ESTIMATES] = ScoreHeads(document.model, from_a_part=True)
        if "edge" in asked:
            asked["pair"] = ReadPair(document.model, document.pair)
        return asked

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to get the columns, sorted and filtered."""
        return head_table(document, self._computed(document, cursor), self._conditions, cursor)

    def shown(self) -> list[Shown]:
        """Return the table as it is sorted and filtered."""
        rows, view = self.model.rows, self._view
        is_known = any(np.isfinite(rows.numbers(score)).any() for score in rows.scores)
        if self._document is None or not is_known:
            return []
        listed = f"{len(self._order)} of {rows.count} heads" if view.filter else "All heads"
        says = f"{listed} and their scores" + f", sorted by {view.sort}" * bool(view.sort)
        says += f"; {view.filter}" * bool(view.filter)
        scores = [f"{key}: {NAMED[key].meaning}" for key in rows.scores]
        remarks = " ".join([says + ".", *scores])
        computed = self._computed(self._document, self._cursor)
        code = Code((f"values[{rows.scores[0]!r}][order]",)) if rows.scores else NO_CODE
        is_told = rows.scores and rows.scores[0] in computed
        is_told = is_told and can_order(view.sort, self._conditions, computed)
        is_stale = bool(rows.stale)
        panel = rows.sheet(self._order)
        return [
            Shown(self.view, "", (panel,), remarks, is_stale, code=code if is_told else NO_CODE)
        ]

    def _computed(self, document: Document, cursor: Cursor) -> tuple[str, ...]:
        """Return the scores that a script can compute: those whose question has no refusal."""
        return tuple(
            score.key
            for score in needed(document.views.heads)
            if score.key != "estimate"
            and _question(score, document, cursor) is not None
            and not self.has_failed(question_name(score))
        )

    def show_document(self, document: Document) -> None:
        """Show how the table is set, and the user's words about heads."""
        self._document = document
        view = document.views.heads
        self.controls.show_view(view)
        self._fault = ""
        try:
            self._conditions = read_conditions(view.filter, NAMED)
        except ValueError as error:
            self._fault = str(error)  # what was meant before stays
        self._draw()

    def show_cursor(self, cursor: Cursor) -> None:
        """Show the rows of the selected heads."""
        was_there, self._cursor = self._cursor, cursor
        is_elsewhere = cursor.selected != was_there.selected
        edges = [(of.position, of.source) for of in (cursor, was_there)]
        if edges[0] != edges[1]:
            self._draw(QUESTIONS["edge"])
        self._select(reveals=is_elsewhere)

    def draw_reply(self, name: str) -> None:
        """Fill in what is known; nothing moves until it is whole."""
        self._draw(name)

    def draw_roles(self) -> None:
        """Write the parts that heads play."""
        self._draw()

    def _draw(self, name: str = "") -> None:
        """Say what is known now; of one question, or of all."""
        every = needed(self._view)
        for score in every:
            if name in ("", MODEL, "pair", ESTIMATES, question_name(score)):
                self._rankings[score.key] = self._ranking(score)
        known = {score.key: self._rankings[score.key] for score in every}
        stale = {key for key in known if self.is_stale(question_name(NAMED[key]))}
        rows = HeadRows(
            self._shape(known),
            self._view.columns,
            known,
            frozenset(stale),
            self.roles,
            self._labels(),
        )
        self._arrange(rows)
        pins = self._document.marked if self._document is not None else ()
        before = self.model.order
        self.model.show_rows(rows, self._order, frozenset(menus.heads_of(pins)))
        self.view.show_sort(self._view.sort, is_descending=self._view.is_descending)
        fits = NO_HEAD_FITS.format(filter=self._view.filter) if rows.count else NOTHING
        self._say_if_empty({self.view: fits})
        self._select(reveals=before is not self.model.order)
        self._say_what(rows)

    def _ranking(self, score: HeadScore) -> Ranking:
        """Return what is known of a score; while that is old, as it was."""
        reply = self._reply_about(score)
        grid = self.reply("grid")
        atlas = grid.known if grid is not None and isinstance(grid.known, Atlas) else None
        names = self._names() if score.origin == "edge" else ()
        if reply is None and not _has_prompt(self._document):
            return Ranking(score, remark=NO_PROMPT, is_whole=True)
        if reply is None:
            document = self._document
            if document is not None and _question(score, document, self._cursor) is not None:
                return Ranking(score)
            return ranking(score, None, None, self._cursor, names)
        if reply.known is not None:
            found = ranking(score, reply.known, atlas, self._cursor, names)
            return self._of_pair(found)
        if reply.status == "failed":
            return Ranking(score, remark=reply.sentence, is_whole=True)
        before = self._rankings.get(score.key)
        is_old = reply.answer is not None and before is not None
        return replace(before, is_whole=False) if is_old and before else Ranking(score)

    def _reply_about(self, score: HeadScore) -> Reply | None:
        """Return how the question stands that a score needs: what is known exactly, or about."""
        reply = self.reply(question_name(score))
        found = self.known("scores", ModelScores)
        is_lacking = found is None or score.key in found.unsettled
        if question_name(score) != "scores" or not is_lacking:
            return reply
        about = self.reply(ESTIMATES)
        return about if about is not None and about.known is not None else reply

    def _of_pair(self, found: Ranking) -> Ranking:
        """Return a ranking that says over how many pairs it is a mean."""
        count = len(self._document.rows) if self._document is not None else 0
        if not count or found.score.origin in ("repeats", "weights", "answer"):
            return found
        over = f"mean of {count} pair{'s' * (count != 1)}"
        return replace(found, remark=", ".join(filter(None, (found.remark, over))))

    def _names(self) -> list[str]:
        pair = self.answer("pair", PairReading)
        is_mean = self._document is not None and bool(self._document.rows)
        return spelled(pair.clean.tokens) if pair is not None and not is_mean else []

    def _shape(self, known: Mapping[str, Ranking]) -> tuple[int, int]:
        """Return how many layers there are, and heads of each."""
        if self.card is not None:
            return self.card.n_layers, self.card.n_heads
        shapes = (one.values.shape for one in known.values() if one.values is not None)
        return next(((layers, heads) for layers, heads in shapes), (0, 0))

    def _labels(self) -> dict[Head, str]:
        notes = self._document.notes if self._document is not None else ()
        return {
            (at.layer, at.head): note.text
            for note in notes
            if (at := note.place) == Cursor(at.layer, at.head)
            and at.layer is not None
            and at.head is not None
        }

    def _arrange(self, rows: HeadRows) -> None:
        """Put heads in order where that was asked, or where what decides it is whole anew.

        So nothing moves while numbers stream in.
        """
        view = self._view
        decides = {view.sort, *(one.column for one in self._conditions)}
        made_of: dict[str, object] = {
            "asked": (rows.shape, view.sort, view.is_descending, self._conditions),
            "role": dict(rows.roles) if "role" in decides else None,
            "label": dict(rows.labels) if "label" in decides else None,
        }
        for key in decides & rows.rankings.keys():
            found = rows.rankings[key]
            is_settled = found.is_whole and key not in rows.stale
            made_of[key] = self._arranged.get(key)
            if is_settled and found.values is not None:
                made_of[key] = found.values.tobytes()
        if made_of != self._arranged:
            self._arranged = made_of
            self._order = rows.order(self._conditions, view.sort, is_descending=view.is_descending)

    def _say_what(self, rows: HeadRows) -> None:
        """Say which heads are listed, and what is lacking, in one line."""
        view = self._view
        listed = f"{len(self._order)} of {rows.count}" if self._conditions else f"{rows.count}"
        order = f"sorted by {view.sort}" if view.sort else "layer by layer"
        said = [f"{listed} heads, {order}"] if rows.count else []
        outside = [head for head in self._cursor.selected if self.model.row_of(head) is None]
        if outside and rows.count:
            said.append(f"{menus.heads_name(outside, 3)} selected, but filtered out")
        lacking = {
            key: found.remark.rstrip(".")
            for key, found in rows.rankings.items()
            if found.is_whole and found.values is None and found.remark
        }
        for remark in dict.fromkeys(lacking.values()):
            keys = [key for key in lacking if lacking[key] == remark]
            said.append(f"{', '.join(keys)}: {remark}" if remark != NO_PROMPT else remark)
        awaited = {key: found for key, found in rows.rankings.items() if not found.is_whole}
        about = [key for key, found in awaited.items() if found.is_estimate]
        coming = [key for key in awaited if key not in about]
        for words, keys in (("coming", coming), ("estimated so far", about)):
            said += [f"{words}: {', '.join(keys)}"] * bool(keys and rows.count)
        words = self._fault or " · ".join(said)
        role = QPalette.ColorRole
        self.said.setForegroundRole(role.BrightText if self._fault else role.PlaceholderText)
        self.said.setText(words)
        self.said.setToolTip(plain_tip(words))
        selected = self._cursor.selected[-1:]
        at = [layer * rows.shape[1] + head for layer, head in selected]
        self.reading.setText(" · ".join(rows.of_head(one) for one in at if one < rows.count))

    def _select(self, *, reveals: bool) -> None:
        layer, head = self._cursor.layer, self._cursor.head
        current = None if layer is None or head is None else (layer, head)
        self.view.show_heads(self._cursor.selected, current, reveals=reveals)

    @Slot(object)
    def _pick(self, heads: Iterable[Head]) -> None:
        self.picked.emit(gathered(heads))

    @Slot(object)
    def _open(self, head: Head) -> None:
        menus.go_to(self, Cursor(*head), menus.ATTENTION)

    @Slot(object, str)
    def _label(self, head: Head, text: str) -> None:
        """Keep what the user wrote of a head as its note."""
        if self._document is not None:
            place = Cursor(*head)
            rest = tuple(note for note in self._document.notes if note.place != place)
            self.edited.emit({"notes": (*rest, Note(place, text)) if text else rest})

    @Slot(object, QPoint)
    def _show_verbs(self, head: Head, where: QPoint) -> None:
        """Show what can be done with a head, and with all that are selected."""
        pins = self._document.pins if self._document is not None else ()
        found = menus.of_place(self, Cursor(*head), pins)
        if head in self._cursor.heads:
            found[:0] = menus.of_heads(self, self._cursor.heads, pins)
        at = head[0] * self.model.rows.shape[1] + head[1]
        menus.show_menu(self, [*found, menus.copying(self.model.rows.of_head(at))], where)


def needed(view: HeadsView) -> list[HeadScore]:
    """Return the scores that are columns, or that sort or filter the heads."""
    try:
        compared = [one.column for one in read_conditions(view.filter, NAMED)]
    except ValueError:
        compared = []
    keys = dict.fromkeys((*view.columns, view.sort, *compared))
    return [NAMED[key] for key in keys if key in NAMED]


def _has_prompt(document: Document | None) -> bool:
    return document is not None and bool(document.pair.clean or document.rows)


def _question(score: HeadScore, document: Document, cursor: Cursor) -> Request | None:
    """Return what has to be asked for a column, of the clean prompts."""
    if not _has_prompt(document):
        return None
    if score.origin != "prompt":
        return question(score, document, cursor, "clean")
    view = document.views.attention  # whose grid says it too, where that is of the same prompt
    measure = view.measure if view.measure != "contribution" else "pattern"
    rows = document.rows
    return AttentionGrid(document.model, document.asked, "clean", view.hides_first, rows, measure)
