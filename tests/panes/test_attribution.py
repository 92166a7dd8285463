"""The attribution pane: what is asked, drawn, added up and said of each part."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt

from lensgui.jobs.answers.attributions import Parts, Terms
from lensgui.jobs.questions.attribution_requests import (
    AttributeMetric,
    AttributeNeurons,
    AttributeSources,
)
from lensgui.jobs.requests import OpenModel, ReadPair
from lensgui.panes.attribution import parts as of_parts
from lensgui.panes.attribution.attribution import NOTHING, PICK, AttributionPane
from lensgui.panes.attribution.part_bars import LEAST, TOGETHER, bars_of
from lensgui.panes.token_text import signed
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.prompts.sides import NO_CORRUPTED
from lensgui.state.selection import Cursor
from lensgui.state.views import AttributionView
from tests import fakes
from tests.panes.conftest import CURSOR, PAIR, answer, in_session, tell

LAYER = Cursor(1, position=2)


@pytest.fixture
def pane(document, show):
    """The pane, with answers about a pair."""
    return answer(show(AttributionPane()), document)


def viewing(document, *view, **changes):
    return document.having(attribution=AttributionView(*view, **changes))


def averaging(document):
    rows = tuple(PairRow(replace(PAIR, answer=word)) for word in (" a", " b", " c"))
    return document.having(table=rows, is_average=True)


def test_a_head_or_the_layer_s_mlp_is_taken_apart_further(document, qtbot):
    pane = AttributionPane()
    qtbot.addWidget(pane)
    model = document.model
    assert pane.requests(document, Cursor()) == {
        "pair": ReadPair(model, PAIR),
        "parts": AttributeMetric(model, PAIR),
    }
    asked = pane.requests(viewing(document, side="corrupted"), Cursor(2, 1))
    assert asked["sources"] == AttributeSources(model, PAIR, 2, 1, "corrupted")
    assert pane.requests(document, LAYER)["neurons"] == AttributeNeurons(model, PAIR, 1)
    alone = document.having(pair=PromptPair("one prompt"))
    assert set(pane.requests(alone, Cursor())) == {"pair", "parts"}
    assert pane.requests(viewing(alone, side="difference"), Cursor()) == {}
    many = averaging(document)
    assert pane.requests(many, Cursor())["parts"].rows == many.rows


@pytest.mark.parametrize("by", ["head", "component"])
def test_the_grid_holds_every_part_and_its_sum_is_said(document, show, by):
    pane = answer(show(AttributionPane()), viewing(document, by))
    found, picture = pane.answer("parts", Parts), pane.heatmap.picture
    expected = found.values if by == "head" else found.components
    np.testing.assert_array_equal(picture.values, expected)
    end = np.abs(expected).max()
    assert pane.legend.text().startswith(
        f"direct attribution, logits, clean, colours to ±{end:.2f}"
    )
    sums = pane.legend.text().splitlines()[1]
    assert sums == of_parts.sums(found)
    assert f"= {signed(found.sum)}; the run has {signed(found.logits)} logits" in sums
    said = [part.split()[-1] for part in sums.split(" = ")[0].split(" · ")]
    added = [float(number.replace("−", "-")) for number in said]
    assert sum(added) == pytest.approx(found.sum, abs=0.003)
    np.testing.assert_array_equal(pane.curves.shown.curves[0].values, found.cumulative[2::2])
    assert pane._curve_words(1).startswith(f"after layer 1: {signed(found.cumulative[4])} logits")


def test_a_cell_is_named_and_picked(pane, qtbot):
    found = pane.answer("parts", Parts)
    heads = fakes.HEADS
    assert pane._cell_words(2, 1) == f"L2H1: {signed(found.values[2, 1])} logits"
    assert pane._cell_words(2, heads).startswith("b_O of layer 2: ")
    assert pane._cell_words(0, heads + 1).startswith("MLP of layer 0: ")
    picked = []
    pane.picked.connect(picked.append)
    for column, fields in ((1, {"layer": 2, "head": 1}), (heads + 1, {"layer": 2})):
        point = pane.heatmap.middle_of(2, column).toPoint()
        qtbot.mouseClick(pane.heatmap, Qt.MouseButton.LeftButton, pos=point)
        assert picked[-1] == fields


@pytest.mark.parametrize(("cursor", "by"), [(CURSOR, "source token"), (LAYER, "neuron")])
def test_the_terms_of_what_is_selected_add_up_to_it(document, show, cursor, by):
    pane = answer(show(AttributionPane()), document, cursor)
    name = "sources" if by == "source token" else "neurons"
    terms = pane.answer(name, Terms)
    total = float(terms.values.sum())
    assert f"by {by}: sum {signed(total)} = its part {signed(terms.whole)}" in pane.heading.text()
    assert sum(bar.value for bar in pane.bars.bars) == pytest.approx(total, abs=1e-4)
    sizes = [abs(bar.value) for bar in pane.bars.bars if bar.fields]
    assert sizes == sorted(sizes, reverse=True)
    assert pane.bars.words(0).startswith(f"{pane.bars.bars[0].name}: ")
    pane.show_cursor(Cursor())
    assert not pane.bars.bars
    assert pane.heading.text() == PICK


@pytest.mark.parametrize("most", [3, 5, 24, 99])
def test_terms_that_are_not_named_count_together(document, most):
    terms = fakes.attributions.neurons(AttributeNeurons(document.model, PAIR, 1))
    bars = bars_of(terms, terms.axis.labels, most)
    assert sum(bar.value for bar in bars) == pytest.approx(float(terms.values.sum()), abs=1e-5)
    named = [bar for bar in bars if bar.fields]
    assert len(named) == min(most, fakes.attributions.NEURONS)
    others = 1000 + fakes.attributions.NEURONS - len(named)
    assert [bar.name for bar in bars[len(named) :]] == [f"{others:,} others", "b_out"]


def test_a_pane_with_more_room_names_more_terms(document, show):
    pane = answer(show(AttributionPane()), document, LAYER)
    heights = (LEAST + TOGETHER, 14)
    counts = []
    for rows in heights:
        pane.bars.resize(pane.bars.width(), round(rows * pane.bars.row_height()) + 2)
        counts.append(pane.bars.count())
    assert counts == list(heights)


def test_a_bar_selects_its_source(document, show, qtbot):
    pane = answer(show(AttributionPane()), document, CURSOR)
    picked = []
    pane.picked.connect(picked.append)
    where = pane.bars.place_of(1).center().toPoint()
    qtbot.mouseClick(pane.bars, Qt.MouseButton.LeftButton, pos=where)
    assert picked == [dict(pane.bars.bars[1].fields)]
    assert set(picked[0]) == {"source"}
    pane.show_cursor(replace(CURSOR, source=picked[0]["source"]))
    assert pane.bars.chosen_row() == 1


def test_of_a_table_means_are_shown_and_terms_are_of_the_one_pair(document, show):
    many = averaging(document)
    pane = answer(show(AttributionPane()), many, CURSOR)
    assert "mean over 3 of 3 pairs" in pane.legend.text()
    assert " ± 0.250 over the pairs (standard deviation)" in pane._cell_words(1, 1)
    assert ", ± 0.250 over the pairs" in pane._curve_words(1)
    assert pane.curves.shown.curves[0].spread is not None
    assert "of this pair alone" in pane.heading.text()
    grid, curve, terms = pane.shown()
    for shown in (grid, curve):
        assert "standard deviation" in shown.panels[0].data.columns
    assert "of this pair alone" in terms.says


def test_what_lies_between_the_logits_and_the_metric_is_said(document, show):
    pane = answer(show(AttributionPane()), document)
    found = pane.answer("parts", Parts)
    request = pane.reply("parts").request
    other = replace(found, capped=1.5, metric=0.25, between=("soft cap", "probability"))
    tell(pane, "parts", replace(other, metric_name="probability"), request=request)
    said = pane.legend.text().splitlines()[2]
    assert said == "under the soft cap +1.500; the metric, probability, is +0.250"
    assert said in pane.shown()[0].says


def test_the_pane_says_what_to_do_while_there_is_nothing(document, show):
    pane = show(AttributionPane())
    opened = OpenModel(document.model)
    tell(pane, "model", fakes.card(opened), request=opened)
    pane.show_document(document.having(pair=PromptPair("")))
    assert pane.heatmap.empty == NOTHING
    assert pane.shown() == []
    pane.show_document(viewing(document.having(pair=PromptPair("one")), side="difference"))
    assert pane.heatmap.empty == NO_CORRUPTED


def test_choices_are_edits(pane, document):
    session = in_session(pane, document)
    pane.by.chosen.emit("component")
    pane.side.activated.emit(2)
    pane.shows_curve.click()
    expected = AttributionView("component", "difference", shows_curve=False)
    assert session.document.views.attribution == expected
    assert pane.curves.isHidden()
    assert pane.curves.shown is None


def test_a_caption_says_how_the_parts_come_about(document, show):
    pane = answer(show(AttributionPane()), document, CURSOR)
    grid, curve, terms = pane.shown()
    for shown in (grid, curve, terms):
        assert "Direct logit attribution (Elhage et al. 2021)" in shown.says
        assert "each part adds to answer − distractor by itself" in shown.says
    assert terms.says.startswith("L")
