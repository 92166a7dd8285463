"""Necessary or sufficient, and who feeds a head."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from lensgui.jobs.answers.arrays import CellState, HeadEffects
from lensgui.jobs.requests import HeadRoles, Patching, PathsInto, WhoFeeds
from lensgui.panes import theme
from lensgui.panes.menus import MENU
from lensgui.panes.patching.necessary_sufficient import NecessaryPane
from lensgui.panes.patching.who_feeds import FeedersPane
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import SweepKind
from tests import fakes
from tests.answering import last
from tests.panes.conftest import PAIR, answer, in_session, reply, tell
from tests.pictures import draws

PLACE = Cursor(4, 1, 3)
HEADS = SweepKind("z", "all")


def settle(pane, document, cursor=PLACE):
    """Answer what the pane asks, and then what it asks because of that."""
    asked = set()
    while new := pane.requests(document, cursor).keys() - asked:
        for name in sorted(new):
            reply(pane, name, pane.requests(document, cursor)[name])
        asked |= new
    return pane


def necessary(document, show):
    pane = show(NecessaryPane())
    pane.show_document(document)
    pane.show_cursor(PLACE)
    return settle(pane, document)


def test_every_head_is_a_point_by_both_directions(document, show, qtbot):
    pane = necessary(document, show)
    points = pane.scatter.points
    for name, direction in ((points.x, "denoising"), (points.y, "noising")):
        request = Patching(document.model, PAIR, HEADS, direction, is_estimated=False)
        sweep = last(fakes.FakeAnswerer().answer(request))
        upright = sweep.normalised.ravel() * (1 if direction == "denoising" else -1)
        np.testing.assert_allclose(name, upright, rtol=1e-6)
    assert len(points.x) == fakes.LAYERS * fakes.HEADS
    assert points.names[pane.scatter.chosen] == "L4H1"
    with qtbot.waitSignal(pane.picked) as picked:
        pane.scatter.picked.emit(6)
    assert picked.args == [{"layer": 1, "head": 2}]
    draws(pane)


def test_attribution_and_ablation_are_asked_last_and_said_on_hover(document, show):
    pane = show(NecessaryPane())
    assert set(pane.requests(document, PLACE)) == {"necessary", "sufficient"}
    pane = settle(pane, document)
    assert pane.requests(document, PLACE)["roles"] == HeadRoles(document.model, PAIR, ())
    words = pane.scatter.points.describe(6)
    assert words.startswith("L1H2 restores ")
    effects = pane.answer("roles", HeadEffects)
    assert f"direct attribution +{effects.attribution[1, 2]:.3f} logits" in words
    assert f"mean ablation over 2 prompts −{-effects.ablation[1, 2]:.3f} logits" in words
    assert words.count("\nbreaks ") == 1
    assert f"attention to the answer {effects.attention[1, 2]:.0%}".replace("%", " %") in words


def test_points_of_two_questions_are_never_mixed(document, show):
    pane = necessary(document, show)
    other = document.having(corrupted="When Paul and Mary went")
    before = pane.scatter.points
    request = pane.requests(other, PLACE)["necessary"]
    tell(pane, "necessary", status="waiting", request=request)
    tell(pane, "necessary", last(fakes.FakeAnswerer().answer(request)), request=request)
    tell(pane, "sufficient", status="waiting", request=pane.requests(other, PLACE)["sufficient"])
    assert pane.scatter.points is before  # of both, until both are known anew
    assert pane.scatter.is_stale
    assert set(pane.requests(other, PLACE)) == {"necessary", "sufficient"}
    settle(pane, other)
    assert pane.scatter.points is not before
    assert not pane.scatter.is_stale
    pane.show_reply("sufficient", None)
    assert pane.scatter.points is None
    assert pane.requests(document.having(corrupted=""), PLACE) == {}


def test_numbers_that_are_not_finite_are_left_out(document, show):
    pane = necessary(document, show)
    states = np.full((6, 4), CellState.NOT_FINITE, np.uint8)
    tell(pane, "necessary", replace(pane.sweeps["necessary"], states=states))
    assert len(pane.scatter.points.x) == 0
    draws(pane)


def test_points_are_reached_by_keyboard_and_change_their_colours(document, show, qtbot):
    pane = necessary(document, show)
    order = np.argsort(pane.scatter.points.x).tolist()
    at = order.index(pane.scatter.chosen)
    with qtbot.waitSignal(pane.picked) as picked:
        qtbot.keyClick(pane.scatter, Qt.Key.Key_Right)
    number = order[min(at + 1, 23)]
    assert picked.args == [{"layer": number // 4, "head": number % 4}]
    light = pane.scatter.grab().toImage()
    pane.setPalette(theme.palette(theme.DARK))
    assert pane.scatter.grab().toImage() != light


def test_the_plot_has_no_menu_of_its_own(document, show):
    scene = necessary(document, show).scatter.plot.scene()
    assert not any(action.isEnabled() for action in scene.findChildren(QAction))


def feeders(document, show, cursor=PLACE):
    return answer(show(FeedersPane()), document, cursor)


def test_senders_are_drawn_up_to_the_receiver(document, show, qtbot):
    pane = feeders(document, show)
    assert pane.requests(document, PLACE) == {
        "totals": PathsInto(document.model, PAIR, ((4, 1),)),
        "feeding": WhoFeeds(document.model, PAIR, ((4, 1),), "q"),
    }
    assert pane.heatmap.picture.column_names == ["H0", "H1", "H2", "H3", "MLP"]
    assert "comes before none" in pane.heatmap.describe(5, 0)
    assert pane.heatmap.describe(1, 4).startswith("L1 MLP → L4H1.q: ")
    assert "the embedding restores 3.1 %" in pane.legend.text()
    best = np.abs(np.where(pane.feeding.states == CellState.EXACT, pane.feeding.values, 0))
    layer, head = np.unravel_index(best.argmax(), best.shape)
    assert pane.table.item(0, 0).text() == f"L{layer}" + (f"H{head}" if head < 4 else " MLP")
    draws(pane)


def test_a_sender_is_selected_and_the_receiver_stays(document, show, qtbot):
    pane = feeders(document, show)
    session = in_session(pane, document)
    pane.picked.connect(lambda fields: pane.show_cursor(replace(PLACE, **fields)))
    with qtbot.waitSignal(pane.picked) as picked:
        point = pane.heatmap.middle_of(2, 3).toPoint()
        qtbot.mouseClick(pane.heatmap, Qt.MouseButton.LeftButton, pos=point)
    assert picked.args == [{"layer": 2, "head": 3}]
    selected = Cursor(2, 3, 3)
    assert pane.requests(session.document, selected)["feeding"].heads == ((4, 1),)
    assert pane.heatmap.selected() == (2, 3)
    pane.show_cursor(Cursor(5, 0))  # somebody else's click
    assert pane.requests(session.document, Cursor(5, 0))["feeding"].heads == ((5, 0),)


def test_a_sender_becomes_the_receiver_from_the_menu(document, show, qtbot, monkeypatch):
    monkeypatch.setattr(QMenu, "popup", lambda menu, where: None)
    pane = feeders(document, show)
    pane.heatmap.menu_requested.emit(2, 3, pane.rect().center())
    verbs = {action.text(): action for action in pane.findChild(QMenu, MENU).actions()}
    assert "Pin L2H3" in verbs
    with qtbot.waitSignals([pane.picked, pane.edited]):
        verbs["Who feeds it?"].trigger()


@pytest.mark.parametrize("name", ["k", "v"])
def test_the_input_follows_the_patching_pane_and_the_user(document, show, qtbot, name):
    pane = feeders(document, show)
    session = in_session(pane, document)
    session.edit(kind=SweepKind(name, "all"))
    assert pane.requests(session.document, PLACE)["feeding"].input == name
    assert pane.input.buttons[name].isChecked()
    pane.input.buttons["q"].setFocus()
    qtbot.keyClick(pane.input.buttons["q"], Qt.Key.Key_Space)
    assert pane.requests(session.document, PLACE)["feeding"].input == "q"
    session.edit(kind=SweepKind("z"))
    assert pane.requests(session.document, PLACE)["feeding"].input == "q"


def test_without_a_head_or_a_pair_it_says_what_to_do(document, show):
    pane = feeders(document, show)
    assert pane.requests(document, Cursor(2)) == {}
    pane.show_reply("feeding", None)
    assert "Select a head" in pane.heatmap.empty
    alone = document.having(corrupted="")
    pane.show_document(alone)
    pane.show_reply("feeding", None)
    assert "corrupted prompt" in pane.heatmap.empty
    assert pane.requests(alone, PLACE) == {}


def test_a_failure_is_all_that_is_said(document, show):
    pane = show(FeedersPane())
    pane.show_document(document)
    pane.show_cursor(PLACE)
    tell(pane, "feeding", status="waiting")
    assert pane.heatmap.empty
    tell(pane, "feeding", status="failed", sentence="That went wrong.")
    assert pane.heatmap.empty == ""
    assert pane.message.text() == "That went wrong."
