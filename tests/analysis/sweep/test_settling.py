"""Which cells of a long sweep are run until those that matter are exact."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.estimates import settling
from lensgui.analysis.sweep.estimates.attribution import attribution_patch
from lensgui.analysis.sweep.estimates.settling import SAMPLE, SEEN, STRONG, Settling, neighbours
from lensgui.analysis.sweep.sweep import sweep
from lensgui.checkpoints.loading import open_model
from lensgui.models.known_models import DEMO
from lensgui.terms.kinds import RESID_PRE, SweepKind
from lensgui.terms.metrics import LogitDifference
from tests.checkpoints.tiny_models import VOCABULARY
from tests.references import model_of

HEADS, EDGES = SweepKind("z"), SweepKind("pattern", "edge")
STORY = (
    "When John and Mary went to the store, John was tired. It was a warm day and the streets were "
    "full of people who walked slowly past the shops and talked about the weather. In the end "
    "{} gave a drink to"
)


def settled(truth, estimates=None, difference=1.0, kind=RESID_PRE, **options):
    """Runs what is chosen of a map that is known; returns what was run, in rounds, and the end."""
    chooser = Settling(estimates, **options)
    values, rounds = torch.full(truth.shape, torch.nan, dtype=torch.float64), []
    unchanged = torch.zeros(truth.shape, dtype=torch.bool)
    while (chosen := chooser.next(kind, values, unchanged, difference)) is not None:
        assert chosen.any()
        assert values[chosen].isnan().all(), "nothing is run twice"
        values[chosen] = truth[chosen]
        rounds.append(chosen)
    return values, rounds, chooser.found


def ridge(height=1.0):
    """A map of the stream as they are: one position for some layers, then another."""
    truth = torch.zeros(30, 100, dtype=torch.float64)
    truth[:18, 40] = height
    truth[18:, 99] = height
    return truth


def test_what_holds_most_of_the_estimates_is_run_first():
    estimates = torch.zeros(30, 100, dtype=torch.float64)
    estimates[3, 7], estimates[5, 9], estimates[6, 1] = 80.0, -16.0, 4.0
    _, rounds, found = settled(torch.zeros(30, 100, dtype=torch.float64), estimates)
    assert rounds[0].nonzero().tolist() == [[3, 7], [5, 9]]
    assert [int(of.sum()) for of in rounds[1:]] == [SAMPLE]
    assert (found.exact, found.total, found.drawn, found.largest) == (66, 3000, 64, 0.0)
    assert found.bound == pytest.approx(0.0457, abs=1e-4)


def test_neighbours_find_what_estimates_miss():
    truth = ridge()
    estimates = truth.clone()
    estimates[8:14, 40] = 0.0  # where it crosses 0, as inside large columns
    values, _, found = settled(truth, estimates)
    large = truth.abs() > STRONG
    assert not values[large].isnan().any()
    around = neighbours(RESID_PRE, large)
    assert not values[around].isnan().any()
    assert found.exact < 250


def test_a_sample_that_finds_something_is_followed_and_drawn_again():
    truth = ridge()
    truth[10:20, 60:90] = 0.3  # a tenth of the map, of which no estimate knows
    values, rounds, found = settled(truth, ridge())
    assert not values[truth.abs() > STRONG].isnan().any()
    assert sum(int(of.sum()) == SAMPLE for of in rounds) >= 2
    assert found.largest <= SEEN


def test_what_a_sample_finds_between_the_bounds_is_found_too():
    truth = ridge()
    truth[10:20, 60:90] = (SEEN + STRONG) / 2  # too small for its neighbours to be run otherwise
    values, _, found = settled(truth, ridge())
    assert found.largest <= SEEN
    left = values.isnan()
    assert (truth > SEEN)[left].double().mean() <= found.bound
    assert (truth[~left] > SEEN).sum() > 150


def test_without_estimates_every_fourth_layer_comes_first():
    values, rounds, found = settled(ridge())
    assert sorted({layer for layer, _ in rounds[0].nonzero().tolist()}) == list(range(0, 30, 4))
    assert not values[ridge() > 0].isnan().any()
    assert found is not None


def test_nothing_is_left_to_settle_where_all_cells_are_run():
    truth = torch.rand(6, 8, dtype=torch.float64) + 1
    values, _, found = settled(truth, truth)
    assert values.equal(truth)
    assert found is None


def test_changes_of_no_difference_count_by_the_largest():
    values, _, found = settled(ridge(1e-3), ridge(), difference=0.0)
    assert not values[ridge() > 0].isnan().any()
    assert found.largest == 0.0


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_numbers_that_are_not_finite_stop_nothing(bad):
    truth, estimates = ridge(), ridge()
    truth[2, 40] = torch.inf
    estimates[4, 4] = bad
    values, _, found = settled(truth, estimates)
    assert not values[4, 4].isnan()
    assert found is not None


def test_only_what_is_wanted_and_not_known_is_run():
    among = torch.zeros(30, 100, dtype=torch.bool)
    among[:, :50] = True
    known = torch.full((30, 100), torch.nan, dtype=torch.float64)
    known[:10] = ridge()[:10]
    values, _, _ = settled(ridge(), ridge(), known=known, among=among)
    assert values[:, 50:].isnan().all()
    assert values[:10].isnan().all()
    assert not values[10:18, 40].isnan().any()


def test_heads_have_no_neighbours_of_other_layers():
    cells = torch.zeros(4, 6, 3, dtype=torch.bool)
    cells[1, 2, 1] = True
    assert neighbours(HEADS, cells).nonzero().tolist() == [[1, 1, 1], [1, 3, 1]]
    edges = torch.zeros(2, 3, 4, 4, dtype=torch.bool)
    edges[0, 1, 2, 2] = True
    found = neighbours(EDGES, edges).nonzero().tolist()
    assert found == [[0, 1, 1, 2], [0, 1, 2, 1], [0, 1, 2, 3], [0, 1, 3, 2]]


@pytest.mark.parametrize("kind", [RESID_PRE, SweepKind("z"), SweepKind("mlp_out")])
def test_a_sweep_that_settles_has_exact_cells_and_no_others(kind, monkeypatch):
    monkeypatch.setattr(settling, "SAMPLE", 3)
    model = model_of("llama")
    clean = torch.randint(0, VOCABULARY, (24,), generator=torch.Generator().manual_seed(1))
    corrupted = clean.clone()
    corrupted[12] = (corrupted[12] + 7) % VOCABULARY
    runs = [Run(model, tokens).complete() for tokens in (clean, corrupted)]
    metric = LogitDifference(answer=(3, 5), distractor=(7,))
    (estimates,) = attribution_patch(model, *runs, metric, (kind,))
    chooser = Settling(estimates)
    *_, some = sweep(model, *runs, metric, kind, first=estimates, settling=chooser)
    *_, whole = sweep(model, *runs, metric, kind)
    ran = ~some.values.isnan()
    torch.testing.assert_close(some.values[ran], whole.values[ran], atol=1e-10, rtol=0)
    assert some.unchanged.equal(whole.unchanged)
    if chooser.found is not None:
        assert chooser.found.exact == int((ran & ~some.unchanged).sum())
        assert chooser.found.total == int((~whole.unchanged).sum())


def test_the_cell_that_an_estimate_misses_is_among_the_exact_ones():
    """Figures of the design: this pair, whose L16 at the differing name is estimated as 0."""
    model = open_model(DEMO.name, device="cpu", dtype="float32")
    clean, corrupted = (model.to_tokens(STORY.format(name))[0] for name in ("John", "Mary"))
    answer, distractor = (model.to_single_token(name) for name in (" Mary", " John"))
    metric = LogitDifference(answer=(answer,), distractor=(distractor,))
    runs = [Run(model, tokens).complete() for tokens in (clean, corrupted)]
    (estimates,) = attribution_patch(model, *runs, metric, (RESID_PRE,))
    *_, found = sweep(model, *runs, metric, first=estimates, settling=Settling(estimates))
    assert (found.clean, found.corrupted) == pytest.approx((4.128, -3.820), abs=2e-3)
    assert abs(float(estimates[16, 40])) < 0.01
    shares = found.shown[:, 40]
    assert shares[:19].tolist() == pytest.approx([1.0] * 19, abs=0.03)
    assert shares[20:23].tolist() == pytest.approx([0.91, 0.66, 0.66], abs=0.01)
    assert shares[24:].abs().max() < 0.03
