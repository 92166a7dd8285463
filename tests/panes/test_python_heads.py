"""What the inspector and the attention explorer copy computes what they show, on the toy model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lensgui.jobs.answers.arrays import CellState
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.inspector.inspector import InspectorPane
from lensgui.state.selection import Cursor
from lensgui.state.views import AttentionView
from tests.panes.copying import averaging, copied, told, toy

EDGE = Cursor(1, 2, 10, 4)
DOCUMENTS = {
    "typed": toy(),
    "nothing typed": toy(answer="", distractor=""),
    "no answer": toy(answer="", distractor=" apple"),
    "a set": toy(answer=" apple| book| apple", distractor=" stone|| nine"),
    "several tokens": toy(answer=" apple house", metric="log-probability"),
    "several tokens, read as one": toy(answer=" apple house"),
    "twice the same": toy(distractor=" apple"),
    "a token in front": toy(bos=" paper"),
    "mean": averaging(),
}


def maybe(number):
    return None if number is None else pytest.approx(number, abs=1e-4)


def sizes(found):
    return pytest.approx([size for _, size in found], abs=1e-4)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_inspector_of_a_head_an_edge_and_an_mlp(name, dispatcher, qtbot):
    pane, document = InspectorPane(), DOCUMENTS[name]
    names = copied(pane, document, qtbot, EDGE)
    head = told(dispatcher, pane, document, "head", EDGE)
    assert names["head"].attention.tolist() == pytest.approx(head.attention, abs=1e-5)
    assert names["head"].attribution == maybe(head.attribution)
    assert names["head"].effect.topk(8).values.tolist() == sizes(head.promoted)
    assert names["keys"].topk(8).values.tolist() == sizes(head.sought)
    edge = told(dispatcher, pane, document, "edge", EDGE)
    assert names["edge"].attention == pytest.approx(edge.attention, abs=1e-5)
    assert names["edge"].contribution == maybe(edge.contribution)
    mlp = told(dispatcher, pane, document, "mlp", EDGE)
    assert names["mlp"].attribution == maybe(mlp.attribution)
    assert names["mlp"].effect.topk(8).values.tolist() == sizes(mlp.promoted)
    for neuron in mlp.neurons:
        assert float(names["mlp"].activations[neuron.index]) == maybe(neuron.activation)
    is_unanswered = name.startswith(("several", "twice"))
    assert (head.attribution is None) == is_unanswered
    assert (names["difference"] is None) == is_unanswered


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_inspector_of_a_position(name, dispatcher, qtbot):
    pane, document, place = InspectorPane(), DOCUMENTS[name], Cursor(position=7)
    names = copied(pane, document, qtbot, place)
    lens = told(dispatcher, pane, document, "lens", place)
    best = names["lens"].max(-1)
    assert best.indices.tolist() == [likely.token.id for likely in lens.top]
    assert best.values.tolist() == pytest.approx([likely.logit for likely in lens.top], abs=1e-4)
    curve = [] if names["curve"] is None else names["curve"].tolist()
    assert curve == pytest.approx(list(lens.metric), abs=1e-4)
    assert not {"head", "edge", "mlp"} & names.keys()


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name[:4] not in ("seve", "twic")])
@pytest.mark.parametrize("side", ["clean", "corrupted", "difference"])
def test_contributions_to_answers_that_were_not_typed(name, side, dispatcher, qtbot):
    view = AttentionView(side, measure="contribution")
    pane, document = AttentionPane(), DOCUMENTS[name].having(attention=view)
    shown = told(dispatcher, pane, document, "head")
    seen = shown.states == CellState.EXACT
    names = copied(pane, document, qtbot)
    np.testing.assert_allclose(names["shown"].numpy()[seen], shown.values[seen], atol=1e-4)


@pytest.mark.parametrize("side", ["clean", "corrupted", "difference"])
@pytest.mark.parametrize("hides", [False, True])
@pytest.mark.parametrize("name", ["typed", "mean", "long"])
def test_every_head_of_the_grid(name, hides, side, dispatcher, qtbot):
    view = AttentionView(side, hides_first=hides)
    pane, document = AttentionPane(), {**DOCUMENTS, "long": long()}[name].having(attention=view)
    atlas = told(dispatcher, pane, document, "grid")
    found = copied(pane, document, qtbot)["grid"].numpy()
    as_bytes = found * 127 + 128 if atlas.is_difference else found * 255
    np.testing.assert_allclose(as_bytes, atlas.values, atol=0.51)


def long():
    """A prompt of more tokens than the grid has pixels for."""
    pair = toy().pair
    longer = replace(pair, clean=pair.clean * 9, corrupted=pair.corrupted * 9)
    return replace(toy(), pair=longer)
