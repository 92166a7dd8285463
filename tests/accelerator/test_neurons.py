"""Neurons are read without waiting for a GPU; their tokens leave it at the end."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.neurons.activations import neuron_activations
from lensgui.analysis.neurons.directions import neuron_tokens
from lensgui.analysis.run.run import Run
from tests.accelerator.fake_device import fake_device, there
from tests.answering import last
from tests.references import model_of

TOKENS = torch.arange(10)  # in host memory, as a tokenizer gives them


@pytest.mark.parametrize("name", ["gemma2", "llama"])
def test_activations_wait_for_nothing(name):
    real = model_of(name)
    with fake_device() as left:
        run = Run(there(real), TOKENS).complete()
        for neurons in (None, [1, 2]):
            found = last(neuron_activations(run, 1, neurons))
            assert found.device.type == "cuda"
        assert left == []


def test_tokens_leave_once_all_of_the_vocabulary_is_read():
    real = model_of("llama")
    with fake_device():
        tokens = last(neuron_tokens(there(real), 1, [1, 2], 4))
        parts = tokens.writes, tokens.reads, tokens.gates
        assert all(part.most.device.type == part.lowest.device.type == "cpu" for part in parts)
