"""Groups on the circuit board, and what is measured beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt

from lensgui.jobs.answers.circuits import CircuitReading
from lensgui.jobs.questions.circuit_requests import MeasureCurve
from lensgui.panes.circuit import board_groups as groups
from lensgui.prompts.pair import PairRow
from lensgui.state.selection import Cursor
from lensgui.state.views import BoardView
from lensgui.terms.circuits.nodes import node_of
from tests import fakes
from tests.panes.boards import middle, opened, set_to
from tests.panes.conftest import answer, tell
from tests.pictures import draws, move


@pytest.fixture
def pane(show, document):
    return opened(show, document)


def two_heads(pane):
    """Two heads that others tell something."""
    told = {node_of(edge.into) for edge in pane.board.contents.edges}
    nodes = [node.node for node in pane.board.contents.nodes if node.node in told]
    heads = [node for node in nodes if node.kind == "head"]
    return heads[0], heads[1]


def cursor_of(*nodes):
    heads = tuple((node.layer, node.head) for node in nodes)
    return Cursor(*heads[-1], heads=heads)


@pytest.fixture
def movers(pane, document):
    """Two heads that are grouped as "movers"."""
    one, other = two_heads(pane)
    assert not pane.controls.group.isEnabled()
    pane.show_cursor(cursor_of(one, other))
    pane.controls.name.setText("movers")
    pane.controls.group.click()
    answer(pane, pane.session.document, cursor_of(one, other))
    return one, other


def test_selected_heads_are_drawn_as_one_node_whose_edges_are_summed(pane, document, movers):
    names = tuple(sorted(map(str, movers)))
    assert pane.session.document.views.board.groups == (("movers", names),)
    nodes = {node.name: node for node in pane.board.contents.nodes}
    assert set(nodes["movers"].members) == set(movers)
    assert not set(names) & set(nodes)
    before = pane._ungrouped().edges
    into = [edge for edge in before if edge.into in names and edge.name[0] not in names]
    found = [edge for edge in pane.board.contents.edges if edge.into == "movers"]
    assert sum(edge.score for edge in found) == pytest.approx(sum(edge.score for edge in into))
    assert sum(edge.count for edge in found) == len(into) > 0
    assert "summed" in pane.board.contents.about(found[0])
    assert names[0] in pane.board.contents.of(nodes["movers"])
    (shown,) = pane.shown()
    assert "movers" in shown.panels[0].names
    assert "movers" not in pane.python(pane.session.document, Cursor())


def test_a_group_is_selected_renamed_and_parted(pane, document, movers, qtbot):
    pane.controls.name.setText("name movers")
    pane.controls.name.editingFinished.emit()
    assert pane.session.document.views.board.groups[0][0] == "name movers"
    answer(pane, pane.session.document, cursor_of(*movers))
    picked = []
    pane.picked.connect(picked.append)
    at = middle(pane, "name movers").toPoint()
    qtbot.mouseClick(pane.board, Qt.MouseButton.LeftButton, pos=at)
    assert set(picked[0]["heads"]) == {(node.layer, node.head) for node in movers}
    assert pane.board.selected().name == "name movers"
    assert pane.controls.group.text() == "Ungroup"
    pane.controls.group.click()
    assert pane.session.document.views.board.groups == ()


def test_shift_click_selects_several(pane, qtbot):
    one, other = two_heads(pane)
    picked = []
    pane.picked.connect(picked.append)
    pane.show_cursor(Cursor(one.layer, one.head))
    shift, left = Qt.KeyboardModifier.ShiftModifier, Qt.MouseButton.LeftButton
    qtbot.mouseClick(pane.board, left, shift, middle(pane, str(other)).toPoint())
    assert picked[-1]["heads"] == ((one.layer, one.head), (other.layer, other.head))
    pane.show_cursor(cursor_of(one, other))
    qtbot.mouseClick(pane.board, left, shift, middle(pane, str(other)).toPoint())
    assert picked[-1] == {"layer": one.layer, "head": one.head, "heads": ()}


def test_names_of_groups_are_their_own():
    some = groups.with_group((), "a  b", [(1, 2), (0, 1)])
    assert some == (("a b", ("L0H1", "L1H2")),)
    assert groups.with_group(some, "a b", [(2, 0), (2, 1)])[1][0] == "a b 1"
    assert groups.free_name((), "L1H2") == "L1H2 1"
    assert groups.free_name((), "") == "group 1"
    taken = groups.with_group(some, "c", [(0, 1), (3, 3)])
    assert taken == (("c", ("L0H1", "L3H3")),)  # of one head alone nothing is left
    assert groups.renamed(some, "a b", "d")[0][0] == "d"
    assert groups.group_of(some, [(1, 2), (0, 1)]) == "a b"
    assert groups.group_of(some, [(1, 2)]) == ""


@pytest.mark.parametrize("what", ["heads", "edges"])
def test_what_is_on_the_board_is_measured_beside_it(pane, document, what):
    assert pane.rail.isHidden()
    measured, _ = set_to(pane, document, measured=what)
    assert pane.rail.isVisible()
    request = pane.requests(measured, Cursor())["circuit"]
    names = {node.name for node in pane.board.contents.nodes if node.node.kind == "head"}
    if what == "heads":
        assert {f"L{layer}H{head}" for layer, head in request.heads} == names
        assert request.edges == ()
    else:
        assert set(request.edges) == {edge.name for edge in pane.board.contents.edges}
        assert request.heads == ()
    reading = pane.answer("circuit", CircuitReading)
    assert pane.rail.ratio.text() == "faithfulness 0.64"
    assert "one pair, so no interval" in pane.rail.numbers.text()
    for word in ("circuit +0.500", "nothing −6.500", "whole model +4.500 logits"):
        assert word in pane.rail.numbers.text()
    assert pane.rail.caption.text() == reading.caption
    assert "with a mean in its place: faithfulness 0.64" in pane.rail.numbers.text()
    again = pane.requests(measured, Cursor())["circuit again"]
    assert again == replace(request, stand_in="mean", has_parts=False)
    rows = pane.rail.bars.shown
    assert [row.mean for row in rows] == sorted((row.mean for row in rows), reverse=True)
    assert {row.name for row in rows} == set(reading.parts)
    board, bars = pane.shown()
    assert bars.name == "without each node"
    assert "circuit_scores(runs" in pane.python(measured, Cursor())
    assert board.name == ""


def test_over_pairs_faithfulness_has_an_interval_and_may_be_undefined(pane, document):
    rows = tuple(PairRow(document.pair) for _ in range(3))
    mean = document.having(table=rows, is_average=True)
    answer(pane, mean)  # the scores come first
    set_to(pane, mean, measured="heads")
    assert pane.rail.ratio.text() == "faithfulness 0.64 (95 %: 0.55 to 0.70)"
    assert "mean of 3 pairs" in pane.rail.numbers.text()
    reading = pane.answer("circuit", CircuitReading)
    odd = replace(reading, faithfulness=float("nan"), pairs=1)
    tell(pane, "circuit", odd, "partial", request=pane.reply("circuit").request)
    assert "undefined" in pane.rail.ratio.text()
    assert "mean of 1 pairs so far" in pane.rail.numbers.text()


def test_circuit_and_model_are_compared_without_sets_of_nodes(pane, document, movers, qtbot):
    grouped = pane.session.document
    after, _ = set_to(pane, grouped, measured="heads", beside="completeness")
    request = pane.requests(after, Cursor())["circuit"]
    assert request.sets == after.views.board.groups
    assert request.draws == 20
    plot = pane.rail.sets
    assert (plot.isVisible(), pane.rail.bars.isVisible()) == (True, False)
    points = plot.scatter.points
    assert points.names[:2] == ["movers", "random 2"]
    assert len(points.names) == 21
    reading = pane.answer("circuit", CircuitReading)
    np.testing.assert_allclose([points.y, points.x], reading.completeness, atol=1e-6)
    assert "movers, " in points.describe(0)
    assert "circuit without −1.000, whole model without +1.561 logits" in points.describe(0)
    assert "at most" in pane.rail._title.text()
    picked = []
    pane.picked.connect(picked.append)
    qtbot.waitUntil(lambda: plot.scatter.middle_of(0).x() > 0)
    at = plot.scatter.middle_of(0)
    qtbot.mouseClick(plot.scatter.plot.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert set(picked[0]["heads"]) == {(node.layer, node.head) for node in movers}
    _, shown = pane.shown()
    assert shown.name == "without sets of nodes"
    assert shown.panels[0].is_diagonal
    assert "sampled_knockouts(nodes, 20)" in pane.python(after, Cursor())
    pane.rail.beside.chosen.emit("minimality")
    answer(pane, pane.session.document)
    assert pane.rail.bars.isVisible()
    assert pane.requests(pane.session.document, Cursor())["circuit"].draws == 0


@pytest.fixture
def sized(pane, document):
    """The board with its curve by size."""
    return set_to(pane, document, measured="sizes")[1]


def test_circuits_of_the_best_edges_are_measured_by_size(sized, document):
    request = sized.reply("by size").request
    assert isinstance(request, MeasureCurve)
    assert request.by == "size"
    plot = sized.rail.curve
    assert plot._ends() == pytest.approx((-0.1, 1.1))  # what is drawn at random is on it too
    assert plot.isVisible()
    assert not sized.rail.bars.isVisible()
    assert sized.rail.ratio.text() == "faithfulness by size"
    assert "3 circuits of as many edges drawn at random" in sized.rail.numbers.text()
    assert plot.words(1) == (
        "4 edges (1.0%): faithfulness 0.60; 3 drawn at random: 0.10 on average, 0.00 to 0.20"
    )
    draws(plot)
    table = plot.as_table()
    assert table.rows[2] == "10.0%"
    assert table.cell(2, 0).startswith("0.9")
    _, shown = sized.shown()
    assert shown.name == "by size"
    (panel,) = shown.panels
    assert panel.values[0].tolist() == pytest.approx([0.2, 0.6, 0.9, 1.0])
    assert panel.across.tolist() == pytest.approx([-3, -2, -1, 0])
    shares = np.array([0.001, 0.01, 0.1, 1])
    steps, known = np.diff(shares), np.array([0.2, 0.6, 0.9, 1.0])
    for name, heights in (("CPR", known), ("CMD", 1 - known)):
        area = float((steps * (heights[1:] + heights[:-1]) / 2).sum())
        assert panel.data.columns[name][0].tolist() == pytest.approx([area] * 4)
    code = sized.python(sized.session.document.having(board=BoardView(measured="sizes")), Cursor())
    assert "faithfulness_curve(runs, scores.graph, by='size')" in code


def test_sizes_are_pointed_at_clicked_and_gone_through_by_keys(sized, qtbot):
    plot, heard = sized.rail.curve, []
    sized.hovered.connect(heard.append)
    places = plot._across()
    assert (places[1:] - places[:-1]).tolist() == pytest.approx([places[1] - places[0]] * 3)
    move(plot, QPoint(round(places[2]), plot.height() // 2))
    assert heard[-1] == plot.words(2)
    middle_ = QPoint(round(places[0]) + 1, plot.height() // 2)
    qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=middle_)
    assert plot.accessibleDescription() == plot.words(0)
    for key, at in ((Qt.Key.Key_Right, 1), (Qt.Key.Key_Right, 2), (Qt.Key.Key_Left, 1)):
        qtbot.keyClick(plot, key)
        assert plot.accessibleDescription() == plot.words(at)


def test_a_curve_grows_and_says_nothing_of_what_is_not_known(pane, document, qtbot):
    plot = pane.rail.curve
    assert plot.as_table() is None
    assert plot.hit_test(QPointF(50, 50)) == (None, "")
    after = document.having(board=BoardView(measured="sizes"))
    request = pane.requests(after, Cursor())["by size"]
    part, whole = fakes.FakeAnswerer().answer(request)
    pane.show_document(after)
    tell(pane, "by size", part, "partial", request=request)
    qtbot.waitUntil(lambda: plot.width() > 50 and plot.height() > 50)
    assert plot.words(3) == ""
    assert "drawn at random" not in plot.words(0)
    draws(plot)
    high = np.array([0.4, 0.6, 0.9, 1.3], np.float32)
    tell(
        pane, "by size", replace(whole, faithfulness=high, drawn=whole.drawn + 0.5), request=request
    )
    assert plot._ends() == pytest.approx((0, 1.5))  # 0 is nothing, and always on it
    over_pairs = replace(whole, ends=np.stack([whole.faithfulness - 0.1, whole.faithfulness + 0.1]))
    tell(pane, "by size", over_pairs, request=request)
    assert "(95 %: 0.50 to 0.70)" in plot.words(1)
    draws(plot)
