"""Slices leave beside what is computed next, and are shown once they are there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lensgui.analysis.run import leaving
from lensgui.analysis.run.leaving import Leaving, leave
from lensgui.jobs.handlers.attention import answers, drawing
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.requests import AttentionGrid, AttentionHead
from tests.answering import PAIR, TOY, last


class Slow:
    """Stands in for the copies of a GPU: each is there only after some looks, and not before."""

    def __init__(self, looks: int) -> None:
        self.looks, self.count = looks, 0
        self.said: list[tuple[str, int]] = []

    def __call__(self, tensors):
        number, self.count, looks = self.count, self.count + 1, [self.looks]
        copies = tuple(torch.full_like(of, 77) for of in tensors)  # what pinned memory holds before
        self.said.append(("leaves", number))

        def arrive():
            for copy, of in zip(copies, tensors, strict=True):
                copy.copy_(of)
            self.said.append(("arrives", number))
            return True

        def is_here():
            looks[0] -= 1
            return looks[0] == 0 and arrive()

        return Leaving(copies, is_here, arrive)


@pytest.fixture
def slow(monkeypatch):
    found = Slow(looks=3)
    monkeypatch.setitem(leaving.WAYS, "cpu", found)
    monkeypatch.setattr(drawing, "AT_ONCE", 200)  # so that there are many blocks
    return found


@pytest.mark.parametrize("measure", ["pattern", "scores", "values"])
def test_a_grid_goes_on_while_blocks_leave_and_is_what_it_is(measure, slow, monkeypatch):
    request = AttentionGrid(TOY, PAIR, measure=measure)
    ours = last(Dispatcher(1).answer(request))
    kinds = [what for what, _ in slow.said]
    assert kinds[:2] == ["leaves", "leaves"], "the second block is drawn before the first is here"
    assert kinds.count("leaves") == kinds.count("arrives") > 2
    order = [number for what, number in slow.said if what == "arrives"]
    assert order == sorted(order)
    monkeypatch.delitem(leaving.WAYS, "cpu")
    fresh = last(Dispatcher(1).answer(request))
    np.testing.assert_array_equal(ours.values, fresh.values)
    np.testing.assert_array_equal(ours.scores, fresh.scores)
    assert ours.full == fresh.full


def test_partial_pictures_hold_only_what_has_arrived(slow, monkeypatch):
    monkeypatch.setattr(answers, "PACE_S", 0.0)
    monkeypatch.setattr(answers, "SOON_S", -1.0)
    for atlas in Dispatcher(1).answer(AttentionGrid(TOY, PAIR)):
        if atlas is not None:
            assert {what for what, _ in slow.said[-1:]} == {"arrives"}
            heads = atlas.values[: atlas.layers].reshape(-1, *atlas.values.shape[2:])
            assert not (heads == 77).all((1, 2)).any()


def test_other_slices_leave_by_the_same_way(slow):
    found = last(Dispatcher(1).answer(AttentionHead(TOY, PAIR, ((1, 2),))))
    assert slow.count >= 1
    assert not (found.values == 77).any()


def test_on_the_cpu_numbers_are_here_at_once():
    x = torch.arange(3.0)
    found = leave(x, x > 1)
    assert found.is_here()
    assert found.arrived()[0].equal(x)
    assert found.copies[1].tolist() == [False, False, True]


def test_on_cuda_they_go_beside_what_is_asked_next():
    """By what it asks of torch: there is no GPU here."""
    asked = []

    class Stream:
        def wait_stream(self, other):
            asked.append(("waits for", other))

    class Event:
        def record(self, stream):
            asked.append(("records on", stream))

        def query(self):
            return True

        def synchronize(self):
            asked.append("synchronizes")

    class Given:
        device, shape, dtype = torch.device("cuda", 0), (2,), torch.float32

        def record_stream(self, stream):
            asked.append(("keeps its memory for", stream))

    class Pinned:
        def copy_(self, of, non_blocking):
            asked.append(("copies", of, non_blocking))
            return self

    stream, given, pinned = Stream(), Given(), Pinned()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(leaving, "_stream", lambda device: stream)
        patched.setattr(torch.cuda, "Event", Event)
        patched.setattr(torch.cuda, "current_stream", lambda device: "the usual one")
        patched.setattr(torch.cuda, "stream", lambda of: torch.no_grad())
        made = []
        patched.setattr(torch, "empty", lambda *a, **k: made.append(k) or pinned)
        found = leaving._beside([given])
    assert made == [{"dtype": torch.float32, "pin_memory": True}]
    assert asked == [
        ("waits for", "the usual one"),
        ("copies", given, True),
        ("keeps its memory for", stream),
        ("records on", stream),
    ]
    assert found.copies == (pinned,)
    found.arrived()
    assert asked[-1] == "synchronizes"
