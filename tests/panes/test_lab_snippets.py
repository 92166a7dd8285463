"""What the patching lab's panes copy computes what they show, on the toy model."""

from __future__ import annotations

import numpy as np
import pytest

from lensgui.app.examples import TOY, find
from lensgui.circuits.questions import SweepKind
from lensgui.jobs.handlers.bench import Bench
from lensgui.panes.lab.feeders import FeedersPane
from lensgui.panes.lab.necessary import NecessaryPane
from lensgui.panes.lab.patching import PatchingPane
from lensgui.state.selection import Cursor
from tests.panes.conftest import viewing

PLACE = Cursor(1, 2, 10)


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench(threads=1)


def copied(pane, document, qtbot) -> dict[str, object]:
    qtbot.addWidget(pane)
    pane.show_document(document)
    names: dict[str, object] = {}
    exec(pane.python(document, PLACE), names)
    return names


def shown(bench, pane, document, name):
    request = pane.requests(document, PLACE)[name]
    *_, found = (answer for answer in bench.answer(request) if answer is not None)
    return found


@pytest.mark.parametrize("name", ["z", "q", "k", "v", "pattern"])
def test_heads_by_position(bench, name, qtbot):
    pane, document = PatchingPane(), viewing(find(TOY).document, kind=SweepKind(name))
    names = copied(pane, document, qtbot)
    sweep = shown(bench, pane, document, "sweep")
    np.testing.assert_allclose(names["share"].numpy(), sweep.normalised, atol=1e-5)


def test_edges_of_a_head(bench, qtbot):
    document = viewing(find(TOY).document, kind=SweepKind("pattern", "edge"), direction="noising")
    pane = PatchingPane()
    names = copied(pane, document, qtbot)
    sweep = shown(bench, pane, document, "sweep")
    np.testing.assert_allclose(names["edges"].numpy(), sweep.normalised, atol=1e-5)


def test_both_directions(bench, qtbot):
    pane, document = NecessaryPane(), find(TOY).document
    names = copied(pane, document, qtbot)
    for name in ("necessary", "sufficient"):
        sweep = shown(bench, pane, document, name)
        np.testing.assert_allclose(names[name].numpy(), sweep.normalised, atol=1e-5)


@pytest.mark.parametrize("name", ["q", "k", "v"])
def test_who_feeds_a_head(bench, name, qtbot):
    pane, document = FeedersPane(), viewing(find(TOY).document, kind=SweepKind(name, "all"))
    names = copied(pane, document, qtbot)
    feeding = shown(bench, pane, document, "feeding")
    np.testing.assert_allclose(names["feeds"].numpy(), feeding.values[:, :-1], atol=1e-5)
    assert np.isfinite(feeding.values[0, :4]).all()
