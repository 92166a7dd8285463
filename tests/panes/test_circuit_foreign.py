"""Attribution graphs of other tools on the board: looked at, left again."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt

from lensgui.jobs.answers.circuits import OpenedGraph
from lensgui.models.attribution_graphs import read_attribution_graph
from lensgui.panes.circuit.foreign import contents
from lensgui.state.selection import Cursor
from lensgui.state.views import BoardView
from lensgui.terms.model_key import ModelKey
from tests.attribution_graphs import GRAPH, written
from tests.panes.boards import chosen, dropped, middle, opened, table_with
from tests.panes.conftest import tell
from tests.pictures import draws

pytestmark = pytest.mark.usefixtures("no_popup")


@pytest.fixture
def pane(show, document):
    return opened(show, table_with(document))


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
