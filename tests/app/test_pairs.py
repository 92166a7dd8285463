"""From a prompt to an average over many, in the real window."""

from __future__ import annotations

from lensgui.jobs.requests import Patching, ReadPairs
from lensgui.state.examples import find


def pairs_pane(window, qtbot):
    window.show_pane("Prompt pairs")
    pane = window.panes["Prompt pairs"]
    qtbot.waitUntil(pane.isVisible)
    return pane


def test_does_it_hold_is_one_step_that_sweeps_and_table_follow(window, qtbot, answerer):
    window.session.edit(pair=find("ioi").document.pair)
    pane = pairs_pane(window, qtbot)
    steps = window.session.undo_stack.count()
    pane.hold.click()
    document = window.session.document
    assert document.is_average
    assert len(document.rows) == 32
    assert window.session.undo_stack.count() == steps + 1
    qtbot.waitUntil(lambda: any(isinstance(r, ReadPairs) for r in answerer.asked))
    qtbot.waitUntil(lambda: any(isinstance(r, Patching) and r.rows for r in answerer.asked))
    (asked,) = (request for request in answerer.asked if isinstance(request, ReadPairs))
    assert asked.pairs == tuple(row.pair for row in document.table)
    qtbot.waitUntil(lambda: len(pane.model.readings) == 32)
    window.undo()
    assert not window.session.document.table
    assert not window.session.document.is_average
    qtbot.waitUntil(lambda: not pane.model.readings)


def test_leaving_out_the_wrong_ones_asks_the_sweep_anew_and_the_table_not(window, qtbot, answerer):
    window.session.edit(pair=find("ioi").document.pair)
    pane = pairs_pane(window, qtbot)
    pane.hold.click()
    qtbot.waitUntil(lambda: len(pane.model.readings) == 32)
    read = sum(isinstance(request, ReadPairs) for request in answerer.asked)
    pane.exclude.click()
    rows = window.session.document.rows
    assert 0 < len(rows) < 32
    qtbot.waitUntil(lambda: any(isinstance(r, Patching) and r.rows == rows for r in answerer.asked))
    assert sum(isinstance(request, ReadPairs) for request in answerer.asked) == read


def test_prompts_of_different_lengths_bring_words_that_fit(window, qtbot):
    pane = window.panes["Prompt"]
    pair = find("ioi").document.pair
    window.session.edit(pair=pair, corrupted=pair.corrupted + " him")
    line = pane.remarks
    qtbot.waitUntil(lambda: bool(line.fitting.chips))
    line.fitting.clicked.emit(0)
    qtbot.waitUntil(lambda: not line.drop.isVisible())
