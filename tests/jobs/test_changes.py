"""What interventions change is what is read under them, less what is read without."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lensgui.analysis.pairs.typed_pairs import read_pair
from lensgui.jobs.answers.arrays import Atlas, CellState
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.questions.activation_requests import MapModel, ReadActivation
from lensgui.jobs.questions.attribution_requests import (
    AttributeMetric,
    AttributeNeurons,
    AttributeSources,
)
from lensgui.jobs.questions.lens_requests import AverageLens
from lensgui.jobs.questions.neuron_requests import NeuronOverPrompt
from lensgui.jobs.requests import (
    AttentionFrom,
    AttentionGrid,
    AttentionHead,
    OutputNorms,
    ReadPair,
)
from lensgui.panes.head_grid.panels import numbers
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.prompts.sides import UNCHANGED, lacking, summands, unchanged
from lensgui.terms.interventions import Intervention, Site
from tests.answering import PAIR, TOY, last

SOME = (
    Intervention(Site("z", 0, 1), "scale", strength=2.5),
    Intervention(Site("mlp_out", 0), "scale", "last", 0.3),
    Intervention(Site("attn_scores", 1, 1), "knock_out", (6, 10), sources=(4,), runs="corrupted"),
)
UNDER = replace(PAIR, interventions=SOME)
TURNED = replace(UNDER, clean=UNDER.corrupted, corrupted=UNDER.clean)
ROWS = (PairRow(UNDER), PairRow(TURNED))
NONE = replace(PAIR, interventions=(SOME[0].on(False),))
SIDES = ("clean", "corrupted")
WHERE = ((0, 0), (1, 1))
ASKED = {
    "grid": lambda pair, side, rows: AttentionGrid(TOY, pair, side, rows=rows),
    "grid of writes": lambda pair, side, rows: AttentionGrid(
        TOY, pair, side, hide_first=False, rows=rows, measure="writes"
    ),
    "head": lambda pair, side, rows: AttentionHead(TOY, pair, WHERE, side, rows=rows),
    "contribution": lambda pair, side, rows: AttentionHead(
        TOY, pair, WHERE, side, "contribution", rows=rows
    ),
    "rows": lambda pair, side, rows: AttentionFrom(TOY, pair, 9, side, rows),
    "norms": lambda pair, side, rows: OutputNorms(TOY, pair, side, rows),
    "parts": lambda pair, side, rows: AttributeMetric(TOY, pair, side, rows),
    "lens": lambda pair, side, rows: AverageLens(
        TOY, pair, side, "metric", mid=True, rows=rows or (PairRow(pair),)
    ),
}
OF_ONE = {
    "sources": lambda pair, side: AttributeSources(TOY, pair, 1, 0, side),
    "stream": lambda pair, side: ReadActivation(TOY, pair, "blocks.1.hook_resid_pre", side),
    "scores": lambda pair, side: ReadActivation(
        TOY, pair, "blocks.1.attn.hook_attn_scores", side, places=(("head", 1),)
    ),
    "neuron": lambda pair, side: NeuronOverPrompt(TOY, pair, side, 1, 3),
}


@pytest.fixture(scope="module")
def dispatcher():
    return Dispatcher(1)


def read(dispatcher, request):
    answer = last(dispatcher.answer(request))
    return numbers(answer) if isinstance(answer, Atlas) else answer.values, answer


def assert_change(found, under, plain, answer):
    known = np.isfinite(found) & np.isfinite(under) & np.isfinite(plain)
    assert known.any()
    found, under, plain = (of[known] for of in (found, under, plain))
    largest = max(float(np.abs(of).max()) for of in (found, under, plain))
    off = largest / 60 if isinstance(answer, Atlas) else 2e-6  # whose numbers are bytes
    np.testing.assert_allclose(found, under - plain, atol=off, rtol=1e-5)
    assert np.abs(found).max() > 1e-3


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("rows", [(), ROWS], ids=["one pair", "a mean"])
def test_a_change_is_what_is_under_them_less_what_is_not(dispatcher, name, side, rows):
    ask = ASKED[name]
    pair = UNDER if not rows else PromptPair("", interventions=SOME)
    plainly = tuple(row.under(()) for row in rows)
    request = ask(pair, f"{side} change", rows)
    found, answer = read(dispatcher, request)
    under, _ = read(dispatcher, ask(pair, side, rows))
    plain, _ = read(dispatcher, ask(pair.plain, side, plainly))
    assert_change(found, under, plain, answer)
    assert not request.needs_equal_lengths
    fresh, _ = read(Dispatcher(1), request)
    np.testing.assert_allclose(found, fresh, atol=1e-6)
    if hasattr(answer, "is_difference"):
        assert answer.is_difference


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", OF_ONE)
def test_likewise_what_is_of_one_pair_alone(dispatcher, name, side):
    found, answer = read(dispatcher, OF_ONE[name](UNDER, f"{side} change"))
    under, of_under = read(dispatcher, OF_ONE[name](UNDER, side))
    plain, of_plain = read(dispatcher, OF_ONE[name](PAIR, side))
    assert_change(found, under, plain, answer)
    if name != "scores":
        return
    is_unseen = [of.states == CellState.MASKED for of in (of_under, of_plain)]
    np.testing.assert_array_equal(answer.states == CellState.MASKED, np.logical_and(*is_unseen))
    is_cut = np.logical_xor(*is_unseen)  # −∞ less a number is no number, and no later token
    assert is_cut.any() == (side == "corrupted")
    assert (answer.states[is_cut] == CellState.NOT_FINITE).all()


def test_what_an_mlp_adds_is_compared_neuron_by_neuron(dispatcher):
    found = last(dispatcher.answer(AttributeNeurons(TOY, UNDER, 1, "clean change")))
    parts = last(dispatcher.answer(AttributeMetric(TOY, UNDER, "clean change")))
    assert float(found.values.sum()) == pytest.approx(found.whole, abs=1e-4)
    assert found.whole == pytest.approx(float(parts.values[1, -1]), abs=1e-4)


def test_a_head_that_is_set_has_a_change_but_no_sources(dispatcher):
    pair = replace(PAIR, interventions=(Intervention(Site("z", 1, 0), "zero"),))
    parts = last(dispatcher.answer(AttributeMetric(TOY, pair, "clean change")))
    plain = last(dispatcher.answer(AttributeMetric(TOY, PAIR, "clean")))
    assert parts.values[1, 0] == pytest.approx(-plain.values[1, 0], abs=1e-5)
    with pytest.raises(ValueError, match="L1H0"):
        last(dispatcher.answer(AttributeSources(TOY, pair, 1, 0, "clean change")))


@pytest.mark.parametrize("ask", [*ASKED.values(), *OF_ONE.values()])
def test_without_interventions_there_is_nothing_to_compare_with(dispatcher, ask):
    more = ((),) if ask in ASKED.values() else ()
    for pair in (PAIR, NONE):
        with pytest.raises(ValueError, match="No intervention is on, so there is nothing"):
            last(dispatcher.answer(ask(pair, "clean change", *more)))
    other = replace(PAIR, interventions=SOME[2:])
    with pytest.raises(ValueError, match="No intervention acts on the clean prompt"):
        last(dispatcher.answer(ask(other, "clean change", *more)))
    assert last(dispatcher.answer(ask(other, "corrupted change", *more))) is not None


def test_prompts_of_other_lengths_have_changes(dispatcher):
    longer = replace(PAIR, corrupted=f" and{PAIR.corrupted}", interventions=SOME[:1])
    for side in SIDES:
        request = AttentionHead(TOY, longer, WHERE, f"{side} change")
        found, _ = read(dispatcher, request)
        assert len(found) == len(last(dispatcher.answer(replace(request, side=side))).values)


def test_a_map_is_of_the_prompt_that_is_read(dispatcher):
    found, other = (
        last(dispatcher.answer(MapModel(TOY, UNDER, 1, None, side)))
        for side in ("corrupted change", "corrupted")
    )
    assert found == other


def test_a_grid_takes_nothing_over_from_one_under_other_interventions(dispatcher):
    for pair in (PAIR, UNDER, replace(UNDER, interventions=SOME[:1]), PAIR):
        request = AttentionGrid(TOY, pair)
        expected = last(Dispatcher(1).answer(request))
        np.testing.assert_array_equal(last(dispatcher.answer(request)).values, expected.values)


def test_what_comes_next_is_told_with_what_came_before(dispatcher):
    asked = replace(UNDER, interventions=SOME[:1])
    for pair in (asked, replace(asked, metric="KL divergence"), replace(asked, corrupted="")):
        found, plain = (last(dispatcher.answer(ReadPair(TOY, of))) for of in (pair, pair.plain))
        model = dispatcher.loaded.use(TOY)
        metrics = read_pair(model, pair.plain)
        for side, metric in zip(SIDES, metrics, strict=False):
            own, before = getattr(found, side), getattr(plain, side)
            assert own.metric_before == pytest.approx(metric, abs=1e-4)
            assert own.metric_before == before.metric
            chances = {one.token.id: one.probability for one in before.top}
            shared = [one for one in own.top if one.token.id in chances]
            assert shared
            assert all(one.before == pytest.approx(chances[one.token.id]) for one in shared)
            assert before.metric_before is None
            assert all(one.before is None for one in before.top)


def test_of_a_prompt_that_none_acts_on_nothing_came_before(dispatcher):
    pair = replace(PAIR, interventions=SOME[2:])
    found = last(dispatcher.answer(ReadPair(TOY, pair)))
    assert all(one.before is None for one in found.clean.top)
    assert all(one.before is not None for one in found.corrupted.top)
    assert found.clean.metric_before == found.clean.metric


def test_a_side_says_which_prompts_it_reads():
    under, plain = UNDER, UNDER.plain
    assert summands(under, "difference") == ((1, under.clean_prompt), (-1, under.corrupted_prompt))
    for side in SIDES:
        prompts = [getattr(of, f"{side}_prompt") for of in (under, plain)]
        assert summands(under, f"{side} change") == ((1, prompts[0]), (-1, prompts[1]))
        assert summands(under, side) == ((1, prompts[0]),)
        assert not lacking(under, f"{side} change")
        assert lacking(plain, f"{side} change") == unchanged(plain, f"{side} change") == UNCHANGED
    assert lacking(replace(under, corrupted=""), "corrupted change").startswith("There is no corr")
