"""The patching pane's own things: slider, range, table, estimates, pause, check, comparison."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu

from lensgui.jobs.answers.arrays import CellState
from lensgui.jobs.requests import Patching
from lensgui.panes.menus import MENU
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.sweep_view import faces
from lensgui.prompts.pair import PairRow
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metric import Settled
from tests import fakes
from tests.answering import last
from tests.panes.conftest import PAIR, answer, in_session, tell
from tests.pictures import draws

HEADS = SweepKind("z", "all")
EDGES = SweepKind("pattern", "edge")
PLACE = Cursor(2, 1, 3)


pytestmark = pytest.mark.usefixtures("no_popup")


def menu_of(pane, row, column):
    pane.heatmap.menu_requested.emit(row, column, QPoint(0, 0))
    menu = pane.findChild(QMenu, MENU)
    return {action.text(): action for action in menu.actions()}


@pytest.mark.parametrize("name", ["z", "q", "k", "v", "pattern"])
def test_a_slider_moves_along_the_position(document, show, qtbot, name):
    pane = answer(show(PatchingPane()), replace(document, kind=SweepKind(name)), PLACE)
    shown, sweep = pane.view.face, pane.sweep
    assert shown.axes[0].name == "layer"
    at = [axis.name for axis in sweep.axes].index("position")
    assert np.array_equal(shown.values, np.take(sweep.values, 3, at))
    assert "position 3" in pane.heatmap.describe(1, 1)
    with qtbot.waitSignal(pane.picked) as picked:
        pane.view.slider.slider.setValue(1)
    assert picked.args == [{"position": 1}]
    pane.show_cursor(replace(PLACE, position=1))
    assert np.array_equal(pane.view.face.values, np.take(sweep.values, 1, at))
    assert "1" in pane.view.slider.words.text()


def test_edges_are_those_of_the_selected_head(document, show, qtbot):
    document = replace(document, kind=EDGES)
    pane = show(PatchingPane())
    answer(pane, document, Cursor(2, 1, 3, 1))
    request = pane.requests(document, Cursor(2, 1))["sweep"]
    assert (request.layer, request.head) == (2, 1)
    assert pane.heatmap.selected() == (3, 1)
    with qtbot.waitSignal(pane.picked) as picked:
        point = pane.heatmap.middle_of(4, 2).toPoint()
        qtbot.mouseClick(pane.heatmap, Qt.MouseButton.LeftButton, pos=point)
    assert picked.args == [{"position": 4, "source": 2}]
    assert pane.requests(document, Cursor()).keys() == {"pair"}
    pane.show_cursor(Cursor())
    pane.show_reply("sweep", None)
    assert "Select a head" in pane.heatmap.empty


def test_the_range_is_dragged_and_returns(document, show, qtbot):
    pane = answer(show(PatchingPane()), document, PLACE)
    session = in_session(pane, document)
    levels = pane.view.levels
    assert levels.end == 1.0
    before = pane.heatmap.picture.shades.copy()
    qtbot.mousePress(levels, Qt.MouseButton.LeftButton, pos=QPoint(5, 20))
    qtbot.mouseMove(levels, QPoint(5, 180))
    qtbot.mouseRelease(levels, Qt.MouseButton.LeftButton, pos=QPoint(5, 180))
    assert levels.end == pytest.approx(4.0, rel=0.1)
    assert levels.is_own
    assert session.undo_stack.count() == 1  # however far it was dragged
    assert not np.array_equal(before, pane.heatmap.picture.shades)
    qtbot.mouseDClick(levels, Qt.MouseButton.LeftButton, pos=QPoint(5, 20))
    assert (levels.end, levels.is_own) == (1.0, False)
    qtbot.keyClick(levels, Qt.Key.Key_Up)
    assert levels.end == pytest.approx(0.8)
    assert pane.heatmap.picture.overflow.any()
    qtbot.keyClick(levels, Qt.Key.Key_Home)
    assert np.array_equal(before, pane.heatmap.picture.shades)


def test_the_table_lists_the_strongest_and_selects(document, show, qtbot):
    pane = answer(show(PatchingPane()), replace(document, kind=HEADS), PLACE)
    in_session(pane, replace(document, kind=HEADS))
    table = pane.view.table
    assert not table.isVisible()
    qtbot.mouseClick(pane.view.tools.table, Qt.MouseButton.LeftButton)
    assert table.isVisible()
    best = np.unravel_index(np.abs(pane.sweep.values).argmax(), pane.sweep.values.shape)
    assert table.item(0, 0).text() == f"L{best[0]}H{best[1]}"
    with qtbot.waitSignal(pane.picked) as picked:
        table.cellClicked.emit(0, 0)
    assert picked.args == [{"layer": int(best[0]), "head": int(best[1])}]
    changes = [float(table.item(row, 2).text().split()[0].replace("−", "-")) for row in range(20)]
    assert [abs(n) for n in changes] == sorted((abs(n) for n in changes), reverse=True)


def test_estimates_are_plotted_against_exact_values(document, show, qtbot):
    pane = answer(show(PatchingPane()), replace(document, kind=HEADS), PLACE)
    in_session(pane, replace(document, kind=HEADS))
    qtbot.mouseClick(pane.view.tools.estimate, Qt.MouseButton.LeftButton)
    points = pane.view.estimates.scatter.points
    np.testing.assert_allclose(points.x * 8, pane.sweep.values.ravel(), rtol=1e-5)
    np.testing.assert_allclose(points.y, points.x / 2, rtol=1e-5)
    assert points.describe(9).startswith("L2H1: exact ")
    assert pane.view.estimates.scatter.chosen == 9
    with qtbot.waitSignal(pane.picked) as picked:
        pane.view.estimates.scatter.picked.emit(5)
    assert picked.args == [{"layer": 1, "head": 1}]
    assert "r 1.00, rank 1.00 (24 cells)" in pane.view.remarks.text()
    draws(pane)


def test_an_estimate_is_paler_than_an_exact_cell(document, show):
    pane = answer(show(PatchingPane()), replace(document, kind=HEADS), PLACE)
    states = np.full(pane.sweep.states.shape, CellState.ESTIMATE, np.uint8)
    exact = pane.heatmap.grab().toImage()
    tell(pane, "sweep", replace(pane.sweep, states=states))
    assert pane.heatmap.grab().toImage() != exact
    assert "pale, dotted: first-order estimate" in pane.view.remarks.text()
    assert "estimate: " in pane.heatmap.describe(2, 2)


def test_a_pause_keeps_the_picture_and_goes_on(document, show, qtbot):
    pane = answer(show(PatchingPane()), document, PLACE)
    half = replace(pane.sweep, states=np.zeros_like(pane.sweep.states))
    tell(pane, "sweep", half, "partial")
    with qtbot.waitSignal(pane.paused) as paused:
        qtbot.mouseClick(pane.view.tools.pause, Qt.MouseButton.LeftButton)
    assert paused.args == ["sweep", True]
    tell(pane, "sweep", status="paused")
    assert pane.sweep is half
    assert pane.view.tools.pause.text() == "Go on"
    assert "paused at 0 of" in pane.view.remarks.text()
    with qtbot.waitSignal(pane.paused) as paused:
        qtbot.mouseClick(pane.view.tools.pause, Qt.MouseButton.LeftButton)
    assert paused.args == ["sweep", False]
    tell(pane, "sweep", status="waiting")
    assert "paused" not in pane.view.remarks.text()
    assert pane.view.tools.pause.text() == "Pause"


@pytest.mark.parametrize("reason", QContextMenuEvent.Reason)
def test_a_right_click_or_the_menu_key_brings_the_verbs_of_a_cell(document, show, qtbot, reason):
    pane = answer(show(PatchingPane()), document, PLACE)
    point = pane.heatmap.middle_of(4, 3).toPoint()
    event = QContextMenuEvent(reason, point, pane.heatmap.mapToGlobal(point))
    asked, picked = [], []
    pane.heatmap.menu_requested.connect(lambda row, column, where: asked.append((row, column)))
    pane.picked.connect(picked.append)
    QApplication.sendEvent(pane.heatmap, event)
    layer = 4 if reason == QContextMenuEvent.Reason.Mouse else 2
    assert asked == [(layer, 3)]
    assert picked == [{"layer": layer, "position": 3}]


def test_a_menu_follows_up(document, show, qtbot):
    pane = answer(show(PatchingPane()), document, PLACE)
    verbs = menu_of(pane, 4, 3)
    found = []
    pane.edited.connect(found.append)
    with qtbot.waitSignal(pane.picked) as picked:
        verbs["Which heads of L4, at this position?"].trigger()
    assert picked.args == [{"layer": 4, "position": 3}]
    assert found == [{"kind": SweepKind("z")}]
    pane = answer(show(PatchingPane()), replace(document, kind=SweepKind("q", "all")), PLACE)
    verbs = menu_of(pane, 4, 3)
    with qtbot.waitSignal(pane.pane_requested) as shown:
        verbs["Who feeds its queries?"].trigger()
    assert shown.args == ["Who feeds it"]
    with qtbot.waitSignal(pane.pane_requested) as shown:
        verbs["Go to its attention"].trigger()
    assert shown.args == ["Attention"]
    with qtbot.waitSignal(pane.pinned) as pinned:
        verbs["Pin L4H3"].trigger()
    assert pinned.args == [Cursor(4, 3)]


def test_pins_are_framed(document, show):
    document = replace(replace(document, kind=HEADS), pins=(Cursor(4, 3), Cursor(1, position=2)))
    pane = answer(show(PatchingPane()), document, PLACE)
    assert pane.heatmap.picture.pins == ((4, 3),)
    pane = answer(show(PatchingPane()), replace(document, kind=SweepKind("mlp_out")), PLACE)
    assert pane.heatmap.picture.pins == ((1, 2),)
    draws(pane)


def test_all_kinds_are_one_click_away(show, qtbot):
    pane = show(PatchingPane())
    with qtbot.waitSignal(pane.pane_requested) as shown:
        qtbot.mouseClick(pane.view.tools.more, Qt.MouseButton.LeftButton)
    assert shown.args == ["All kinds at once"]


def test_a_mean_over_pairs_says_how_sure_it_is(document, show):
    rows = (PairRow(PAIR), PairRow(PAIR), PairRow(PAIR))
    pane = answer(show(PatchingPane()), replace(document, table=rows, is_average=True), PLACE)
    assert "mean of 3 of 3 pairs, 1 of them wrong" in pane.view.remarks.text()
    assert "mean of 3 pairs" in pane.heatmap.describe(2, 4)
    low, high = pane.sweep.values - 1, pane.sweep.values + 1
    spread = replace(pane.sweep.spread, low=low, high=high)
    tell(pane, "sweep", replace(pane.sweep, spread=spread))
    assert "95 % of resamples from" in pane.heatmap.describe(2, 4)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [HEADS, SweepKind("z"), SweepKind("resid_pre")])
def test_values_that_are_all_the_same_or_no_numbers(document, show, qtbot, value, kind):
    pane = answer(show(PatchingPane()), replace(document, kind=kind), PLACE)
    in_session(pane, replace(document, kind=kind))
    values = np.full_like(pane.sweep.values, value)
    states = np.full(
        values.shape, CellState.EXACT if value == 0 else CellState.NOT_FINITE, np.uint8
    )
    for refusal in ("", "Too close."):
        for read in (1.8, np.nan):
            odd = replace(pane.sweep, values=values, states=states, refusal=refusal, clean=read)
            for tool in (pane.view.tools.table, pane.view.tools.estimate):
                tool.click()
            tell(pane, "sweep", odd)
            assert pane.heatmap.describe(1, 1)
            draws(pane)
    assert (pane.heatmap.picture.shades == 128).all()


def test_the_strongest_cells_are_found(document):
    sweep = last(fakes.FakeAnswerer().answer(Patching(document.model, PAIR, SweepKind("z"))))
    found = faces.strongest(sweep, 7)
    sizes = [abs(float(sweep.values[index])) for index in found]
    assert sizes == sorted(np.abs(sweep.values).ravel(), reverse=True)[:7]
    assert faces.strongest(replace(sweep, states=np.zeros_like(sweep.states)), 7) == []


def test_what_has_settled_says_so_and_goes_on_at_one_click(document, show, qtbot):
    pane = answer(show(PatchingPane()), document, PLACE)
    states = pane.sweep.states.copy()
    states[1] = CellState.ESTIMATE
    of = Settled(214, 3713, 64, 0.0134)
    tell(pane, "sweep", replace(pane.sweep, states=states, settled=of, more_s=131.2))
    words = pane.view.remarks.text()
    assert "settled: 214 of 3,713 exact; 64 drawn from the rest, none above .02" in words
    assert "(95 %: at most 4.6 % of them are) · all: about 3 min more" in words
    assert "pale, dotted: first-order estimate" in words
    assert "95 % of the estimates' size" in pane.view.remarks.toolTip()
    assert "Settled: 214 of 3,713 exact" in pane.shown()[0].says
    pause = pane.view.tools.pause
    assert (pause.text(), pause.isEnabled()) == ("Go on: 3 min", True)
    with qtbot.waitSignal(pane.altered):
        qtbot.mouseClick(pause, Qt.MouseButton.LeftButton)
    asked = pane.requests(document, PLACE)["sweep"]
    assert asked == replace(document.patching(), is_whole=True)
    other = document.having(corrupted="When Mary and John went")
    assert not pane.requests(other, PLACE)["sweep"].is_whole
