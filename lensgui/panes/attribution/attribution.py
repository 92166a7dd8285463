"""Attribution: the metric taken apart by head, component and layer, one click deeper."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
from PySide6.QtCore import QPoint, Slot
from PySide6.QtWidgets import QCheckBox, QGridLayout, QSizePolicy, QWidget

from lensgui.jobs.answers.attributions import Parts, Terms
from lensgui.jobs.answers.readings import PairReading
from lensgui.jobs.questions.attribution_requests import (
    AttributeMetric,
    AttributeNeurons,
    AttributeSources,
)
from lensgui.jobs.request import Request
from lensgui.jobs.requests import ReadPair
from lensgui.panes import menus, theme
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.attribution import parts as of_parts
from lensgui.panes.attribution.part_bars import PartBars
from lensgui.panes.controls.chooser import Chooser, Option
from lensgui.panes.controls.controls import Lines, dress
from lensgui.panes.controls.flow import Flow
from lensgui.panes.controls.side_box import SideBox
from lensgui.panes.figures.figure import Bars, Cells, Data, Scale, data_of
from lensgui.panes.figures.shown import Shown
from lensgui.panes.pane import Pane
from lensgui.panes.pictures.curves import Curves
from lensgui.panes.pictures.heatmap import Heatmap
from lensgui.panes.python import readings as script
from lensgui.panes.python.figures import Code
from lensgui.panes.token_text import names, plain_tip, signed
from lensgui.prompts.sides import CAPTIONS, lacking, one_side
from lensgui.state.document import Document
from lensgui.state.selection import Cursor, place_name
from lensgui.state.views import AT_FIRST, AttributedBy, AttributionView

NOTHING = "Type a prompt to see what each part of the model adds to the metric."
PICK = "Click a head to see what it adds from each source, or another cell for its MLP's neurons."
HOW = (
    "Direct logit attribution (Elhage et al. 2021): what each part adds to {what} by itself, not "
    "by way of later layers. The scales of the final norm, and of norms behind attention and MLPs, "
    "are the run's own, so that the parts add up{where}"
)
PARTS, SOURCES, NEURONS = "parts", "sources", "neurons"  # the pane's names for its questions
BY: tuple[Option[AttributedBy], ...] = (
    Option("head", "by head", "A cell for each head, for b_O and for the MLP of each layer."),
    Option("component", "by component", "A cell for each layer's attention and for its MLP."),
)


class AttributionPane(Pane):
    """A grid of layers and what is in them, the sum so far, and the terms of what is selected."""

    title: ClassVar[str] = "Attribution"
    guide: ClassVar[str] = "attribution.md"
    view_name: ClassVar[str] = "attribution"
    about: ClassVar[str] = "What each head, MLP and bias adds to the metric directly."
    averages: ClassVar[bool] = True

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cursor = Cursor()
        self.by: Chooser[AttributedBy] = Chooser("Attribution: what has a cell", [("", BY)], self)
        which = "Which prompt is taken apart, or clean minus corrupted."
        self.side = SideBox("Prompt that is taken apart", which, self)
        action = PANE_ACTIONS["sum_so_far"]
        self.shows_curve = dress(QCheckBox(action.text, self), action)
        self.legend = Lines(3, self)
        self.heatmap = Heatmap(theme.diverging, self._cell_words, parent=self)
        self.heatmap.setAccessibleName("Layers and their parts")
        self.heatmap.setToolTip(plain_tip(PICK))
        self.curves = Curves(self.heatmap.plot, self._curve_words, self)
        self.curves.setAccessibleName("Sum so far, by layer")
        self.curves.setToolTip(plain_tip(PANE_ACTIONS["sum_so_far"].tip))
        self.heading = Lines(2, self)
        self.bars = PartBars(self)
        self._empty_states = {self.heatmap: NOTHING}
        self._lay_out()
        self._connect()
        self._draw()

    def _lay_out(self) -> None:
        row = Flow(spacing=6)
        for box in (self.by, self.side):
            box.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            row.addWidget(box)
        row.addWidget(self.shows_curve)
        pictures = QGridLayout()
        pictures.setSpacing(2)
        pictures.addWidget(self.heatmap, 0, 0)
        pictures.addWidget(self.curves, 0, 1)
        pictures.setColumnStretch(0, 4)
        pictures.setColumnStretch(1, 1)
        self.column.addLayout(row)
        self.column.addWidget(self.legend)
        self.column.addLayout(pictures, 3)
        self.column.addWidget(self.heading)
        self.column.addWidget(self.bars, 2)

    def _connect(self) -> None:
        self.by.chosen.connect(lambda by: self.set_view({"by": by}))
        self.side.chosen.connect(self.set_view)
        self.shows_curve.clicked.connect(lambda on: self.set_view({"shows_curve": on}))
        for part in (self.heatmap, self.curves, self.bars):
            part.picked.connect(self.picked)
            part.hovered.connect(self.hovered)
        self.heatmap.menu_requested.connect(self._show_verbs)
        self.heatmap.verb_requested.connect(self._act)

    @property
    def _view(self) -> AttributionView:
        views = self._document.views if self._document is not None else AT_FIRST
        return views.attribution

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Return the whole attribution, and that of the selected head, or layer's MLP."""
        side, pair, model = document.views.attribution.side, document.pair, document.model
        if not pair.clean or lacking(pair, side):
            return {}
        asked: dict[str, Request] = {
            "pair": ReadPair(model, pair),
            PARTS: AttributeMetric(model, pair, side, document.rows),
        }
        if cursor.layer is not None and cursor.head is not None:
            asked[SOURCES] = AttributeSources(model, pair, cursor.layer, cursor.head, side)
        elif cursor.layer is not None:
            asked[NEURONS] = AttributeNeurons(model, pair, cursor.layer, side)
        return asked

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to take the metric apart."""
        return script.attribution(document)

    def shown(self) -> list[Shown]:
        """Return the grid, the sum so far, and the terms of what is selected."""
        found, picture = self.answer(PARTS, Parts), self.heatmap.picture
        if found is None or picture is None or picture.values is None:
            return []
        _, values, deviation = of_parts.grid_of(found, self._view.by)
        end = of_parts.end_of(values)
        data = data_of(picture, values, "value")
        if found.total > 1:
            data = replace(data, columns={**data.columns, of_parts.SPREAD: deviation})
        scale = Scale(-end, end, "direct attribution, logits", is_signed=True)
        says, is_stale = self._says(), self.heatmap.is_stale
        made = self.heatmap, "", (Cells("", picture, scale, data),), says, is_stale
        pictures = [Shown(*made, code=Code(("shown",)))]
        if self._view.shows_curve:
            drawn = of_parts.lines_of(found)
            curve = self.curves, "sum so far", (drawn,), f"The sum after each layer. {says}"
            pictures.append(Shown(*curve, is_stale, code=Code(("so_far[None]",))))
        return pictures + self._terms_shown()

    def _terms_shown(self) -> list[Shown]:
        """Return the terms of what is selected, as they are taken home."""
        terms, name = self._terms(), self._part_name()
        if terms is None:
            return []
        values = terms.values.astype(np.float64)
        data = Data((terms.axis,), {"value": values}, {"note": list(terms.notes)})
        called = self._names(terms)
        words = [signed(float(value)) for value in values]
        panel = Bars("", called, values, words, "logits", data)
        whose = "of this pair alone. " * bool(self._document and self._document.rows)
        says = f"{name}, {signed(terms.whole)} logits, taken apart. {whose}{self._says()}"
        assert self._document is not None
        code = script.terms(self._document, self._cursor)
        return [Shown(self.bars, "terms", (panel,), says, self.bars.is_stale, code=code)]

    def show_document(self, document: Document) -> None:
        """Show what is asked, and what can be chosen."""
        self._document = document
        view = document.views.attribution
        self.by.show_value(view.by)
        self.side.show_side(view.side)
        self.shows_curve.setChecked(view.shows_curve)
        self.curves.setVisible(view.shows_curve)
        self._draw()

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline the selected head, or layer, and show its terms."""
        self._cursor = cursor
        for part in (self.heatmap, self.curves, self.bars):
            part.show_cursor(cursor)
        self._draw_terms()

    def draw_reply(self, name: str) -> None:
        """Draw what is known."""
        if name in (SOURCES, NEURONS):
            self._draw_terms()
        else:
            self._draw()

    def draw_roles(self) -> None:
        """Draw the letters of roles."""
        self.heatmap.show_roles(self.roles)

    def _draw(self) -> None:
        found, view = self.answer(PARTS, Parts), self._view
        picture = None if found is None else of_parts.picture_of(found, view.by)
        self.heatmap.show_picture(picture)
        is_stale = self.is_stale(PARTS)
        self.heatmap.show_stale(is_stale)
        is_shown = found is not None and view.shows_curve
        self.curves.show_plot(of_parts.curve_of(found) if found is not None and is_shown else None)
        self.curves.show_stale(is_stale)
        said = () if found is None else (self._counted(found), of_parts.sums(found))
        more = "" if found is None else of_parts.between(found)
        self.legend.setText("\n".join(filter(None, (*said, more))))
        self.legend.setToolTip(plain_tip(self._how()))
        self._say_if_empty({self.heatmap: self._why_empty(found)}, PARTS)
        self._draw_terms()

    def _why_empty(self, found: Parts | None) -> str:
        if found is not None:
            return ""
        pair = self._document.pair if self._document is not None else None
        return (
            lacking(pair, self._view.side) if pair is not None and pair.clean else ""
        ) or NOTHING

    def _counted(self, found: Parts) -> str:
        """Say what is counted, of what, over how many prompts."""
        whose = CAPTIONS[self._view.side]
        over = f"mean over {found.pairs} of {found.total} pairs" if found.total > 1 else ""
        end = of_parts.end_of(of_parts.grid_of(found, self._view.by)[1])
        colours = f"colours to ±{end:.2f}, fitted"
        return ", ".join(filter(None, ("direct attribution, logits", whose, over, colours)))

    def _how(self) -> str:
        """Say how the parts come about, and how the sum so far differs from a lens."""
        pair = self._document.pair if self._document is not None else None
        what = of_parts.DIFFERENCE if pair is not None and pair.distractor else "the answer's logit"
        where = ", at the position that the metric reads, before any soft cap."
        return HOW.format(what=what, where=where)

    def _says(self) -> str:
        """Return the caption."""
        found = self.answer(PARTS, Parts)
        if found is None:
            return ""
        more = of_parts.between(found)
        said = f"{self._counted(found)}. {of_parts.sums(found)}{'; ' * bool(more)}{more}."
        return f"{said} {self._how()}"

    def _terms(self) -> Terms | None:
        """Return what is known of the selected part's terms."""
        if self._cursor.layer is None:
            return None
        return self.known(SOURCES if self._cursor.head is not None else NEURONS, Terms)

    def _part_name(self) -> str:
        """Return what the part is called whose terms are shown."""
        place = self._cursor
        if place.layer is None:
            return ""
        if place.head is not None:
            return place_name(Cursor(place.layer, place.head))
        return f"MLP of layer {place.layer}"

    def _names(self, terms: Terms) -> list[str]:
        """Return what terms are called: source tokens with what tells them apart."""
        if terms.axis.name != "source":
            return list(terms.axis.labels)
        pair = self.answer("pair", PairReading)
        reading = None if pair is None else getattr(pair, one_side(self._view.side))
        if reading is not None:
            reading = replace(reading, tokens=reading.tokens[: len(terms.axis)])
        called = names(terms.axis, reading)
        return [f"{at} {name}" for at, name in enumerate(called)]

    def _draw_terms(self) -> None:
        terms, name = self._terms(), self._part_name()
        if terms is None:
            self.bars.show_terms(None, (), is_stale=False)
            self.heading.setText("" if name else PICK)
            return
        by = "source token" if terms.axis.name == "source" else "neuron"
        total = float(terms.values.astype(np.float64).sum())
        alone = ", of this pair alone" * bool(self._document and self._document.rows)
        said = f"{name} by {by}{alone}: sum {signed(total)} = its part {signed(terms.whole)} logits"
        self.heading.setText("\n".join(filter(None, (f"{said}.", terms.remark))))
        reply = SOURCES if terms.axis.name == "source" else NEURONS
        self.bars.show_terms(terms, self._names(terms), is_stale=self.is_stale(reply))

    def _cell_words(self, row: int, column: int) -> str:
        found = self.answer(PARTS, Parts)
        return "" if found is None else of_parts.cell_words(found, self._view.by, row, column)

    def _curve_words(self, row: int) -> str:
        found = self.answer(PARTS, Parts)
        return "" if found is None else of_parts.curve_words(found, row)

    def _place(self, row: int, column: int) -> Cursor:
        picture = self.heatmap.picture
        if picture is None:
            return Cursor()
        is_head = picture.columns.name == "head"
        head = picture.columns.coordinates[column] if is_head else None
        return Cursor(picture.rows.coordinates[row], head)

    @Slot(str, int, int)
    def _act(self, verb: str, row: int, column: int) -> None:
        menus.act(self, verb, self._place(row, column))

    @Slot(int, int, object)
    def _show_verbs(self, row: int, column: int, where: QPoint) -> None:
        """Show what can be done with a part."""
        if self._document is None:
            return
        place = self._place(row, column)
        found = menus.of_place(self, place, self._document.pins)
        copied = menus.copying(self._cell_words(row, column))
        menus.show_menu(self, [*found, copied], where)
