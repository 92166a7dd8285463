"""Text to tokens and back, on the toy's tokenizer."""

from __future__ import annotations

import pytest
import torch

from lensgui.transformer.text import tokens as text

TEXT = " table green seven music"


def test_round_trip(toy):
    ids = toy.to_tokens(TEXT, prepend_bos=False)
    assert ids.shape == (1, 4)
    assert toy.to_string(ids[0]) == TEXT
    assert toy.to_string(ids) == [TEXT]
    assert toy.to_str_tokens(TEXT, prepend_bos=False) == [" table", " green", " seven", " music"]
    assert toy.to_str_tokens(ids, prepend_bos=False) == toy.to_str_tokens(ids[0])


def test_bos_goes_in_front_once(toy):
    bos = toy.tokenizer.bos_token
    ids = toy.to_tokens(TEXT, prepend_bos=True)
    assert ids[0, 0] == toy.tokenizer.bos_token_id
    assert torch.equal(toy.to_tokens(bos + TEXT, prepend_bos=True), ids)
    assert torch.equal(toy.to_tokens(TEXT, prepend_bos=bos), ids)
    assert toy.to_tokens(TEXT, prepend_bos=" green")[0, 0] == toy.to_single_token(" green")


def test_the_models_own_default_decides_when_nobody_says(toy):
    kept = toy.cfg.default_prepend_bos
    lengths = []
    for toy.cfg.default_prepend_bos in (False, True):
        lengths.append(toy.to_tokens(TEXT).shape[1])
    toy.cfg.default_prepend_bos = kept
    assert lengths == [4, 5]


def test_single_tokens(toy):
    token = toy.to_single_token(" music")
    assert toy.to_single_str_token(token) == " music"
    with pytest.raises(ValueError, match="2 tokens, not one"):
        toy.to_single_token(" music table")
    assert toy.get_token_position(" seven", TEXT, prepend_bos=False) == 2
    assert toy.get_token_position(" seven", TEXT + TEXT, "last", prepend_bos=False) == 6
    with pytest.raises(ValueError, match="not in the prompt"):
        toy.get_token_position(" apple", TEXT)


def test_residual_directions_are_unembedding_columns(toy):
    token = toy.to_single_token(" music")
    assert torch.equal(toy.tokens_to_residual_directions(" music"), toy.W_U[:, token])
    assert toy.tokens_to_residual_directions(torch.tensor([[1, 2]])).shape[:2] == (1, 2)


@torch.no_grad()
def test_a_batch_of_texts_is_each_text(toy):
    texts = [TEXT, TEXT + " apple river"]
    for side in ("left", "right"):
        together = toy(texts, padding_side=side, prepend_bos=False)
        for row, one in enumerate(texts):
            alone = toy(one, prepend_bos=False)[0]
            where = slice(-len(alone), None) if side == "left" else slice(len(alone))
            torch.testing.assert_close(together[row, where], alone, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_losses(toy):
    loss = toy(TEXT, return_type="loss", prepend_bos=False)
    each = toy(TEXT, return_type="loss", loss_per_token=True, prepend_bos=False)
    assert each.shape == (1, 3)
    torch.testing.assert_close(each.mean(), loss)


def test_too_long_and_empty_are_said(toy):
    with pytest.raises(ValueError, match=f"takes {toy.cfg.n_ctx} at most"):
        toy(torch.ones(1, toy.cfg.n_ctx + 1, dtype=torch.long))
    with pytest.raises(ValueError, match="empty"):
        toy("", prepend_bos=False)
    assert toy.to_tokens(" table" * 999).shape[1] == toy.cfg.n_ctx


def test_bytes_of_byte_level_tokens():
    alphabet = text.byte_alphabet()
    assert sorted(alphabet.values()) == list(range(256))
    assert alphabet["Ġ"] == ord(" ")
    assert alphabet["Ċ"] == ord("\n")
    assert alphabet["A"] == ord("A")


def test_a_model_without_a_tokenizer_says_so(toy):
    kept, toy.tokenizer = toy.tokenizer, None
    try:
        with pytest.raises(ValueError, match="no tokenizer"):
            toy.to_tokens(TEXT, prepend_bos=False)
    finally:
        toy.tokenizer = kept
