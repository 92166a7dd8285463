"""A weight is multiplied once with all rows of a batch, wherever they lie in memory.

Torch takes rows that lie apart batch by batch, and in half precision copies the weight for each:
ten times the time of a sweep.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from lensgui.analysis.run.run import KEPT, Run
from lensgui.analysis.sweep.estimates.attribution import attribution_patch
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.metrics import LogitDifference
from tests.references import kinds_of, model_of

METRIC = LogitDifference(answer=(3, 5), distractor=(7,))
FAMILIES = ("gpt2", "llama", "gemma2", "gpt_neox", "deepseek_v3", "mixtral", "gpt_oss")


class Repeated(TorchDispatchMode):
    """Notes products in which a weight stands once for each of a batch.

    Attributes:
        noted: The shapes of both sides.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self._places = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
        self.noted: list[tuple[list[int], ...]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket.__name__ in ("bmm", "baddbmm"):
            sides = [of for of in args if isinstance(of, Tensor)]
            if any(self._is_repeated(of) for of in sides):
                self.noted.append(tuple(list(of.shape) for of in sides))
        return func(*args, **(kwargs or {}))

    def _is_repeated(self, side: Tensor) -> bool:
        is_weight = side.untyped_storage().data_ptr() in self._places
        return is_weight and side.shape[0] > 1 and side.stride(0) == 0


def prompts():
    clean = torch.randint(0, 60, (9,), generator=torch.Generator().manual_seed(1))
    corrupted = clean.clone()
    corrupted[3] = (clean[3] + 1) % 60
    return clean, corrupted


def test_a_weight_that_stands_once_for_each_of_a_batch_is_noted():
    model = model_of("gpt2")
    apart = torch.randn(4, 6, model.cfg.d_model, dtype=model.cfg.dtype)[:, 2:]
    with Repeated(model) as repeated:
        torch.nn.functional.linear(apart, model.blocks[0].mlp.W_in.T)
    assert repeated.noted


@pytest.mark.parametrize("name", FAMILIES)
@torch.no_grad()
def test_sweeps_and_estimates_repeat_no_weight(name):
    model = model_of(name)
    with Repeated(model) as repeated:
        for kind in kinds_of(model):
            if kind.extent != "edge":
                *_, result = sweep(model, *prompts(), METRIC, kind)
                assert result.values.isfinite().all()
        list(attribution_patch(model, *prompts(), METRIC, kinds_of(model)))
    assert not repeated.noted


@pytest.mark.parametrize("name", FAMILIES)
@torch.no_grad()
def test_forwards_of_batches_and_runs_repeat_no_weight(name):
    model, (clean, corrupted) = model_of(name), prompts()
    batch = torch.stack([clean, corrupted])
    with Repeated(model) as repeated:
        model.run_with_cache(batch)
        model.generate(batch, max_new_tokens=2, stop_at_eos=False, verbose=False)
        run = Run(model, clean, KEPT).complete()
        Run(model, corrupted, leader=run).complete()
        model.blocks[-1](model.embed(batch), queries=2)
    assert not repeated.noted
