"""What happens to a sweep that is under way when the user goes on to something else."""

from __future__ import annotations

import numpy as np
import pytest

from lensgui.jobs.answers.arrays import CellState
from lensgui.jobs.requests import Patching
from lensgui.terms.kinds import SweepKind
from lensgui.terms.model_key import ModelKey
from tests.app.conftest import stepping


@pytest.fixture
def held(window, answerer, qtbot):
    """A window whose sweep of another prompt stands half-way."""
    pane = window.panes["Activation patching"]
    answerer.is_gated = True
    edited = window.session.document.pair.corrupted.replace("drink", "book")
    window.session.edit(corrupted=edited)
    qtbot.waitUntil(lambda: _is_of(pane, answerer, edited))
    qtbot.waitUntil(
        stepping(
            answerer, lambda: pane.sweep is not None and 0 < pane.sweep.done < pane.sweep.total
        )
    )
    yield pane
    answerer.is_gated = False
    answerer.gate.release(1000)


def _is_of(pane, answerer, corrupted):
    sweeps = [request for request in answerer.asked if isinstance(request, Patching)]
    return bool(sweeps) and sweeps[-1].pair.corrupted == corrupted


def go_on(answerer):
    answerer.is_gated = False
    answerer.gate.release(1000)


def test_an_edit_leaves_the_old_sweep_and_the_new_one_is_whole(window, answerer, held, qtbot):
    left = [request for request in answerer.asked if isinstance(request, Patching)][-1]
    window.session.edit(clean="When John and Mary went to the park, John gave a book to")
    go_on(answerer)
    with qtbot.waitSignal(window.runner.settled):
        pass
    assert left in answerer.left
    assert held.sweep.done == held.sweep.total
    assert not held.heatmap.is_stale
    assert (held.sweep.states != CellState.UNKNOWN).all()


def test_another_model_mid_sweep_clears_the_picture_until_it_has_its_own(
    window, answerer, held, qtbot
):
    before = held.sweep
    window.session.edit(model=ModelKey("another"))
    assert held.sweep is None or held.heatmap.is_stale
    go_on(answerer)
    with qtbot.waitSignal(window.runner.settled):
        pass
    assert window.exchange.card.key == ModelKey("another")
    assert not np.array_equal(held.sweep.values, before.values)
    assert held.sweep.done == held.sweep.total


def test_a_pane_that_is_closed_mid_stream_asks_anew_when_it_is_back(window, answerer, held, qtbot):
    for title in ("All kinds at once", "Activation patching"):  # both would ask it
        window.docks[title].hide()
    qtbot.waitUntil(lambda: held.sweep is None)
    go_on(answerer)
    qtbot.waitUntil(lambda: any(isinstance(request, Patching) for request in answerer.left))
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    with qtbot.waitSignal(window.runner.settled):
        window.show_pane("Activation patching")
    assert held.sweep.done == held.sweep.total


def test_another_kind_mid_sweep_draws_no_cell_of_the_old_one(window, answerer, held, qtbot):
    heads = SweepKind("z", "all")
    window.session.edit(kind=heads)
    go_on(answerer)
    with qtbot.waitSignal(window.runner.settled):
        pass
    assert [axis.name for axis in held.sweep.axes] == ["layer", "head"]
    assert held.heatmap.picture.shades.shape == held.sweep.values.shape
