"""The attention explorer: its switches, and the views of one head."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QMenu

from lensgui.jobs.answers.arrays import Axis
from lensgui.jobs.answers.readings import PairReading
from lensgui.jobs.requests import AttentionGrid
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.attention.attention_controls import MEASURES
from lensgui.panes.head_grid import cards
from lensgui.prompts.pair import PairRow
from lensgui.state.selection import Cursor
from lensgui.state.views import AttentionView
from lensgui.terms.scores import PROMPT_SCORES
from tests import fakes
from tests.answering import last
from tests.fakes import attention as fake_attention
from tests.panes.conftest import CURSOR, OF_PICTURES, PAIR, answer, in_session, take_head, tell
from tests.pictures import draws

SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
LEFT = Qt.MouseButton.LeftButton
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


@pytest.fixture
def pane(document, show):
    return answer(show(AttentionPane(), 800, 600), document)


@pytest.fixture
def session(pane, document):
    return in_session(pane, document)


def click(qtbot, pane, head, modifier=Qt.KeyboardModifier.NoModifier):
    qtbot.mouseClick(pane.grid, LEFT, modifier, pane.grid.middle_of(*head).toPoint())


def turn(widget, notches, modifier=CONTROL):
    middle = QPointF(widget.rect().center())
    nothing = Qt.MouseButton.NoButton
    event = QWheelEvent(
        middle,
        middle,
        QPoint(),
        QPoint(0, 120 * notches),
        nothing,
        modifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def asked(pane, session):
    return pane.requests(session.document, CURSOR)


def test_every_switch_changes_what_is_asked(pane, session):
    for option in MEASURES[1:]:
        pane.focus.bar.measure.chosen.emit(option.value)
        assert asked(pane, session)["head"].measure == option.value
    pane.focus.bar.hide_first.trigger()
    assert asked(pane, session)["head"].hide_first
    assert asked(pane, session)["grid"].hide_first
    pane.hide_first.click()
    assert not asked(pane, session)["grid"].hide_first
    pane.side.activated.emit(2)
    assert {asked(pane, session)[name].side for name in ("grid", "head")} == {"difference"}
    for _ in range(session.undo_stack.count()):
        session.undo_stack.undo()
    assert (pane.side.currentIndex(), pane.hide_first.isChecked()) == (0, True)
    assert pane.focus.bar.measure.value == "pattern"


def test_views_and_filters_ask_nothing(pane, session):
    before = asked(pane, session)
    pane.focus.bar.view.chosen.emit("lines")
    pane.focus.bar.least.setValue(40)
    pane.focus.bar.destination.trigger()
    assert asked(pane, session) == before
    assert session.document.views.attention == AttentionView(
        drawing="lines", least_line=0.4, is_from=False
    )


def test_showing_a_document_sets_every_switch_without_saying_so(pane, document, qtbot):
    view = AttentionView(
        "difference", False, "induction", "ranked", 0.5, "scores", "lines", True, False, 0.3
    )
    with qtbot.assertNotEmitted(pane.edited):
        pane.show_document(document.having(attention=view))
    assert (pane.side.currentText(), pane.hide_first.isChecked()) == ("difference", False)
    bar, ranks = pane.focus.bar, pane.bar
    assert (ranks.score.value, ranks.arrangement.value) == ("induction", "ranked")
    assert ranks.least.value() == 0.5
    assert (bar.measure.value, bar.view.value, bar.least.value()) == ("scores", "lines", 30)
    assert (bar.hide_first.isChecked(), bar.destination.isChecked()) == (True, True)
    assert (pane.focus.lines.is_from, pane.focus.lines.least) == (False, 0.3)
    assert pane.grid.view.is_ranked


def test_a_difference_needs_both_prompts(document, qtbot):
    pane = AttentionPane()
    qtbot.addWidget(pane)
    alone = document.having(corrupted="")
    assert "grid" in pane.requests(alone, CURSOR)
    difference = alone.having(attention=AttentionView("difference"))
    assert pane.requests(difference, CURSOR) == {}


def test_an_average_over_rows_is_asked_for(document, qtbot):
    pane = AttentionPane()
    qtbot.addWidget(pane)
    rows = (PairRow(PAIR), PairRow(replace(PAIR, clean="a b")))
    many = document.having(table=rows, is_average=True)
    assert pane.requests(many, CURSOR)["grid"].rows == rows
    assert pane.requests(many, CURSOR)["head"].rows == rows


def test_shift_click_averages_and_a_plain_click_ends_it(pane, document, qtbot):
    pane.picked.connect(lambda fields: pane.show_cursor(replace(CURSOR, **fields)))
    click(qtbot, pane, (4, 2), SHIFT)
    assert pane.grid.marks.several == ((2, 1), (4, 2))
    cursor = replace(CURSOR, layer=4, head=2, heads=((2, 1), (4, 2)))
    assert pane.requests(document, cursor)["head"].heads == ((2, 1), (4, 2))
    take_head(pane, document, cursor)
    assert pane.name.text() == "mean of 2 heads"
    assert pane.name.toolTip() == "L2H1, L4H2"
    assert pane.requests(document, Cursor(0, 0))["head"].heads == ((0, 0),)
    click(qtbot, pane, (4, 2), SHIFT)
    assert pane.grid.marks.several == ()
    click(qtbot, pane, (1, 1), SHIFT)
    click(qtbot, pane, (0, 3))
    assert pane.grid.marks.several == ()
    take_head(pane, document, Cursor(0, 3, 3))
    assert pane.name.text() == "L0H3"


def test_ctrl_click_pins_a_head(pane, document, qtbot):
    with qtbot.waitSignal(pane.pinned) as pinned:
        click(qtbot, pane, (3, 0), CONTROL)
    assert pinned.args == [Cursor(3, 0)]
    pane.show_document(document.having(pins=(Cursor(3, 0), Cursor(1))))
    assert pane.grid.marks.pins == ((3, 0),)


def test_ranked_heads_stand_by_score_and_the_small_are_left_out(pane, session, qtbot):
    scores = pane.grid.atlas.scores[PROMPT_SCORES.index("induction")].ravel()
    pane.bar.score.chosen.emit("induction here")
    order = pane.grid.layout_now().order.ravel()
    assert order[:24].tolist() == np.argsort(-scores, kind="stable").tolist()
    pane.bar.least.setValue(0.5)
    order = pane.grid.layout_now().order.ravel()
    assert set(order[order >= 0].tolist()) == set(np.flatnonzero(scores >= 0.5).tolist())
    first = divmod(int(order[0]), 4)
    with qtbot.waitSignal(pane.picked) as picked:
        click(qtbot, pane, first)
    assert picked.args == [{"layer": first[0], "head": first[1]}]
    draws(pane.grid)


def test_a_threshold_that_no_head_reaches_is_said(pane, session):
    pane.bar.score.chosen.emit("induction here")
    assert pane.grid.layout_now().lacking(0.0) == ""
    pane.bar.least.setValue(5.0)
    assert pane.grid.layout_now().lacking(5.0) == "No head reaches 5.00."
    words = pane.grid.grab().toImage()
    pane.bar.least.setValue(6.0)
    assert pane.grid.grab().toImage() != words  # the threshold is written there


def test_while_heads_fill_in_they_are_not_ranked(document, show):
    pane = show(AttentionPane(), 800, 600)
    in_session(pane, document)
    pane.bar.score.chosen.emit("induction here")
    for atlas in fake_attention.attention(AttentionGrid(document.model, PAIR)):
        tell(pane, "grid", atlas)
        assert (pane.grid.layout_now().order[0, 0] == 0) or atlas.layers == 6
    assert pane.grid.layout_now().raster.caption > 0


def test_zooming_keeps_what_is_under_the_pointer_and_0_shows_all(pane, session, qtbot):
    grid = pane.grid
    middle = QPointF(grid.rect().center())
    head = grid.head_at(middle)
    for _ in range(8):
        turn(grid, 1)
    assert grid.view.zoom > 4
    assert grid.head_at(middle) == head
    before = grid.view.offset
    turn(grid, -1, Qt.KeyboardModifier.NoModifier)
    assert grid.view.offset[1] > before[1]
    seen = grid.view
    pane.bar.least.setValue(0.5)
    assert (grid.view.zoom, grid.view.offset) == (seen.zoom, seen.offset)
    draws(grid)
    qtbot.keyClick(grid, Qt.Key.Key_0)
    assert grid.view.zoom == 1
    assert grid.view.offset == (0, 0)


def test_dragging_moves_the_grid_and_picks_nothing(pane, qtbot):
    grid = pane.grid
    for _ in range(8):
        turn(grid, 1)
    left, top = grid.view.offset
    with qtbot.assertNotEmitted(grid.picked):
        qtbot.mousePress(grid, LEFT, pos=QPoint(100, 200))
        move = QPointF(70, 160)
        grid.mouseMoveEvent(_moved(move))
        qtbot.mouseRelease(grid, LEFT, pos=move.toPoint())
    assert grid.view.offset == pytest.approx((left + 30, top + 40), abs=1)


def _moved(point):
    return QMouseEvent(
        QEvent.Type.MouseMove,
        point,
        point,
        Qt.MouseButton.NoButton,
        LEFT,
        Qt.KeyboardModifier.NoModifier,
    )


def test_arrows_walk_the_grid(pane, qtbot):
    with qtbot.waitSignal(pane.picked) as picked:
        qtbot.keyClick(pane.grid, Qt.Key.Key_Down)
    assert picked.args == [{"layer": 3, "head": 1}]
    pane.show_cursor(Cursor(5, 3, heads=((2, 1), (5, 3))))
    with qtbot.waitSignal(pane.picked) as picked:
        qtbot.keyClick(pane.grid, Qt.Key.Key_A)
    assert picked.args == [{"layer": 2, "head": 1, "heads": ()}]


def test_the_card_of_a_head_names_its_strongest_edge(pane):
    words = pane.grid.words(0, 0)
    assert words.startswith("L0H0: direct attribution ")
    assert " logits · position 0 holds 62 % · entropy " in words
    assert words.endswith("‘·went’ (4) → ‘·and’ (2)")


@pytest.mark.parametrize("count", [(30, 9), (12, 12), (32, 32), (1, 1)])
def test_every_size_of_model_is_labelled(count, qtbot, document, show):
    layers, heads = count
    pane = show(AttentionPane(), 520, 420)
    *_, atlas = fake_attention.attention(AttentionGrid(document.model, PAIR))
    axes = tuple(fakes.axis(n, [""] * c) for n, c in (("layer", layers), ("head", heads)))
    big = replace(
        atlas,
        axes=(*axes, *atlas.axes[2:]),
        values=np.zeros((layers, heads, 5, 5), np.uint8),
        scores=np.zeros((len(PROMPT_SCORES), layers, heads), np.float32),
        strongest=np.zeros((layers, heads, 2), np.int32),
        layers=layers,
    )
    tell(pane, "grid", big)
    draws(pane.grid)
    layout = pane.grid.layout_now()
    assert layout.raster.side >= 22
    pane.show_cursor(Cursor(layers - 1, heads - 1))
    layout = pane.grid.layout_now()
    assert layout.area.contains(layout.frame(layers * heads - 1).center())


def test_a_right_click_on_a_head_offers_what_can_be_done(pane, qtbot):
    place = pane.grid.middle_of(4, 2).toPoint()
    pane.grid.menu_requested.emit(4, 2, pane.grid.mapToGlobal(place))
    menu = pane.findChild(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly)
    offered = {action.text(): action for action in menu.actions()}
    assert set(offered) == {
        "Average over it, or no longer",
        "Pin L4H2",
        "Intervene on L4H2",
        "Read it",
        "Role of L4H2",
        "Copy the value",
        "",
        *OF_PICTURES,
    }
    with qtbot.waitSignal(pane.pinned) as pinned:
        offered["Pin L4H2"].trigger()
    assert pinned.args == [Cursor(4, 2)]
    offered["Copy the value"].trigger()
    assert QGuiApplication.clipboard().text() == pane.grid.words(4, 2)
    with qtbot.waitSignal(pane.picked) as picked:
        offered["Average over it, or no longer"].trigger()
    assert picked.args == [{"layer": 4, "head": 2, "heads": ((2, 1), (4, 2))}]


def test_a_right_click_on_an_edge_offers_what_can_be_done(pane, qtbot):
    pane.show_cursor(replace(CURSOR, source=1))
    pane.head.menu_requested.emit(3, 1, pane.head.mapToGlobal(QPoint(50, 50)))
    menu = pane.findChild(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly)
    offered = [action.text() for action in menu.actions()]
    verbs = [
        "Pin L2H1 · 3 → 1",
        "Intervene on L2H1",
        "Read it",
        "Role of L2H1",
        "Copy the value",
    ]
    assert offered == [*verbs, "", *OF_PICTURES]


def test_pinned_edges_are_framed_in_the_map_of_their_head(pane, document):
    place = Cursor(2, 1, 3, 1)
    pinned = document.having(pins=(place, Cursor(0, 0, 2, 2), Cursor(2, 1)))
    pane.show_document(pinned)
    pane.show_cursor(Cursor(2, 1, 3))
    assert pane.head.picture.pins == ((3, 1),)
    pane.head.zoom(1.25, pane.head.middle_of(3, 1))
    (row, column), shown = pane.head.picture.pins[0], pane.head.picture
    assert (shown.rows.coordinates[row], shown.columns.coordinates[column]) == (3, 1)


def test_the_strongest_edge_of_a_mean_by_role_names_the_roles(document):
    atlas = answer(AttentionPane(), document).grid.atlas
    roles = ("S1", "IO", "end", "more", "last")[: len(atlas.axes[2])]
    axes = tuple(Axis(name, (None,) * len(roles), roles) for name in ("position", "source"))
    by_role = replace(atlas, axes=(*atlas.axes[:2], *axes))
    _, lines = cards.card(by_role, 1, 1, roles)
    assert "’ → ‘" in lines[-1]
    assert "(" not in lines[-1]


def test_the_head_is_drawn_anew_where_it_or_what_differs_is_other(pane, document, monkeypatch):
    drawn, show = [], pane.focus.show_slice
    monkeypatch.setattr(pane.focus, "show_slice", lambda *of: drawn.append(of) or show(*of))
    reading = pane.answer("pair", PairReading)
    tell(pane, "pair", replace(reading, warnings=("Odd.",)))
    assert not drawn
    assert reading.differing
    tell(pane, "pair", replace(reading, differing=()))
    assert drawn[-1][2] == frozenset()
    other = pane.requests(document, Cursor(3, 1, 3))["head"]
    found = last(fakes.FakeAnswerer().answer(other))
    tell(pane, "head", found, request=other)
    assert drawn[-1][0] is found
    assert len(drawn) == 2
    tell(pane, "head", found, request=other)
    assert len(drawn) == 2
