"""The nonlinearities of transformers go by several names each (transformers' ACT2FN)."""

from __future__ import annotations

import pytest
import torch
from transformers.activations import ACT2FN

from lensgui.checkpoints.loading import from_pretrained
from lensgui.terms.errors import ModelError
from lensgui.transformer.layers.activations import activation
from lensgui.transformer.model import HookedTransformer
from tests.reports.small import TOKENS, is_one_sentence, llama, saved

LEARNED = {"prelu", "xielu"}  # they have parameters of their own


@pytest.mark.parametrize("name", sorted(ACT2FN.keys() - LEARNED))
def test_every_name_is_the_same_function(name):
    x = torch.linspace(-20, 20, 4001, dtype=torch.float64)
    torch.testing.assert_close(activation(name)(x), ACT2FN[name](x), atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("name", ["swish", "gelu_python", "relu2"])
@torch.no_grad()
def test_a_model_with_another_name_opens(name, tmp_path):
    hf_model = llama(hidden_act=name)
    opened = HookedTransformer.from_pretrained_no_processing(saved(tmp_path, hf_model))
    torch.testing.assert_close(opened(TOKENS), hf_model(TOKENS).logits)


@pytest.mark.parametrize("name", ["xielu", "prelu", "made_up", 7])
def test_another_is_refused_before_anything_is_built(name, tmp_path, monkeypatch):
    monkeypatch.setattr(HookedTransformer, "__init__", lambda *_, **__: pytest.fail("built"))
    with pytest.raises(ModelError, match=str(name)) as caught:
        from_pretrained(saved(tmp_path, llama(), hidden_act=name), device="cpu")
    assert is_one_sentence(str(caught.value))
