"""Prompts typed key by key: what earlier ones gave is not worked out again, and stays right."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from lensgui.analysis.run import rows, run
from lensgui.analysis.run.run import Run, equal_tokens
from lensgui.jobs.handlers import loaded
from lensgui.jobs.handlers.attention import answers, drawing
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.requests import AttentionGrid, Patching, ReadPair
from lensgui.state.examples import TOY, find
from lensgui.terms.kinds import RESID_PRE
from tests.answering import last

DOCUMENT = find(TOY).document
MODEL, PAIR = DOCUMENT.model, DOCUMENT.pair
WORDS = (" table", " green", " seven", " house", " table")


@pytest.fixture
def short_is_long(monkeypatch):
    """As if some tokens were a thousand: pictures are pooled, runs lie in pieces."""
    monkeypatch.setattr(drawing, "ATLAS_SIDE", 6)
    monkeypatch.setattr(drawing, "AT_ONCE", 200)
    for module in (rows, run):
        monkeypatch.setattr(module, "FEW", 3)


def typed(count: int, seed: int) -> list[str]:
    """Texts as somebody types them: mostly at the end, sometimes elsewhere, sometimes less."""
    dice, words, found = random.Random(seed), [*WORDS, *WORDS, *WORDS], []
    for _ in range(count):
        at = len(words) if dice.random() < 0.6 else dice.randrange(3, len(words))
        if dice.random() < 0.25:
            del words[at - 1]
        else:
            words.insert(at, dice.choice(WORDS))
        found.append("".join(words))
    return found


def test_prompts_kept_agree_to_the_bit_wherever_they_begin_alike(dispatcher, short_is_long):
    model = dispatcher.loaded.use(MODEL)
    prompts = [replace(PAIR, clean=text).clean_prompt for text in typed(24, seed=1)]
    kept = {id(of): of for of in (dispatcher.loaded.run(model, prompt) for prompt in prompts)}
    for of in random.Random(0).sample([*kept.values()], len(kept)):  # in any order
        of.complete()
    for one, other in combinations(kept.values(), 2):
        shared = equal_tokens(one, other)
        for layer in range(model.cfg.n_layers + 1):
            assert one.residuals[layer][:shared].equal(other.residuals[layer][:shared])


@pytest.mark.parametrize("measure", ["pattern", "scores", "values", "contribution"])
@pytest.mark.parametrize("side", ["clean", "difference"])
def test_a_grid_that_takes_over_rows_is_the_one_drawn_at_once(
    measure, side, dispatcher, short_is_long
):
    for number, text in enumerate(typed(12, seed=2)):
        pair = replace(PAIR, clean=text, corrupted=text[:-6] + " seven")
        hides = bool(number // 6)
        question = AttentionGrid(MODEL, pair, side, hide_first=hides, measure=measure)
        ours = last(dispatcher.answer(question))
        fresh = last(Dispatcher(1).answer(question))
        np.testing.assert_allclose(ours.values.astype(int), fresh.values.astype(int), atol=1)
        np.testing.assert_allclose(ours.scores, fresh.scores, atol=1e-5)
        np.testing.assert_array_equal(ours.strongest, fresh.strongest)
        assert ours.full == pytest.approx(fresh.full, rel=1e-4)
        assert [axis.labels for axis in ours.axes] == [axis.labels for axis in fresh.axes]
        if ours.ends is not None:
            np.testing.assert_allclose(ours.ends, fresh.ends, atol=1e-4)


def test_a_grid_takes_over_layers_of_several_others(short_is_long, monkeypatch):
    """Pooled, each has as many rows to give, so that only who gives them tells them apart."""
    monkeypatch.setattr(answers, "PACE_S", 0.0)
    monkeypatch.setattr(drawing, "AT_ONCE", 1 << 19)  # layers together, if they take over alike
    texts = ["".join(WORDS * 5) + word for word in WORDS[:3]]
    first, second, third = (AttentionGrid(MODEL, replace(PAIR, clean=text)) for text in texts)
    dispatcher = Dispatcher(1)
    left = dispatcher.answer(first)
    while not (dispatcher.loaded.drawn and dispatcher.loaded.drawn[0].layers):
        next(left)
    left.close()
    monkeypatch.setattr(answers, "PACE_S", 60.0)
    last(dispatcher.answer(second))
    assert [len(of.layers) for of in dispatcher.loaded.drawn] == [1, 2]
    ours, fresh = (last(each.answer(third)) for each in (dispatcher, Dispatcher(1)))
    np.testing.assert_allclose(ours.values.astype(int), fresh.values.astype(int), atol=1)
    np.testing.assert_allclose(ours.scores, fresh.scores, atol=1e-5)


def test_only_new_rows_are_drawn_even_after_a_grid_that_was_left(dispatcher, monkeypatch):
    asked = []
    patterns = Run.patterns

    def noted(self, layer, groups, start=0):
        asked.append((layer, start))
        return patterns(self, layer, groups, start)

    monkeypatch.setattr(Run, "patterns", noted)
    texts = ["".join(WORDS * 4) + "".join(WORDS[:more]) for more in range(4)]
    last(dispatcher.answer(AttentionGrid(MODEL, replace(PAIR, clean=texts[0]))))
    assert {start for _, start in asked} == {0}
    asked.clear()
    last(dispatcher.answer(AttentionGrid(MODEL, replace(PAIR, clean=texts[1]))))
    assert asked == [(0, 20), (1, 20)]
    asked.clear()
    last(dispatcher.answer(AttentionGrid(MODEL, replace(PAIR, clean=texts[1]))))
    assert asked == [(0, 20), (1, 20)], "of the same prompt the last row is drawn again"
    left = dispatcher.answer(AttentionGrid(MODEL, replace(PAIR, clean=texts[2])))
    while (1, 21) not in asked and (0, 21) not in asked:
        next(left)
    left.close()
    asked.clear()
    last(dispatcher.answer(AttentionGrid(MODEL, replace(PAIR, clean=texts[3]))))
    assert sorted(asked) in ([(0, 22), (1, 22)], [(0, 22), (1, 21)])


def test_a_pair_typed_key_by_key_is_swept_like_one_opened_at_once(dispatcher, short_is_long):
    clean, corrupted = "".join(WORDS * 4), "".join(WORDS * 2) + " house" + "".join(WORDS * 2)[6:]
    for stop in (15, 26, 30, 44, 58, 80, 99, len(clean)):
        part = replace(PAIR, clean=clean[:stop], corrupted=corrupted[:stop])
        last(dispatcher.answer(ReadPair(MODEL, part)))
    pair = replace(PAIR, clean=clean, corrupted=corrupted, answer=" green", distractor=" seven")
    ours, fresh = (
        last(each.answer(Patching(MODEL, pair, RESID_PRE))) for each in (dispatcher, Dispatcher(1))
    )
    np.testing.assert_array_equal(ours.states, fresh.states)
    np.testing.assert_array_equal(ours.values == 0, fresh.values == 0)
    np.testing.assert_allclose(ours.values, fresh.values, atol=2e-5)


def test_a_long_prompt_that_was_left_is_not_run_for_its_first_token(dispatcher, monkeypatch):
    monkeypatch.setattr(loaded, "SHORT", 4)
    model, begun = dispatcher.loaded.use(MODEL), "".join(WORDS * 8)
    left = dispatcher.loaded.run(model, replace(PAIR, clean=begun).clean_prompt)
    other = WORDS[0] + "".join(WORDS[1:2] * 6)
    dispatcher.loaded.run(model, replace(PAIR, clean=other).clean_prompt).complete()
    assert left.known_layers == 0
    alike = begun.replace(" house", " river", 1)[: 30 * 6]
    more = dispatcher.loaded.run(model, replace(PAIR, clean=begun + alike).clean_prompt)
    more.complete()
    assert left.is_complete, "of the same beginning it is taken over"
    assert more.start == len(left.tokens)


def test_what_an_error_ended_is_run_anew(dispatcher, monkeypatch):
    model = dispatcher.loaded.use(MODEL)
    with monkeypatch.context() as patched:
        patched.setattr(model.blocks[1], "mlp_half", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            last(dispatcher.answer(ReadPair(MODEL, PAIR)))
    assert last(dispatcher.answer(ReadPair(MODEL, PAIR))).complete
