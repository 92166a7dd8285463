"""Averaging is left by its banner, by typing another prompt, and by opening an example."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lensgui.prompts.pair import PairRow
from lensgui.state.examples import find

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


@pytest.fixture
def averaging(window, qtbot):
    pair = window.session.document.pair
    rows = tuple(PairRow(replace(pair, clean=pair.clean + end)) for end in ("", " a"))
    window.session.edit(table=rows, is_average=True)
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    return window


def test_the_banner_says_so_and_leads_back(averaging, qtbot):
    window = averaging
    bar = window.docks["Attention"].bar
    assert bar.mode.isVisible()
    assert bar.mode.text() == "mean of 2 pairs · show this pair"
    before = window.panes["Attention"].geometry()
    bar.mode.click()
    assert not window.session.document.is_average
    assert len(window.session.document.table) == 2
    assert not bar.mode.isVisible()
    assert window.panes["Attention"].geometry() == before
    assert not window.docks["Inspector"].bar.mode.isVisible()


def test_typing_another_prompt_leaves_it(averaging):
    prompt = averaging.panes["Prompt"]
    prompt.edited.emit({"answer": " Tom"})
    assert averaging.session.document.is_average
    prompt.edited.emit({"clean": "When Tom and Ann went to"})
    assert not averaging.session.document.is_average
    averaging.session.undo_stack.undo()
    assert averaging.session.document.is_average


def test_an_example_leaves_it(averaging):
    action = next(
        action
        for menu in averaging.menuBar().actions()
        if menu.text() == "E&xamples"
        for action in menu.menu().actions()
        if action.text() == find("ioi").title
    )
    action.trigger()
    assert not averaging.session.document.is_average
