"""Two sweeps side by side: A, B and A − B."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import Qt

from lensgui.jobs.requests import Patching
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.sweep_view import compare
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import SweepKind
from lensgui.terms.model_key import ModelKey
from tests import fakes
from tests.answering import last
from tests.panes.conftest import PAIR, answer, reply, tell, viewing

HEADS = SweepKind("z", "all")
PLACE = Cursor(2, 1, 3)


def kept(document, show, qtbot, **changes):
    """A pane that compares with its own first sweep, after other things were chosen."""
    pane = answer(show(PatchingPane()), document, PLACE)
    with qtbot.waitSignal(pane.edited) as edited:
        qtbot.mouseClick(pane.view.tools.keep, Qt.MouseButton.LeftButton)
    document = document.having(**edited.args[0])
    document = viewing(document, **changes)
    pane.show_document(document)
    reply(pane, "sweep", pane.requests(document, PLACE)["sweep"])
    return pane, document


def choose(pane, qtbot, side):
    with qtbot.waitSignal(pane.altered):
        qtbot.mouseClick(pane.view.compare.buttons[side], Qt.MouseButton.LeftButton)


def test_two_sweeps_are_subtracted(document, show, qtbot):
    pane, document = kept(document, show, qtbot, direction="noising")
    assert document.views[0].against == Patching(document.model, PAIR)
    assert "kept" not in pane.requests(document, PLACE)
    b = pane.view.face
    choose(pane, qtbot, "A − B")
    a = reply(pane, "kept", pane.requests(document, PLACE)["kept"])
    expected = a.normalised - b.normalised
    np.testing.assert_allclose(pane.view.face.values, expected, atol=1e-6)
    assert pane.heatmap.describe(2, 1) == pane.heatmap.describe(2, 1)
    assert "A +" in pane.heatmap.describe(2, 4) or "A −" in pane.heatmap.describe(2, 4)
    choose(pane, qtbot, "A")
    assert pane.view.face is a
    choose(pane, qtbot, "B")
    assert pane.view.face is b
    with qtbot.waitSignal(pane.edited) as edited:
        qtbot.mouseClick(pane.view.compare.drop, Qt.MouseButton.LeftButton)
    assert edited.args[0]["views"][0].against is None


def test_sweeps_with_other_axes_are_not_subtracted(document, show, qtbot):
    pane, document = kept(document, show, qtbot, kind=HEADS)
    choose(pane, qtbot, "A − B")
    reply(pane, "kept", pane.requests(document, PLACE)["kept"])
    assert "can't be subtracted" in pane.view.legend.text()
    assert pane.view.face is pane.sweep


def test_another_model_ends_a_comparison_with_a_sentence(document, show, qtbot):
    pane, document = kept(document, show, qtbot, direction="noising")
    choose(pane, qtbot, "A")
    other = replace(document, model=ModelKey("other"))
    pane.show_document(other)
    assert "another model" in pane.message.text()
    assert not pane.view.compare.isVisible()
    assert "kept" not in pane.requests(other, PLACE)
    pane.show_document(document)
    assert not pane.message.isVisible()


def test_prompts_of_other_lengths_are_not_subtracted(document):
    answerer = fakes.FakeAnswerer()
    a = last(answerer.answer(document.patching(0)))
    longer = replace(PAIR, clean=PAIR.clean + " on", corrupted=PAIR.corrupted + " on")
    b = last(answerer.answer(Patching(document.model, longer)))
    assert compare.obstacle(a, b) == (
        f"A has {len(a.axes[1])} places by position and B {len(b.axes[1])}, so their cells can't "
        "be subtracted: give the prompts as many tokens."
    )
    assert compare.obstacle(a, a) == ""
    assert not compare.difference(a, a).values.any()
    raw = replace(b, refusal="Too close.", unit="ranks", axes=a.axes, values=a.values)
    assert (
        compare.obstacle(a, raw)
        == "A is in logits and B in ranks, so their cells can't be subtracted."
    )


def test_table_and_remarks_belong_to_the_side_that_is_shown(document, show, qtbot):
    pane, document = kept(document, show, qtbot, direction="noising")
    qtbot.mouseClick(pane.view.tools.table, Qt.MouseButton.LeftButton)
    tables, remarks = {}, {}
    for side in compare.SIDES:
        choose(pane, qtbot, side) if side != pane.view.compare.side else None
        if side != "B":
            reply(pane, "kept", pane.requests(document, PLACE)["kept"])
        table = pane.view.table
        unit = table.horizontalHeaderItem(2).text()
        tables[side] = table.item(0, 1).text(), table.item(0, 2).text(), unit
        remarks[side] = pane.view.remarks.text()
    assert len(set(tables.values())) == 3
    assert tables["A − B"][2] == "shares"
    assert "checked" not in remarks["A − B"]


def test_a_range_of_ones_own_ends_with_what_it_counts(document, show, qtbot):
    pane, document = kept(document, show, qtbot, direction="noising")
    levels = pane.view.levels
    qtbot.keyClick(levels, Qt.Key.Key_Up)
    assert levels.is_own
    pane.show_cursor(Cursor(1, 1, 2))
    assert levels.is_own
    choose(pane, qtbot, "A − B")
    reply(pane, "kept", pane.requests(document, PLACE)["kept"])
    assert not levels.is_own
    qtbot.keyClick(levels, Qt.Key.Key_Up)
    tell(pane, "sweep", replace(pane.sweep, metric="rank", unit="ranks"))
    choose(pane, qtbot, "B")
    assert not levels.is_own
