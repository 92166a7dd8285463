"""What every pane's menu offers for a place: to read it elsewhere."""

from __future__ import annotations

import pytest

from lensgui.app.window.layout import PANES
from lensgui.panes import menus
from lensgui.panes.activation.activation import ActivationPane
from lensgui.panes.lens.lens import LensPane
from lensgui.panes.patching.patching import PatchingPane
from lensgui.state.selection import Cursor

HEAD, LAYER = Cursor(2, 1), Cursor(2, position=3)


def choices(pane, place):
    """Return what can be read of a place, by name."""
    verbs = {verb.name: verb for verb in menus.of_place(pane, place, ())}
    return {verb.name: verb for verb in verbs["Read it"].choices}


@pytest.mark.parametrize(
    ("kind", "place", "names"),
    [
        (
            PatchingPane,
            HEAD,
            [
                "Lens here",
                "What it adds to the metric",
                "What writes what it reads",
                "Who reads it",
                "The neurons of its layer",
                "What its hook points hold",
            ],
        ),
        (
            LensPane,
            LAYER,
            [
                "What it adds to the metric",
                "Who reads it",
                "The neurons of its layer",
                "What its hook points hold",
            ],
        ),
        (
            ActivationPane,
            LAYER,
            ["Lens here", "What it adds to the metric", "Who reads it", "The neurons of its layer"],
        ),
    ],
)
def test_a_place_is_read_in_other_panes(kind, place, names, qtbot):
    pane = kind()
    qtbot.addWidget(pane)
    assert list(choices(pane, place)) == names


def test_each_way_selects_the_place_and_brings_a_pane_forward(qtbot):
    pane = PatchingPane()
    qtbot.addWidget(pane)
    picked, wanted = [], []
    pane.picked.connect(picked.append)
    pane.pane_requested.connect(wanted.append)
    for verb in choices(pane, HEAD).values():
        verb.act()
    assert picked == [{"layer": 2, "head": 1}] * 6
    assert set(wanted) <= {kind.title for kind in PANES}
    assert len(set(wanted)) == 6


def test_a_place_without_a_layer_has_nothing_to_read(qtbot):
    pane = PatchingPane()
    qtbot.addWidget(pane)
    assert "Read it" not in [verb.name for verb in menus.of_place(pane, Cursor(position=1), ())]
