"""MPS has no float64: what needs it is done on the CPU, and the rest in float32."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from lensgui.checkpoints.loading import from_pretrained
from lensgui.transformer.layers.parameters import exact, exact_dtype
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.weights.processing import _in_float64
from tests.checkpoints.tiny_models import tiny


def test_a_model_is_folded_on_the_cpu_and_moved_then(monkeypatch):
    moved = []
    monkeypatch.setattr(HookedTransformer, "to", lambda self, device: moved.append(device) or self)
    found = from_pretrained(hf_model=tiny("gpt2"), device="mps")
    assert moved == ["mps"]
    expected = from_pretrained(hf_model=tiny("gpt2"), device="cpu")
    assert moved == ["mps"]
    for name, weight in expected.state_dict().items():
        assert weight.equal(found.state_dict()[name])


@pytest.mark.parametrize("device", ["mps", "cpu"])
def test_a_model_that_is_there_comes_to_the_cpu_meanwhile(device):
    moved = []
    weight = SimpleNamespace(device=torch.device(device))
    model = SimpleNamespace(embed=SimpleNamespace(W_E=weight), to=moved.append)
    with _in_float64(model):
        assert moved == (["cpu"] if device == "mps" else [])
    assert moved == (["cpu", torch.device("mps")] if device == "mps" else [])


def test_sums_are_in_float64_where_there_is_any():
    assert exact(torch.ones(2, dtype=torch.bfloat16)).dtype == torch.float64
    assert exact_dtype(torch.device("cuda")) == torch.float64
    assert exact_dtype(torch.device("mps")) == torch.float32
