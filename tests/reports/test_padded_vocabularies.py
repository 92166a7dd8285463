"""Entries that fill up an embedding beyond its tokenizer are told apart (QwenLM/Qwen3#29)."""

from __future__ import annotations

import pytest
import torch

from lensgui.jobs.handlers.in_words import token_of
from lensgui.panes.token_text import spell
from tests.reports.small import random_model
from tests.transformer.vocabularies import byte_level, llama, word_level, word_piece

MADE = {
    "byte level": lambda: byte_level(False),
    "sentencepiece": llama,
    "word piece": word_piece,
    "words": word_level,
}


def wide(scheme):
    tokenizer = MADE[scheme]()
    model = random_model(d_vocab=len(tokenizer) + 5)
    model.tokenizer = tokenizer
    return model, range(len(tokenizer), len(tokenizer) + 5)


@pytest.mark.parametrize("scheme", MADE)
def test_their_names_differ_and_say_which_they_are(scheme):
    model, extra = wide(scheme)
    names = model.to_str_tokens(torch.tensor(extra))
    assert names == [f"<id {token}>" for token in extra]
    assert model.to_single_str_token(extra[-1]) == names[-1]
    shown = [spell(token_of(model, token)) for token in extra]
    assert len(set(shown)) == 5
    assert all(str(token) in label for token, label in zip(extra, shown, strict=True))


@pytest.mark.parametrize("scheme", MADE)
def test_no_token_of_the_vocabulary_changes_its_name(scheme):
    model, extra = wide(scheme)
    names = model.to_str_tokens(torch.arange(extra[0]))
    assert not any(name.startswith("<id ") for name in names)


class Plain:
    """A tokenizer of Python's own, which refuses ids beyond its vocabulary."""

    all_special_ids = ()

    def convert_ids_to_tokens(self, ids):
        return [["a", "b"][token] for token in ids]


def test_a_tokenizer_that_refuses_them_does_not_stop_us():
    model = random_model()
    model.tokenizer = Plain()
    assert model.to_str_tokens([0, 7, 1, 9]) == ["a", "<id 7>", "b", "<id 9>"]
