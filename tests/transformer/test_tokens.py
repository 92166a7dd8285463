"""Text to tokens and back, on the toy's tokenizer."""

from __future__ import annotations

import pytest
import torch

from lensgui.checkpoints.loading import open_model
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text import tokens as text


@pytest.fixture(scope="module")
def model() -> HookedTransformer:
    return open_model("toy", device="cpu")


TEXT = " table green seven music"


def test_round_trip(model):
    ids = model.to_tokens(TEXT, prepend_bos=False)
    assert ids.shape == (1, 4)
    assert model.to_string(ids[0]) == TEXT
    assert model.to_string(ids) == [TEXT]
    assert model.to_str_tokens(TEXT, prepend_bos=False) == [" table", " green", " seven", " music"]
    assert model.to_str_tokens(ids, prepend_bos=False) == model.to_str_tokens(ids[0])


def test_bos_goes_in_front_once(model):
    bos = model.tokenizer.bos_token
    ids = model.to_tokens(TEXT, prepend_bos=True)
    assert ids[0, 0] == model.tokenizer.bos_token_id
    assert torch.equal(model.to_tokens(bos + TEXT, prepend_bos=True), ids)
    assert torch.equal(model.to_tokens(TEXT, prepend_bos=bos), ids)
    assert model.to_tokens(TEXT, prepend_bos=" green")[0, 0] == model.to_single_token(" green")


def test_the_models_own_default_decides_when_nobody_says(model):
    kept = model.cfg.default_prepend_bos
    lengths = []
    for model.cfg.default_prepend_bos in (False, True):
        lengths.append(model.to_tokens(TEXT).shape[1])
    model.cfg.default_prepend_bos = kept
    assert lengths == [4, 5]


def test_single_tokens(model):
    token = model.to_single_token(" music")
    assert model.to_single_str_token(token) == " music"
    with pytest.raises(ValueError, match="2 tokens, not one"):
        model.to_single_token(" music table")
    assert model.get_token_position(" seven", TEXT, prepend_bos=False) == 2
    assert model.get_token_position(" seven", TEXT + TEXT, "last", prepend_bos=False) == 6
    with pytest.raises(ValueError, match="not in the prompt"):
        model.get_token_position(" apple", TEXT)


def test_residual_directions_are_unembedding_columns(model):
    token = model.to_single_token(" music")
    assert torch.equal(model.tokens_to_residual_directions(" music"), model.W_U[:, token])
    assert model.tokens_to_residual_directions(torch.tensor([[1, 2]])).shape[:2] == (1, 2)


@torch.no_grad()
def test_a_batch_of_texts_is_each_text(model):
    texts = [TEXT, TEXT + " apple river"]
    for side in ("left", "right"):
        together = model(texts, padding_side=side, prepend_bos=False)
        for row, one in enumerate(texts):
            alone = model(one, prepend_bos=False)[0]
            where = slice(-len(alone), None) if side == "left" else slice(len(alone))
            torch.testing.assert_close(together[row, where], alone, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_losses(model):
    loss = model(TEXT, return_type="loss", prepend_bos=False)
    each = model(TEXT, return_type="loss", loss_per_token=True, prepend_bos=False)
    assert each.shape == (1, 3)
    torch.testing.assert_close(each.mean(), loss)


def test_too_long_and_empty_are_said(model):
    with pytest.raises(ValueError, match=f"takes {model.cfg.n_ctx} at most"):
        model(torch.ones(1, model.cfg.n_ctx + 1, dtype=torch.long))
    with pytest.raises(ValueError, match="empty"):
        model("", prepend_bos=False)
    assert model.to_tokens(" table" * 999).shape[1] == model.cfg.n_ctx


def test_bytes_of_byte_level_tokens():
    alphabet = text.byte_alphabet()
    assert sorted(alphabet.values()) == list(range(256))
    assert alphabet["Ġ"] == ord(" ")
    assert alphabet["Ċ"] == ord("\n")
    assert alphabet["A"] == ord("A")


def test_a_model_without_a_tokenizer_says_so(model):
    kept, model.tokenizer = model.tokenizer, None
    try:
        with pytest.raises(ValueError, match="no tokenizer"):
            model.to_tokens(TEXT, prepend_bos=False)
    finally:
        model.tokenizer = kept
