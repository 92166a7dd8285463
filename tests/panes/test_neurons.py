"""The neurons pane: what is asked, ranked, drawn and said of neurons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from lensgui.jobs.answers.neurons import NeuronRanking, UsedExpert
from lensgui.jobs.questions.neuron_requests import (
    FindPlaces,
    NeuronOverPrompt,
    NeuronSlopes,
    RankNeurons,
    ReadNeurons,
)
from lensgui.jobs.requests import OpenModel, ReadPair
from lensgui.panes.neurons.neuron_card import NO_PLACES, NO_TEXT
from lensgui.panes.neurons.neuron_histogram import bin_name
from lensgui.panes.neurons.neuron_places import strongest
from lensgui.panes.neurons.neuron_seen import ATTENTION_ONLY, NO_CORRUPTED, NOTHING
from lensgui.panes.neurons.neurons import NeuronsPane
from lensgui.panes.pane import OPENING
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.state.selection import Cursor
from lensgui.state.views import NeuronsView
from tests import fakes
from tests.answering import last
from tests.fakes import neurons as fake_neurons
from tests.panes.conftest import CURSOR, PAIR, answer, in_session, tell
from tests.panes.copying import copied, toy

ROWS = (PairRow(PAIR), PairRow(PromptPair("a b c d e"), is_included=False))


@pytest.fixture
def opened(document, show):
    """The pane with all answers about a document; a second round asks what the first made known."""

    def opened(document=document, cursor=CURSOR, rounds=2, **sizes):
        pane = show(NeuronsPane(), **sizes)
        for _ in range(rounds):
            answer(pane, document, cursor)
        return pane

    return opened


def viewing(document, **changes):
    return document.having(neurons=NeuronsView(**changes))


def effects(document, cursor=CURSOR):
    request = RankNeurons(document.model, PAIR, "clean", cursor.layer, cursor.position)
    return fake_neurons.ranking(request).effects


def test_the_ranking_is_asked_first_and_then_what_is_listed(document, opened):
    pane = opened(rounds=1)
    model, layer = document.model, CURSOR.layer
    order = np.argsort(-np.abs(effects(document)))
    asked = pane.requests(document, CURSOR)
    assert asked == {
        "pair": ReadPair(model, PAIR),
        "ranking": RankNeurons(model, PAIR, "clean", layer, CURSOR.position),
        "words": ReadNeurons(model, layer, tuple(sorted(order[:20].tolist()))),
        "over": NeuronOverPrompt(model, PAIR, "clean", layer, int(order[0])),
    }
    selected = Cursor(layer, position=1, neuron=int(order[30]))
    asked = pane.requests(viewing(document, order="gradient", side="difference"), selected)
    assert asked["slopes"] == NeuronSlopes(model, PAIR, "clean", layer, 1)
    assert asked["over"].side == "difference"
    assert asked["card"] == ReadNeurons(model, layer, (selected.neuron,))


def test_without_a_selection_it_is_the_last_layer_and_position(document, opened):
    pane = opened(cursor=Cursor())
    asked = pane.requests(document, Cursor())
    assert asked["ranking"] == RankNeurons(document.model, PAIR, "clean", fakes.LAYERS - 1)
    assert pane.controls.layer.currentText() == f"L{fakes.LAYERS - 1}"


def test_places_are_sought_in_the_ticked_pairs_or_in_a_text(document, opened, tmp_path):
    pane = opened()
    tabled = document.having(table=ROWS)
    asked = pane.requests(tabled, CURSOR)["places"]
    assert asked == FindPlaces(document.model, CURSOR.layer, ROWS[:1])
    assert pane.card_view.read.text() == NO_PLACES
    view = viewing(tabled, places="text")
    assert "places" not in pane.requests(view, CURSOR)
    pane.show_document(view)
    assert pane.card_view.read.text() == NO_TEXT
    path = tmp_path / "a.txt"
    path.write_text("some words", encoding="utf-8")
    pane.read_text(str(path))
    asked = pane.requests(view, CURSOR)["places"]
    assert (asked.text.path, asked.text.size, asked.rows) == (str(path), 10, ())


def test_neurons_are_ranked_by_what_is_chosen(document, opened):
    for order in ("effect", "activation", "gradient"):
        pane = opened(viewing(document, order=order, count=7))
        values = [abs(row.value) for row in pane.rows.rows]
        assert len(values) == 7
        assert values == sorted(values, reverse=True)
        assert all(row.words is not None for row in pane.rows.rows)
        whole = pane.answer("ranking", NeuronRanking)
        if order != "gradient":
            numbers = whole.effects if order == "effect" else whole.activations
            assert values[0] == pytest.approx(np.abs(numbers).max())


def test_a_neuron_without_an_answer_or_a_gradient_is_not_listed(document, opened):
    pane = opened()
    ranking = pane.answer("ranking", NeuronRanking)
    tell(pane, "ranking", replace(ranking, effects=ranking.effects * np.nan, remark="No answer."))
    assert pane.rows.count() == 0
    assert "No answer." in pane.legend.text() + pane.legend.toolTip()


def test_a_click_or_enter_selects_a_neuron(document, opened, qtbot):
    pane = opened()
    row = pane.rows.rows[2]
    with qtbot.waitSignal(pane.picked) as picked:
        where = pane.rows.place_of(2).center().toPoint()
        QTest.mouseClick(pane.rows, Qt.MouseButton.LeftButton, pos=where)
    assert picked.args == [{"layer": CURSOR.layer, "neuron": row.neuron}]
    pane.rows.setFocus()
    QTest.keyClick(pane.rows, Qt.Key.Key_Down)
    with qtbot.waitSignal(pane.picked) as picked:
        QTest.keyClick(pane.rows, Qt.Key.Key_Return)
    assert picked.args == [{"layer": CURSOR.layer, "neuron": pane.rows.rows[3].neuron}]
    assert f"L{CURSOR.layer}N{pane.rows.rows[3].neuron}" in pane.rows.accessibleDescription()
    table = pane.rows.as_table()
    assert table.rows[0] == f"L{CURSOR.layer}{pane.rows.rows[0].name}"
    assert float(table.cell(0, 1)) == pytest.approx(pane.rows.rows[0].effect, rel=1e-5)
    assert "one" in table.cell(0, 3)


def test_more_and_fewer_are_listed(document, opened):
    pane = opened(viewing(document, count=10))
    session = in_session(pane, viewing(document, count=10))
    pane.controls.more.click()
    assert session.document.views.neurons.count == 20
    pane.controls.fewer.click()
    pane.controls.fewer.click()
    assert session.document.views.neurons.count == 5
    assert not pane.controls.fewer.isEnabled()
    everything = viewing(document, count=fakes.NEURONS)
    pane.show_document(everything)
    assert not pane.controls.more.isEnabled()


def test_the_card_is_of_the_selected_neuron_wherever_it_ranks(document, opened, qtbot):
    last_one = int(np.argsort(-np.abs(effects(document)))[-1])
    place = Cursor(CURSOR.layer, position=CURSOR.position, neuron=last_one)
    pane = opened(document.having(table=ROWS), place)
    card = pane.card_view
    assert card.title.text() == f"L{CURSOR.layer}N{last_one}"
    assert not pane.rows.chosen_row()
    over = pane.answer("over", object)
    assert card.text.shades.tolist() == np.rint(128 + 127 * over.values / card.text.end).tolist()
    assert card.text.chosen == CURSOR.position
    assert card.chips["reads"].chips[0].text == "·one"
    with qtbot.waitSignal(pane.picked) as picked:
        qtbot.mouseClick(card.chips["reads"], Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    assert picked.args == [{"token": card.chips["reads"].chips[0].token}]
    assert card.high.places
    assert all(one.value > 0 for one in card.high.places)
    assert all(one.value < 0 for one in card.low.places)
    assert card.histogram.counts.sum() > 0
    assert card.text.as_table().cell(0, 0)


def test_a_token_of_the_card_selects_its_position(document, opened, qtbot):
    pane = opened()
    text = pane.card_view.text
    with qtbot.waitSignal(pane.picked) as picked:
        where = text.place_of(1).center().toPoint()
        QTest.mouseClick(text, Qt.MouseButton.LeftButton, pos=where)
    assert picked.args == [{"position": 1}]
    assert text.words(1).startswith(f"{pane.card_view.title.text()}, clean at ")


def test_a_place_is_shown_with_what_is_around_it_in_its_own_prompt(document):
    request = FindPlaces(document.model, 1, (PairRow(PAIR),))
    found = last(fake_neurons.places(request))
    lengths = np.diff([*found.starts.tolist(), len(found.tokens)])
    for neuron in range(fakes.NEURONS):
        for one in strongest(found, neuron, 1):
            which = int(np.searchsorted(found.starts, one.at, side="right")) - 1
            start, end = found.starts[which], found.starts[which] + lengths[which]
            texts = [found.names[token].label for token in found.tokens[start:end].tolist()]
            whole = one.before + texts[one.at - start] + one.after
            assert "".join(texts) == whole


def test_experts_are_named_with_their_weights(document, opened):
    pane = opened()
    ranking = pane.answer("ranking", NeuronRanking)
    experts = (UsedExpert(3, 0.7, 0, 20, 0.1), UsedExpert(None, 1.0, 20, 20, 0.2))
    tell(pane, "ranking", replace(ranking, experts=experts))
    names = {row.neuron: row.name for row in pane.rows.rows}
    assert all(
        name == (f"E3N{neuron}" if neuron < 20 else f"SN{neuron - 20}")
        for neuron, name in names.items()
    )
    assert "3 (0.70), shared (1.00)" in pane.legend.toolTip()
    first = pane.rows.rows[0].neuron
    of = f"expert 3, neuron {first}" if first < 20 else f"the shared expert, neuron {first - 20}"
    assert pane.card_view.title.text() == f"L{CURSOR.layer}N{first} ({of})"


def test_empty_states_say_one_sentence(document, opened, show):
    pane = show(NeuronsPane())
    assert pane.rows.empty == NOTHING
    tell(pane, "model", status="waiting", request=OpenModel(document.model))
    assert pane.rows.empty == OPENING
    pane = opened(document.having(pair=PromptPair("")))
    assert pane.rows.empty == NOTHING
    alone = viewing(document.having(pair=PromptPair("one prompt")), side="corrupted")
    assert opened(alone).rows.empty == NO_CORRUPTED
    card = replace(fakes.card(OpenModel(document.model)), n_neurons=0)
    tell(pane, "model", card, request=OpenModel(document.model))
    assert pane.rows.empty == ATTENTION_ONLY
    assert pane.requests(document, CURSOR) == {}


def test_what_is_known_of_an_older_question_stays_dimmed(document, opened):
    pane = opened()
    rows = pane.rows.rows
    request = replace(pane.reply("ranking").request, pair=replace(PAIR, clean="other words"))
    tell(pane, "ranking", status="late", request=request)
    assert pane.rows.rows == rows
    assert pane.rows.is_stale


def dropped(pane, path):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    actions, none = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    event = QDropEvent(QPointF(1, 1), actions, data, Qt.MouseButton.LeftButton, none)
    pane.dropEvent(event)


def test_a_text_is_dropped_or_chosen(document, opened, qtbot, tmp_path, monkeypatch):
    pane = opened()
    session = in_session(pane, document)
    path = tmp_path / "a.txt"
    path.write_text("some words", encoding="utf-8")
    dropped(pane, tmp_path / "b.lens")
    assert session.document.views.neurons.places == "pairs"
    with qtbot.waitSignal(pane.altered):
        dropped(pane, path)
    assert session.document.views.neurons.places == "text"
    other = tmp_path / "other.txt"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *given: (str(other), ""))
    pane.controls.text.click()
    assert "other.txt can't be read" in pane.message.text()
    other.write_text("more", encoding="utf-8")
    pane.controls.text.click()
    assert not pane.message.text()
    assert pane.requests(session.document, CURSOR)["places"].text.path == str(other)
    assert str(tmp_path) not in pane.python(session.document, CURSOR)


def test_the_card_stands_beside_where_there_is_room(opened):
    assert opened().shares.orientation() == Qt.Orientation.Vertical
    assert opened(width=900, height=480).shares.orientation() == Qt.Orientation.Horizontal


def test_bins_are_named_by_their_ends():
    edges = (-1.0, 0.5, 2.0)
    assert [bin_name(at, edges) for at in range(4)] == ["< -1", "-1 … 0.5", "0.5 … 2", "≥ 2"]


@pytest.mark.parametrize("order", ["effect", "gradient", "activation"])
def test_copied_python_ranks_as_the_pane_does(dispatcher, qtbot, order):
    document, place = toy(neurons=NeuronsView(order, count=6)), Cursor(1, position=10)
    names = copied(NeuronsPane(), document, qtbot, place)
    model, pair = document.model, document.pair
    found = last(dispatcher.answer(RankNeurons(model, pair, "clean", 1, 10)))
    values = {"effect": found.effects, "activation": found.activations}.get(order)
    if values is None:
        values = last(dispatcher.answer(NeuronSlopes(model, pair, "clean", 1, 10))).values
    expected = np.argsort(-np.abs(values), kind="stable")[:6]
    assert names["order"].tolist() == expected.tolist()
    np.testing.assert_allclose(names["shown"].numpy(), values[expected], atol=1e-5)
