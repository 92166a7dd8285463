"""Each number of the inspector has a name of its own, which says what it is of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lensgui.jobs.answers.arrays import CellState
from lensgui.jobs.requests import (
    AttentionGrid,
    AttentionHead,
    HeadRoles,
    Patching,
    ReadHead,
    WhoFeeds,
)
from lensgui.panes.inspector.inspector import InspectorPane
from lensgui.panes.inspector.numbers import EXTENTS
from lensgui.panes.sweep_view.cells import cell_words
from lensgui.panes.token_text import signed
from lensgui.prompts.pair import PairRow
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import SweepKind
from lensgui.terms.scores import PROMPT_SCORES
from tests import fakes
from tests.answering import last
from tests.panes.conftest import PAIR, answer

EDGE = Cursor(2, 1, 3, 0)
HEADS = SweepKind("z", "all")
OTHER = replace(PAIR, clean="When Paul and Mary went")
ROWS = (PairRow(PAIR), PairRow(OTHER))


@pytest.fixture
def pane(document, show):
    return answer(show(InspectorPane(), 340, 700), document, EDGE)


def said(pane):
    """What stands before and after each line's colon."""
    lines = [label.text() for label in pane.numbers.labels if not label.isHidden()]
    return dict(line.split(": ", 1) for line in lines)


def averaging(document):
    return document.having(table=ROWS, is_average=True)


def test_a_kept_sweep_is_named_as_such(pane, document, hear):
    model = document.model
    now, then = Patching(model, PAIR, HEADS), Patching(model, OTHER, HEADS)
    sweeps = [
        hear(pane, now, "Activation patching", "sweep"),
        hear(pane, then, "Activation patching", "kept"),
    ]
    what = "head's output at all positions, restore"
    assert said(pane) == {
        what: cell_words(sweeps[0], 2, 1),
        f"{what}, A (kept, “{OTHER.clean}”)": cell_words(sweeps[1], 2, 1),
    }
    assert OTHER.clean in pane.numbers.labels[1].toolTip()
    other = hear(pane, replace(now, direction="noising"), "Activation patching", "kept")
    name = "head's output at all positions, break, A (kept)"
    assert said(pane)[name] == cell_words(other, 2, 1)
    hear(pane, now, "Activation patching", "kept")
    assert list(said(pane)) == [what]  # A is what is shown


def test_kinds_that_differ_by_extent_alone_have_different_names(pane, document, hear):
    for number, extent in enumerate(EXTENTS):
        place = {"layer": 2, "head": 1} if extent == "edge" else {}
        kind = SweepKind("pattern", extent)
        hear(pane, Patching(document.model, PAIR, kind, **place), f"Patching {number}", "sweep")
    assert len(said(pane)) == len(EXTENTS)
    pane.show_cursor(replace(EDGE, head=2))
    assert len(said(pane)) == len(EXTENTS) - 1  # edges are one head's


def test_an_exact_number_replaces_an_estimate_of_another_pane(pane, document, hear):
    request = Patching(document.model, PAIR, HEADS)
    sweep = last(fakes.FakeAnswerer().answer(request))
    estimate = replace(sweep, states=np.full_like(sweep.states, CellState.ESTIMATE))
    exact = replace(request, is_estimated=False)
    hear(pane, request, "Activation patching", "sweep", estimate)
    hear(pane, exact, "Necessary or sufficient", "sufficient", sweep)
    assert list(said(pane).values()) == [cell_words(sweep, 2, 1)]


def test_a_path_says_its_ends_its_unit_and_its_share(pane, document, hear):
    found = hear(pane, WhoFeeds(document.model, PAIR, ((4, 0),)), "Who feeds it", "feeding")
    assert said(pane) == {
        "path L2H1 → L4H0.q": cell_words(found, 2, 1),
        "path L2 MLP → L4H0.q": cell_words(found, 2, fakes.HEADS),
    }
    assert cell_words(found, 2, 1).startswith("restores ")
    assert " logits" in cell_words(found, 2, 1)
    pane.show_cursor(Cursor(2))
    assert list(said(pane)) == ["path L2 MLP → L4H0.q"]
    pane.show_cursor(Cursor(5, 1))
    assert said(pane) == {}  # it does not come before the receiver


def test_a_heads_attribution_and_ablation_are_said(pane, document, hear):
    found = hear(pane, HeadRoles(document.model, PAIR), "Necessary or sufficient", "roles")
    assert said(pane) == {
        "direct attribution at the last position": f"{signed(found.attribution[2, 1])} logits",
        "mean ablation over 2 prompts": f"{signed(found.ablation[2, 1])} logits",
    }
    ablation = np.full_like(found.ablation, np.nan)
    unknown = replace(found, attribution=None, ablation=ablation)
    hear(pane, HeadRoles(document.model, PAIR), "Necessary or sufficient", "roles", unknown)
    assert said(pane) == {}


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "attention, clean"),
        ({"side": "corrupted"}, "attention, corrupted"),
        ({"side": "difference"}, "attention, clean − corrupted"),
        ({"measure": "writes"}, "attention × ‖value W_O‖, clean"),
        ({"measure": "contribution"}, "contribution to the logit difference, clean"),
        ({"rows": ROWS}, "attention, clean, mean of 2 pairs"),
    ],
)
def test_what_attention_shows_of_the_edge_is_said(pane, document, options, name, hear):
    request = AttentionHead(document.model, PAIR, ((2, 1),), **options)
    found = hear(pane, request, "Attention", "head")
    value = float(found.values[3, 0])
    words = signed(value) if found.is_signed else f"{value:.3f}"
    assert said(pane) == {name: words + " logits" * (found.measure == "contribution")}
    for cursor in (replace(EDGE, head=2), replace(EDGE, source=None), replace(EDGE, source=4)):
        pane.show_cursor(cursor)
        assert said(pane) == {}


def test_an_edge_of_several_heads_is_said_to_be_their_mean(pane, document, hear):
    hear(pane, AttentionHead(document.model, PAIR, ((2, 1), (4, 2))), "Attention", "head")
    assert list(said(pane)) == ["attention, clean, mean of 2 heads"]


def test_while_averaging_every_line_says_what_it_is_of(pane, document, hear):
    many = averaging(document)
    pane.show_document(many)
    model = document.model
    for number, request in enumerate(
        (
            Patching(model, many.asked, HEADS, rows=ROWS),
            Patching(model, many.asked, SweepKind("resid_pre"), rows=ROWS),
            AttentionHead(model, many.asked, ((2, 1),), rows=ROWS),
            WhoFeeds(model, PAIR, ((4, 0),)),
            HeadRoles(model, PAIR),
        )
    ):
        hear(pane, request, f"Pane {number}")
    lines = said(pane)
    assert len(lines) == 7
    means = [name for name, words in lines.items() if "mean of 2 pairs" in name + words]
    alone = [name for name in lines if name.endswith(", this pair")]
    assert len(means) == 3
    assert len(alone) == 4
    assert not pane.alone.isHidden()
    pane.show_document(document)
    assert not any(", this pair" in name for name in said(pane))
    assert pane.alone.isHidden()


@pytest.mark.parametrize(
    ("side", "rows", "of"),
    [
        ("clean", (), "clean"),
        ("corrupted", (), "corrupted"),
        ("difference", (), "clean − corrupted"),
        ("clean", ROWS, "clean, mean of 2 pairs"),
    ],
)
def test_the_head_card_has_the_grids_scores(pane, document, side, rows, of, hear):
    assert pane.scores.isHidden()
    request = AttentionGrid(document.model, PAIR, side, rows=rows)
    atlas = hear(pane, request, "Attention", "grid")
    assert pane.scores.heading.text() == f"Head scores, {of}"
    text = pane.scores.scores.text()
    for name, value in zip(PROMPT_SCORES[1:], atlas.scores[1:, 2, 1], strict=True):
        number = signed(float(value), 2) if side == "difference" else f"{value:.2f}"
        assert f"{name} {number}" in text
    assert text.endswith("‘·went’ (4) → ‘·and’ (2)")
    pane.show_cursor(Cursor(2, None, 3))
    assert pane.scores.isHidden()
    pane.show_cursor(EDGE)
    hear(pane, request, "Attention", "grid", status="waiting")  # asked anew: dimmed, in its place
    assert not pane.scores.isHidden()
    assert pane.scores.is_stale
    pane.show_cursor(Cursor(1, 1, 3))
    assert pane.scores.is_stale  # another head's are as old
    pane.show_cursor(EDGE)
    hear(pane, request, "Attention", "grid", atlas)
    assert not pane.scores.is_stale
    part = replace(atlas, layers=1)  # layers come and come: nothing is said before all are known
    before = pane.scores.scores.text()
    hear(pane, request, "Attention", "grid", part, "partial")
    assert pane.scores.scores.text() == before
    pane.show_all({})
    assert pane.scores.isHidden()


def test_cells_of_several_positions_name_no_token(pane, document, hear):
    request = AttentionGrid(document.model, PAIR)
    atlas = last(fakes.FakeAnswerer().answer(request))
    pooled = tuple(
        replace(axis, coordinates=tuple(2 * at for at in axis.coordinates))
        for axis in atlas.axes[2:]
    )
    wide = replace(atlas, axes=(*atlas.axes[:2], *pooled))
    hear(pane, request, "Attention", "grid", wide)
    assert pane.scores.scores.text().endswith(": (4) → (2)")


def test_without_a_position_a_head_is_read_at_the_last(document, show):
    pane = show(InspectorPane(), 340, 700)
    altered = []
    pane.altered.connect(lambda: altered.append(True))
    answer(pane, document, Cursor(2, 1))
    assert altered == [True]  # once: only then is the last position known
    place = "L2H1, position 4 ‘·went’ (the last, as none is selected)"
    assert pane.place.text() == place
    asked = pane.requests(document, Cursor(2, 1))
    assert asked["head"] == ReadHead(document.model, PAIR, 2, 1, 4)
    assert set(asked) == {"pair", "head", "mlp", "lens"}
    assert "edge" in pane.requests(document, Cursor(2, 1, None, 0))
    assert set(pane.requests(document, Cursor(2))) == {"pair", "mlp", "lens"}
    assert set(pane.requests(document, Cursor())) == {"pair"}
    longer = document.having(clean="When John and Mary went to")
    assert set(pane.requests(longer, Cursor(2, 1))) == {"pair"}  # of another prompt
    pane.show_document(longer)
    assert pane.place.text() == "L2H1"
