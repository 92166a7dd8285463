"""What the patching lab's panes copy computes what they show, on the toy model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lensgui.panes.patching.necessary_sufficient import NecessaryPane
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.patching.who_feeds import FeedersPane
from lensgui.state.document import Document, SweepChoice
from lensgui.state.views import FeedersView, PatchingView
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metrics import METRICS
from tests.panes.conftest import tell
from tests.panes.copying import PLACE, averaging, copied, drawn, told, toy

PAIR = toy().pair
TURNED = {"clean": PAIR.corrupted, "corrupted": PAIR.clean}
PAIRS: dict[str, Document] = {
    "typed": toy(),
    "nothing typed": toy(answer="", distractor=""),
    "no answer": toy(answer="", distractor=" apple"),
    "no distractor": toy(distractor=""),
    "a set": toy(answer=" apple| book| apple", distractor=" stone|| nine"),
    "a token in front": toy(bos=" paper"),
    "wrong sign": toy(**TURNED),
    "noise": toy(answer=" day", metric="probability"),
    "rank, nothing typed": toy(answer="", distractor=" apple", metric="rank"),
    **{name: toy(metric=name) for name in METRICS},
}
MEANS = {
    "mean": averaging(),
    "mean, by role": averaging(are_unequal=True),
    "mean, wrong sign": averaging(is_turned=True),
    "mean rank": averaging().having(metric="rank"),
    "mean probability of sets": replace(
        averaging(1),
        pair=replace(PAIR, metric="probability"),
        table=tuple(
            replace(row, pair=replace(row.pair, answer=f"{row.pair.answer}| day"))
            for row in averaging(2).table
        ),
    ),
}
REFUSED = {"no answer", "wrong sign", "noise", "mean, wrong sign"}
DOCUMENTS = PAIRS | MEANS


def assert_same(found, sweep):
    np.testing.assert_allclose(found.numpy(), drawn(sweep), atol=1e-5)


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("kind", [SweepKind("resid_pre"), SweepKind("z", "all")])
def test_patching_of_every_state(name, kind, dispatcher, qtbot):
    pane, document = PatchingPane(), replace(DOCUMENTS[name], kind=kind, direction="noising")
    names = copied(pane, document, qtbot)
    sweep = told(dispatcher, pane, document, "sweep")
    assert bool(sweep.refusal) == (name in REFUSED)
    assert bool(names["result"].refusal) == (name in REFUSED)
    assert_same(names["shown"], sweep)


@pytest.mark.parametrize("name", ["z", "q", "k", "v", "pattern"])
@pytest.mark.parametrize("document", [toy(), averaging(2)])
def test_heads_by_position(dispatcher, name, document, qtbot):
    pane, document = PatchingPane(), replace(document, kind=SweepKind(name))
    assert_same(copied(pane, document, qtbot)["shown"], told(dispatcher, pane, document, "sweep"))


@pytest.mark.parametrize("name", ["typed", "nothing typed", "wrong sign"])
def test_edges_of_a_head(name, dispatcher, qtbot):
    kind = SweepKind("pattern", "edge")
    document = replace(DOCUMENTS[name], kind=kind, direction="noising")
    pane = PatchingPane()
    names = copied(pane, document, qtbot)
    assert names["result"].values[1, 3].isnan().any()  # other heads' edges are not run
    assert_same(names["shown"], told(dispatcher, pane, document, "sweep"))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_both_directions(name, dispatcher, qtbot):
    pane, document = NecessaryPane(), DOCUMENTS[name]
    names = copied(pane, document, qtbot)
    assert_same(names["sufficient"], told(dispatcher, pane, document, "sufficient"))
    assert_same(-names["necessary"], told(dispatcher, pane, document, "necessary"))


@pytest.mark.parametrize("input_", ["q", "k", "v"])
@pytest.mark.parametrize("name", ["typed", "nothing typed", "a set", "wrong sign", "mean"])
def test_who_feeds_a_head(name, input_, dispatcher, qtbot):
    pane, document = FeedersPane(), DOCUMENTS[name].having(kind=SweepKind(input_, "all"))
    names = copied(pane, document, qtbot)
    feeding = told(dispatcher, pane, document, "feeding")
    assert_same(names["shown"], feeding)
    share = 1 if feeding.refusal else feeding.clean - feeding.corrupted
    assert names["embedding"] == pytest.approx(feeding.embedding / share, abs=1e-5)
    assert np.isfinite(feeding.values[0, :4]).all()
    totals = told(dispatcher, pane, document, "totals")
    for value, name in zip(totals.shown, totals.axes[0].labels, strict=True):
        assert names["totals"].shown[name] == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize("hears", [False, True])
def test_who_feeds_a_set_of_heads(hears, dispatcher, qtbot):
    pane, cursor = FeedersPane(), replace(PLACE, heads=((0, 1), (1, 0), (1, 2)))
    document = toy(feeders=FeedersView(hear_each_other=hears))
    names = copied(pane, document, qtbot, cursor)
    assert names["heads"] == [(0, 1), (1, 0), (1, 2)]
    assert_same(names["shown"], told(dispatcher, pane, document, "feeding", cursor))


@pytest.mark.parametrize("a", ["typed", "wrong sign", "nothing typed", "mean"])
@pytest.mark.parametrize("b", ["typed", "a set", "wrong sign", "mean, wrong sign"])
@pytest.mark.parametrize("side", ["A", "B", "A − B"])
def test_the_side_that_is_shown(a, b, side, dispatcher, qtbot):
    pane = PatchingPane()
    kept = replace(DOCUMENTS[a], direction="noising").patching()
    document = replace(DOCUMENTS[b], kept=kept)
    document = show_side(pane, document, side, dispatcher, qtbot)
    np.testing.assert_allclose(
        copied(pane, document, qtbot)["shown"].numpy(), drawn(pane.view.face), atol=1e-5
    )


@pytest.mark.parametrize("document", [toy(), averaging(2)])
@pytest.mark.parametrize("side", ["A", "A − B"])
def test_a_sweep_of_the_present_prompts_is_a(document, side, dispatcher, qtbot):
    pane = PatchingPane()
    a = SweepChoice(SweepKind("pattern", "all"), "noising")
    document = replace(document, kind=SweepKind("z", "all"), kept=toy().patching(), against=a)
    document = show_side(pane, document, side, dispatcher, qtbot, "against")
    assert_same(copied(pane, document, qtbot)["shown"], pane.view.face)


@pytest.mark.parametrize("other", [SweepKind("z", "all"), SweepKind("pattern", "edge")])
def test_what_cannot_be_subtracted_is_b_as_it_is_drawn(other, dispatcher, qtbot):
    pane = PatchingPane()
    document = replace(toy(), kept=replace(toy(), kind=other).patching())
    kept = document.kept
    if other.extent == "edge":
        document = replace(document, kept=replace(kept, layer=1, head=3))
    document = show_side(pane, document, "A − B", dispatcher, qtbot)
    assert_same(copied(pane, document, qtbot)["shown"], pane.sweep)


def test_edges_of_two_heads_are_subtracted(dispatcher, qtbot):
    pane, kind = PatchingPane(), SweepKind("pattern", "edge")
    document = replace(toy(), kind=kind)
    kept = replace(document.patching(), layer=1, head=3)
    document = replace(document, kept=kept)
    document = show_side(pane, document, "A − B", dispatcher, qtbot)
    assert_same(copied(pane, document, qtbot)["shown"], pane.view.face)


def show_side(pane, document, side, dispatcher, qtbot, name_of_a="kept"):
    """Let a pane draw A, B or their difference; return the document that says so."""
    qtbot.addWidget(pane)
    document = document.having(patching=PatchingView(side))
    pane.show_document(document)
    pane.show_cursor(PLACE)
    for name in ("sweep", name_of_a) if side != "B" else ("sweep",):
        tell(pane, name, told(dispatcher, pane, document, name))
    return document


def test_a_mean_without_answers_is_refused_in_the_same_words(dispatcher, qtbot):
    document = averaging()
    table = tuple(replace(row, pair=replace(row.pair, answer="")) for row in document.table)
    pane, document = PatchingPane(), replace(document, table=table)
    with pytest.raises(ValueError, match="needs an answer") as shown:
        told(dispatcher, pane, document, "sweep")
    with pytest.raises(ValueError, match="needs an answer") as said:
        copied(pane, document, qtbot)
    assert str(said.value) == str(shown.value)


@pytest.mark.parametrize("kind", [PatchingPane, NecessaryPane, FeedersPane])
def test_an_answer_of_several_tokens_is_read_whole(kind, dispatcher, qtbot):
    """The panes refuse it, the library does not: both ends are what the prompt pane shows."""
    pane = PatchingPane()
    qtbot.addWidget(pane)
    document = toy(answer=" apple house", metric="log-probability")
    reading = told(dispatcher, pane, document, "pair")
    names = copied(kind(), document, qtbot)
    read = reading.clean.metric, reading.corrupted.metric
    ends = names.get("result") or names.get("restored") or names["scores"]
    assert (ends.clean, ends.corrupted) == pytest.approx(read, abs=1e-5)
    if kind is PatchingPane:  # the stream of the clean prompt, at once, is the clean run
        assert names["shown"].shape == (2, 11)
        assert float(names["shown"].max()) == pytest.approx(1.0, abs=0.1)
