"""Vectors are made as the library makes them; what can't be made is said in a sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lensgui.analysis.heads.readout import head_output
from lensgui.analysis.interventions.direction_files import write_directions
from lensgui.analysis.interventions.directions import (
    Directions,
    mean_difference,
    token_direction,
)
from lensgui.analysis.interventions.edits import direct_path
from lensgui.analysis.interventions.listed import keep_vector, kept_vector
from lensgui.analysis.pairs.typed_pairs import run_prompt
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.questions.intervention_requests import MakeVector, ReadInterventions
from lensgui.jobs.request import Urgency
from lensgui.prompts.pair import PairRow
from lensgui.terms.interventions import Intervention, Site, Vector
from lensgui.terms.recipes import OfFile, OfHead, OfPairs, OfToken
from tests.answering import PAIR, TOY, last
from tests.jobs.test_means import SHOWN, TABLE

SHORT = PairRow(replace(PAIR, clean=" table green apple", corrupted=" table green stone"))


@pytest.fixture(scope="module")
def dispatcher():
    return Dispatcher(1)


@pytest.fixture
def make(dispatcher):
    def made(recipe, rows=(), pair=PAIR):
        return last(dispatcher.answer(MakeVector(TOY, pair, recipe, rows))).vectors

    return made


def close(vector, expected):
    torch.testing.assert_close(
        kept_vector(vector).double(), expected.detach().double(), atol=1e-5, rtol=1e-4
    )


def runs(model, pair):
    return run_prompt(model, pair.clean_prompt), run_prompt(model, pair.corrupted_prompt)


def test_a_token_gives_what_raises_its_logit(dispatcher, make):
    model = dispatcher.loaded.use(TOY)
    token = int(model.to_single_token(" apple"))
    ((layer, vector),) = make(OfToken(token))
    assert (layer, vector.name) == (None, "·apple")
    close(vector, token_direction(model, token))
    with pytest.raises(ValueError, match="token"):
        make(OfToken(10**6))


@pytest.mark.parametrize("position", [5, 10])
def test_one_pair_gives_its_difference(dispatcher, make, position):
    model = dispatcher.loaded.use(TOY)
    ((layer, vector),) = make(OfPairs(0, position))
    assert (layer, vector.name) == (0, f"clean − corrupted, L0 at {position}")
    close(vector, mean_difference([runs(model, PAIR)], 0, position))


def test_a_table_gives_the_difference_of_means_over_pairs_of_that_length(dispatcher, make):
    model, pairs = dispatcher.loaded.use(TOY), [row.pair for row in TABLE]
    expected = mean_difference([runs(model, pair) for pair in pairs], 1, 10)
    lost = PairRow(replace(PAIR, corrupted=""))
    for pair in (PAIR, replace(PAIR, clean="", corrupted="")):
        ((layer, vector),) = make(OfPairs(1, 10), (SHORT, *TABLE, lost), pair)
        assert (layer, vector.name) == (1, f"clean − corrupted, L1 at 10, {len(TABLE)} pairs")
        close(vector, expected)
    under = tuple(row.under(SHOWN.pair.interventions, SHOWN.pair.reference) for row in TABLE)
    assert make(OfPairs(1, 10), under)[0][1] == vector


def test_a_head_gives_what_it_writes_without_interventions(dispatcher, make):
    model = dispatcher.loaded.use(TOY)
    ((layer, vector),) = make(OfHead(1, 2, 10), pair=SHOWN.pair)
    assert (layer, vector.name) == (1, "L1H2 at 10")
    close(vector, head_output(run_prompt(model, PAIR.clean_prompt), 1, 2, 10))


@pytest.mark.parametrize("ending", [".gguf", ".safetensors", ".npz"])
def test_a_file_gives_one_for_each_layer(dispatcher, make, tmp_path, ending):
    width = dispatcher.loaded.use(TOY).cfg.d_model
    path = tmp_path / f"kind{ending}"
    write_directions(path, Directions({1: torch.ones(width)}, "kind"))
    ((layer, vector),) = make(OfFile(str(path)))
    assert (layer, vector.name) == (1, "kind, L1")
    close(vector, torch.ones(width))
    write_directions(path, Directions({1: torch.ones(width + 1)}))
    with pytest.raises(ValueError, match=rf"vectors of {width + 1} numbers, and the stream"):
        make(OfFile(str(path)))
    write_directions(path, Directions({7: torch.ones(width)}))
    with pytest.raises(ValueError, match="vector of layer 7, and this model has layers 0 to 1"):
        make(OfFile(str(path)))
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="holds no directions that can be read"):
        make(OfFile(str(path)))
    with pytest.raises(ValueError, match="There is no file"):
        make(OfFile(str(tmp_path / f"other{ending}")))


@pytest.mark.parametrize(
    ("recipe", "changes", "words"),
    [
        (OfPairs(9, 0), {}, "There is no layer 9: this model has 2"),
        (OfPairs(0, 99), {}, "Position 99 is beyond the prompt, which has 11 tokens"),
        (OfPairs(0, 0), {}, "is 0, so it has no direction"),
        (OfPairs(0, 0), {"corrupted": ""}, "no corrupted prompt"),
        (OfPairs(0, 0), {"clean": ""}, "The prompt is empty"),
        (OfHead(0, 9, 0), {}, "There is no head L0H9"),
        (OfHead(0, 0, 11), {}, "Position 11 is beyond the prompt"),
        (OfHead(0, 0, -1), {}, "Position -1 is beyond the prompt"),
    ],
)
def test_what_cannot_be_made_is_a_sentence(make, recipe, changes, words):
    with pytest.raises(ValueError, match=words) as caught:
        make(recipe, pair=replace(PAIR, **changes))
    assert str(caught.value).count("\n") == 0


def test_no_pair_of_that_length_is_a_sentence(make):
    with pytest.raises(ValueError, match="No pair of the table has two prompts of 11 tokens"):
        make(OfPairs(0, 2), (SHORT,))
    make(OfPairs(0, 2), (SHORT,), replace(PAIR, clean="", corrupted=""))


def test_a_vector_is_made_anew_each_time_and_at_once():
    asked = MakeVector(TOY, PAIR, OfPairs(0, 10))
    assert (asked.can_be_kept, asked.urgency) == (False, Urgency.SELECTION)
    assert replace(asked, rows=TABLE).urgency == Urgency.SWEEP


def test_each_intervention_is_read_in_order(dispatcher):
    model = dispatcher.loaded.use(TOY)
    good = keep_vector("v", torch.randn(model.cfg.d_model))
    wide = keep_vector("wide", torch.randn(model.cfg.d_model + 1))
    at = Site("resid_post", 0)
    listed = (
        Intervention(at, "add", vector=good),
        Intervention(at, "add", vector=wide, is_on=False),
        Intervention(at, "add", vector=Vector("lost", "0")),
        Intervention(at, "add_norm", (99,), vector=good),
        Intervention(Site("z", 9), "zero"),
        replace(SHOWN.pair.interventions[0], is_on=False),
    )
    pair = replace(SHOWN.pair, interventions=listed)
    found = last(dispatcher.answer(ReadInterventions(TOY, pair))).of
    said = ["", "it is of another model", "is not here", "position 99", "this model has 2", ""]
    for one, words in zip(found, said, strict=True):
        assert words in one.fault
        assert bool(words) == bool(one.fault)
    stream = run_prompt(model, PAIR.clean_prompt).residuals[1]
    median = float(stream[1:].norm(dim=-1).median())
    centred = kept_vector(good)
    assert found[0].unit * float(centred.norm()) == pytest.approx(median, rel=0.02)
    assert [one.unit for one in found[1:]] == [None, None, 1.0, None, None]
    assert [one.prompts for one in found] == [0, 0, 0, 0, 0, len(pair.reference)]


def test_the_direct_path_can_be_done(dispatcher):
    model = dispatcher.loaded.use(TOY)
    pair = replace(PAIR, interventions=direct_path(model))
    assert not any(dispatcher.loaded.faults(model, pair).values())
    alone = replace(PAIR, interventions=direct_path(model)[-1:])
    assert "while MLPs run" in next(iter(dispatcher.loaded.faults(model, alone).values()))
