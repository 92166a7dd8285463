"""Panes that show what interventions change, and what they say where none acts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lensgui.jobs.questions.lens_requests import ReadLens
from lensgui.panes.activation.activation import ActivationPane
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.attribution.attribution import AttributionPane
from lensgui.panes.controls.side_box import CHANGE, SIDES
from lensgui.panes.lens.lens import LensPane
from lensgui.panes.lens.lens_words import NO_CHANGE
from lensgui.panes.neurons.neurons import NeuronsPane
from lensgui.prompts.pair import PairRow
from lensgui.prompts.sides import CHOICES, NO_CORRUPTED, UNCHANGED, is_change, one_side
from lensgui.state.changes import words
from lensgui.terms.interventions import Intervention, Site
from tests.panes.conftest import CURSOR, PAIR, answer, in_session

OFF = Intervention(Site("z", 1, 1), "zero")
ONE_SIDED = replace(OFF, runs="corrupted")
CHANGES = tuple(side for side in SIDES if is_change(side))
KINDS = {
    AttentionPane: lambda pane: pane.grid,
    LensPane: lambda pane: pane.heatmap,
    AttributionPane: lambda pane: pane.heatmap,
    ActivationPane: lambda pane: pane.heatmap,
    NeuronsPane: lambda pane: pane.rows,
}
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


def viewing(kind, document, side, **changes):
    name = kind.view_name
    view = replace(getattr(document.views, name), side=side)
    view = replace(view, value="rank") if kind is LensPane else view
    return document.having(**{name: replace(view, **changes)})


def chooser(pane):
    return getattr(pane, "controls", pane).side


@pytest.fixture(params=KINDS, ids=lambda kind: kind.title)
def kind(request):
    return request.param


def test_every_side_is_offered_in_words_with_what_it_means(kind, document, show):
    pane = answer(show(kind(), 800, 600), document)
    session, box = in_session(pane, document), chooser(pane)
    assert [box.itemText(at) for at in range(box.count())] == list(CHOICES.values())
    assert CHANGE in box.toolTip()
    box.activated.emit(SIDES.index("clean change"))
    assert getattr(session.document.views, kind.view_name).side == "clean change"
    assert box.currentText() == "clean: with − without"
    assert words(document, session.document) == f"{kind.title}: prompt"


@pytest.mark.parametrize("side", CHANGES)
def test_a_change_is_asked_and_drawn(kind, document, show, side):
    document = viewing(kind, document.having(interventions=(OFF,)), side)
    pane = show(kind(), 800, 600)
    for _ in range(2):
        answer(pane, document)
    if kind is NeuronsPane:
        assert pane.requests(document, CURSOR)["ranking"].side == one_side(side)
        assert pane.requests(document, CURSOR)["over"].side == side
        assert f"{one_side(side)}, with − without interventions" in pane.card_view.text.name
        return
    shown, *_ = pane.shown()
    (panel, *_) = shown.panels
    assert panel.scale.is_signed
    assert panel.scale.low == -panel.scale.high
    assert f"{one_side(side)}, with − without interventions" in shown.says


@pytest.mark.parametrize(
    ("listed", "side", "said"),
    [
        ((), "clean change", UNCHANGED),
        ((OFF.on(False),), "corrupted change", UNCHANGED),
        (
            (ONE_SIDED,),
            "clean change",
            "No intervention acts on the clean prompt, so there is nothing to compare with.",
        ),
    ],
)
def test_where_none_acts_nothing_is_asked_and_a_sentence_says_why(
    kind, document, show, listed, side, said
):
    document = viewing(kind, document.having(interventions=listed), side)
    pane = answer(show(kind(), 800, 600), document)
    assert not pane.requests(document, CURSOR)
    assert KINDS[kind](pane).empty == said
    averaging = replace(document, table=(PairRow(PAIR),), is_average=True)
    assert not pane.requests(averaging, CURSOR)
    acting = viewing(kind, document.having(interventions=(OFF,)), side)
    assert pane.requests(acting, CURSOR)
    pane.show_document(acting)
    assert KINDS[kind](pane).empty != said


def test_without_a_corrupted_prompt_none_is_compared(kind, document, show):
    alone = document.having(corrupted="", interventions=(OFF,))
    pane = answer(show(kind(), 800, 600), viewing(kind, alone, "corrupted change"))
    assert not pane.requests(viewing(kind, alone, "corrupted change"), CURSOR)
    said = KINDS[kind](pane).empty
    assert said == NO_CORRUPTED or (kind is NeuronsPane and "corrupted prompt" in said)
    assert pane.requests(viewing(kind, alone, "clean change"), CURSOR)


def test_the_lens_asks_for_one_prompt_twice(document, show):
    document = viewing(LensPane, document.having(interventions=(OFF,)), "corrupted change")
    pane = answer(show(LensPane()), document)
    asked = [of for of in pane.requests(document, CURSOR).values() if isinstance(of, ReadLens)]
    assert [of.side for of in asked] == ["corrupted", "corrupted"]
    assert [of.pair for of in asked] == [document.pair, document.pair.plain]
    one, other = (pane.answer(name, object) for name in ("corrupted", "corrupted without"))
    drawn = pane.heatmap.picture.values
    np.testing.assert_array_equal(drawn, one.ranks[..., 0] - other.ranks[..., 0])
    assert "corrupted, with − without interventions" in pane.legend.text()


def test_likeliest_tokens_have_no_change(document, show):
    document = document.having(interventions=(OFF,))
    pane = answer(show(LensPane()), viewing(LensPane, document, "clean change", value="token"))
    assert pane.heatmap.picture is None
    assert pane.heatmap.empty == NO_CHANGE
