"""What a set of interventions does is run by run; what each does last and alone follows."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.interventions.listed import Interventions
from lensgui.analysis.interventions.sets import SetPair, mean_interval, set_effects
from lensgui.analysis.interventions.under import intervened
from lensgui.analysis.run.run import Run
from lensgui.terms.interventions import Intervention, Site
from tests.analysis.interventions.test_under import CLEAN, CORRUPTED, METRIC
from tests.answering import last
from tests.references import close, model_of

BESIDE = Intervention(Site("mlp_out", 0), "scale", strength=0.5)
MEMBERS = (
    Intervention(Site("z", 0, 1), "zero"),
    Intervention(Site("z", 1, 2), "resample"),
    Intervention(Site("mlp_out", 1), "zero", is_on=False),  # a member is done, on or not
)


@pytest.fixture(params=["gpt2", "gemma2", "llama"])
def model(request):
    return model_of(request.param)


@pytest.fixture
def pairs(model):
    clean, corrupted = (Run(model, tokens).complete() for tokens in (CLEAN, CORRUPTED))
    return [
        SetPair(clean, corrupted, METRIC, (BESIDE,)),
        SetPair(corrupted, clean, METRIC, Interventions((BESIDE,))),
    ]


@torch.no_grad()
def read(model, tokens, other, listed):
    with intervened(model, [one.on() for one in listed], tokens, other):
        return torch.as_tensor(METRIC(model(tokens[None])), dtype=torch.float64).squeeze()


def test_each_number_is_a_forward_under_its_part_of_the_set(model, pairs):
    found = last(set_effects(pairs, MEMBERS))
    for at, (tokens, other) in enumerate(((CLEAN, CORRUPTED), (CORRUPTED, CLEAN))):

        def under(*listed, tokens=tokens, other=other):
            return read(model, tokens, other, (BESIDE, *listed))

        close(found.before[at], under())
        close(found.after[at], under(*MEMBERS))
        for number, member in enumerate(MEMBERS):
            rest = [one for one in MEMBERS if one is not member]
            close(found.but_one[number, at], under(*rest))
            close(found.alone[number, at], under(member))
    close(found.change, found.after - found.before)
    close(found.last[0], found.after - found.but_one[0])


def test_the_whole_set_is_known_for_all_pairs_before_any_part(model, pairs):
    for effects in set_effects(pairs, MEMBERS):
        if effects.but_one.isfinite().any() or effects.alone.isfinite().any():
            assert effects.after.isfinite().all()
            break
    found = last(set_effects(pairs, MEMBERS, one_by_one=False))
    assert found.after.isfinite().all()
    assert found.but_one.isnan().all()


def test_a_set_of_one_does_alone_what_it_does_last(model, pairs):
    found = last(set_effects(pairs, MEMBERS[:1]))
    close(found.last[0], found.first[0])
    close(found.change, found.first[0])


def test_a_mean_lies_between_resamples_of_the_pairs():
    changes = torch.tensor([[1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0]])
    low, high = mean_interval(changes)
    assert low[0] < 2.5 < high[0]
    assert float(low[0]) >= 1
    assert float(high[0]) <= 4
    assert (low[1], high[1]) == (0, 0)
    again = mean_interval(torch.cat([changes, torch.full((2, 1), torch.nan)], 1))
    close(again[0], low)
    assert mean_interval(changes[:, :1])[0].isnan().all()


def test_an_empty_set_or_no_pairs_are_refused(pairs):
    with pytest.raises(ValueError, match="set is empty"):
        last(set_effects(pairs, ()))
    with pytest.raises(ValueError, match="no pairs"):
        last(set_effects((), MEMBERS))
