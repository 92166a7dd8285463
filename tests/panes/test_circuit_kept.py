"""Circuits that are kept on the board: looked for, stopped, measured on other pairs, explained."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu

from lensgui.jobs.answers.circuits import OpenedGraph, SuggestionReading
from lensgui.jobs.questions.circuit_requests import (
    CheckEdges,
    MeasureCircuit,
    OpenCircuit,
    SuggestCircuit,
)
from lensgui.models.attribution_graphs import read_attribution_graph
from lensgui.panes import menus
from lensgui.panes.circuit.circuit import CircuitPane
from lensgui.panes.circuit.foreign import contents
from lensgui.prompts.pair import PairRow
from lensgui.state.selection import Cursor
from lensgui.state.views import BoardView
from lensgui.terms.circuits.kept import KeptCircuit
from lensgui.terms.model_key import ModelKey
from tests import fakes
from tests.attribution_graphs import GRAPH, written
from tests.panes.boards import middle, opened, table_of
from tests.panes.conftest import answer, in_session, reply, tell
from tests.pictures import draws

pytestmark = pytest.mark.usefixtures("no_popup")


def table_with(document, count=6):
    """As many pairs, to average over."""
    pairs = (replace(document.pair, clean=f"{document.pair.clean} {at}") for at in range(count))
    rows = tuple(map(PairRow, pairs))
    return document.having(table=rows, is_average=True)


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
        pane.controls.suggest.click()
    qtbot.waitUntil(lambda: pane.session.document.circuit == circuit)
    after = pane.session.document
    assert pane.controls.suggest.text() == "Suggest"
    assert (after.views.board.is_exact, after.views.board.measured) == (True, "edges")
    answer(answer(pane, after), after)
    asked = pane.requests(after, Cursor())
    assert "suggestion" not in asked
    checks, measured = asked["exact"], asked["circuit"]
    assert isinstance(checks, CheckEdges)
    assert checks.within == circuit.edges
    assert set(checks.edges) == set(circuit.edges)
    assert isinstance(measured, MeasureCircuit)
    assert measured.edges == circuit.edges
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
    assert {one.node for one in shown} == {node for node in graph.nodes if node.kind != "embed"}
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
    _, rows = pane.shown()
    assert rows.panels[0].columns[0] == "node"


KEPT = KeptCircuit(
    (("L5H1", "logits"), ("L4H0", "L5H1.q"), ("embed", "L4H0.v"), ("MLP 2", "logits")), "by hand"
)


def chosen(pane, start):
    """The line of the circuit's menu that begins so."""
    pane.controls.menu.click()
    menu = pane.findChild(QMenu, menus.MENU)
    return next(line for line in menu.actions() if line.text().startswith(start))


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


def dropped(pane, path):
    """A file that is dropped on the pane, and read."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    copy = Qt.DropAction.CopyAction
    enter = QDragEnterEvent(QPoint(9, 9), copy, data, left, none)
    QApplication.sendEvent(pane, enter)
    assert enter.isAccepted() == path.is_file()
    QApplication.sendEvent(pane, QDropEvent(QPointF(9, 9), copy, data, left, none))
    return pane.requests(pane.session.document, Cursor()).get("file")


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
    reply(pane, "file", request)
    assert said == ["The circuit is in mine.json."]
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
def foreign(pane, tmp_path, qtbot):
    """The board with an attribution graph of a file."""
    graph = read_attribution_graph(written(tmp_path))
    request = dropped(pane, written(tmp_path))
    tell(pane, "file", OpenedGraph(graph), "partial", request=request)
    qtbot.waitUntil(lambda: pane.files.question is None)
    return pane


def test_an_attribution_graph_is_looked_at_and_nothing_of_it_is_done_here(foreign, qtbot):
    found = foreign.board.contents
    names = [node.name for node in found.nodes]
    assert names == ["Emb: The", "the word the", "say a city", "Output “ Paris”"]
    edges = {edge.name: (edge.score, edge.count) for edge in found.edges}
    assert edges == {
        ("Emb: The", "the word the"): (2.0, 0),
        ("the word the", "say a city"): (1.0, 2),
        ("say a city", "Output “ Paris”"): (3.0, 0),
    }
    assert "graph.json of gemma-2-2b" in foreign.said.text()
    assert "3 of 6 links among 5 of its pinned nodes (7 in all)" in foreign.said.text()
    strongest = found.edges[-1]
    assert found.about(strongest).endswith("+3.000 as the file has it")
    assert "position 2 “·capital”" in found.of(found.nodes[2])
    before, picked = foreign.session.document, []
    foreign.picked.connect(picked.append)
    where = middle(foreign, "say a city").toPoint()
    qtbot.mouseClick(foreign.board, Qt.MouseButton.LeftButton, pos=where)
    foreign.board.moved.emit("say a city", 0.3)
    foreign.board.asked.emit(found.nodes[2], QPoint())
    assert (picked, foreign.session.document) == ([], before)
    (shown,) = foreign.shown()
    assert shown.panels[0].names == names
    assert "read_attribution_graph('graph.json')" in foreign.python(before, Cursor())
    draws(foreign.board)


@pytest.mark.parametrize("how", ["closed", "a search", "another model"])
def test_the_models_own_graph_comes_back(foreign, how, qtbot):
    assert set(foreign.requests(foreign.session.document, Cursor())) == {"edges"}
    foreign.show_cursor(Cursor(20))
    assert foreign.board.selected() is None
    if how == "closed":
        chosen(foreign, "Close the attribution graph").trigger()
    elif how == "a search":
        foreign.controls.suggest.click()
        assert foreign.rail.isVisible()
        foreign.controls.suggest.click()
        foreign.session.edit(board=BoardView())
    else:
        foreign.session.edit(model=ModelKey("another"))
        qtbot.waitUntil(lambda: foreign.files.graph is None)
        return
    assert foreign.files.graph is None
    assert any(edge.name[1] == "logits" for edge in foreign.board.contents.edges)
    assert "as the file has it" not in foreign.said.text()


def test_many_pins_and_links_are_drawn_at_once(tmp_path):
    count = 4000
    nodes = [GRAPH["nodes"][2] | {"node_id": f"n{at}", "influence": at} for at in range(count)]
    links = [{"source": f"n{at}", "target": f"n{at + 1}", "weight": at} for at in range(count - 1)]
    pins = {"pinnedIds": [f"n{at}" for at in range(count)]}
    graph = read_attribution_graph(
        written(tmp_path, GRAPH | {"nodes": nodes, "links": links, "qParams": pins})
    )
    found = contents(graph, 40)
    assert len(found.nodes) == 300
    assert found.edges[-1].score == 298  # those of the least influence matter most
    assert contents(graph, 40) is found


def test_without_pins_the_nodes_that_matter_most_are_drawn(tmp_path):
    plain = {name: part for name, part in GRAPH.items() if name != "qParams"}
    graph = read_attribution_graph(written(tmp_path, plain))
    found = contents(graph, 40)
    assert len(found.nodes) == 7
    assert [node.name for node in found.nodes][:2] == ["Emb: The", "·capital"]
    assert len(contents(graph, 2).edges) == 2
    assert contents(graph, 2).edges[-1].score == 3.0
