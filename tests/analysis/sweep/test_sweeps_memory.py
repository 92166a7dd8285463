"""What a sweep holds at once stays within the budget it was given."""

from __future__ import annotations

import weakref

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metrics import LogProbability
from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.model import HookedTransformer

LENGTH = 16
METRIC = LogProbability((3,))
MEBIBYTE = 1 << 20


def storages(values):
    """What the tensors among some values are kept in; those in lists are never looked at anew."""
    return [each.untyped_storage() for each in values if isinstance(each, torch.Tensor)]


class Alive(TorchDispatchMode):
    """Counts the bytes of every storage that is made while it is on, until each is gone."""

    def __init__(self):
        super().__init__()
        self.now = self.peak = 0
        self._known = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        given = {storage.data_ptr() for storage in storages(args)}
        for storage in storages(made if isinstance(made, tuple | list) else [made]):
            if storage.data_ptr() not in given and storage.data_ptr() not in self._known:
                self._count(storage)
        return made

    def _count(self, storage):
        key, size = storage.data_ptr(), storage.nbytes()
        self._known.add(key)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._gone, key, size)

    def _gone(self, key, size):
        self._known.discard(key)
        self.now -= size


@pytest.fixture(scope="module")
def model():
    cfg = HookedTransformerConfig(
        n_layers=4, d_model=64, n_ctx=64, d_head=16, n_key_value_heads=2, d_vocab=200,
        act_fn="silu", normalization_type="RMS", positional_embedding_type="rotary",
        gated_mlp=True, seed=0,
    )  # fmt: skip
    return HookedTransformer(cfg).requires_grad_(False)


def peak_of(model, kind, budget):
    """The bytes that the cells of a sweep hold at most, beside two runs; how often it stopped."""
    clean = torch.randint(0, 200, (LENGTH,), generator=torch.Generator().manual_seed(1))
    corrupted = (clean + 1) % 200
    runs = [Run(model, tokens).complete() for tokens in (clean, corrupted)]
    everything = sweep(model, *runs, METRIC, kind, budget=1 << 40)
    *_, expected = everything
    alive = Alive()
    with alive:
        results = list(sweep(model, *runs, METRIC, kind, budget=budget))
    torch.testing.assert_close(results[-1].values, expected.values, atol=1e-4, rtol=0)
    return alive.peak, len(results)


def test_what_is_counted_is_what_is_alive():
    alive = Alive()
    with alive:
        kept = torch.zeros(1000)
        gone = kept + 1
        view = kept[:10]
        del gone
        assert alive.now == kept.nbytes
        assert alive.peak == 2 * kept.nbytes
        del kept
        assert alive.now == 4000  # the view still holds it
        del view
    assert alive.now == 0


@pytest.mark.parametrize(
    "kind",
    [*map(SweepKind, ("resid_pre", "z", "k")), SweepKind("pattern", "edge")],
    ids=str,
)
def test_the_peak_stays_under_the_budget(model, kind):
    small, stops = peak_of(model, kind, MEBIBYTE)
    large, fewer = peak_of(model, kind, 64 * MEBIBYTE)
    assert small <= MEBIBYTE
    assert large > 2 * small
    assert stops > fewer
