"""Selecting and asking while panes average over a table, and where prompts differ in length."""

from __future__ import annotations

from dataclasses import replace

from lensgui.jobs.requests import AttentionGrid, Patching
from lensgui.panes.attention.attention import AttentionPane
from lensgui.prompts.pair import PairRow, PromptPair
from tests.windows import pane_of


def test_a_place_of_the_longer_prompt_can_be_selected(window, qtbot):
    with qtbot.waitSignal(window.runner.settled):
        window.session.edit(clean="a b c", corrupted="a b c d e f")
    window.selection.move(position=5)
    assert window.selection.cursor.position == 5
    window.selection.move(position=9)
    assert window.selection.cursor.position == 5


def test_the_prompts_of_a_table_have_their_own_length(window, qtbot):
    long = PromptPair("a b c d e f g h", "a b c d e f g x", " h", " x")
    with qtbot.waitSignal(window.runner.settled):
        window.session.edit(clean="a b", corrupted="a c", table=(PairRow(long),), is_average=True)
    window.selection.move(position=7)
    assert window.selection.cursor.position == 7
    with qtbot.waitSignal(window.runner.settled):
        window.session.edit(is_average=False)
    assert window.selection.cursor.position == 1


def test_an_average_does_not_begin_again_when_another_pair_is_shown(window, answerer, qtbot):
    rows = tuple(PairRow(PromptPair(f"{word} b", f"{word} c", " b", " c")) for word in "xyz")
    with qtbot.waitSignal(window.runner.settled):
        window.session.edit(table=rows, is_average=True)
    answerer.asked.clear()
    with qtbot.waitSignal(window.runner.settled):
        window.session.edit(pair=rows[1].pair)
    assert not any(isinstance(request, Patching | AttentionGrid) for request in answerer.asked)


def test_of_a_table_whose_pairs_have_no_prompt_nothing_is_drawn(window, qtbot):
    view = replace(window.session.document.views.attention, drawing="text")
    window.selection.move(layer=2, head=1, position=2)
    empty = PairRow(PromptPair("", "a b c"))
    with qtbot.waitSignal(window.runner.settled):
        window.session.edit(table=(empty,), is_average=True, attention=view)
    pane = pane_of(window, AttentionPane)
    pane.grab()
    assert (pane.grid.atlas, pane.focus.text.weights) == (None, None)
