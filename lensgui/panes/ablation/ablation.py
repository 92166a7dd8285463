"""Ablation: what a set does together, per pair and in the mean, and which of it matter most."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from lensgui.jobs.answers.interventions import SetReading
from lensgui.jobs.questions.intervention_requests import AblateSet
from lensgui.jobs.request import Request
from lensgui.panes import menus
from lensgui.panes.ablation import ablation_seen as seen
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.chooser import Chooser, Option
from lensgui.panes.controls.controls import Lines, Shares, button, caption, line
from lensgui.panes.controls.flow import Flow
from lensgui.panes.figures.shown import Shown
from lensgui.panes.pane import Pane
from lensgui.panes.python import interventions as code
from lensgui.panes.python.figures import Code
from lensgui.panes.sweep_view.whiskers import Whiskers
from lensgui.panes.token_text import plain_tip
from lensgui.prompts.pair import PromptPair
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.state.views import AblationOp, AblationView, SetOf
from lensgui.terms.interventions import Intervention, Site

SET = "set"
NO_SET = (
    "Select heads (Shift-click, a lasso, rows of the table of heads) to see what they do together."
)
NOTHING_ON = "No intervention is on: add some, or choose the selected heads."
OPS: tuple[Option[AblationOp], ...] = (
    Option(
        "resample",
        "as in the other prompt",
        "What heads put out comes from the other prompt of the pair (resample ablation; Chan et "
        "al. 2022).",
    ),
    Option(
        "mean",
        "mean over the table",
        "What heads put out is its mean over the included pairs, this prompt left out: at each "
        "position, or by role where prompts are laid out differently (Wang et al. 2022).",
    ),
    Option(
        "zero", "0", "What heads put out is 0, which no prompt leads to: off-distribution."
    ),
)  # fmt: skip
OF: tuple[Option[SetOf], ...] = (
    Option("heads", "heads", "The heads that were taken, or else those that are selected."),
    Option(
        "interventions",
        "interventions",
        "All that is on in Interventions: what each does among the others.",
    ),
)


class AblationPane(Pane):
    """The change of the metric by a whole set, pair by pair, and by each of it as the last."""

    title: ClassVar[str] = "Ablation"
    guide: ClassVar[str] = "ablation.md"
    averages: ClassVar[bool] = True
    about: ClassVar[str] = (
        "What a set of heads, or all interventions, change together, and which of them matter most."
    )
    view_name: ClassVar[str] = "ablation"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cursor = Cursor()
        self.of: Chooser[SetOf] = Chooser("What the set is of", [("", OF)], self)
        self.op: Chooser[AblationOp] = Chooser("What is done to heads", [("", OPS)], self)
        self.take = button(PANE_ACTIONS["take_heads"], self)
        self.follow = button(PANE_ACTIONS["follow_heads"], self)
        self.names, self.whole = line(self), Lines(2, self)
        self.each, self.pairs = Whiskers(self, is_whole=True), Whiskers(self, is_whole=True)
        self.each.setAccessibleName("What each of the set changes, as the last of it")
        self.pairs.setAccessibleName("What the whole set changes, pair by pair")
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        switches = QWidget(self)
        row = Flow(switches, spacing=6)
        for part in (self.of, self.op, self.take, self.follow):
            part.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            row.addWidget(part)
        self.column.addWidget(switches)
        self.column.addWidget(self.names)
        self.column.addWidget(self.whole)
        shares = Shares(Qt.Orientation.Vertical, self)
        for title, rows, share in ((seen.EACH, self.each, 3), (seen.PAIRS, self.pairs, 2)):
            shares.add_part(_titled(title, rows, shares), share)
        self.column.addWidget(shares, 1)
        self.each.setToolTip(
            plain_tip(
                "How much more the metric changes by this one when all the others of the set are "
                "ablated already: exact, a run for each (leave-one-out). The whisker is where the "
                "mean over pairs lies in 95 % of resamples (Efron 1979). Click a row to select it."
            )
        )
        self.pairs.setToolTip(
            plain_tip("What the whole set changes in each pair, in the metric's unit.")
        )

    def _connect(self) -> None:
        self.of.chosen.connect(lambda of: self.set_view({"of": of}))
        self.op.chosen.connect(lambda op: self.set_view({"op": op}))
        self.take.clicked.connect(self._take)
        self.follow.clicked.connect(lambda: self.set_view({"heads": ()}))
        self.each.picked.connect(self._pick)
        for rows in (self.each, self.pairs):
            rows.hovered.connect(self.hovered)

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Ask what the set does, over all pairs of the table while the document averages."""
        members = members_of(document, cursor)
        if not members or not (document.pair.clean or document.rows):
            return {}
        pair = _beside(document, members)
        under = pair.interventions, pair.reference
        rows = tuple(row.under(*under) for row in document.rows)
        return {SET: AblateSet(document.model, pair, members, rows)}

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to compute what the set does."""
        members = members_of(document, cursor)
        pair = _beside(document, members)
        under = pair.interventions, pair.reference
        rows = tuple(row.under(*under) for row in document.rows)
        return code.ablation(replace(document, pair=pair), rows, members)

    def shown(self) -> list[Shown]:
        """Return what each of the set does, and each pair."""
        reading = self.answer(SET, SetReading)
        if reading is None:
            return []
        says, found = f"{self.names.text()}: {self.whole.text()}. ", []
        for name, rows, script in (
            ("", self.each, "found.last.mean(1)[order]"),
            ("by pair", self.pairs, "found.change"),
        ):
            more = {"before": reading.before.tolist(), "after": reading.after.tolist()}
            if not name:
                more = {"alone": seen.alone(rows.shown, reading, self._read)}
            drawn = seen.panels(rows.shown, reading, more)
            what = seen.EACH if not name else seen.PAIRS
            if drawn:
                lines = Code((script,))
                stale = self.is_stale(SET)
                found.append(Shown(rows, name, drawn, f"{says}{what}.", stale, code=lines))
        return found

    def show_document(self, document: Document) -> None:
        """Show what the set is, and what is done to it."""
        self._document = document
        view = document.views.ablation
        self.of.show_value(view.of)
        self.op.show_value(view.op)
        self.op.setEnabled(view.of == "heads")
        self._draw()

    def show_cursor(self, cursor: Cursor) -> None:
        """Take the selected heads as the set, where none were taken."""
        self._cursor = cursor
        self._draw()

    def draw_reply(self, name: str) -> None:
        """Draw what is known by now."""
        self._draw()

    def _draw(self) -> None:
        document, reading = self._document, self.answer(SET, SetReading)
        members = members_of(document, self._cursor) if document is not None else ()
        view = self._view
        count = f"{len(members)} interventions" if view.of == "interventions" else ""
        heads = [(one.site.layer or 0, one.site.head or 0) for one in members]
        said = count or (menus.heads_name(heads) if heads else "")
        taken = " · taken" if view.heads and view.of == "heads" else ""
        self.names.setText(f"{said}{taken}")
        self.names.setToolTip(plain_tip(said))
        selected = self._cursor.selected
        self.take.setEnabled(view.of == "heads" and bool(selected) and selected != view.heads)
        self.follow.setEnabled(view.of == "heads" and bool(view.heads))
        is_of_these = members and [one.site for one in self._read] == [one.site for one in members]
        found = reading if is_of_these else None
        self.whole.setText(seen.said(found) if found is not None else "")
        faults = "\n".join(found.faults) if found is not None else ""
        self.whole.setToolTip(plain_tip("\n".join(filter(None, (self.whole.text(), faults)))))
        none = NOTHING_ON if view.of == "interventions" else NO_SET
        waiting = "" if members else none
        self.each.show_whiskers(
            seen.members(found, self._read) if found is not None else (), self._cursor, waiting
        )
        self.pairs.show_whiskers(seen.pairs(found) if found is not None else (), self._cursor, "")
        for rows in (self.each, self.pairs):
            rows.show_stale(self.is_stale(SET))

    @property
    def _read(self) -> tuple[Intervention, ...]:
        """The set that the answer is about, which may be one that was asked about before."""
        request = self.answered(SET)
        return request.members if isinstance(request, AblateSet) else ()

    @property
    def _view(self) -> AblationView:
        return self.views.ablation

    @Slot()
    def _take(self) -> None:
        self.set_view({"heads": self._cursor.selected})

    @Slot(object)
    def _pick(self, fields: dict[str, int]) -> None:
        """Select one of the set, which stays the set it was."""
        if self._view.of == "heads" and not self._view.heads:
            self._take()
        self.picked.emit(fields)


def members_of(document: Document, cursor: Cursor) -> tuple[Intervention, ...]:
    """Return the set: heads that were taken, else the selected ones; or all that is on."""
    view = document.views.ablation
    if view.of == "interventions":
        return document.pair.acting.interventions
    heads = view.heads or cursor.selected
    return tuple(Intervention(Site("z", *head), view.op) for head in dict.fromkeys(heads))


def _beside(document: Document, members: tuple[Intervention, ...]) -> PromptPair:
    """Return the pair with what is done beside the set, and the prompts that means are over."""
    pair, is_all = document.asked, document.views.ablation.of == "interventions"
    beside = () if is_all else pair.acting.interventions
    whole = document.with_means(pair, (*beside, *members))
    return replace(whole, interventions=beside)


def _titled(title: str, part: QWidget, parent: QWidget) -> QWidget:
    """Return a part below its title, which scrolls it."""
    whole = QWidget(parent)
    column = QVBoxLayout(whole)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(2)
    column.addWidget(caption(title, whole))
    room = QScrollArea(whole)
    room.setWidgetResizable(True)
    room.setFrameShape(QFrame.Shape.NoFrame)
    room.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    room.setWidget(part)
    column.addWidget(room, 1)
    return whole
