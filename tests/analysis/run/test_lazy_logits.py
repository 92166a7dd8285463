"""Logits that are worked out when they are looked at behave as plain ones, and read only that."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import einops
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from lensgui.analysis.run.lazy_logits import FEW, Filled, LazyLogits

BATCH, LENGTH, VOCABULARY = 2, 5, 2 * FEW
VALUES = torch.randn(BATCH, LENGTH, VOCABULARY, generator=torch.Generator().manual_seed(0))


class Reader:
    """Gives logits of a fixed tensor, and counts what it was asked for."""

    def __init__(self, values: Tensor = VALUES) -> None:
        self.values = values
        self.rows: list[int] = []
        self.columns: list[tuple[int, int]] = []

    def __call__(self, positions: tuple[int, ...], columns: tuple[int, ...] | None) -> Tensor:
        if columns is None:
            self.rows += positions
            return self.values[:, list(positions)]
        self.columns += [(at, column) for at in positions for column in columns]
        return self.values[:, list(positions)][..., list(columns)]


def lazily(values: Tensor = VALUES) -> tuple[LazyLogits, Reader]:
    reader = Reader(values)
    batch, length, vocabulary = values.shape
    return LazyLogits(Filled((batch, length, vocabulary), values, reader)), reader


POSITIONS = torch.tensor([1, 4])
IDS = torch.tensor([[3, 9], [4, 2]])
READING: dict[str, tuple[Callable[[Any], Any], set[int], int]] = {
    # what is done, the positions whose rows it reads whole, and how many single numbers
    "one number": (lambda x: x[0, -1, 7], set(), 1),
    "two numbers": (lambda x: x[0, -1, 7] - x[0, -1, 9], set(), 2),
    "one token everywhere": (lambda x: x[..., 5], set(), LENGTH),
    "a few tokens": (lambda x: x[:, -1, [4, 5, 4]], set(), 2),
    "a few by a tensor": (lambda x: x[:, -1, torch.tensor([4, -1])], set(), 2),
    "a short slice": (lambda x: x[:, 2, 3:6], set(), 3),
    "a long slice": (lambda x: x[:, 2, 3:], {2}, 0),
    "one position": (lambda x: x[:, -1], {4}, 0),
    "one position of all tokens": (lambda x: x[:, 1, :], {1}, 0),
    "one of each prompt": (lambda x: x[torch.arange(BATCH), POSITIONS], {1, 4}, 0),
    "by numpy": (lambda x: x[:, np.int64(3)], {3}, 0),
    "by a number in a tensor": (lambda x: x[:, torch.tensor(-2)], {3}, 0),
    "a range": (lambda x: x[:, range(1, 3)].sum(), {1, 2}, 0),
    "one after the other": (lambda x: x[0][-1][7], {4}, 0),
    "a slice of a slice": (lambda x: x[:, 1:][:, :-1][0, 1], {2}, 0),
    "every other": (lambda x: x[:, ::2].sum(), {0, 2, 4}, 0),
    "a new axis": (lambda x: x[None, :, -1], {4}, 0),
    "a new axis at the end": (lambda x: x[:, -1, :, None], {4}, 0),
    "a new axis, then one": (lambda x: x[:, None][:, 0, 2], {2}, 0),
    "select": (lambda x: x.select(1, -1), {4}, 0),
    "select by names": (lambda x: torch.select(input=x, dim=1, index=-1), set(range(5)), 0),
    "a few tokens everywhere": (lambda x: x[:, 1:, [3, 9]], set(), 2 * (LENGTH - 1)),
    "detached": (lambda x: x.detach()[:, 0], {0}, 0),
    "a part as a whole": (lambda x: x[:, 3:].log_softmax(-1), {3, 4}, 0),
    "gathered": (lambda x: x[:, -1].gather(1, IDS), {4}, 0),
    "by a mask": (
        lambda x: x[:, torch.tensor([True, False, False, False, True])],
        set(range(5)),
        0,
    ),
    "everything": (lambda x: x.softmax(-1)[0, 1], set(range(5)), 0),
    "two ellipses": (lambda x: x[..., ...], set(range(5)), 0),
    "nothing but its shape": (lambda x: torch.tensor([*x.shape, x.ndim, len(x)]), set(), 0),
    "nothing but what it is": (lambda x: torch.zeros(x.size(-1), dtype=x.dtype), set(), 0),
}
every_way = pytest.mark.parametrize("name", READING)


@every_way
def test_it_gives_what_plain_logits_give_and_reads_only_that(name):
    act, rows, numbers = READING[name]
    logits, reader = lazily()
    found, wanted = act(logits), act(VALUES.clone())
    assert type(found) is Tensor
    assert found.equal(wanted)
    assert set(reader.rows) == rows
    assert len(reader.rows) == len(rows), "nothing is read twice"
    assert len(reader.columns) == numbers


def test_a_single_prompt_loses_its_first_axis_without_being_read():
    logits, reader = lazily(VALUES[:1])
    for squeezed in (logits.squeeze(0), logits.squeeze(), torch.squeeze(logits, 0)):
        assert squeezed.shape == (LENGTH, VOCABULARY)
        assert squeezed[-1].equal(VALUES[0, -1])
    assert reader.rows == [LENGTH - 1]


@pytest.mark.parametrize(
    "act",
    [
        lambda x: x.numpy(),
        lambda x: np.asarray(x),
        lambda x: x.tolist(),
        lambda x: str(x),
        lambda x: f"{x[0, 0, 0]:.3f}",
        lambda x: torch.stack([x, x]),
        lambda x: x + x,
        lambda x: 2 - x,
        lambda x: x @ torch.ones(VOCABULARY),
        lambda x: x.T if x.ndim == 2 else x.mT,
        lambda x: [row.sum() for row in x],
        lambda x: einops.rearrange(x, "b p v -> (b p) v"),
        lambda x: torch.einsum("bpv,bpv->b", x, x),
        lambda x: F.cross_entropy(x[0, :-1], torch.arange(LENGTH - 1)),
        lambda x: torch.topk(x[0, -1], 3).indices,
        lambda x: torch.where(x > 0, x, 0.0),
        lambda x: x.float().double().cpu().contiguous().view(-1),
        lambda x: copy.deepcopy(x),
        lambda x: pickle.loads(pickle.dumps(x)),
        lambda x: x.clone(),
        lambda x: x.data,
        lambda x: torch.func.vmap(lambda row: row.sum())(x),
        lambda x: torch.equal(x, x),
        lambda x: torch.max(x, dim=-1).values,
    ],
)
def test_every_operation_gives_what_it_gives_for_plain_logits(act):
    found, wanted = act(lazily()[0]), act(VALUES.clone())
    assert type(found) is type(wanted)
    if isinstance(wanted, list):
        assert len(found) == len(wanted)
        assert all(
            torch.equal(torch.as_tensor(a), torch.as_tensor(b))
            for a, b in zip(found, wanted, strict=True)
        )
    elif isinstance(wanted, str | bool):
        assert found == wanted
    else:
        torch.testing.assert_close(found, wanted, rtol=0, atol=0)


@pytest.mark.parametrize(
    "act",
    [
        lambda x: x[:, 5],
        lambda x: x[0, 0, VOCABULARY],
        lambda x: x[0, 0, 0, 0],
        lambda x: x[:, 1.5],
        lambda x: x[:, object()],
        lambda x: x[:, [1, 9]],
        lambda x: x.select(3, 0),
    ],
)
def test_what_plain_logits_refuse_is_refused_alike(act):
    with pytest.raises(Exception) as plain:  # noqa: PT011 - whichever it is
        act(VALUES.clone())
    with pytest.raises(plain.type) as lazy:
        act(lazily()[0])
    assert str(lazy.value) == str(plain.value)


def changed_in_place(x: Any) -> Tensor:
    x[:, -1, 3] = -torch.inf
    return x[0, -1].softmax(-1)


def changed_whole(x: Any) -> Tensor:
    whole = x
    x -= x.mean(-1, keepdim=True)
    return torch.stack([x[0, 2], whole[0, 2], whole.sum(0)[2]])


def changed_view(x: Any) -> Tensor:
    row = x[:, -1]
    row.zero_()
    row[:, 2] = 1
    return x[:, -1] + x[:, 0]


def changed_number_then_row(x: Any) -> Tensor:
    x[0, 1, 5].fill_(9.0)
    return torch.stack([x[0, 1], x[0][1], x[0, 1, 5].expand(VOCABULARY)])


def changed_after_a_look(x: Any) -> Tensor:
    before = x[0, 1, 5].clone()
    x.clamp_(max=0)
    x[0].add_(before)
    return x[0, 1]


@pytest.mark.parametrize(
    "act",
    [
        changed_in_place,
        changed_whole,
        changed_view,
        changed_number_then_row,
        changed_after_a_look,
    ],
)
def test_a_metric_may_write_into_its_logits(act):
    kept = VALUES.clone()
    assert act(lazily()[0]).equal(act(VALUES.clone()))
    assert VALUES.equal(kept), "which are its own"


def test_saved_logits_are_plain_ones():
    file = io.BytesIO()
    torch.save(lazily()[0], file)
    file.seek(0)
    found = torch.load(file, weights_only=True)
    assert type(found) is Tensor
    assert found.equal(VALUES)
