"""The circuit board: what is on it, where it stands, what it says and asks."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt

from lensgui.jobs.answers.circuits import EdgeChecks
from lensgui.jobs.questions.circuit_requests import CheckEdges, ScoreEdges
from lensgui.panes.circuit import board_contents as made
from lensgui.panes.circuit.asked import NO_PAIR, NO_PINS, NOT_SELECTED
from lensgui.panes.circuit.board_places import BETWEEN
from lensgui.panes.token_text import signed
from lensgui.prompts.pair import PairRow
from lensgui.state.selection import Cursor
from lensgui.state.views import BoardView
from lensgui.terms.circuits.nodes import Node, node_of
from lensgui.terms.interventions import Intervention, Site
from tests.panes.boards import middle, opened, set_to, table_of
from tests.panes.conftest import answer, reply, tell
from tests.pictures import move

HEADS = (Cursor(1, 2), Cursor(4, 0), Cursor(3, 1, 2))


@pytest.fixture
def pane(show, document):
    return opened(show, document)


def test_it_asks_about_the_pair_without_interventions_and_about_the_mean(pane, document):
    under = document.having(interventions=(Intervention(Site("z", 0, 0), "zero"),))
    assert pane.requests(under, Cursor())["edges"] == ScoreEdges(document.model, document.pair)
    rows = (PairRow(document.pair), PairRow(document.pair.typed))
    mean = document.having(table=rows, is_average=True)
    asked = pane.requests(mean, Cursor())["edges"]
    assert asked.rows == rows
    assert asked.pair.clean == ""
    alone = document.having(corrupted="")
    assert pane.requests(alone, Cursor()) == {}
    pane.show_reply("edges", None)
    pane.show_document(alone)
    assert pane.board.empty == NO_PAIR


def test_the_strongest_edges_are_drawn_with_their_nodes(pane, document):
    table, found = table_of(pane), pane.board.contents
    assert len(found.edges) == 40
    expected = {tuple(map(str, edge[:2])) for edge in table.graph.listed(40)}
    assert {edge.name for edge in found.edges} == expected
    sizes = [abs(edge.helps) for edge in found.edges]
    assert sizes == sorted(sizes)
    names = {node.name for node in found.nodes}
    assert {"embed", "logits"} <= names
    for edge in found.edges:
        assert {edge.name[0], edge.into} <= names
        receiver = node_of(edge.name[1])
        owner = node_of(edge.into)
        assert (owner.layer, owner.kind) == (
            receiver.layer,
            {"mlp": "mlp", "logits": "logits"}.get(receiver.kind, "head"),
        )
        group = table.shape.heads_per_group if receiver.kind in ("k", "v") else 1
        assert owner.head is None or owner.head // group == receiver.head
    assert "40 of" in pane.said.text()
    assert "estimates (EAP-IG, 5 steps) dotted" in pane.said.text()
    assert "swap" in pane.said.text()
    by_sign, _ = set_to(pane, document, by="sign", most=10)
    assert all(edge.score > 0 for edge in pane.board.contents.edges)
    assert len(pane.board.contents.edges) == by_sign.views.board.most == 10


def test_pinned_heads_are_on_the_board_alone_or_beside_the_others(pane, document):
    pinned = document.having(pins=HEADS)
    answer(pane, pinned)
    nodes = {node.name: node for node in pane.board.contents.nodes}
    assert all(nodes[name].is_pinned for name in ("L1H2", "L4H0", "L3H1"))
    alone, _ = set_to(pane, pinned, nodes="pinned")
    assert {node.name for node in pane.board.contents.nodes} == {
        "embed",
        "L1H2",
        "L3H1",
        "L4H0",
        "logits",
    }
    for edge in pane.board.contents.edges:
        assert edge.name[0] in {"embed", "L1H2", "L3H1", "L4H0"}
    set_to(pane, document, nodes="pinned")
    assert not pane.board.contents.nodes
    assert pane.board.empty == NO_PINS
    assert made.pinned_nodes((Cursor(99, 0), Cursor(1)), table_of(pane).shape) == ()
    assert alone.pins == HEADS


def test_what_the_selected_node_reads_and_who_reads_it(pane, document):
    pane.begin_anew()
    after = pane.session.document
    assert after.views.board.nodes == "selected"
    answer(pane, after, Cursor(3, 1, 2))
    graph = table_of(pane).graph
    found = pane.board.contents
    for edge in found.edges:
        readers = {"L3H1.q", "L3H1.k", "L3H1.v", "L3H0.k", "L3H0.v"}  # two heads share keys
        assert edge.name[0] == "L3H1" or edge.name[1] in readers
    assert {edge.name[0] == "L3H1" for edge in found.edges} == {True, False}
    everything = [edge for edge in graph.edges if edge[0] == Node("head", 3, 1)]
    assert len(everything) > 5
    pane.show_cursor(Cursor(2))
    assert all("MLP 2" in edge.name for edge in pane.board.contents.edges)
    asked = pane.requests(after.having(board=BoardView(nodes="selected", is_exact=True)), Cursor(2))
    assert all("MLP 2" in edge for edge in asked["exact"].edges)
    pane.show_cursor(Cursor())
    assert pane.board.empty == NOT_SELECTED


def is_in_sight(pane, name):
    return (
        pane.room.viewport()
        .rect()
        .contains(pane.board.mapTo(pane.room.viewport(), middle(pane, name).toPoint()))
    )


def test_the_selected_node_is_scrolled_to_when_the_board_is_about_it(pane, document, qtbot):
    pane.resize(700, 190)
    bar = pane.room.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    pane.show_cursor(Cursor(5, 0))
    qtbot.wait(20)
    assert bar.value() == 0  # selected elsewhere, so nothing moves here
    pane.begin_anew()
    answer(pane, pane.session.document, Cursor(5, 0))
    qtbot.waitUntil(lambda: is_in_sight(pane, "L5H0"))
    assert bar.value() > 0
    pane.show_cursor(Cursor(0, 0))
    qtbot.waitUntil(lambda: is_in_sight(pane, "L0H0"))


def test_exact_effects_are_asked_for_and_make_edges_solid(pane, document):
    asked = pane.requests(document, Cursor())
    assert set(asked) == {"edges"}
    exact, _ = set_to(pane, document, is_exact=True)
    request = pane.requests(exact, Cursor())["exact"]
    assert isinstance(request, CheckEdges)
    assert set(request.edges) == {edge.name for edge in pane.board.contents.edges}
    found = pane.known("exact", EdgeChecks)
    by_name = dict(zip(found.edges, found.changes.tolist(), strict=True))
    for edge in pane.board.contents.edges:
        assert edge.change == by_name[edge.name]
        assert edge.helps == -edge.change
    assert f"40 of {table_of(pane).graph.total} edges, all exact" in pane.said.text()
    words = pane.board.contents.about(pane.board.contents.edges[-1])
    assert "exactly" in words
    assert "(an estimate)" in words


def test_pointing_at_an_edge_says_what_it_is_worth_and_asks_what_it_matters(pane, document):
    heard, asked = [], []
    pane.hovered.connect(heard.append)
    pane.altered.connect(lambda: asked.append(pane.requests(document, Cursor())))
    board = pane.board
    edge = board.contents.edges[-1]
    curve = board.places().curves[-1]
    places = (QPointF(*at).toPoint() for at in curve[8:-8])
    point = next(at for at in places if board.hit_test(QPointF(at))[0] == edge.name)
    move(board, point)
    assert heard[-1] == board.contents.about(edge)
    assert asked[-1]["one edge"].edges == (edge.name,)
    reply(pane, "one edge", asked[-1]["one edge"])
    known = {one.name: one.change for one in board.contents.edges}
    assert known[edge.name] is not None
    assert sum(change is not None for change in known.values()) == 1


def test_a_click_selects_a_node_and_arrows_go_on(pane, qtbot):
    picked = []
    pane.picked.connect(picked.append)
    heads = [node for node in pane.board.contents.nodes if node.node.kind == "head"]
    first = heads[0]
    at = middle(pane, first.name).toPoint()
    qtbot.mouseClick(pane.board, Qt.MouseButton.LeftButton, pos=at)
    assert picked == [{"layer": first.node.layer, "head": first.node.head}]
    pane.show_cursor(Cursor(first.node.layer, first.node.head))
    assert pane.board.selected() == first
    assert first.name in pane.board.accessibleDescription()
    qtbot.keyClick(pane.board, Qt.Key.Key_Down)
    assert picked[-1]["layer"] > first.node.layer or len(picked) == 2
    mlp = next(node for node in pane.board.contents.nodes if node.node.kind == "mlp")
    qtbot.mouseClick(pane.board, Qt.MouseButton.LeftButton, pos=middle(pane, mlp.name).toPoint())
    assert picked[-1] == {"layer": mlp.node.layer, "position": mlp.position}


def test_a_node_is_dragged_along_its_layer_and_put_back(pane, document, qtbot):
    board = pane.board
    node = board.contents.nodes[1]
    at = middle(pane, node.name)
    to = QPoint(120 if at.x() > 300 else 500, round(at.y()))
    qtbot.mousePress(board, Qt.MouseButton.LeftButton, pos=at.toPoint())
    move(board, to, drags=True)
    qtbot.mouseRelease(board, Qt.MouseButton.LeftButton, pos=to)
    after = pane.session.document
    assert dict(after.views.board.places).keys() == {node.name}
    answer(pane, after)
    assert middle(pane, node.name).x() == pytest.approx(to.x(), abs=2)
    assert middle(pane, node.name).y() == at.y()
    assert pane.controls.tidy.isEnabled()
    pane.controls.tidy.click()
    assert pane.session.document.views.board.places == ()


def test_nodes_stay_where_they_are_when_others_come(pane, document):
    set_to(pane, document, most=10)
    before = {name: chip.center() for name, chip in pane.board.places().chips.items()}
    set_to(pane, document, most=120)
    after = pane.board.places().chips
    assert len(after) > len(before)
    for name, center in before.items():
        assert after[name].center() == center
    chips = list(after.values())
    covered = sum(
        one.intersects(other) for at, one in enumerate(chips) for other in chips[at + 1 :]
    )
    assert covered <= len(chips) // 6  # of crowded rows
    assert BETWEEN > 0


def test_paths_through_the_selected_node_are_what_is_not_faint(pane, document):
    found = pane.board.contents
    edge = found.edges[-1]
    kept = made.paths_of(found, edge.name[0])
    assert {edge.name[0], edge.into} <= kept
    for one in found.edges:
        if one.into == edge.name[0]:
            assert one.name[0] in kept
    assert made.paths_of(found, "L99H9") is None
    set_to(pane, document, fades=True)
    assert pane.controls.fades.isChecked()


def test_weaker_edges_are_counted_at_each_node(pane, document):
    table, found = table_of(pane), pane.board.contents
    embed = found.nodes[0]
    drawn = sum(edge.name[0] == "embed" for edge in found.edges)
    worth = int((table.scores[0] != 0).sum())
    assert embed.weaker == worth - drawn
    assert f"and {embed.weaker:,} weaker edges" in found.of(embed)
    head = next(node for node in found.nodes if node.node.kind == "head")
    assert f"position {head.position}" in found.of(head)
    row = np.abs(table.places[table.graph.rows[head.node]])
    assert head.share == pytest.approx(row.max() / row.sum())


def test_what_is_taken_home_is_what_is_drawn(pane, document):
    (shown,) = pane.shown()
    (panel,) = shown.panels
    assert panel.data.shape == (40,)
    names = list(zip(panel.data.words["sender"], panel.data.words["receiver"], strict=True))
    assert names == [edge.name for edge in reversed(pane.board.contents.edges)]
    assert np.isnan(panel.data.columns["without − with"]).all()
    assert panel.are_estimates.all()
    assert "Edges have no position" in shown.says
    table = pane.board.as_table()
    assert len(table.rows) == 40
    assert table.cell(0, 0) == names[0][0]
    code = pane.python(document, Cursor())
    assert "edge_attribution(runs)" in code
    assert "exact_effects(runs, edges)" in code


def test_all_heads_on_the_board_can_be_pinned(pane):
    heads = [n.node for n in pane.board.contents.nodes if n.node.kind == "head"]
    pane.controls.pin.click()
    pins = pane.session.document.pins
    assert [Node("head", pin.layer, pin.head) for pin in pins] == heads
    answer(pane, pane.session.document)
    assert not pane.controls.pin.isEnabled()


def test_a_mean_grows_pair_by_pair_and_has_no_positions(pane, document):
    rows = tuple(PairRow(document.pair) for _ in range(3))
    mean = document.having(table=rows, is_average=True)
    answer(pane, mean)
    assert "mean of 3 pairs" in pane.said.text()
    assert all(node.position is None for node in pane.board.contents.nodes)
    set_to(pane, mean, is_exact=True)
    edge = pane.board.contents.edges[-1]
    low, high = (signed(end) for end in edge.ends)
    assert f"(95 %: {low} to {high}) without it" in pane.board.contents.about(edge)
    growing = replace(table_of(pane), pairs=("one",))
    tell(pane, "edges", growing, "partial", request=pane.reply("edges").request)
    assert "mean of 1 pairs so far" in pane.said.text()


def test_an_older_board_is_dimmed_while_another_is_worked_out(pane, document):
    other = document.having(board=BoardView("zero"))
    pane.show_document(other)
    tell(pane, "edges", status="late", request=pane.requests(other, Cursor())["edges"])
    assert pane.board.is_stale
    assert pane.requests(other, Cursor()).keys() == {"edges"}


def test_an_answer_that_comes_while_a_node_is_dragged_leaves_it_in_the_hand(pane, document, qtbot):
    board, node = pane.board, pane.board.contents.nodes[1]
    at = middle(pane, node.name).toPoint()
    to = QPoint(120 if at.x() > 300 else 500, at.y())
    qtbot.mousePress(board, Qt.MouseButton.LeftButton, pos=at)
    move(board, to, drags=True)
    answer(pane, document)
    pane.show_document(document.having(pins=HEADS))
    assert middle(pane, node.name).x() == pytest.approx(to.x(), abs=2)
    qtbot.mouseRelease(board, Qt.MouseButton.LeftButton, pos=to)
    assert dict(pane.session.document.views.board.places).keys() == {node.name}


def test_an_edge_that_is_no_longer_drawn_is_not_asked_about(pane, document):
    edge = pane.board.contents.edges[0].name
    pane._point_at(edge)
    assert pane.requests(document, Cursor())["one edge"].edges == (edge,)
    few, _ = set_to(pane, document, most=10)
    assert "one edge" not in pane.requests(few, Cursor())


def test_a_larger_font_has_rows_of_its_own(pane):
    board = pane.board
    before = board.minimumHeight()
    font = board.font()
    font.setPointSizeF(font.pointSizeF() * 2)
    board.setFont(font)
    assert board.minimumHeight() == board.sizeHint().height() > before
    chips = list(board.places().chips.values())
    rows = sorted({chip.top() for chip in chips})
    assert all(other - one > chips[0].height() for one, other in pairwise(rows))
