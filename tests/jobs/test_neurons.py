"""What the window is told of the toy's neurons is what the library reads."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from lensgui.analysis.attribution.parts import attribute_neurons
from lensgui.analysis.neurons.activations import neuron_activations
from lensgui.analysis.neurons.directions import neuron_tokens
from lensgui.analysis.neurons.gradients import neuron_gradients
from lensgui.analysis.neurons.places import strongest_places
from lensgui.analysis.neurons.texts import TextContexts
from lensgui.analysis.pairs.answers import answers
from lensgui.analysis.run.run import Run
from lensgui.jobs.answers.arrays import CellState
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.questions.neuron_requests import (
    FindPlaces,
    NeuronOverPrompt,
    NeuronSlopes,
    RankNeurons,
    ReadNeurons,
    TextFile,
)
from lensgui.prompts.pair import PairRow
from lensgui.terms.model_key import ModelKey
from tests.answering import PAIR, TOY, last
from tests.references import attached, model_of

ROWS = (PairRow(PAIR), PairRow(replace(PAIR, clean=" river stone house")))
EXPERTS = ModelKey("memory:experts", device="cpu")


def run_of(toy, side, pair=PAIR):
    text = getattr(pair, side)
    return Run(toy, toy.to_tokens(text, prepend_bos=pair.bos)).complete()


def near(found, expected):
    np.testing.assert_allclose(found, expected.detach().numpy(), atol=1e-5)


@pytest.mark.parametrize(("side", "position"), [("clean", None), ("clean", 4), ("corrupted", 0)])
def test_a_ranking_is_what_the_library_reads(dispatcher, toy, side, position):
    found = last(dispatcher.answer(RankNeurons(TOY, PAIR, side, 1, position)))
    run = run_of(toy, side)
    at = len(run.tokens) - 1 if position is None else position
    metric = replace(answers(toy, PAIR).difference, position=at)
    parts = attribute_neurons(run, metric, 1)
    assert found.position == at
    assert found.numbers.tolist() == list(range(toy.cfg.d_mlp))
    near(found.effects, parts.values)
    near(found.activations, last(neuron_activations(run, 1))[at])
    assert found.experts == ()
    assert ("attention sink" in found.remark) == (at == 0)


def test_products_are_activations_times_gradients(dispatcher, toy):
    found = last(dispatcher.answer(NeuronSlopes(TOY, PAIR, "clean", 0, 5)))
    run = run_of(toy, "clean")
    slopes = last(neuron_gradients(run, answers(toy, PAIR).metric, 0))
    near(found.values, last(neuron_activations(run, 0))[5] * slopes[5])
    assert found.unit == "logits"


def test_words_are_the_ends_of_the_vocabulary(dispatcher, toy):
    found = last(dispatcher.answer(ReadNeurons(TOY, 1, (7, 2))))
    tokens = last(neuron_tokens(toy, 1, (7, 2), top=8))
    assert [one.neuron for one in found.neurons] == [7, 2]
    for at, one in enumerate(found.neurons):
        assert [token.id for token, _ in one.raises] == tokens.writes.most[at].tolist()
        assert [token.id for token, _ in one.avoids] == tokens.reads.least[at].tolist()
        near([size for _, size in one.lowers], tokens.writes.lowest[at])
        assert one.opens == ()


@pytest.mark.parametrize("side", ["clean", "corrupted", "difference"])
def test_a_neuron_over_the_prompt_is_its_column(dispatcher, toy, side):
    found = last(dispatcher.answer(NeuronOverPrompt(TOY, PAIR, side, 1, 9)))
    both = [last(neuron_activations(run_of(toy, one), 1))[:, 9] for one in ("clean", "corrupted")]
    near(found.values, {"clean": both[0], "corrupted": both[1]}.get(side, both[0] - both[1]))
    assert (found.states == CellState.EXACT).all()


def same_places(found, expected):
    np.testing.assert_array_equal(found.highest_at, expected.highest_at.numpy())
    np.testing.assert_array_equal(found.lowest_at, expected.lowest_at.numpy())
    near(found.lowest, expected.lowest)
    np.testing.assert_array_equal(found.histogram, expected.histogram.numpy())


def test_places_of_pairs_are_those_of_all_their_prompts(dispatcher, toy):
    answered = [one for one in dispatcher.answer(FindPlaces(TOY, 1, ROWS)) if one]
    texts = dict.fromkeys(text for row in ROWS for text in (row.pair.clean, row.pair.corrupted))
    prompts = [toy.to_tokens(text, prepend_bos=False)[0].tolist() for text in texts]
    prompts = sorted(prompts, key=len)
    same_places(answered[-1], last(strongest_places(toy, 1, prompts)))
    found = answered[-1]
    assert found.tokens.tolist() == [token for prompt in prompts for token in prompt]
    assert found.starts.tolist() == np.cumsum([0, *map(len, prompts)])[:-1].tolist()
    assert found.total == len(found.tokens)
    assert {found.names[token].text for token in found.tokens.tolist()}


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "some.txt"
    path.write_text(" apple house river table green" * 60, encoding="utf-8")
    return path


def chosen(path):
    stat = path.stat()
    return TextFile(str(path), stat.st_size, stat.st_mtime_ns)


def test_places_of_a_text_grow_and_are_those_of_its_contexts(dispatcher, toy, text, monkeypatch):
    monkeypatch.setattr("lensgui.jobs.handlers.reading.neuron_places.PAUSE", 0)
    answered = [one for one in dispatcher.answer(FindPlaces(TOY, 0, text=chosen(text))) if one]
    same_places(answered[-1], last(strongest_places(toy, 0, TextContexts(toy, text))))
    sizes = [len(one.tokens) for one in answered]
    assert len(sizes) > 1
    assert sizes == sorted(set(sizes))
    assert all((one.highest_at < len(one.tokens)).all() for one in answered)
    assert not answered[-1].is_cut


def test_a_text_that_has_changed_or_gone_is_refused(dispatcher, text):
    before = chosen(text)
    os.utime(text, ns=(1, 1))
    with pytest.raises(ValueError, match=r"some.txt has changed since it was chosen"):
        last(dispatcher.answer(FindPlaces(TOY, 0, text=before)))
    text.unlink()
    with pytest.raises(ValueError, match=r"some.txt can't be read any more"):
        last(dispatcher.answer(FindPlaces(TOY, 0, text=before)))


def test_what_is_not_there_is_refused_in_a_sentence(dispatcher):
    for request in (RankNeurons(TOY, PAIR, "clean", 9), FindPlaces(TOY, 9, ROWS)):
        with pytest.raises(ValueError, match="no layer 9"):
            last(dispatcher.answer(request))
    with pytest.raises(ValueError, match="no neuron L0N999"):
        last(dispatcher.answer(NeuronOverPrompt(TOY, PAIR, "clean", 0, 999)))
    with pytest.raises(ValueError, match="no prompt in the table"):
        last(dispatcher.answer(FindPlaces(TOY, 0)))
    with pytest.raises(ValueError, match="no gradient here"):
        last(dispatcher.answer(NeuronSlopes(TOY, replace(PAIR, metric="rank"), "clean", 0)))


def test_a_mixture_shows_the_experts_that_were_chosen(toy, monkeypatch):
    model = model_of("qwen2_moe")
    monkeypatch.setattr(model, "tokenizer", toy.tokenizer)
    pair = replace(PAIR, clean=" a", corrupted="", answer=" b", distractor=" c")
    monkeypatch.setattr(
        "lensgui.jobs.handlers.loaded.encode", lambda model, prompt: torch.tensor([3, 5, 7, 2])
    )
    monkeypatch.setattr(
        "lensgui.analysis.pairs.answers._typed",
        lambda model, role, text, warnings: (ord(text[1]) % 50,),
    )
    job = Dispatcher(threads=1, given={EXPERTS: model})
    found = last(job.answer(RankNeurons(EXPERTS, pair, "clean", 0)))
    run = Run(model, torch.tensor([3, 5, 7, 2])).complete()
    parts = attribute_neurons(run, answers(model, pair).difference, 0)
    assert [one.expert for one in found.experts] == [one.expert for one in parts.used]
    for mine, theirs in zip(found.experts, parts.used, strict=True):
        assert mine.weight == pytest.approx(theirs.weight)
        assert mine.effect == pytest.approx(theirs.value)
        of_it = (found.numbers >= mine.start) & (found.numbers < mine.start + mine.width)
        place = parts.used.index(theirs)
        near(found.effects[of_it], parts.values[parts.experts == place])
    assert len(found.numbers) == sum(one.width for one in found.experts)
    assert not attached(model)
