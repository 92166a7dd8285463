"""The answerer shows tokens and takes answers as every scheme of vocabulary means them."""

from __future__ import annotations

import pytest

from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.requests import FindTokens, Patching, ReadPair
from lensgui.panes.token_text import names, spell
from lensgui.prompts.pair import Prompt, PromptPair
from lensgui.terms.model_key import ModelKey
from tests.answering import last
from tests.transformer.test_vocabularies import model_of
from tests.transformer.vocabularies import byte_level, llama, metaspace

KEY = ModelKey("memory:small", device="cpu")
PAIR = PromptPair("When John 🙂 gave Mary", "When Mary 🙂 gave Mary", " Mary", " John")
EMOJI = ["<0xF0>", "<0x9F>", "<0x99>", "<0x82>"]


@pytest.fixture(params=["llama", "metaspace", "byte level"])
def answerer(request) -> Dispatcher:
    tokenizers = {
        "llama": llama,
        "metaspace": lambda: metaspace("first"),
        "byte level": lambda: byte_level(add_prefix_space=True),
    }
    return Dispatcher(threads=1, given={KEY: model_of(tokenizers[request.param]())})


def test_chips_and_axes_show_spaces_and_bytes(answerer):
    reading = last(answerer.answer(ReadPair(KEY, PAIR)))
    chips = [spell(token) for token in reading.corrupted.tokens]
    at = chips.index("<0xF0>")
    assert chips[at : at + 4] == EMOJI
    assert chips[at + 4 :] == ["·gave", "·Mary"]
    assert "·Mary" in chips[:at]
    sweep = last(answerer.answer(Patching(KEY, PAIR)))
    axis = sweep.axes[1]
    assert list(axis.labels[at : at + 5]) == [*EMOJI, " gave"]
    assert names(axis, None)[at] == "<0xF0>"
    assert names(axis, reading.corrupted)[at : at + 4] == ["🙂 ¼", "🙂 2/4", "🙂 ¾", "🙂 4/4"]


def test_an_answer_is_the_token_that_follows_a_word(answerer):
    reading = last(answerer.answer(ReadPair(KEY, PAIR)))
    assert not any("tokens (" in warning for warning in reading.warnings)
    assert (reading.answer.text, reading.distractor.text) == (" Mary", " John")
    assert reading.clean.metric is not None
    assert reading.answer.id == reading.clean.tokens[-1].id


def test_tokens_are_found_by_their_spaces(answerer):
    found = last(answerer.answer(FindTokens(KEY, Prompt("When John"), " mary")))
    assert found.found[0].token.text == " Mary"
