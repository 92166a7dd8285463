"""Two sweeps side by side: A, B and A − B."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from PySide6.QtCore import Qt

from lensgui.jobs.requests import Patching
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.sweep_view import compare
from lensgui.state.document import SweepChoice
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import SweepKind
from lensgui.terms.model_key import ModelKey
from tests import fakes
from tests.answering import last
from tests.panes.conftest import PAIR, answer, in_session, reply, tell

HEADS = SweepKind("z", "all")
KINDS_BY_POSITION = SweepKind("resid_pre"), SweepKind("mlp_out")
PLACE = Cursor(2, 1, 3)


def kept(document, show, qtbot, **changes):
    """A pane that compares with its own first sweep, after other things were chosen."""
    pane = answer(show(PatchingPane()), document, PLACE)
    with qtbot.waitSignal(pane.edited) as edited:
        qtbot.mouseClick(pane.view.tools.keep, Qt.MouseButton.LeftButton)
    session = in_session(pane, document.having(**{**edited.args[0], **changes}))
    reply(pane, "sweep", pane.requests(session.document, PLACE)["sweep"])
    return pane, session


def choose(pane, qtbot, side):
    qtbot.mouseClick(pane.view.compare.buttons[side], Qt.MouseButton.LeftButton)


def asked(pane, session):
    return pane.requests(session.document, PLACE)


def test_two_sweeps_are_subtracted(document, show, qtbot):
    pane, session = kept(document, show, qtbot, direction="noising")
    assert session.document.kept == Patching(document.model, PAIR)
    assert "kept" not in asked(pane, session)
    b = pane.view.face
    choose(pane, qtbot, "A − B")
    a = reply(pane, "kept", asked(pane, session)["kept"])
    expected = a.normalised - b.normalised
    np.testing.assert_allclose(pane.view.face.values, expected, atol=1e-6)
    assert pane.heatmap.describe(2, 1) == pane.heatmap.describe(2, 1)
    assert "A +" in pane.heatmap.describe(2, 4) or "A −" in pane.heatmap.describe(2, 4)
    choose(pane, qtbot, "A")
    assert pane.view.face is a
    choose(pane, qtbot, "B")
    assert pane.view.face is b
    choose(pane, qtbot, "A")
    qtbot.mouseClick(pane.view.compare.drop, Qt.MouseButton.LeftButton)
    assert session.document.kept is None
    assert session.document.views.patching.side == "B"  # what is kept next is not drawn at once
    assert pane.view.face is b
    session.undo_stack.undo()
    assert pane.view.compare.buttons["A"].isChecked()


@pytest.mark.parametrize("b", [*product(KINDS_BY_POSITION, ("denoising", "noising"))])
@pytest.mark.parametrize("a", [*product(KINDS_BY_POSITION, ("denoising", "noising"))])
def test_any_two_sweeps_with_the_same_axes_are_subtracted(document, show, qtbot, a, b):
    pane, session = kept(document, show, qtbot, kind=b[0], direction=b[1])
    row = pane.view.compare
    for box, value in ((row.kind, a[0]), (row.direction, a[1])):
        if box.value != value:
            box.show_value(value)
            box.activated.emit(box.currentIndex())
    choose(pane, qtbot, "A − B")
    document = session.document
    name = "kept" if document.against is None else "against"
    shown = reply(pane, name, pane.requests(document, PLACE)[name])
    assert shown.direction == a[1]
    expected = shown.normalised - pane.sweep.normalised
    np.testing.assert_allclose(pane.view.face.values, expected, atol=1e-6)
    said = "kept" if document.against is None else document.against.kind.words[0]
    assert row.kind.currentText().startswith(said)


def test_the_kept_sweep_stays_to_be_chosen(document, show, qtbot):
    pane, _ = kept(document, show, qtbot, direction="noising")
    row = pane.view.compare
    assert row.kind.currentText() == "kept: residual stream before attention"
    assert "restore, of “When John and Mary went”" in row.kind.toolTip()
    with qtbot.waitSignal(pane.edited) as edited:
        row.direction.setFocus()
        qtbot.keyClicks(row.direction, "break")
    assert edited.args == [{"against": SweepChoice(SweepKind("resid_pre"), "noising")}]
    assert row.kind.currentText() == "residual stream before attention"
    with qtbot.waitSignal(pane.edited) as edited:
        row.kind.setFocus()
        qtbot.keyClick(row.kind, Qt.Key.Key_Home)
    assert edited.args == [{"against": None}]
    assert row.direction.currentText() == "restore: clean → corrupted"


def test_edges_are_compared_with_those_of_the_selected_head(document, show, qtbot):
    edges = SweepKind("pattern", "edge")
    document = replace(document, kind=edges)
    pane, session = kept(document, show, qtbot, against=SweepChoice(edges, "noising"))
    choose(pane, qtbot, "A − B")
    a = asked(pane, session)["against"]
    assert (a.layer, a.head, a.direction) == (2, 1, "noising")


def test_sweeps_with_other_axes_are_not_subtracted(document, show, qtbot):
    pane, session = kept(document, show, qtbot, kind=HEADS)
    choose(pane, qtbot, "A − B")
    reply(pane, "kept", asked(pane, session)["kept"])
    assert "can't be subtracted" in pane.view.legend.text()
    assert pane.view.face is pane.sweep


def test_another_model_ends_a_comparison_with_a_sentence(document, show, qtbot):
    pane, session = kept(document, show, qtbot, direction="noising")
    choose(pane, qtbot, "A")
    other = replace(session.document, model=ModelKey("other"))
    pane.show_document(other)
    assert "another model" in pane.message.text()
    assert not pane.view.compare.isVisible()
    assert "kept" not in pane.requests(other, PLACE)
    pane.show_document(session.document)
    assert not pane.message.isVisible()
    assert pane.view.compare.buttons["A"].isChecked()


def test_prompts_of_other_lengths_are_not_subtracted(document):
    answerer = fakes.FakeAnswerer()
    a = last(answerer.answer(document.patching()))
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
    pane, session = kept(document, show, qtbot, direction="noising")
    qtbot.mouseClick(pane.view.tools.table, Qt.MouseButton.LeftButton)
    tables, remarks = {}, {}
    for side in compare.SIDES:
        choose(pane, qtbot, side)
        if side != "B":
            reply(pane, "kept", asked(pane, session)["kept"])
        table = pane.view.table
        unit = table.horizontalHeaderItem(2).text()
        tables[side] = table.item(0, 1).text(), table.item(0, 2).text(), unit
        remarks[side] = pane.view.remarks.text()
    assert len(set(tables.values())) == 3
    assert tables["A − B"][2] == "shares"
    assert "checked" not in remarks["A − B"]


def test_a_range_of_ones_own_ends_with_what_it_counts(document, show, qtbot):
    pane, session = kept(document, show, qtbot, direction="noising")
    levels = pane.view.levels
    qtbot.keyClick(levels, Qt.Key.Key_Up)
    assert levels.is_own
    pane.show_cursor(Cursor(1, 1, 2))
    assert levels.is_own
    choose(pane, qtbot, "A − B")
    reply(pane, "kept", asked(pane, session)["kept"])
    assert not levels.is_own
    qtbot.keyClick(levels, Qt.Key.Key_Up)
    tell(pane, "sweep", replace(pane.sweep, metric="rank", unit="ranks"))
    choose(pane, qtbot, "B")
    assert not levels.is_own
