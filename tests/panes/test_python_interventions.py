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
from lensgui.panes.python.script import spelled
from lensgui.state.selection import Cursor
from lensgui.state.views import LensView
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


@pytest.fixture(scope="module")
def dispatcher():
    return Dispatcher(1)


def assert_same(found, sweep):
    np.testing.assert_allclose(found, sweep.shown, atol=1e-4)


@pytest.mark.parametrize("document", [UNDER, averaging(2).having(interventions=SOME[:2])])
@pytest.mark.parametrize("kind", [SweepKind("resid_pre"), SweepKind("z", "all")])
def test_sweeps(dispatcher, document, kind, qtbot):
    document = replace(document, kind=kind)
    names = copied(PatchingPane(), document, qtbot)
    assert_same(names["shown"], told(dispatcher, PatchingPane(), document, "sweep"))
    plainly = copied(PatchingPane(), document.having(interventions=()), qtbot)
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


@pytest.mark.parametrize("kind", [of for of in PANES if of is not FeedersPane])
def test_what_every_pane_copies_runs(kind, qtbot):
    document = UNDER if kind is not NeuronsPane else toy(interventions=(OFF,))
    pane = kind()
    qtbot.addWidget(pane)
    exec(pane.python(document, Cursor(1, 2, 10)), {})


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
