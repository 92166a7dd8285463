"""What the window is told the model writes is what the library writes, before and after."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lensgui.analysis.continuation import continue_prompt
from lensgui.analysis.pairs.typed_pairs import run_prompt
from lensgui.jobs.answers.generation import Continued, Written
from lensgui.jobs.answers.readings import Token
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.questions.generation_requests import Generate, asked_of
from lensgui.jobs.request import Urgency
from lensgui.prompts.pair import PromptPair
from lensgui.terms.interventions import Intervention, Site
from tests.answering import PAIR, TOY, last

OFF = (Intervention(Site("z", 1), "zero"),)
UNDER = replace(PAIR, interventions=OFF)
DRAWN = {"temperature": 1.5, "top_k": 9, "top_p": 0.9, "seed": 4}


@pytest.fixture
def dispatcher():
    return Dispatcher(1)


def ids(written):
    return [one.token.id for one in written.tokens]


def by_hand(dispatcher, prompt, count, **settings):
    run = run_prompt(dispatcher.loaded.use(TOY), prompt)
    return list(continue_prompt(run, count, **settings))


@pytest.mark.parametrize("side", ["clean", "corrupted"])
@pytest.mark.parametrize("settings", [{}, DRAWN])
def test_both_sides_are_what_the_library_writes(dispatcher, side, settings):
    found = last(dispatcher.answer(Generate(TOY, UNDER, side, 5, **settings)))
    for written, pair in ((found.without, UNDER.plain), (found.under, UNDER)):
        expected = by_hand(dispatcher, getattr(pair, f"{side}_prompt"), 5, **settings)
        assert ids(written) == [one.token for one in expected]
        for one, other in zip(written.tokens, expected, strict=True):
            assert (one.probability, one.rank) == (other.probability, other.rank)
            assert [(of.id, share) for of, share in one.top] == list(other.top)
    assert (found.prompt, found.context) == (11, 128)
    assert found.can_go_on


def test_the_toy_goes_on_with_its_text_and_says_where_the_two_part(dispatcher):
    found = last(dispatcher.answer(Generate(TOY, UNDER, count=6)))
    assert found.without.text().startswith(" apple house river")
    pairs = list(zip(ids(found.without), ids(found.under), strict=True))
    first = next(at for at, (one, other) in enumerate(pairs) if one != other)
    assert found.differs_at == first


def test_without_interventions_there_is_one_side(dispatcher):
    off = replace(PAIR, interventions=(OFF[0].on(False),))
    beyond = replace(PAIR, interventions=(Intervention(Site("z", 9), "zero"),))
    other = replace(PAIR, interventions=(replace(OFF[0], runs="corrupted"),))
    for pair in (PAIR, off, beyond, other):
        found = last(dispatcher.answer(Generate(TOY, pair, count=3)))
        assert (found.under, found.differs_at) == (None, None)
        assert len(found.without.tokens) == 3


def test_tokens_come_one_by_one_on_both_sides_in_turn(dispatcher):
    answers = [of for of in dispatcher.answer(Generate(TOY, UNDER, count=3)) if of is not None]
    counts = [(len(of.without.tokens), len(of.under.tokens)) for of in answers]
    assert counts == [(1, 0), (1, 1), (2, 1), (2, 2), (3, 2), (3, 3), (3, 3)]


@pytest.mark.parametrize("settings", [{}, DRAWN])
@pytest.mark.parametrize("left_after", [12, 15, 30])
def test_going_on_is_as_at_once_and_runs_nothing_again(dispatcher, settings, left_after):
    request = Generate(TOY, UNDER, count=4, **settings)
    steps = dispatcher.answer(request)
    for _ in range(left_after):
        next(steps, None)
    steps.close()  # stopped, perhaps between two layers
    before = dispatcher.loaded.begun(request)
    assert before is not None
    longer = last(dispatcher.answer(replace(request, count=8)))
    assert dispatcher.loaded.begun(request) is before
    assert longer == last(Dispatcher(1).answer(replace(request, count=8)))
    # fewer tokens of what is known already are what was known then
    fewer = last(dispatcher.answer(replace(request, count=2)))
    assert fewer.under.tokens == longer.under.tokens[:2]


def test_few_are_kept_and_none_of_another_model(dispatcher):
    requests = [Generate(TOY, PAIR, count=1, temperature=1.0, seed=seed) for seed in range(3)]
    for request in requests:
        last(dispatcher.answer(request))
    assert dispatcher.loaded.begun(requests[0]) is None
    assert dispatcher.loaded.begun(requests[2]) is not None
    dispatcher.loaded._forget()
    assert dispatcher.loaded.begun(requests[2]) is None


def test_a_full_context_ends_it(dispatcher):
    pair = PromptPair(" table" * 126)
    found = last(dispatcher.answer(Generate(TOY, pair, count=9)))
    assert (len(found.without.tokens), found.without.end) == (2, "context")
    assert not found.can_go_on
    with pytest.raises(ValueError, match="takes 128: shorten it"):
        last(dispatcher.answer(Generate(TOY, PromptPair(" table" * 129))))


def test_what_does_not_matter_is_not_asked():
    asked = asked_of(Generate(TOY, replace(UNDER, metric="rank"), top_k=5, seed=9))
    assert asked == Generate(TOY, replace(UNDER, answer="", distractor=""))
    assert asked_of(Generate(TOY, PAIR, "corrupted")).pair == PromptPair("", PAIR.corrupted)
    assert asked_of(Generate(TOY, PAIR, **DRAWN)) == Generate(TOY, PromptPair(PAIR.clean), **DRAWN)
    assert asked.urgency == Urgency.SWEEP  # never before what follows keys and clicks
    assert asked.is_slow
    assert not asked.finishes


def test_half_a_character_is_no_text():
    halves = [
        Written(Token(at, "\ufffd", raw), 1.0, 1) for at, raw in enumerate((b"\xc3", b"\xa9"))
    ]
    whole = Continued((Written(Token(9, " a", b""), 1.0, 1), *halves))
    assert [whole.text(count) for count in (1, 2, 3, None)] == [" a", " a", " aé", " aé"]
