"""Memory that others take while a sweep runs: its batches are halved, and nothing else changes."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep import grouping
from lensgui.analysis.sweep.sweep import _patches, sweep
from lensgui.checkpoints import devices
from lensgui.jobs import worker
from lensgui.terms.errors import is_out_of_memory
from lensgui.terms.kinds import SweepKind
from tests.analysis.sweep.test_sweep_kinds import CLEAN, CORRUPTED, METRIC
from tests.references import model_of

KIND = SweepKind("z", "all")


class Shrinking:
    """Free memory: a lot while cells are grouped, and then little."""

    def __init__(self, little: int) -> None:
        self.little, self.refused, self.granted = little, 0, 0

    def reserve(self, device: torch.device, needed: int) -> None:
        """Stand in for the one place that asks what is free before cells run."""
        try:
            OWN(device, needed)
        except torch.OutOfMemoryError:
            self.refused += 1
            raise
        self.granted += 1


OWN = devices.reserve


@pytest.fixture
def one_cell():
    """Bytes that a cell takes with the most positions to run."""
    runs = [Run(model_of("llama"), of).complete() for of in (CLEAN, CORRUPTED["several"])]
    patches, base = _patches(runs, [KIND], "denoising")
    row, beside = grouping.needs(patches, base, CLEAN.numel())
    return row * CLEAN.numel() + beside


def shrink(monkeypatch, little):
    found = Shrinking(little)
    monkeypatch.setattr(devices, "free_bytes", lambda device: little)
    monkeypatch.setattr(devices, "reserve", found.reserve)
    return found


@pytest.mark.parametrize("metric", [METRIC, lambda logits: logits[0, -1, 3] - logits[0, -1, 7]])
def test_batches_are_halved_until_they_fit(metric, one_cell, monkeypatch):
    clean, other, model = CLEAN, CORRUPTED["several"], model_of("llama")
    *_, exact = sweep(model, clean, other, metric, KIND)
    memory = shrink(monkeypatch, 3 * one_cell)
    *_, found = sweep(model, clean, other, metric, KIND, budget=1 << 40)
    torch.testing.assert_close(found.values, exact.values, atol=1e-10, rtol=1e-9)
    assert memory.refused > 0
    assert memory.granted >= found.values.numel() // 3


def test_a_cell_that_does_not_fit_is_one_sentence(one_cell, monkeypatch):
    shrink(monkeypatch, one_cell // 4)
    with pytest.raises(torch.OutOfMemoryError) as caught:
        list(sweep(model_of("llama"), CLEAN, CORRUPTED["several"], METRIC, KIND, budget=1 << 40))
    assert is_out_of_memory(caught.value)
    assert worker.sentence(caught.value).startswith("Memory ran out: ")


def test_what_is_free_is_asked_in_one_place():
    assert devices.free_bytes("cuda") == pytest.approx(devices.free_bytes("cpu"), rel=0.2)
    devices.reserve("cpu", 1)
    with pytest.raises(torch.OutOfMemoryError, match="are needed"):
        devices.reserve("cpu", 1 << 60)
