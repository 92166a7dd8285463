"""What tokens say, with every kind of tokenizer (TransformerLens #373, transformers #28776,
tokenizers #1470)."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from lensgui.transformer.text import tokens as text
from lensgui.transformer.text.vocabulary import GrowingText, decode
from tests.transformer.test_vocabularies import model_of
from tests.transformer.vocabularies import (
    byte_level,
    llama,
    lowercase,
    metaspace,
    replaced,
    unigram,
    word_ends,
    word_level,
    word_piece,
)

SENTENCE = "When John and Mary gave a drink to the store"
SPACED = {
    "llama": llama,
    "replaced": replaced,
    **{f"byte level, {front}": partial(byte_level, front) for front in (False, True)},
    **{f"metaspace {when}": partial(metaspace, when) for when in ("first", "always", "never")},
    **{
        f"unigram {when}, {fallback}": partial(unigram, when, fallback)
        for when in ("first", "always", "never")
        for fallback in (False, True)
    },
}
WORDS = {"words": word_level, "pieces": word_piece, "ends": word_ends}
ADDED = [" two words", "naïve", "Ġx"]


def with_added(make):
    tokenizer = make()
    tokenizer.add_tokens(ADDED)
    return model_of(tokenizer)


def difference(tokenizer, ids: list[int], at: int) -> str:
    before = tokenizer.decode(ids[:at], clean_up_tokenization_spaces=False)
    after = tokenizer.decode(ids[: at + 1], clean_up_tokenization_spaces=False)
    return after.removeprefix(before)


@pytest.mark.parametrize("name", SPACED)
@pytest.mark.parametrize("typed", [SENTENCE, "to two words and the", "a store, Mary"])
def test_a_tokens_text_is_a_difference_of_decodings(name, typed):
    model = with_added(SPACED[name])
    ids = model.to_tokens(typed, prepend_bos=False)[0].tolist()
    shown = model.to_str_tokens(ids)
    assert shown[1:] == [difference(model.tokenizer, ids, at) for at in range(1, len(ids))]
    own = [text.token_bytes(model, token).decode() for token in ids]
    assert own == shown
    assert "".join(own).removeprefix(" ") == typed


@pytest.mark.parametrize("name", [name for name in SPACED if "False" not in name])
def test_bytes_are_the_texts(name):
    model, typed = with_added(SPACED[name]), "John 🙂 é\n"
    ids = model.to_tokens(typed, prepend_bos=False)[0].tolist()
    own = b"".join(text.token_bytes(model, token) for token in ids)
    assert own.removeprefix(b" ") == typed.encode()


@pytest.mark.parametrize("name", [*SPACED, *WORDS])
@pytest.mark.parametrize("size", [1, 3])
def test_a_stream_is_the_whole_text(name, size):
    model = with_added((SPACED | WORDS)[name])
    typed = "to naïve and two words and Mary gave"
    ids = model.to_tokens(typed, prepend_bos=False)[0].tolist()
    growing = GrowingText(model.tokenizer)
    written = "".join(growing.add(ids[at : at + size]) for at in range(0, len(ids), size))
    assert written + growing.rest() == decode(model.tokenizer, ids) == model.to_string(ids)
    if name == "byte level, False":
        assert (written + growing.rest()).removeprefix(" ") == typed


@pytest.mark.parametrize("front", [False, True])
@pytest.mark.parametrize("added", ADDED)
def test_an_added_token_is_its_own_letters(front, added):
    """Byte-level decoders read "ï" as the byte 0xEF, and "Ġ" as a space."""
    model = with_added(partial(byte_level, front))
    token = model.to_single_token(added)
    assert token == model.tokenizer.convert_tokens_to_ids(added)
    assert model.to_single_str_token(token) == added
    assert text.token_bytes(model, token) == added.encode()
    assert model.to_string([token]) == added


@pytest.mark.parametrize("name", [*SPACED, *WORDS])
@pytest.mark.parametrize("typed", [" Drink", " DRINK", " drink"])
def test_an_answer_in_small_letters(name, typed):
    model = model_of(lowercase((SPACED | WORDS)[name]()))
    token = model.to_single_token(typed)
    assert token == model.to_tokens("to" + typed, prepend_bos=False)[0, -1]
    assert model.to_single_str_token(token).strip() == "drink"


@pytest.mark.parametrize("name", SPACED)
@torch.no_grad()
def test_what_is_written_reads_back(name, monkeypatch):
    model = model_of(SPACED[name]())
    ids = text.encode_continuation(model, " gave the store")
    rest = iter(ids)
    monkeypatch.setattr(
        "lensgui.transformer.text.generation.sample_logits",
        lambda logits, **_: torch.full((len(logits),), next(rest)),
    )
    written = model.generate("and Mary", len(ids), stop_at_eos=False)
    assert written.removeprefix(" ") == "and Mary gave the store"
