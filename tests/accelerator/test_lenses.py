"""A lens is read without waiting for a device but for its cells, which leave a piece at a time."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode

from lensgui.analysis.lenses import cells as in_cells
from lensgui.analysis.lenses import reading
from lensgui.analysis.lenses.lens import LogitLens
from lensgui.analysis.lenses.reading import lens_metric, lens_worth, read_lens
from lensgui.analysis.run import leaving
from lensgui.analysis.run.run import Run
from lensgui.terms.metrics import KLDivergence, LogitDifference, Rank
from tests.accelerator.fake_device import CUDA, MPS, fake_device, there
from tests.accelerator.reads import reads
from tests.accelerator.test_leaving import Slow
from tests.analysis.lenses.test_lens import lenses_of
from tests.references import model_of

TOKENS = (3, 7)
IDS = torch.arange(6)  # in host memory, as a tokenizer gives them
PIECES = (2, 1000)  # cells that fit into one
SENT = 2  # where to look, and the tokens that are asked for
METRICS = LogitDifference((3,), (7, 8)), Rank((5,)), KLDivergence()


class Sending(TorchDispatchMode):
    """Notes what is copied from the host to the GPU, which is waited for as well."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        given = [of for of in args if isinstance(of, Tensor)]
        was_here = bool(given) and all(of.device.type == "cpu" for of in given)
        if was_here and isinstance(result, Tensor) and result.device.type != "cpu":
            self.noted.append(str(func))
        return result


@pytest.fixture(params=[CUDA, MPS])
def device(request, monkeypatch):
    """A GPU whose copies into host memory are counted as they are anywhere else."""
    monkeypatch.delitem(leaving.WAYS, "cuda")
    return request.param


@pytest.fixture
def most(monkeypatch):
    """Set how many cells fit into a piece."""

    def set_most(count):
        for module in (in_cells, reading):
            monkeypatch.setattr(module, "most_cells", lambda model: count)

    return set_most


def matrices(lens):
    """How many tensors a lens has."""
    weights = getattr(lens, "jacobians", None)
    return len(weights) if weights is not None else 2 * hasattr(lens, "weights")


@torch.no_grad()
@pytest.mark.parametrize("which", range(3))
def test_each_piece_leaves_at_once_and_only_places_and_tokens_are_sent(which, device, most):
    real = model_of("gemma2")
    lens = lenses_of(real)[which]
    for cells in PIECES:
        most(cells)
        with fake_device() as left:
            run = Run(there(real, device), IDS).complete()
            with Sending() as sending:
                pieces = list(read_lens(run, lens, TOKENS, position=4))
            found = [getattr(one, name) for one in pieces for name in one.__slots__]
            assert {of.device.type for of in found} == {"cpu"}
        assert len(left) == len(pieces)
        assert len(sending.noted) == SENT + matrices(lens)


@torch.no_grad()
def test_what_a_lens_is_worth_leaves_as_its_cells_do(device, most):
    real = model_of("gemma2")
    for cells in PIECES:
        most(cells)
        with fake_device() as left:
            run = Run(there(real, device), IDS).complete()
            pieces = len(list(read_lens(run, LogitLens())))
            left.clear()
            assert lens_worth(run, LogitLens()).device.type == "cpu"
        assert len(left) == pieces


@torch.no_grad()
@pytest.mark.parametrize("device", [CUDA], indirect=True)
@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
@pytest.mark.parametrize("which", [0, 2])
def test_a_metric_leaves_once_however_much_is_read(which, metric, device, most):
    real = model_of("gemma2")
    lens = lenses_of(real)[which]
    most(3)
    for ids in (IDS[:4], IDS):
        with fake_device() as left:
            run = Run(there(real, device), ids).complete()
            *steps, values = lens_metric(run, lens, metric)
            assert values.shape == (real.cfg.n_layers + 1, len(ids))
        assert steps == [None] * len(reading.readable_rows(real, lens))
        assert len(left) == 1


@pytest.mark.parametrize("which", range(3))
def test_nothing_is_read_into_python_meanwhile(which):
    model = model_of("llama")
    run, lens = Run(model, IDS).complete(), lenses_of(model)[which]
    with reads() as noted:
        list(read_lens(run, lens, TOKENS))
        lens_worth(run, lens)
        for metric in METRICS:
            list(lens_metric(run, lens, metric))
    assert not noted


def test_the_next_piece_is_asked_for_while_one_leaves_and_none_is_shown_before(most, monkeypatch):
    run = Run(model_of("llama"), IDS).complete()
    most(5)
    expected = list(read_lens(run, LogitLens(), TOKENS))
    slow = Slow(looks=3)
    monkeypatch.setitem(leaving.WAYS, "cpu", slow)
    found = []
    for cells in read_lens(run, LogitLens(), TOKENS):
        found.append(cells)
        arrived = [number for what, number in slow.said if what == "arrives"]
        assert arrived == list(range(len(found)))
        assert len(slow.said) - len(arrived) == min(len(found) + 1, len(expected))
    for ours, theirs in zip(found, expected, strict=True):
        for name in ours.__slots__:
            assert_close(getattr(ours, name), getattr(theirs, name), rtol=0, atol=0, equal_nan=True)
