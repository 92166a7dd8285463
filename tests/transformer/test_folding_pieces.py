"""Folding works on a piece of a large matrix at a time; the pieces' size changes nothing."""

from __future__ import annotations

import pytest
import torch

from lensgui.checkpoints.loading import from_pretrained
from lensgui.transformer.weights import processing
from tests.checkpoints.tiny_models import tiny


@pytest.mark.parametrize("name", ["gpt2", "llama", "cohere", "mixtral", "gpt_neox"])
def test_small_pieces_fold_as_one(name, monkeypatch):
    hf_model = tiny(name)
    whole = from_pretrained(hf_model=hf_model, device="cpu", dtype="float64")
    monkeypatch.setattr(processing, "PIECE", 50)
    pieces = from_pretrained(hf_model=hf_model, device="cpu", dtype="float64")
    for (key, one), other in zip(whole.named_parameters(), pieces.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-14, msg=key)
