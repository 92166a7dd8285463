"""What is copied and told of the run up to a written token is what is shown of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lensgui.jobs.answers.arrays import CellState
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.figures import shown
from lensgui.panes.generation.generation import WRITTEN, GenerationPane
from lensgui.panes.lens.lens import LensPane
from lensgui.state.selection import Cursor
from lensgui.state.views import AttentionView, GenerationView, LensView
from lensgui.terms.interventions import Intervention, Site
from tests.answering import last
from tests.panes.conftest import PAIR, answer, tell
from tests.panes.copying import copied, toy

ZERO = Intervention(Site("z", 1, 0), "zero", "last")
PATCH = Intervention(Site("z", 0, 1), "resample", (5,))


@pytest.fixture(scope="module")
def dispatcher():
    return Dispatcher(1)


@pytest.fixture
def following(dispatcher, qtbot):
    """The toy as panes show it that follow the third token of a text, and the cursor there."""

    def follow(of, side, **changes):
        listed = (ZERO, PATCH)
        document = toy(interventions=listed, generation=GenerationView(side), **changes)
        pane, said = GenerationPane(), []
        qtbot.addWidget(pane)
        pane.followed.connect(said.append)
        pane.show_document(document)
        request = pane.requests(document, Cursor())[WRITTEN]
        tell(pane, WRITTEN, last(dispatcher.answer(request)), request=request)
        pane._select(of, 2)
        (one,) = said
        return one.document(document.shown), one.cursor(Cursor(1, 2))

    return follow


@pytest.mark.parametrize("side", ["clean", "corrupted"])
@pytest.mark.parametrize("of", [0, 1])
def test_copied_python_computes_attention_up_to_the_token(following, dispatcher, of, side, qtbot):
    document, cursor = following(of, side)
    assert len(document.pair.more) == 3
    pane = AttentionPane()
    found = last(dispatcher.answer(pane.requests(document, cursor)["head"]))
    names = copied(pane, document, qtbot, cursor)
    seen = found.states == CellState.EXACT
    np.testing.assert_allclose(names["shown"].numpy()[seen], found.values[seen], atol=1e-5)


OF_VIEW = {
    "metric": lambda found: found.values,
    "probability": lambda found: np.exp(found.chosen_log_probs[..., 0]),
    "entropy": lambda found: found.entropy,
}


@pytest.mark.parametrize("side", ["clean", "corrupted"])
@pytest.mark.parametrize("value", OF_VIEW)
def test_copied_python_reads_the_lens_up_to_the_token(following, dispatcher, side, value, qtbot):
    document, cursor = following(1, side, lens=LensView(value))
    pane = LensPane()
    name = f"metric {side}" if value == "metric" else side
    found = last(dispatcher.answer(pane.requests(document, cursor)[name]))
    names = copied(pane, document, qtbot, cursor)
    np.testing.assert_allclose(names["shown"], OF_VIEW[value](found), atol=1e-4)


def test_ranks_by_patching_stay_those_of_the_prompt(following):
    document, cursor = following(1, "clean", attention=AttentionView(score="restores"))
    plain, pane = replace(document, pair=document.pair.typed), AttentionPane()
    assert pane.requests(document, cursor)["rank"] == pane.requests(plain, cursor)["rank"]


def test_a_caption_says_how_much_is_written():
    for more, words in (((5,), "1 written token"), ((5, 6), "2 written tokens")):
        clean, corrupted, *_ = shown.told(shown.Prompts(replace(PAIR, more=more)))
        assert clean == f"Clean: “{PAIR.clean}” and {words}."
        assert corrupted == f"Corrupted: “{PAIR.corrupted}”."
        behind = replace(PAIR, more=more, more_behind="corrupted")
        clean, corrupted, *_ = shown.told(shown.Prompts(behind))
        assert clean == f"Clean: “{PAIR.clean}”."
        assert corrupted == f"Corrupted: “{PAIR.corrupted}” and {words}."


def test_an_old_text_is_not_followed(document, show):
    pane, said = answer(show(GenerationPane()), document), []
    pane.followed.connect(said.append)
    pane._select(0, 1)
    pane.show_document(document.having(answer=" other"))
    assert len(said) == 1
    pane.show_document(document.having(interventions=(ZERO,)))
    assert said[1:] == [None]
    pane.show_document(document)
    assert said[2:] == said[:1]
    pane.let_go()
    assert said[3:] == [None]
    pane.let_go()
    assert len(said) == 4
