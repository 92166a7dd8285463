from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from lensgui.jobs.answers.arrays import CellState
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.figures.shown import Context, Prompts, figure, told
from lensgui.panes.inspector.inspector import InspectorPane
from lensgui.panes.pairs.pair_table import PairTablePane
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.patching.who_feeds import FeedersPane
from lensgui.panes.prompt.prompt import PromptPane
from lensgui.terms.kinds import SweepKind
from tests.panes.conftest import PAIR, answer
from tests.panes.figures.panes import OPENED, figures, opened


def test_a_mean_says_over_how_many_pairs_and_names_none(tabled, show):
    averaged = tabled.having(is_average=True)
    pane = opened(PatchingPane, averaged, show)
    _, made = figures(pane, averaged)[0]
    assert "Mean over 2 prompt pairs" in made.caption
    assert PAIR.clean not in made.caption
    about = json.dumps(made.provenance.as_json())
    assert PAIR.clean not in about
    assert '"rows": 2' in about


@pytest.mark.parametrize("kind", [PromptPane, InspectorPane, FeedersPane])
def test_what_never_averages_tells_its_pair(tabled, show, kind):
    averaged = tabled.having(is_average=True)
    pane = opened(kind, averaged, show)
    for _, made in figures(pane, averaged):
        assert f"Clean: “{PAIR.clean}”" in made.caption
        assert "Mean over" not in made.caption
        assert made.provenance.as_json()["requests"]


def test_a_table_tells_no_pair_beside_it(tabled, show):
    pane = opened(PairTablePane, tabled, show)
    (_, made) = figures(pane, tabled)[0]
    assert made.caption.startswith("2 prompt pairs and their logit difference. Model:")
    assert "Clean:" not in made.caption


def test_each_side_of_a_comparison_tells_its_own_prompts(document, show):
    other = document.having(clean="X y z", corrupted="X y w", answer=" p", distractor=" r")
    both = document.having(kept=other.patching(SweepKind("z", "all"), "noising"))
    captions, asked = {}, {}
    for side in ("A", "B", "A − B"):
        chosen = both.having(patching=replace(both.views.patching, side=side))
        pane = opened(PatchingPane, chosen, show)
        (_, made) = figures(pane, chosen)[0]
        captions[side], asked[side] = made.caption, json.dumps(made.provenance.as_json())
    of_a, of_b = "Clean: “X y z”", f"Clean: “{PAIR.clean}”"
    assert of_a in captions["A"]
    assert of_b not in captions["A"]
    assert PAIR.clean not in asked["A"]
    assert of_b in captions["B"]
    assert "X y z" not in captions["B"] + asked["B"]


def test_a_difference_tells_both_sweeps(document, show):
    kept = document.having(direction="noising").patching()
    view = replace(document.views.patching, side="A − B")
    chosen = document.having(kept=kept, patching=view)
    (_, made) = figures(opened(PatchingPane, chosen, show), chosen)[0]
    assert made.title == "Activation patching: A − B"
    for name, direction in (("A", "noising"), ("B", "denoising")):
        assert f"{name}: residual stream before attention, {direction}. Clean: “" in made.caption


def test_edges_are_those_of_a_head_that_is_named(document, show):
    edges = document.having(kind=SweepKind("pattern", "edge"))
    (_, made) = figures(opened(PatchingPane, edges, show), edges)[0]
    assert made.title == "Activation patching: edges of L2H1"
    assert "selected" not in made.caption


def test_signs_on_cells_are_told_where_there_are_some(document, show):
    pane = opened(PatchingPane, document, show)
    context = Context(document, pane.card, {})
    panel = pane.shown()[0].panels[0]
    whole = np.full_like(panel.picture.states, CellState.EXACT)
    for state, words in (
        (CellState.ESTIMATE, "Pale, with a dot where there is room: estimates."),
        (CellState.UNKNOWN, "Hatched or chequered: not computed."),
        (CellState.NOT_FINITE, "Crossed: not a finite number."),
    ):
        states = whole.copy()
        for is_there in (False, True):
            states[1, 1] = state if is_there else CellState.EXACT
            cells = replace(panel, picture=replace(panel.picture, states=states))
            made = figure("A", replace(pane.shown()[0], panels=(cells,)), context)
            assert (words in made.caption) is is_there


def test_what_is_read_is_named_by_where_it_is_read(document, show):
    said = {
        shown.name: made.caption
        for shown, made in figures(opened(InspectorPane, document, show), document)
    }
    assert said["MLP"].startswith("What the MLP writes at L2, position")
    assert "Read at position" in said["logit lens"]
    assert "source" not in said["logit lens"] + said["MLP"] + said["head"]
    assert all(", on the clean prompt" in words for words in said.values())


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ({"measure": "writes"}, "Attention × ‖value W_O‖ of L2H1, the clean prompt: rows are"),
        ({"head_hides_first": True}, "position 0 is left out, the rest of each row adds up to 1:"),
        ({"drawing": "lines"}, "the clean prompt: lines below 10 % of the scale are left out."),
        ({"drawing": "text"}, "the clean prompt: what ‘"),
    ],
)
def test_a_head_is_told_as_it_is_drawn(document, show, view, words):
    chosen = document.having(attention=replace(document.views.attention, **view))
    (_, made) = figures(opened(AttentionPane, chosen, show), chosen)[0]
    assert words in made.caption


def test_heads_that_are_averaged_are_all_named(document, show):
    pane = show(AttentionPane())
    heads = replace(OPENED, heads=((1, 2), (2, 1)))
    for _ in range(3):
        answer(pane, document, heads)
    assert "mean of 2 heads (L1H2, L2H1)" in pane.shown()[0].says


def test_spaces_and_line_breaks_of_prompts_are_seen():
    pair = replace(PAIR, clean=" a  b\nc\td", corrupted="", answer=" Mary", distractor="")
    assert told(Prompts(pair)) == [
        "Clean: “·a··b⏎c⇥d”.",
        "Answer “·Mary”; metric: logit difference.",
    ]
    assert told(Prompts(replace(pair, answer="")))[-1].startswith("Answer: the likeliest token;")
