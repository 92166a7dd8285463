"""The patching lab in the real window, on the fake answerer."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu

from lensgui.jobs.answers.arrays import HeadEffects
from lensgui.jobs.requests import HeadRoles, Patching, PathsInto, WhoFeeds
from lensgui.panes.menus import MENU
from lensgui.terms.kinds import SweepKind
from tests.app.conftest import stepping

HEADS = SweepKind("z", "all")


pytestmark = pytest.mark.usefixtures("no_popup")


def settle(window, qtbot, act):
    act()
    qtbot.wait(20)  # a pane asks a turn of the event loop after it is shown
    qtbot.waitUntil(lambda: not window.runner.is_busy)  # at once, if the answers are known


def view(window, **changes):
    window.session.edit(**changes)


def verbs(pane, row, column):
    pane.heatmap.menu_requested.emit(row, column, pane.rect().center())
    return {action.text(): action for action in pane.findChild(QMenu, MENU).actions()}


def test_from_a_residual_cell_to_who_feeds_a_head(window, answerer, qtbot):
    pane = window.panes["Activation patching"]
    settle(window, qtbot, verbs(pane, 4, 5)["Which heads of L4, at this position?"].trigger)
    assert window.session.document.kind == SweepKind("z")
    assert (window.selection.cursor.layer, window.selection.cursor.position) == (4, 5)
    assert pane.view.slider.at == 5
    settle(window, qtbot, verbs(pane, 4, 2)["Is it its keys?"].trigger)
    assert window.session.document.kind == SweepKind("k")
    settle(window, qtbot, verbs(pane, 4, 1)["Who feeds its keys?"].trigger)
    feeders = window.panes["Who feeds it"]
    assert feeders.isVisible()
    document = window.session.document
    assert feeders.requests(document, window.selection.cursor) == {
        "totals": PathsInto(document.model, document.pair, ((4, 2),)),
        "feeding": WhoFeeds(document.model, document.pair, ((4, 2),), "k"),
    }
    assert feeders.feeding.receiver == "L4H2.k"
    window.actions_by_name["undo"].trigger()
    assert window.session.document.kind == SweepKind("z")


def test_a_pinned_cell_is_framed_and_undone(window, qtbot):
    pane = window.panes["Activation patching"]
    settle(window, qtbot, lambda: view(window, kind=HEADS))
    verbs(pane, 4, 2)["Pin L4H2"].trigger()
    assert pane.heatmap.picture.pins == ((4, 2),)
    verbs(pane, 4, 2)["Unpin L4H2"].trigger()
    assert pane.heatmap.picture.pins == ()
    window.actions_by_name["undo"].trigger()
    assert pane.heatmap.picture.pins == ((4, 2),)


def test_a_sweep_is_paused_and_goes_on(window, answerer, qtbot):
    pane = window.panes["Activation patching"]
    answerer.is_gated = True
    view(window, kind=SweepKind("z"))
    qtbot.waitUntil(stepping(answerer, lambda: len(pane.sweep.axes) == 3 and pane.sweep.done > 0))
    qtbot.mouseClick(pane.view.tools.pause, Qt.MouseButton.LeftButton)
    done = pane.sweep.done
    answerer.gate.release(100)
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    assert pane.sweep.done == done < pane.sweep.total
    answerer.is_gated = False
    settle(window, qtbot, pane.view.tools.pause.click)
    assert pane.sweep.done == pane.sweep.total


@pytest.mark.parametrize("how", ["button", "menu"])
def test_a_stopped_sweep_goes_on(window, answerer, qtbot, how):
    pane = window.panes["Activation patching"]
    answerer.is_gated = True
    view(window, kind=SweepKind("z"))
    qtbot.waitUntil(stepping(answerer, lambda: len(pane.sweep.axes) == 3 and pane.sweep.done > 0))
    settle(window, qtbot, window.status.stop.click)
    assert pane.view.tools.pause.text() == "Go on"
    assert "F5" in pane.message.text()
    answerer.is_gated = False
    answerer.gate.release(100)
    go_on = pane.view.tools.pause.click if how == "button" else window.exchange.retry
    settle(window, qtbot, go_on)
    assert pane.sweep.done == pane.sweep.total
    assert pane.view.tools.pause.text() == "Pause"
    assert not pane.message.isVisible()


def test_closing_the_pane_or_editing_in_mid_sweep_leaves_nothing_stale(window, answerer, qtbot):
    pane = window.panes["Activation patching"]
    answerer.is_gated = True
    view(window, kind=HEADS)
    qtbot.waitUntil(lambda: any(isinstance(asked, Patching) for asked in answerer.asked[-2:]))
    window.docks["Activation patching"].hide()
    answerer.gate.release(100)
    answerer.is_gated = False
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    assert pane.sweep is None
    settle(window, qtbot, lambda: window.show_pane("Activation patching"))
    assert pane.sweep.done == pane.sweep.total
    document = window.session.document
    settle(window, qtbot, lambda: window.session.edit(corrupted=""))
    assert pane.heatmap.picture is None
    settle(window, qtbot, lambda: window.session.edit(corrupted=document.pair.corrupted))
    assert pane.sweep.done == pane.sweep.total


def test_a_cell_is_verified(window, answerer, qtbot):
    pane = window.panes["Activation patching"]
    settle(window, qtbot, lambda: view(window, kind=HEADS))
    settle(window, qtbot, verbs(pane, 3, 1)["Verify"].trigger)
    assert "L3H1: the slow way gives" in pane.view.remarks.text()


def test_two_sweeps_are_compared_over_an_edit(window, answerer, qtbot):
    pane = window.panes["Activation patching"]
    pane.view.tools.keep.click()
    kept = window.session.document.kept
    settle(window, qtbot, lambda: view(window, direction="noising"))
    settle(window, qtbot, pane.view.compare.buttons["A − B"].click)
    assert pane.view.given.kept is not None
    assert pane.view.legend.text().startswith("A − B")
    pane.view.compare.drop.click()
    assert window.session.document.kept is None
    assert not pane.view.legend.text().startswith("A − B")
    window.actions_by_name["undo"].trigger()
    assert window.session.document.kept == kept


def test_necessary_or_sufficient_asks_only_while_it_is_seen(window, answerer, qtbot):
    pane = window.panes["Necessary or sufficient"]
    assert not any(isinstance(asked, HeadRoles) for asked in answerer.asked)
    settle(window, qtbot, lambda: window.show_pane("Necessary or sufficient"))
    qtbot.waitUntil(
        lambda: pane.known("roles", HeadEffects) is not None and not window.runner.is_busy
    )
    assert len(pane.scatter.points.x) == 24
    assert "mean ablation over 2 prompts" in pane.scatter.points.describe(3)
    pane.scatter.picked.emit(13)
    assert (window.selection.cursor.layer, window.selection.cursor.head) == (3, 1)
