"""What the patching pane says of a picture, and offers to ask of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint

from lensgui.analysis.shares import refusal
from lensgui.jobs.answers.arrays import Axis, CellState
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.token_text import signed
from lensgui.terms.kinds import SweepKind
from tests.panes.conftest import answer, in_session, tell
from tests.panes.test_sweep_view import HEADS, PLACE, menu_of

pytestmark = pytest.mark.usefixtures("no_popup")


def test_a_picture_that_answers_an_older_question_offers_no_questions(document, show, qtbot):
    pane = answer(show(PatchingPane()), document, PLACE)
    assert "Verify" in menu_of(pane, 2, 3)
    pane.show_document(replace(document, kind=HEADS))
    tell(pane, "sweep", status="late")
    assert list(menu_of(pane, 2, 3)) == ["Pin L2 · position 3", "Read it", "Copy the value"]


@pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
def test_the_mean_of_a_row_or_column_is_said_at_its_bar(document, show, qtbot):
    pane = answer(show(PatchingPane()), document, PLACE)
    heatmap, sweep = pane.heatmap, pane.sweep
    plot = heatmap.plot()
    point = QPoint(round(plot.right() + 6), round(heatmap.middle_of(2, 0).y()))
    with qtbot.waitSignal(heatmap.hovered) as hovered:
        qtbot.mouseMove(heatmap, point)
    mean = float(np.mean(sweep.normalised[2]))
    assert hovered.args[0].startswith("L2: mean " + signed(mean)[:5])
    point = QPoint(round(heatmap.middle_of(0, 3).x()), round(plot.top() - 5))
    with qtbot.waitSignal(heatmap.hovered) as hovered:
        qtbot.mouseMove(heatmap, point)
    assert "mean" in hovered.args[0]


def test_a_column_of_a_role_is_no_position(document, show):
    roles = Axis("position", (None, None), ("IO", "end"))
    pane = answer(show(PatchingPane()), replace(document, kind=SweepKind("z")), PLACE)
    sweep = pane.sweep
    by_role = replace(
        sweep,
        axes=(sweep.axes[0], roles, sweep.axes[2]),
        values=sweep.values[:, :2],
        states=sweep.states[:, :2],
        estimates=None,
    )
    tell(pane, "sweep", by_role)
    assert "at ‘end’" in pane.view.words(1, 1)  # where the slider is
    assert "position" not in pane.view.words(1, 1)
    session = in_session(pane, replace(document, kind=SweepKind("z")))
    pane.view.slider.slider.setValue(0)
    assert session.document.views.patching.place == 0
    assert "at ‘IO’" in pane.view.words(1, 1)
    session.undo_stack.undo()
    assert "at ‘end’" in pane.view.words(1, 1)


def test_identical_prompts_are_called_so(document, show):
    pane = answer(show(PatchingPane()), document, PLACE)
    same = replace(
        pane.sweep,
        values=np.zeros_like(pane.sweep.values),
        states=np.full_like(pane.sweep.states, CellState.UNCHANGED),
        corrupted=pane.sweep.clean,
        refusal="The logit difference is the same in both runs.",
    )
    tell(pane, "sweep", same)
    assert "The prompts are identical, so every cell is 0." in pane.view.legend.text()
    assert "the prompts are identical" in pane.heatmap.describe(1, 1)
    assert "first differing token" not in pane.heatmap.describe(1, 1)


def test_why_there_is_no_share_has_true_minus_signs():
    assert "−0.063" in refusal(1.0, 1.063, "logit difference")
    assert "−2.000" in refusal(1.0, 3.0, "logit difference")
    assert "+0.000" not in refusal(1.0, 1.0, "logit difference")
