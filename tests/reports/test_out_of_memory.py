"""Memory that runs out is one sentence, batches halve on the CPU as on CUDA, and the next runs."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.sweep import batches
from lensgui.analysis.sweep.sweep import sweep
from lensgui.jobs import worker
from lensgui.terms.errors import is_out_of_memory
from lensgui.terms.kinds import SweepKind
from tests.analysis.sweep.test_sweep_kinds import CLEAN, CORRUPTED, METRIC
from tests.references import model_of

CPU = "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried"
ERRORS = [
    MemoryError(),
    RuntimeError(CPU),
    torch.OutOfMemoryError("CUDA out of memory."),
    RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_batch_that_memory_refuses_is_halved(error, monkeypatch):
    model, kind = model_of("llama"), SweepKind("z", "all")
    *_, exact = sweep(model, CLEAN, CORRUPTED["several"], METRIC, kind)
    read = batches.PatchedPass.metric

    def refuse(walk, metric):
        if len(walk.cells) > 3:
            raise error
        return read(walk, metric)

    monkeypatch.setattr(batches.PatchedPass, "metric", refuse)
    *_, result = sweep(model, CLEAN, CORRUPTED["several"], METRIC, kind)
    torch.testing.assert_close(result.values, exact.values, atol=1e-10, rtol=1e-9)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_it_is_one_sentence(error):
    said = worker.sentence(error)
    assert said.startswith("Memory ran out: ")
    assert said.endswith(".")
    assert "alloc" not in said


def test_other_errors_are_not_taken_for_it():
    for error in (RuntimeError("shape mismatch"), ValueError("out of memory"), KeyError("x")):
        assert not is_out_of_memory(error)
