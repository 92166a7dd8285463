"""Tokens of every scheme of vocabulary: their text, their bytes, and answers that follow a text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text import tokens as text
from tests.transformer.vocabularies import byte_level, llama, metaspace, word_level, word_piece

SENTENCE = "When John and Mary gave a drink to the store"
SPACED = {
    "llama": llama,
    "metaspace first": lambda: metaspace("first"),
    "metaspace always": lambda: metaspace("always"),
    "metaspace never": lambda: metaspace("never"),
    "byte level": lambda: byte_level(add_prefix_space=False),
    "byte level with a space in front": lambda: byte_level(add_prefix_space=True),
}


def model_of(tokenizer: PreTrainedTokenizerFast) -> HookedTransformer:
    cfg = HookedTransformerConfig(
        n_layers=1,
        d_model=8,
        n_ctx=64,
        d_head=4,
        n_heads=2,
        act_fn="relu",
        d_vocab=len(tokenizer),
        seed=1,
        device="cpu",
    )
    return HookedTransformer(cfg, tokenizer).eval()


@pytest.fixture(params=SPACED)
def model(request) -> HookedTransformer:
    make: Callable[[], PreTrainedTokenizerFast] = SPACED[request.param]
    return model_of(make())


def writes(model: HookedTransformer, monkeypatch, ids: list[int]) -> None:
    """Let a model write these tokens."""
    rest = iter(ids)
    monkeypatch.setattr(
        "lensgui.transformer.text.generation.sample_logits",
        lambda logits, **_: torch.full((len(logits),), next(rest)),
    )


def test_a_tokens_text_keeps_its_leading_space(model):
    shown = model.to_str_tokens(SENTENCE, prepend_bos=False)
    assert "".join(shown).removeprefix(" ") == SENTENCE
    assert shown[-9:] == [" " + word for word in SENTENCE.split()[1:]]
    ids = model.to_tokens(SENTENCE, prepend_bos=False)
    assert model.to_str_tokens(ids) == shown
    assert [text.token_bytes(model, token).decode() for token in ids[0].tolist()] == shown


@pytest.mark.parametrize("answer", [" Mary", " John", " a"])
def test_an_answer_is_the_token_that_follows_a_word(model, answer):
    token = model.to_single_token(answer)
    assert token == model.to_tokens("and" + answer, prepend_bos=False)[0, -1]
    assert model.to_single_str_token(token) == answer
    assert model.get_token_position(answer, "to" + answer, "last", prepend_bos=False) > 0


def test_an_answer_of_several_tokens_is_spelled_as_typed(model):
    for answer in (" Mary gave", "M", "  Mary", " 🙂", "\n", "ry and"):
        ids = text.encode_continuation(model, answer)
        assert b"".join(text.token_bytes(model, token) for token in ids) == answer.encode()
    with pytest.raises(ValueError, match=r"2 tokens, not one: \[' Mary', ' gave'\]"):
        model.to_single_token(" Mary gave")


def test_special_tokens_are_themselves(model):
    assert model.to_single_token("</s>") == model.tokenizer.eos_token_id
    assert model.to_tokens(SENTENCE, prepend_bos="</s>")[0, 0] == model.tokenizer.eos_token_id
    assert model.to_single_str_token(model.tokenizer.bos_token_id) == "<s>"


@pytest.mark.parametrize("words", [" gave to Mary", " 🙂 and é", "🙂🙂", "\n Mary 🙂"])
@pytest.mark.parametrize("size", [1, 2, 25])
def test_what_is_written_is_a_difference_of_texts(model, monkeypatch, capsys, words, size):
    new = text.encode_continuation(model, words)
    settings = {"max_new_tokens": len(new), "stop_at_eos": False, "verbose": True}
    writes(model, monkeypatch, new)
    stream = list(model.generate_stream("John", max_tokens_per_yield=size, **settings))
    assert "".join(stream).removeprefix(" ") == "John" + words
    assert not any("\ufffd" in piece for piece in stream)
    assert capsys.readouterr().out == words
    writes(model, monkeypatch, new)
    rows = list(model.generate_stream(["John", "John"], max_tokens_per_yield=size, **settings))
    assert rows == [[piece, piece] for piece in stream]


def test_half_a_character_comes_at_the_end(model, monkeypatch, capsys):
    half = text.encode_continuation(model, " 🙂")[:-1]
    writes(model, monkeypatch, half)
    settings = {"max_new_tokens": len(half), "stop_at_eos": False, "max_tokens_per_yield": 1}
    stream = list(model.generate_stream("John", verbose=True, **settings))
    assert "".join(stream).rstrip("\ufffd").removeprefix(" ") == "John "
    assert "".join(stream).endswith("\ufffd")
    assert capsys.readouterr().out.endswith("\ufffd")


def test_a_byte_by_name_is_that_byte():
    model = model_of(llama())
    shown = model.to_str_tokens("John 🙂\n", prepend_bos=False)
    assert shown == [" John", " ", "<0xF0>", "<0x9F>", "<0x99>", "<0x82>", "\n"]
    ids = model.to_tokens("John 🙂\n", prepend_bos=False)[0].tolist()
    assert b"".join(text.token_bytes(model, token) for token in ids) == " John 🙂\n".encode()


def test_byte_level_tokens_are_what_they_decode_to():
    model = model_of(byte_level(add_prefix_space=False))
    decoded = [model.tokenizer.decode([token]) for token in range(len(model.tokenizer))]
    assert model.to_str_tokens(torch.arange(len(decoded))) == decoded
    ids = model.to_tokens("🙂", prepend_bos=False)[0].tolist()
    assert [text.token_bytes(model, token) for token in ids] == [b"\xf0", b"\x9f", b"\x99", b"\x82"]


def test_pieces_within_words():
    model = model_of(word_piece())
    ids = model.to_tokens("Mary drinking", prepend_bos=False)[0].tolist()
    assert model.to_str_tokens(ids) == ["Mary", "drink", "##ing"]
    assert [text.token_bytes(model, token) for token in ids] == [b"Mary", b"drink", b"ing"]
    assert model.to_string(ids) == "Mary drinking"
    assert text.token_bytes(model, model.tokenizer.convert_tokens_to_ids("##é")) == "é".encode()
    without = word_piece()
    without.backend_tokenizer.decoder = None
    assert text.token_bytes(model_of(without), ids[-1]) == b"ing"


@pytest.mark.parametrize("make", [word_piece, word_level])
@pytest.mark.parametrize("word", ["<0x41>", "Ġ", "Mary"])
def test_a_plain_word_is_its_letters(make, word):
    model = model_of(make())
    token = model.tokenizer.convert_tokens_to_ids(word)
    assert token != model.tokenizer.unk_token_id
    assert model.to_single_str_token(token) == word
    assert text.token_bytes(model, token) == word.encode()
    assert model.to_single_token(" Mary") == model.tokenizer.convert_tokens_to_ids("Mary")


def test_latin_words_are_no_bytes():
    model = model_of(word_level())
    token = model.to_single_token("é")
    assert text.token_bytes(model, token) == "é".encode()


def test_a_slow_sentencepiece_tokenizer():
    class Slow:
        sp_model = object()

        def convert_ids_to_tokens(self, ids):
            return [["▁Mary", "<0xF0>", "<0x0A>"][token] for token in ids]

    model = model_of(llama())
    model.tokenizer = Slow()
    assert model.to_str_tokens([0, 1, 2]) == [" Mary", "<0xF0>", "\n"]
    assert text.token_bytes(model, 1) == b"\xf0"
