"""The strongest places are those of a sort of everything, however it comes."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from lensgui.analysis.neurons.activations import neuron_activations
from lensgui.analysis.neurons.places import HISTOGRAM_EDGES, StrongestPlaces, strongest_places
from lensgui.analysis.neurons.texts import TextContexts
from lensgui.analysis.run.run import Run
from lensgui.transformer.text.tokens import encode
from tests.answering import last
from tests.references import attached, model_of

TOP = 5
GENERATOR = torch.Generator().manual_seed(0)
TEXT = torch.randint(0, 50, (41,), generator=GENERATOR).tolist()


def cut(size):
    return [TEXT[at : at + size] for at in range(0, len(TEXT), size)]


def check(found, every, counted):
    """Compare with a sort of all activations [place, neuron], of which some places count."""
    places = torch.tensor(counted)
    values = every[places].float()
    for neuron in range(values.shape[1]):
        column = values[:, neuron]
        for sign, kept, kept_at in (
            (1, found.highest, found.highest_at),
            (-1, found.lowest, found.lowest_at),
        ):
            there = (column * sign > 0).nonzero()[:, 0]
            order = (column[there] * sign).sort(descending=True, stable=True).indices[:TOP]
            expected = places[there[order]]
            assert kept_at[neuron, : len(expected)].tolist() == expected.tolist()
            torch.testing.assert_close(kept[neuron, : len(expected)], column[there[order]])
            assert (kept_at[neuron, len(expected) :] == -1).all()
        ends = torch.tensor([-torch.inf, *HISTOGRAM_EDGES, torch.inf])
        finite = column[column.isfinite()]
        counts = [int(((finite >= low) & (finite < high)).sum()) for low, high in pairwise(ends)]
        assert found.histogram[neuron].tolist() == counts


@pytest.mark.parametrize("name", ["gpt2", "llama", "qwen2_moe"])
@pytest.mark.parametrize("size", [4, 13, 41])
def test_places_are_those_of_a_sort_of_the_whole_text(name, size):
    model = model_of(name)
    found = last(strongest_places(model, 0, cut(size), TOP))
    runs = [Run(model, torch.tensor(part)) for part in cut(size)]
    every = torch.cat([last(neuron_activations(run, 0)) for run in runs])
    assert found.read == len(TEXT)
    check(found, every, [at for at in range(len(TEXT)) if at % size])


@pytest.mark.parametrize("size", [1, 2, 7, 30])
def test_pieces_of_any_size_give_the_same(size):
    """Equal numbers too: the earliest stay."""
    every = torch.randint(-4, 5, (30, 6), generator=torch.Generator().manual_seed(1)) / 2.0
    found = StrongestPlaces(6, TOP)
    for first in range(0, 30, size):
        piece = every[first : first + size]
        found.take(0, piece, torch.arange(first, first + len(piece)))
    check(found, every, list(range(30)))


def test_both_ends_of_a_gated_neuron_are_apart():
    found = last(strongest_places(model_of("llama"), 1, cut(13), TOP))
    assert (found.highest[found.highest_at >= 0] > 0).all()
    assert (found.lowest[found.lowest_at >= 0] < 0).all()
    assert (found.lowest_at >= 0).any()
    both = {tuple(row) for row in found.highest_at.tolist()}
    assert both.isdisjoint({tuple(row) for row in found.lowest_at.tolist()})


def test_stopping_anywhere_leaves_no_hooks():
    model = model_of("qwen2_moe")
    steps = sum(1 for _ in strongest_places(model, 1, cut(20), TOP))
    for stop in range(1, steps + 1):
        job = strongest_places(model, 1, cut(20), TOP)
        for _ in range(stop):
            next(job)
        job.close()
        assert not attached(model)


def words(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_contexts_are_the_tokens_of_the_text_in_order(toy, tmp_path):
    text = " apple house\n river table green" * 40
    contexts = list(TextContexts(toy, words(tmp_path / "a.txt", text), context=7))
    bos = [] if toy.tokenizer.bos_token_id is None else [toy.tokenizer.bos_token_id]
    bos = bos if toy.cfg.default_prepend_bos else []
    ids = encode(toy, text, prepend_bos=False)
    assert [token for one in contexts for token in one[len(bos) :]] == ids
    assert all(list(one[: len(bos)]) == bos for one in contexts)
    assert {len(one) for one in contexts[:-1]} == {7}


@pytest.mark.parametrize("size", [1, 3, 50])
def test_pieces_of_the_file_join_whatever_they_cut(toy, tmp_path, monkeypatch, size):
    text = " apple house\n\n  river table green" * 5
    file = TextContexts(toy, words(tmp_path / "a.txt", text), context=9)
    whole = list(file)
    monkeypatch.setattr("lensgui.analysis.neurons.texts.BYTES_AT_ONCE", size)
    assert "".join(file._pieces()) == text
    assert sum(map(len, file)) >= sum(map(len, whole))


def test_no_more_is_read_than_is_allowed(toy, tmp_path):
    path = words(tmp_path / "a.txt", " apple house" * 5000)
    file = TextContexts(toy, path, most=20)
    begun = int(toy.cfg.default_prepend_bos and toy.tokenizer.bos_token_id is not None)
    contexts = list(file)
    assert sum(len(one) - begun for one in contexts) == 20
    assert file.is_cut
    ids = sum(len(one) - begun for one in TextContexts(toy, words(path, " apple house" * 9)))
    for most, is_cut in ((ids, False), (ids - 1, True)):
        exactly = TextContexts(toy, path, most=most)
        assert sum(len(one) - begun for one in exactly) == most
        assert exactly.is_cut is is_cut
    whole = TextContexts(toy, words(tmp_path / "b.txt", " apple"), most=20)
    assert list(whole)
    assert not whole.is_cut


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "a.txt is empty"),
        (b"a\xff\xfe b", "a.txt is not a text"),
        (b"some\0thing", "a.txt is not a text"),
        (b"cut \xe2\x82", "a.txt is not a text"),
        (None, "a.txt can't be read: No such file"),
    ],
)
def test_what_is_no_text_is_refused_in_a_sentence(toy, tmp_path, content, sentence):
    if content is not None:
        (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(ValueError, match=sentence):
        list(TextContexts(toy, tmp_path / "a.txt"))
