"""Strength: the metric, tokens' probabilities and KL against how strong an intervention is."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from PySide6.QtCore import QPoint, QSignalBlocker, Qt, Slot
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QSizePolicy, QWidget

from lensgui.jobs.answers.interventions import StrengthReading
from lensgui.jobs.questions.intervention_requests import AskStrength
from lensgui.jobs.request import Request
from lensgui.panes import menus
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.chooser import Box
from lensgui.panes.controls.controls import dress, line
from lensgui.panes.controls.flow import Flow
from lensgui.panes.figures.shown import Prompts, Shown
from lensgui.panes.interventions.lines import Line, told
from lensgui.panes.pane import Pane
from lensgui.panes.python import interventions as code
from lensgui.panes.python.figures import Code
from lensgui.panes.strength import strength_seen
from lensgui.panes.strength.strength_plot import StrengthPlot
from lensgui.panes.token_text import plain_tip
from lensgui.prompts.pair import PromptPair
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.state.views import StrengthView
from lensgui.terms.interventions import HAVE_STRENGTH, Intervention

RANDOM = 16  # directions beside the vector
NOTHING = (
    "No intervention is done by degrees: add a vector, noise or a scaling from a place's menu, or "
    "by Add in Interventions."
)
CURVES, BESIDE = "strength", "random"


class StrengthPane(Pane):
    """Curves against the strength of one intervention, the others as they are."""

    title: ClassVar[str] = "Strength"
    guide: ClassVar[str] = "strength.md"
    about: ClassVar[str] = (
        "What an intervention does by how strong it is: the metric, next tokens, and how far the "
        "prediction is from the one without it."
    )
    view_name: ClassVar[str] = "strength"
    shows_all_interventions: ClassVar[bool] = True

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.which = dress(Box(self), PANE_ACTIONS["strength_of"])
        self.which.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.which.setMinimumContentsLength(18)
        self.wide = dress(QCheckBox("more", self), PANE_ACTIONS["more_strengths"])
        self.random = dress(QCheckBox(f"{RANDOM} random", self), PANE_ACTIONS["random_directions"])
        self.alike = dress(
            QCheckBox("like the stream", self), PANE_ACTIONS["directions_like_stream"]
        )
        self.said = line(self)
        self.plot = StrengthPlot(self)
        switches = QWidget(self)
        row = Flow(switches, spacing=6)
        for part in (self.which, self.wide, self.random, self.alike):
            part.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            row.addWidget(part)
        self.column.addWidget(switches)
        self.column.addWidget(self.said)
        self.column.addWidget(self.plot, 1)
        self._empty_states = {self.plot: NOTHING}
        self._connect()

    def _connect(self) -> None:
        self.which.activated.connect(self._turn)
        self.wide.clicked.connect(lambda is_on: self.set_view({"is_wide": is_on}))
        self.random.clicked.connect(lambda is_on: self.set_view({"has_random": is_on}))
        self.alike.clicked.connect(lambda is_on: self.set_view({"is_like_stream": is_on}))
        self.plot.chosen.connect(self._strengthen)
        self.plot.hovered.connect(self.hovered)

    @property
    def _view(self) -> StrengthView:
        return self.views.strength

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Ask for the curves; how strong the intervention is at present makes no difference."""
        which, view = chosen(document), document.views.strength
        if which is None or not document.pair.clean:
            return {}
        pair = document.with_means(document.pair, document.pair.interventions)
        strengths = strength_seen.strengths(pair.interventions[which], is_wide=view.is_wide)
        asked = _at_one(pair, which)
        curves = AskStrength(document.model, asked, which, strengths)
        found: dict[str, Request] = {CURVES: curves}
        if view.has_random and pair.interventions[which].vector is not None:
            found[BESIDE] = replace(curves, placebos=RANDOM, are_like_stream=view.is_like_stream)
        return found

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to compute the curves."""
        which = chosen(document)
        if which is None:
            return code.interventions(document.shown)
        reading = self.known(CURVES, StrengthReading)
        one = document.pair.interventions[which]
        wide = document.views.strength.is_wide
        strengths = strength_seen.strengths(one, is_wide=wide)
        return code.strength(
            replace(document, pair=_at_one(document.pair, which)),
            which,
            strengths if reading is None else reading.strengths,
            () if reading is None else strength_seen.tokens(reading),
            RANDOM if document.views.strength.has_random and one.vector is not None else 0,
            like_stream=document.views.strength.is_like_stream,
        )

    def shown(self) -> list[Shown]:
        """Return the three plots."""
        found = self.plot.seen
        document, which = self._document, None
        if document is not None:
            which = chosen(document)
        if found is None or document is None or which is None:
            return []
        one = document.pair.interventions[which]
        says = f"Strength of {told((one,), Line((0,))).removeprefix('#1 ')}. {self.said.text()}."
        lines = Code((strength_seen.METRIC[found.plots[0].band is not None], *strength_seen.OTHERS))
        about = Prompts(_at_one(document.pair, which).acting, 0)
        return [
            Shown(
                self.plot,
                "",
                strength_seen.panels(found),
                says,
                self.plot.is_stale,
                code=lines,
                prompts=about,
            )
        ]

    def show_document(self, document: Document) -> None:
        """Show which interventions there are, and which is looked at."""
        self._document = document
        listed, view = document.pair.interventions, document.views.strength
        found = by_degrees(listed)
        names = [told(listed, Line((number,))) for number in found]
        if names != [self.which.itemText(at) for at in range(self.which.count())]:
            with QSignalBlocker(self.which):
                self.which.clear()
                self.which.addItems(names)
        which = chosen(document)
        self.which.setCurrentIndex(found.index(which) if which is not None else -1)
        self.which.setEnabled(bool(found))
        self.wide.setChecked(view.is_wide)
        self.random.setChecked(view.has_random)
        self.alike.setChecked(view.is_like_stream)
        self.alike.setEnabled(view.has_random)
        self._draw()

    def draw_reply(self, name: str) -> None:
        """Draw what is known by now."""
        self._draw()

    def _draw(self) -> None:
        view = self._view
        document, reading = self._document, self.answer(CURVES, StrengthReading)
        which = chosen(document) if document is not None else None
        found = None
        is_its_own = document is not None and which is not None and self._is_of(document, which)
        if reading is not None and is_its_own:
            asked, beside = self.answered(BESIDE), self.answer(BESIDE, StrengthReading)
            if isinstance(asked, AskStrength) and asked.are_like_stream != view.is_like_stream:
                beside = None
            found = strength_seen.seen(strength_seen.with_random(reading, beside))
        now, said = None, ""
        if found is not None and document is not None and which is not None:
            one = document.pair.interventions[which]
            now = _on_axis(one.strength, found.reading)
            if view.has_random:
                said = strength_seen.said_beside(
                    found.reading,
                    has_vector=one.vector is not None,
                    is_like_stream=view.is_like_stream,
                )
        self.plot.show_seen(found, now)
        self.plot.show_stale(self.is_stale(CURVES))
        said = strength_seen.said(found, said)
        self.said.setText(said)
        self.said.setToolTip(plain_tip(said))
        self._say_if_empty({self.plot: NOTHING if which is None else ""}, CURVES)

    def _is_of(self, document: Document, which: int) -> bool:
        """Whether the curves that there are belong to an intervention, in whatever prompts."""
        request = self.answered(CURVES)
        if not isinstance(request, AskStrength):
            return False
        listed = _at_one(document.pair, which).interventions
        return listed[which] == request.pair.interventions[request.which]

    @Slot(int)
    def _turn(self, at: int) -> None:
        if self._document is not None:
            self.set_view({"which": by_degrees(self._document.pair.interventions)[at]})

    @Slot(float)
    def _strengthen(self, strength: float) -> None:
        """Give the intervention another strength, once the curves are its own."""
        document = self._document
        which = chosen(document) if document is not None else None
        if document is None or which is None or not self._is_of(document, which):
            return
        listed = list(document.pair.interventions)
        listed[which] = replace(listed[which], strength=strength)
        self.edited.emit({"interventions": tuple(listed)})

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done with the picture, and to copy what is under the pointer."""
        point = self.plot.mapFrom(self, event.pos())
        words = self.plot.hit_test(point.toPointF())[1]
        if words and self.plot.rect().contains(point):
            menus.show_menu(self, [menus.copying(words)], QPoint(event.globalPos()))
        else:
            super().contextMenuEvent(event)

    def begin_anew(self) -> None:
        """Give the curves the keyboard."""
        self.plot.setFocus(Qt.FocusReason.OtherFocusReason)


def by_degrees(listed: tuple[Intervention, ...]) -> list[int]:
    """Return which interventions are done by degrees."""
    return [number for number, one in enumerate(listed) if one.op in HAVE_STRENGTH]


def chosen(document: Document) -> int | None:
    """Return which intervention is looked at: the chosen one, else the last done by degrees."""
    found = by_degrees(document.pair.interventions)
    which = document.views.strength.which
    return which if which in found else found[-1] if found else None


def _at_one(pair: PromptPair, which: int) -> PromptPair:
    """Return a pair with one intervention on, and of strength 1."""
    listed = list(pair.interventions)
    listed[which] = replace(listed[which], strength=1.0, is_on=True)
    return replace(pair, interventions=tuple(listed))


def _on_axis(strength: float, reading: StrengthReading) -> float | None:
    """Return where a strength is on the axis of a reading."""
    if reading.shares is None:
        return strength
    number, share = max(zip(reading.strengths, reading.shares, strict=True), key=lambda at: at[1])
    return strength * share / number if number else None
