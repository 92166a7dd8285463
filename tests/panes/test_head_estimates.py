"""Scores of heads that take seconds are estimated first, and so marked, in the table of heads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lensgui.jobs.answers.arrays import ModelScores
from lensgui.jobs.requests import OpenModel
from lensgui.panes.heads.heads import HeadsPane
from tests import fakes
from tests.fakes import heads as fake_heads
from tests.panes.conftest import answer, tell
from tests.panes.test_heads import EDGE, listed, viewing


def test_estimates_are_marked_and_move_no_row_until_the_numbers_themselves_come(document, show):
    view = viewing(document, sort="copying", columns=("copying", "induction"))
    pane = show(HeadsPane(), 700)
    asked = pane.requests(view, EDGE)
    request, about = asked["scores"], asked["estimated scores"]
    tell(pane, "model", fakes.card(OpenModel(document.model)), request=OpenModel(document.model))
    pane.show_document(view)
    in_order = listed(pane)
    *before, exact = fake_heads.scores(request)
    tell(pane, "estimated scores", *list(fake_heads.scores(about))[-1:], request=about)
    assert "estimated so far: copying, induction" in pane.said.text()
    for found in before:
        tell(pane, "scores", found, "partial", request=request)
        assert listed(pane) == in_order
    assert pane.said.text().endswith("estimated so far: copying")
    assert pane.model.rows.text("copying", 0).startswith("≈")
    assert "from 24 tokens" in pane.model.rows.about("copying")
    tell(pane, "scores", exact, request=request)
    assert listed(pane) != in_order
    assert "estimated scores" not in pane.requests(view, EDGE)
    assert "estimated" not in pane.said.text() + pane.model.rows.about("copying")
    assert "≈" not in pane.model.rows.text("copying", 0)


def test_a_model_without_ov_matrices_says_why_nothing_copies(document, show):
    pane = answer(show(HeadsPane(), 700), document, EDGE)
    found, request = pane.answer("scores", ModelScores), pane.reply("scores").request
    nothing = np.full_like(found.measures.copying, np.nan)
    none = replace(found, measures=replace(found.measures, copying=nothing))
    tell(pane, "scores", none, request=request)
    assert "copying: this model makes values in two steps" in pane.said.text()
