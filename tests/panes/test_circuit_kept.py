"""Circuits that are kept on the board: looked for, stopped, measured on other pairs, explained."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QFileDialog, QMenu

from lensgui.jobs.answers.circuits import SuggestionReading
from lensgui.jobs.questions.circuit_requests import (
    CheckEdges,
    MeasureCircuit,
    OpenCircuit,
    SuggestCircuit,
)
from lensgui.panes import menus
from lensgui.panes.circuit.circuit import CircuitPane
from lensgui.state.selection import Cursor
from lensgui.state.views import BoardView
from lensgui.terms.circuits.kept import KeptCircuit
from lensgui.terms.model_key import ModelKey
from tests import fakes
from tests.panes.boards import chosen, dropped, opened, table_of, table_with
from tests.panes.conftest import answer, in_session, reply, tell

pytestmark = pytest.mark.usefixtures("no_popup")


def begun(pane, document):
    """A search that was begun; what it says, bit by bit."""
    pane.controls.suggest.click()
    after = pane.session.document
    request = pane.requests(after, Cursor())["suggestion"]
    assert isinstance(request, SuggestCircuit)
    return request, list(fakes.FakeAnswerer().answer(request))


@pytest.fixture
def pane(show, document):
    return opened(show, table_with(document))


def test_a_circuit_is_looked_for_and_shown_as_it_gets_smaller(pane, qtbot):
    request, (first, larger, _) = begun(pane, pane.session.document)
    assert request.rows == pane.session.document.rows
    assert pane.session.document.views.board.nodes == "circuit"
    assert pane.controls.suggest.text() == "Stop"
    asked = pane.requests(pane.session.document, Cursor())
    assert set(asked) == {"edges", "suggestion"}
    tell(pane, "suggestion", first, "partial", request=request)
    assert pane.rail.isVisible()
    assert pane.rail.ratio.text() == "looking for a circuit"
    assert "smallest sizes" in pane.board.empty
    tell(pane, "suggestion", larger, "partial", request=request)
    assert {edge.name for edge in pane.board.contents.edges} == set(larger.circuit.edges)
    assert pane.rail.ratio.text() == "a circuit of 12 edges so far"
    assert pane.rail.numbers.text() == (
        "faithfulness 0.97 on the 3 pairs it is found on, 0.93 (95 %: 0.85 to 1.02) on 3 others"
    )
    assert "4 edges 0.50, 12 edges 0.96" in pane.rail.caption.text()
    assert "suggest_circuit(find, measure, 0.1, 'size')" in pane.python(
        pane.session.document, Cursor()
    )
    assert pane.session.document.circuit is None


@pytest.mark.parametrize("how", ["stopped", "done", "other prompts"])
def test_what_is_found_is_kept_in_one_step_and_measured_on_the_others(pane, how, qtbot):
    request, (_, larger, smaller) = begun(pane, pane.session.document)
    circuit = larger.circuit
    tell(pane, "suggestion", larger, "partial", request=request)
    if how == "stopped":
        pane.controls.suggest.click()
    elif how == "done":
        circuit = smaller.circuit
        tell(pane, "suggestion", smaller, "partial", request=request)
    else:  # it goes on about those that it was begun with
        pane.session.edit(board=BoardView("zero", "circuit"))
        assert pane.requests(pane.session.document, Cursor())["suggestion"] == request
        assert pane.rail.caption.text().startswith("about the prompts it was begun with")
        pane.controls.suggest.click()
    qtbot.waitUntil(lambda: pane.session.document.circuit == circuit)
    after = pane.session.document
    assert pane.controls.suggest.text() == "Suggest"
    assert (after.views.board.is_exact, after.views.board.measured) == (True, "edges")
    answer(answer(pane, after), after)
    asked = pane.requests(after, Cursor())
    assert "suggestion" not in asked
    checks, measured = asked["exact"], asked["circuit"]
    assert (type(checks), type(measured)) == (CheckEdges, MeasureCircuit)
    assert checks.within == measured.edges == circuit.edges
    assert set(checks.edges) == set(circuit.edges)
    assert [row.pair.clean for row in measured.rows] == [
        row.pair.clean for row in after.rows if row.pair.clean not in circuit.found_on
    ]
    assert "not found on" in pane.rail.caption.text()
    assert circuit.said in pane.said.text()
    pane.session.undo_stack.undo()
    assert pane.session.document.circuit is None


def test_of_one_pair_it_is_this_prompts_circuit(show, document, qtbot):
    pane = opened(show, document)
    request, (*_, last) = begun(pane, document)
    assert request.rows == ()
    tell(pane, "suggestion", last, request=request)
    assert "this prompt’s circuit" in pane.rail.numbers.text()
    qtbot.waitUntil(lambda: pane.session.document.circuit is not None)
    answer(pane, pane.session.document)
    assert "this prompt’s circuit" in pane.rail.caption.text()
    edge = pane.board.contents.edges[-1]
    assert "without it in the circuit of 6 edges, exactly" in pane.board.contents.about(edge)


def test_a_search_that_fails_keeps_what_was_kept(pane, qtbot):
    before = KeptCircuit((("embed", "logits"),), "by hand")
    pane.session.edit(circuit=before)
    request, _ = begun(pane, pane.session.document)
    tell(pane, "suggestion", None, "failed", "no gradient", request=request)
    assert pane.controls.suggest.text() == "Suggest"
    assert pane.requests(pane.session.document, Cursor())["suggestion"] == request
    assert "no gradient" in pane.message.text()
    pane.session.edit(board=BoardView(band=0.2))
    qtbot.waitUntil(lambda: pane.search.question is None)
    assert pane.session.document.circuit == before


@pytest.mark.parametrize("what", ["another circuit", "another model"])
def test_what_is_found_overwrites_nothing_that_came_meanwhile(pane, what, qtbot):
    request, (_, larger, _) = begun(pane, pane.session.document)
    tell(pane, "suggestion", larger, "partial", request=request)
    mine = KeptCircuit((("embed", "logits"),), "by hand")
    if what == "another model":
        pane.session.edit(model=ModelKey("another"))
    else:
        pane.session.edit(circuit=mine)
        pane.controls.suggest.click()
    qtbot.waitUntil(lambda: pane.search.question is None)
    qtbot.wait(20)
    assert pane.session.document.circuit == (mine if what == "another circuit" else None)


def test_a_search_that_begins_again_still_has_what_it_found(pane):
    request, (first, larger, _) = begun(pane, pane.session.document)
    tell(pane, "suggestion", larger, "partial", request=request)
    tell(pane, "suggestion", first, "partial", request=request)
    pane.controls.suggest.click()
    assert pane.session.document.circuit == larger.circuit


def test_a_circuit_of_another_model_is_said_to_be_one(pane):
    other = KeptCircuit((("L90H0", "logits"),), "by hand")
    pane.session.edit(circuit=other, board=BoardView(nodes="circuit", measured="edges"))
    answer(pane, pane.session.document)
    assert not pane.board.contents.edges
    assert "another model" in pane.board.empty
    assert set(pane.requests(pane.session.document, Cursor())) == {"edges"}
    pane.session.edit(circuit=None)
    assert "No circuit is kept" in pane.board.empty


def test_each_node_is_explained_and_leads_to_its_evidence(pane, qtbot):
    *_, reading = fakes.FakeAnswerer().answer(begun(pane, pane.session.document)[0])
    assert isinstance(reading, SuggestionReading)
    pane.search.stop()
    view = BoardView(nodes="circuit", measured="edges", beside="parts")
    pane.session.edit(circuit=reading.circuit, board=view)
    answer(pane, pane.session.document)
    shown = pane.rail.parts.shown
    graph = reading.circuit.graph(table_of(pane).shape)
    assert {one.node for one in shown} == set(graph.members)
    rows = [pane.rail.parts.topLevelItem(at) for at in range(len(shown))]
    for row, one in zip(rows, shown, strict=True):
        assert row.text(0).startswith(str(one.node))
        assert [row.child(at).text(0) for at in range(row.childCount())] == one.lines
    sender, _ = next(edge for edge in reading.circuit.edges if edge[1] == "logits")
    (its,) = (one for one in shown if str(one.node) == sender)
    assert "logits" in its.read_by
    head = next(one.node for one in shown if one.node.kind == "head")
    picked, wanted = [], []
    pane.picked.connect(picked.append)
    pane.pane_requested.connect(wanted.append)
    row = rows[[one.node for one in shown].index(head)]
    pane.rail.parts.itemClicked.emit(row, 0)
    pane.rail.parts.itemActivated.emit(row.child(row.childCount() - 1), 0)
    assert picked == [{"layer": head.layer, "head": head.head, "heads": ()}] * 2
    assert wanted == ["Attention"]
    assert "estimates (EAP-IG), in logits" in pane.rail._title.text()
    _, rows = pane.shown()
    assert rows.panels[0].columns[0] == "node"


KEPT = KeptCircuit(
    (("L5H1", "logits"), ("L4H0", "L5H1.q"), ("embed", "L4H0.v"), ("MLP 2", "logits")), "by hand"
)


@pytest.mark.parametrize(
    ("reference", "op"), [("corrupted", "resample"), ("mean", "mean"), ("zero", "zero")]
)
def test_a_circuit_is_knocked_out_or_kept_alone_as_interventions(pane, reference, op):
    assert not chosen(pane, "Knock out").isEnabled()
    pane.session.edit(circuit=KEPT, board=BoardView(reference, "circuit"))
    answer(pane, pane.session.document)
    found = []
    pane.intervened.connect(found.append)
    chosen(pane, "Knock out its 2 heads").trigger()
    chosen(pane, "Keep only its 2 heads").trigger()
    inside, outside = found
    heads = [(one.site.layer, one.site.head) for one in inside]
    assert heads == [(4, 0), (5, 1)]
    others = {(one.site.layer, one.site.head) for one in outside}
    every = {(layer, head) for layer in range(fakes.LAYERS) for head in range(fakes.HEADS)}
    assert others == every - set(heads)
    assert len(outside) == len(others)
    assert {(one.site.name, one.op) for one in (*inside, *outside)} == {("z", op)}
    chosen(pane, "Forget it").trigger()
    assert pane.session.document.circuit is None


def test_another_models_circuit_is_not_knocked_out(pane):
    pane.session.edit(circuit=KeptCircuit((("L90H0", "logits"),), "by hand"))
    assert not chosen(pane, "Keep only").isEnabled()


@pytest.mark.parametrize("name", ["one.json", "of a loss.json"])
def test_a_file_that_is_dropped_is_read_and_asked_about_once(pane, tmp_path, name, qtbot):
    (tmp_path / name).write_text("{}", encoding="utf-8")
    assert dropped(pane, tmp_path) is None
    request = dropped(pane, tmp_path / name)
    assert isinstance(request, OpenCircuit)
    reply(pane, "file", request)
    qtbot.waitUntil(lambda: "file" not in pane.requests(pane.session.document, Cursor()))
    document = pane.session.document
    assert document.circuit.said == "of a file"
    assert document.circuit.scores[0] == 3.0
    assert document.views.board.nodes == "circuit"
    menu = pane.findChild(QMenu, menus.MENU)
    if "loss" not in name:
        assert menu is None
        return
    turn, keep = menu.actions()[:2]
    assert "add up to −1.00" in turn.text()
    assert "Keep them" in keep.text()
    turn.trigger()
    assert pane.session.document.circuit.scores[0] == -3.0


def test_a_file_that_can_not_be_read_says_so_until_something_is_done(pane, tmp_path, qtbot):
    (tmp_path / "odd.json").write_text("{}", encoding="utf-8")
    request = dropped(pane, tmp_path / "odd.json")
    tell(pane, "file", None, "failed", "odd.json is odd.", request=request)
    assert "odd.json is odd." in pane.message.text()
    pane.session.edit(board=BoardView("zero"))
    qtbot.waitUntil(lambda: "file" not in pane.requests(pane.session.document, Cursor()))


def test_the_circuit_is_written_where_one_says(pane, tmp_path, monkeypatch, qtbot):
    pane.session.edit(circuit=KEPT)
    answer(pane, pane.session.document)
    where = str(tmp_path / "mine")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *asked: (where, ""))
    chosen(pane, "Save it").trigger()
    request = pane.requests(pane.session.document, Cursor())["file"]
    assert (request.path, request.circuit) == (f"{where}.json", KEPT)
    said = []
    pane.hovered.connect(said.append)
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    assert dropped(pane, tmp_path / "other.json") == request
    reply(pane, "file", request)
    assert said == ["Wait until mine.json is written.", "The circuit is in mine.json."]
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *asked: (f"{where}.json", ""))
    qtbot.waitUntil(lambda: pane.files.question is None)
    chosen(pane, "Open a circuit").trigger()
    assert pane.requests(pane.session.document, Cursor())["file"].path == f"{where}.json"


def test_a_board_is_drawn_from_the_search_while_its_own_numbers_are_not_there(show, document):
    pane = show(CircuitPane(), 700, 520)
    pane.session = in_session(pane, table_with(document))
    request, (_, larger, _) = begun(pane, pane.session.document)
    assert set(pane.requests(pane.session.document, Cursor())) == {"suggestion"}
    tell(pane, "suggestion", larger, "partial", request=request)
    assert {edge.name for edge in pane.board.contents.edges} == set(larger.circuit.edges)


@pytest.fixture
def thirty(pane):
    """The board with a circuit of the thirty strongest edges."""
    listed = table_of(pane).graph.listed(30)
    edges = tuple((str(sender), str(receiver)) for sender, receiver, _ in listed)
    view = BoardView(nodes="circuit", most=10, measured="edges", beside="parts")
    pane.session.edit(circuit=KeptCircuit(edges, "by hand"), board=view)
    answer(pane, pane.session.document)
    return edges


def test_weaker_edges_are_those_of_the_circuit_alone(pane, thirty):
    found, graph = pane.board.contents, table_of(pane).graph
    assert {edge.name for edge in found.edges} == set(thirty[:10])
    assert "10 of the circuit’s 30 edges (by hand)" in pane.said.text()
    for node in found.nodes[1:-1]:
        row = graph.rows[node.node]
        read = [str(graph.receivers[at]) for at, of in enumerate(graph.owners[:-1]) if row in of]
        expected = sum(one == node.name or other in read for one, other in thirty[10:])
        assert node.weaker == expected


def test_what_a_node_reads_is_named_strongest_first_and_nothing_is_cut_off(pane, thirty, qtbot):
    shown, tree = pane.rail.parts.shown, pane.rail.parts
    assert any(one.reads.count(",") > 1 for one in shown)
    for one in shown:
        words = [word.split()[-1] for word in one.reads.split(", ") if word[-1].isdigit()]
        sizes = [abs(float(word.replace("−", "-"))) for word in words]
        assert sizes == sorted(sizes, reverse=True)
    longest = max(range(len(shown)), key=lambda at: len(shown[at].reads))
    line = next(
        tree.topLevelItem(longest).child(at)
        for at in range(5)
        if tree.topLevelItem(longest).child(at).text(0).startswith("reads")
    )
    wide = tree.fontMetrics().horizontalAdvance(line.text(0))
    tree.setFixedWidth(max(60, wide // 3))
    tall = 2.5 * tree.fontMetrics().height()
    qtbot.waitUntil(lambda: tree.visualItemRect(line).height() > tall)


def test_what_is_found_is_measured_whatever_was_measured_before(pane, qtbot):
    pane.session.edit(board=BoardView(measured="sizes"))
    request, (_, larger, _) = begun(pane, pane.session.document)
    tell(pane, "suggestion", larger, "partial", request=request)
    pane.controls.suggest.click()
    assert pane.session.document.views.board.measured == "edges"
