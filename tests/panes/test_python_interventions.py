"""What is copied under interventions computes what is shown, and what is shown says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lensgui.app.window.layout import PANES
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.questions.lens_requests import LensMetric
from lensgui.panes.attribution.attribution import AttributionPane
from lensgui.panes.figures import shown
from lensgui.panes.lens.lens import LensPane
from lensgui.panes.neurons.neurons import NeuronsPane
from lensgui.panes.patching.necessary_sufficient import NecessaryPane
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.patching.who_feeds import FeedersPane
from lensgui.panes.prompt.prompt import PromptPane
from lensgui.panes.python import script
from lensgui.panes.python.script import spelled
from lensgui.prompts.pair import PairRow, Prompt, Role, words_of
from lensgui.state.selection import Cursor
from lensgui.state.views import LensView
from lensgui.terms import vectors
from lensgui.terms.interventions import Intervention, Site, Vector
from lensgui.terms.kinds import SweepKind
from tests.panes.conftest import answer
from tests.panes.copying import averaging, copied, told, toy

OFF = Intervention(Site("z", 1, 1), "zero")
SOME = (
    OFF,
    Intervention(Site("mlp_out", 0), "scale", "last", 0.4),
    Intervention(Site("attn_scores", 0, 1), "knock_out", (5, 6), sources=(2,), runs="corrupted"),
    Intervention(Site("z", 0, 0), "zero", is_on=False),
)
UNDER = toy(interventions=SOME)
MEAN = (Intervention(Site("z", 1, 0), "mean"), Intervention(Site("mlp_out", 0), "mean", "last"))
MEANS = averaging(6).having(interventions=MEAN).shown
OF_ONE = replace(MEANS, is_average=False)


def moved(row, number):
    """A row with some words more in front, and names of two of its words."""
    front = " paper" * (number % 3)
    texts = {of: front + getattr(row.pair, of) for of in ("clean", "corrupted")}
    ends = [word.end() for word in words_of(texts["clean"])]
    named = Role("S", ends[2 + number % 3]), Role("end", ends[-1])
    return PairRow(replace(row.pair.plain, **texts), named)


BY_ROLE = tuple(moved(row, number) for number, row in enumerate(MEANS.table))
OF_ONE_BY_ROLE = replace(OF_ONE, table=BY_ROLE).having(clean=BY_ROLE[1].pair.clean).shown


@pytest.fixture(scope="module")
def dispatcher():
    return Dispatcher(1)


def assert_same(found, sweep):
    np.testing.assert_allclose(found, sweep.shown, atol=1e-4)


@pytest.mark.parametrize(
    "document", [UNDER, averaging(2).having(interventions=SOME[:2]), MEANS, OF_ONE]
)
@pytest.mark.parametrize("kind", [SweepKind("resid_pre"), SweepKind("z", "all")])
def test_sweeps(dispatcher, document, kind, qtbot):
    document = replace(document, kind=kind)
    names = copied(PatchingPane(), document, qtbot)
    assert_same(names["shown"], told(dispatcher, PatchingPane(), document, "sweep"))
    plainly = copied(PatchingPane(), document.having(interventions=(), reference=()), qtbot)
    assert not np.allclose(plainly["shown"], names["shown"], equal_nan=True)


def test_both_directions(dispatcher, qtbot):
    names = copied(NecessaryPane(), UNDER, qtbot)
    assert_same(names["sufficient"], told(dispatcher, NecessaryPane(), UNDER, "sufficient"))


@pytest.mark.parametrize("document", [UNDER, averaging(2).having(interventions=SOME[:2])])
def test_attribution(dispatcher, document, qtbot):
    names = copied(AttributionPane(), document, qtbot)
    parts = told(dispatcher, AttributionPane(), document, "parts")
    np.testing.assert_allclose(names["shown"], parts.values, atol=1e-4)
    assert not parts.values[1, 1]


def test_the_lens_and_the_prompt(dispatcher, qtbot):
    document = UNDER.having(lens=LensView(value="metric"))
    names = copied(LensPane(), document, qtbot)
    (name,) = (
        name
        for name, of in LensPane().requests(document, Cursor(1, 2, 10)).items()
        if isinstance(of, LensMetric)
    )
    found = told(dispatcher, LensPane(), document, name)
    np.testing.assert_allclose(
        names["shown"], found.values[:, : names["shown"].shape[1]], atol=1e-4
    )
    names = copied(PromptPane(), UNDER, qtbot)
    reading = told(dispatcher, PromptPane(), UNDER, "pair")
    assert float(names["chances"].detach().max()) == pytest.approx(
        reading.clean.top[0].probability, abs=1e-4
    )


@pytest.mark.parametrize("document", [UNDER, OF_ONE])
def test_who_feeds_a_head(dispatcher, document, qtbot):
    pane = FeedersPane()
    names = copied(pane, document, qtbot)
    assert_same(names["shown"], told(dispatcher, pane, document, "feeding"))
    totals = told(dispatcher, pane, document, "totals")
    for value, name in zip(totals.shown, totals.axes[0].labels, strict=True):
        assert names["totals"].shown[name] == pytest.approx(value, abs=1e-5)
    plain = copied(pane, document.having(interventions=(), reference=()), qtbot)
    assert not np.allclose(plain["shown"], names["shown"], equal_nan=True)


@pytest.mark.parametrize("kind", PANES)
def test_what_every_pane_copies_runs(kind, qtbot):
    document = UNDER if kind is not NeuronsPane else toy(interventions=(OFF,))
    pane = kind()
    qtbot.addWidget(pane)
    exec(pane.python(document, Cursor(1, 2, 10)), {})


@pytest.mark.parametrize("document", [OF_ONE, OF_ONE_BY_ROLE])
def test_the_prompt_under_means(dispatcher, document, qtbot):
    names = copied(PromptPane(), document, qtbot)
    reading = told(dispatcher, PromptPane(), document, "pair")
    assert float(names["chances"].detach().max()) == pytest.approx(
        reading.clean.top[0].probability, abs=1e-4
    )
    assert names["value"] == pytest.approx(reading.corrupted.metric, abs=1e-4)
    assert names["pair"].word_roles == document.pair.word_roles
    assert (document is OF_ONE) == (not names["pair"].word_roles)


@pytest.mark.parametrize("document", [MEANS, OF_ONE])
def test_attribution_under_means(dispatcher, document, qtbot):
    names = copied(AttributionPane(), document, qtbot)
    parts = told(dispatcher, AttributionPane(), document, "parts")
    np.testing.assert_allclose(names["shown"], parts.values, atol=1e-4)


def test_prompts_of_means_are_listed_once():
    marked = tuple(Prompt(text, at > 1) for at, text in enumerate("abcdefghij"))
    named = tuple(replace(of, word_roles=(Role("S", 1),) * at) for at, of in enumerate(marked))
    for reference in (marked, marked[2:], tuple(Prompt(of.text) for of in marked), named):
        rows = tuple(row.under(MEAN, reference) for row in MEANS.rows)
        code = script.rows("rows", rows, has_roles=False)
        made = {}
        exec(f"from lensgui import *\n{code}", made)
        assert made["rows"] == [replace(row, roles=()) for row in rows]
        assert code.count("'h'") == 1
    assert "reference" not in script.pair("pair", replace(UNDER.pair, reference=marked))


def test_a_caption_says_how_many_prompts_a_mean_is_over():
    first = OF_ONE.table[1].pair
    of_row = replace(OF_ONE.pair, clean=first.clean, corrupted=first.corrupted)
    told_of = [(OF_ONE.pair, 0, 12), (of_row, 0, 11), (replace(MEANS.pair, clean=""), 6, 11)]
    for pair, count, prompts in told_of:
        said = shown.told(shown.Prompts(pair, count))[-1]
        assert f"L1H0.z set to its mean over {prompts} prompts; L0.mlp_out set to its mean" in said
    unknown = shown.told(shown.Prompts(replace(OF_ONE.pair, reference=())))[-1]
    assert "set to its mean over prompts;" in unknown


def test_a_caption_says_what_is_done_to_the_model():
    for count in (0, 3):
        said = shown.told(shown.Prompts(UNDER.pair, count))
        assert said[-1] == (
            "Under interventions: L1H1.z set to 0 (off-distribution); L0.mlp_out times a number "
            "(0.4) at last; L0H1.attn_scores kept from attending to 2 at 5, 6, corrupted prompt "
            "only."
        )
        assert "Under" not in " ".join(shown.told(shown.Prompts(toy().pair, count)))


def test_an_intervention_is_spelled_as_it_is_made():
    known = {"Intervention": Intervention, "Site": Site, "Vector": Vector}
    steer = Intervention(
        Site("resid_pre", 3), "exchange", (1, 2), 0.5, Vector("a", "0"), Vector("b", "1"), seed=4
    )
    for one in (*SOME, steer, Intervention(Site("embed"), "noise", runs="corrupted")):
        assert eval(spelled(one), known) == one
    assert spelled(OFF) == "Intervention(Site('z', 1, head=1), 'zero')"


def test_the_prompt_pane_says_what_acts(show, qtbot):
    pane = answer(show(PromptPane(), 1400), UNDER)
    said = pane.remarks.label
    assert said.text().startswith("Under 3 interventions: L1H1.z set to 0")
    assert "Under 3 interventions" in said.toolTip()
    assert pane._summary.endswith("· under 3 interventions")


def test_copied_python_brings_the_vectors_that_it_names(dispatcher, qtbot, monkeypatch):
    numbers = [1.0, -1.0, 0.5, 2.0] * 16
    named = Vector("a direction", vectors.keep("a direction", numbers))
    added = Intervention(Site("resid_post", 0), "add", strength=0.5, vector=named)
    document = toy(interventions=(added, added.on(False), OFF))
    shown_there = told(dispatcher, PatchingPane(), document, "sweep")
    pane = PatchingPane()
    qtbot.addWidget(pane)
    code = pane.python(document, Cursor())
    monkeypatch.setattr(vectors, "_KEPT", {})  # another process knows none
    names: dict[str, object] = {}
    exec(code, names)
    assert code.count("keep_vector(") == 1
    assert_same(names["shown"], shown_there)
