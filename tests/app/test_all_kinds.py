"""All kinds of sweeps at once in the real window, on the fake answerer."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu

from lensgui.jobs.requests import Patching
from lensgui.panes.menus import MENU
from lensgui.panes.pane import UNEQUAL
from lensgui.panes.patching.all_kinds import NAMES, AllKindsPane
from lensgui.panes.patching.patching import PatchingPane
from lensgui.terms.kinds import SweepKind
from tests.app.conftest import stepping
from tests.windows import pane_of

pytestmark = pytest.mark.usefixtures("no_popup")


@pytest.fixture
def pane(window, qtbot):
    """The pane, in front and at rest."""
    window.show_pane(AllKindsPane.title)
    found = pane_of(window, AllKindsPane)
    qtbot.waitUntil(lambda: all(found.sweeps) and not window.runner.is_busy)
    return found


def asked(answerer):
    return [request for request in answerer.asked if isinstance(request, Patching)]


def test_the_patching_pane_has_a_button_for_it_and_nothing_is_swept_twice(window, answerer, qtbot):
    known = asked(answerer)
    qtbot.mouseClick(pane_of(window, PatchingPane).view.tools.more, Qt.MouseButton.LeftButton)
    pane = pane_of(window, AllKindsPane)
    assert pane.isVisible()
    qtbot.waitUntil(lambda: all(pane.sweeps) and not window.runner.is_busy)
    assert len(asked(answerer)) == len(set(asked(answerer))) == len(known) + 7
    window.show_pane("Activation patching")
    window.session.edit(kind=SweepKind("v", "all"))
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    assert len(asked(answerer)) == len(known) + 7


@pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
def test_a_click_selects_everywhere_and_pointing_asks_nothing(window, answerer, pane, qtbot):
    tile = pane.tiles.tiles[6]
    qtbot.mouseClick(tile, Qt.MouseButton.LeftButton, pos=tile.middle_of(4, 1).toPoint())
    assert (window.selection.cursor.layer, window.selection.cursor.head) == (4, 2)
    assert [tile.selected()[1] for tile in pane.tiles.tiles[3:]] == [2, 2, 1, 1, 2]
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    assert window.panes["Attention"].name.text() == "L4H2 · M"
    count, places = len(answerer.asked), [tile.geometry() for tile in pane.tiles.tiles]
    for row in range(6):
        QTest.mouseMove(tile, tile.middle_of(row, 0).toPoint())
    assert window.status.readout.text().startswith("L5H0–1: k ")
    assert len(answerer.asked) == count
    assert [tile.geometry() for tile in pane.tiles.tiles] == places


def test_a_key_dims_every_map_and_moves_none(window, pane, qtbot):
    places = [tile.geometry() for tile in pane.tiles.tiles]
    text = window.session.document.pair.clean
    qtbot.keyClicks(window.panes["Prompt"].editors["clean"], " and on")
    assert all(tile.is_stale and tile.picture is not None for tile in pane.tiles.tiles)
    qtbot.waitUntil(lambda: pane.message.text() == UNEQUAL)
    assert all(tile.is_stale and tile.picture is not None for tile in pane.tiles.tiles)
    window.session.edit(clean=text)
    assert not any(tile.is_stale for tile in pane.tiles.tiles)  # all was known before
    assert [tile.geometry() for tile in pane.tiles.tiles] == places


def test_all_rest_stop_and_go_on_together(window, answerer, pane, qtbot):
    answerer.is_gated = True
    window.session.edit(direction="noising")

    def have_begun():
        return all(pane.known(name, object) is not None for name in NAMES)

    qtbot.waitUntil(stepping(answerer, have_begun))
    qtbot.mouseClick(pane.pause, Qt.MouseButton.LeftButton)
    answerer.gate.release(1000)
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    assert pane.pause.text() == "Go on"
    answerer.is_gated = False
    qtbot.mouseClick(pane.pause, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    assert all(sweep.done == sweep.total for sweep in pane.sweeps)
    assert {sweep.direction for sweep in pane.sweeps} == {"noising"}
    assert pane_of(window, PatchingPane).direction.currentText() == "break: corrupted → clean"


def test_progress_is_that_of_all_sweeps_and_never_goes_back(window, pane, qtbot):
    seen = []
    window.runner.progressed.connect(lambda progress: seen.append(progress))
    window.session.edit(corrupted=window.session.document.pair.corrupted.replace("drink", "book"))
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    sweeping = [progress for progress in seen if progress.what == "activation patching"]
    done = [progress.done for progress in sweeping]
    assert done == sorted(done)
    assert sweeping[-1].total == sum(sweep.total for sweep in pane.sweeps)


def test_from_a_small_map_to_the_whole_one(window, pane, qtbot):
    values = pane.sweeps[4].values
    pane.tiles.tiles[4].menu_requested.emit(3, 1, pane.rect().center())
    verbs = {action.text(): action for action in pane.findChild(QMenu, MENU).actions()}
    verbs["Open in Activation patching"].trigger()
    whole = pane_of(window, PatchingPane)
    qtbot.waitUntil(lambda: whole.sweep is not None and whole.sweep.axes[1].name == "head")
    assert window.session.document.kind == SweepKind("q", "all")
    assert whole.heatmap.selected() == (3, 1)
    assert np.array_equal(whole.sweep.values, values)


def test_any_two_sweeps_are_compared_by_keyboard(window, qtbot):
    pane = pane_of(window, PatchingPane)
    window.session.edit(kind=SweepKind("q", "all"))
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    b = pane.sweep
    qtbot.mouseClick(pane.view.tools.keep, Qt.MouseButton.LeftButton)
    row = pane.view.compare
    row.kind.setFocus()
    qtbot.keyClicks(row.kind, "head")
    qtbot.mouseClick(row.buttons["A − B"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: pane.view.given.kept is not None and not window.runner.is_busy)
    a = pane.view.given.kept
    assert window.session.document.against.kind == SweepKind("z", "all")
    np.testing.assert_allclose(pane.view.face.values, a.shown - b.shown, atol=1e-6)
    for key in (Qt.Key.Key_Home, Qt.Key.Key_Down):
        qtbot.keyClick(row.kind, key)
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    assert (
        "A counts by layer and position and B by layer and head, so they can't"
        in pane.view.legend.text()
    )
    assert pane.view.face is b


def test_edges_of_prompts_of_different_lengths_say_so_before_anything_else(window, qtbot):
    pane = pane_of(window, PatchingPane)
    window.selection.move(layer=2)  # of which no head
    window.session.edit(
        kind=SweepKind("pattern", "edge"), clean=window.session.document.pair.clean + " and on"
    )
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    assert window.selection.cursor.head is None
    assert pane.heatmap.empty == UNEQUAL
    assert "Select a head" not in pane.heatmap.empty
