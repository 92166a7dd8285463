"""Curves by size and suggested circuits: exact, found on some prompts and measured on others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lensgui.analysis.circuits.curve import SHARES, FaithfulnessCurve, faithfulness_curve
from lensgui.analysis.circuits.edges import edge_attribution
from lensgui.analysis.circuits.effects import exact_effects
from lensgui.analysis.circuits.faithfulness import circuit_scores
from lensgui.analysis.circuits.runs import CircuitRuns
from lensgui.analysis.circuits.stand_ins import Ablation
from lensgui.analysis.circuits.suggest import flattering, suggest_circuit
from lensgui.analysis.pairs.averages import Case
from lensgui.analysis.pairs.cases import case_of
from lensgui.checkpoints.loading import open_model
from lensgui.prompts.tasks import TASKS
from lensgui.terms.circuits.graph import Graph
from lensgui.terms.metrics import LogitDifference, Rank
from tests.checkpoints.tiny_models import prompts
from tests.circuits import KNOWN, induction_model, last_of
from tests.references import model_of

IOI = TASKS[0]


def induction_cases(count, seed=0):
    """Prompts A B … A whose answer is B, beside prompts that repeat nothing."""
    draw, made = np.random.default_rng(seed), []
    for _ in range(count):
        a, b, c, d, x, y = draw.permutation(10)[:6].tolist()
        clean, other = torch.tensor([a, b, c, d, a]), torch.tensor([x, y, d, c, b])
        made.append(Case(clean, other, LogitDifference((b,), (y,))))
    return made


def runs_of(count=4, seed=0, model=None):
    return CircuitRuns.of_cases(model or induction_model(), induction_cases(count, seed))


def faithfulness(runs, circuit):
    return last_of(circuit_scores(runs, circuit, minimality=False)).faithfulness


def test_a_curve_is_of_nested_circuits_measured_exactly():
    runs, fresh = runs_of(), runs_of()
    scored = edge_attribution(runs).graph
    curve = last_of(faithfulness_curve(runs, scored, (0.02, 0.05, 0.2, 1.0), draws=3))
    assert curve.caption == f"edge level, best edges by size; {runs.caption}"
    assert curve.counts == tuple(round(share * scored.total) for share in curve.shares)
    for at, circuit in enumerate(curve.circuits):
        chosen = scored.largest(curve.counts[at])
        assert (circuit.kept <= chosen.kept).all()
        assert float(curve.faithfulness[at]) == pytest.approx(faithfulness(fresh, chosen))
        low, high = curve.interval(at)
        assert low <= float(curve.faithfulness[at]) + 1e-9
        assert high >= float(curve.faithfulness[at]) - 1e-9
    assert float(curve.faithfulness[-1]) == pytest.approx(1.0)
    assert bool((curve.drawn_faithfulness[-1] == curve.drawn_faithfulness[-1, 0]).all())
    assert float(curve.drawn_faithfulness[2].mean()) < float(curve.faithfulness[2]) - 0.3


def test_areas_are_those_of_the_curve():
    rows = torch.tensor([[0.0], [0.5], [1.5], [1.0]], dtype=torch.float64)
    empty, model = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    shares = (0.0, 0.5, 0.75, 1.0)
    drawn = torch.zeros(4, 0, 1, dtype=torch.float64)
    curve = FaithfulnessCurve(shares, (), (), rows, drawn, model, empty, "size", "")
    assert curve.cpr == pytest.approx(0.125 + 0.25 + 0.3125)
    assert curve.cmd == pytest.approx(0.375 + 0.125 + 0.0625)
    assert SHARES[0] == 0.001
    assert SHARES[-1] == 1.0


def test_a_circuit_wired_by_hand_is_suggested_and_measured_on_other_prompts():
    model = induction_model()
    find, measure = runs_of(6, 0, model), runs_of(6, 1, model)
    found = [step for step in suggest_circuit(find, measure, band=0.2) if step is not None]
    last = found[-1]
    stages = list(dict.fromkeys(each.stage for each in found))
    assert stages == ["scoring", "sizes", "pruning", "one by one", "done"]
    assert set(KNOWN) >= set(last.circuit.edges)
    assert last.circuit.is_connected
    assert abs(1 - last.measured.faithfulness) <= 0.2
    for runs, fit in ((runs_of(6, 0), last.found), (runs_of(6, 1), last.measured)):
        assert fit.faithfulness == pytest.approx(faithfulness(runs, last.circuit))
        assert fit.interval[0] <= fit.faithfulness <= fit.interval[1]
    assert last.caption.endswith(f" of {last.circuit.total} edges, found on 6, measured on 6")
    for edge in last.circuit.edges:
        rest = last.circuit.without([edge])
        scores = last_of(circuit_scores(find, rest, minimality=False))
        effect = scores.circuit - float(last.found.circuits.mean())
        assert float(last.effects[last.circuit.at(edge)]) == pytest.approx(effect, abs=1e-9)
    assert int(last.effects.isfinite().sum()) == last.circuit.count


def test_every_circuit_on_the_way_stays_within_the_band_where_it_is_found():
    sizes = []
    for step in suggest_circuit(runs_of(6, 2), band=0.3):
        if step is not None and step.circuit is not None:
            assert abs(1 - step.found.faithfulness) <= 0.3
            assert step.circuit.pruned().count == step.circuit.count
            sizes.append(step.circuit.count)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < sizes[0]


def test_one_prompt_has_a_circuit_of_its_own():
    last = last_of(suggest_circuit(runs_of(1), band=0.2))
    assert last.measured is None
    assert last.found.interval is None
    assert "this prompt’s circuit" in last.caption
    assert last.flattered_by == 0.0


def test_scores_may_be_given():
    runs = runs_of(3)
    scored = edge_attribution(runs, 2).graph
    upside_down = replace(scored, sizes=1 / (1e-3 + np.abs(scored.scores)))
    steps = [step for step in suggest_circuit(runs, scored=upside_down) if step is not None]
    assert steps[1].scored is upside_down
    assert steps[-1].circuit.count > 0
    assert set(KNOWN) & set(steps[-1].circuit.edges)


def test_who_looks_best_of_many_is_expected_to_look_less_well():
    draw = torch.Generator().manual_seed(0)
    chance = torch.randn(200, 16, generator=draw, dtype=torch.float64)
    assert torch.allclose(flattering(chance), chance.mean(1) - chance.mean(), atol=0.2)
    apart = torch.linspace(-9, 9, 200, dtype=torch.float64)[:, None] + 0.01 * chance
    assert float(flattering(apart).abs().max()) < 0.01
    assert not flattering(chance[:, :1]).any()


def test_what_can_not_be_suggested_is_a_sentence():
    model = induction_model()
    with pytest.raises(ValueError, match="between 0 and 1"):
        last_of(suggest_circuit(runs_of(2), band=0.0))
    ranked = [replace(case, metric=Rank((1,))) for case in induction_cases(2)]
    with pytest.raises(ValueError, match="Rank has no gradient"):
        last_of(suggest_circuit(CircuitRuns.of_cases(model, ranked)))
    alike = [replace(case, corrupted=case.clean) for case in induction_cases(2)]
    with pytest.raises(ValueError, match="Faithfulness is undefined"):
        last_of(suggest_circuit(CircuitRuns.of_cases(model, alike)))
    with pytest.raises(ValueError, match="have no scores"):
        last_of(faithfulness_curve(runs_of(2), Graph.whole(model.cfg)))


@pytest.mark.demo
def test_the_demo_model_has_a_small_circuit_for_indirect_objects(demo_folder):
    model = open_model(str(demo_folder), device="cpu")
    cases = [case_of(model, row) for row in IOI.draw(8, seed=0)]
    find, measure = (CircuitRuns.of_cases(model, some) for some in (cases[:4], cases[4:]))
    for step in suggest_circuit(find, measure):
        if step is not None and step.circuit is not None:
            break
    assert step.circuit.count < 0.05 * step.circuit.total
    assert abs(1 - step.found.faithfulness) <= 0.05
    assert abs(1 - step.measured.faithfulness) < 0.3


@pytest.mark.parametrize("name", ["gpt2", "gemma2"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_model_of_noise_stays_within_the_band_too(name, seed):
    tokens, others = prompts(6, 8, seed=11 + seed), prompts(6, 8, seed=30 + seed)
    metric, ablation = LogitDifference((11, 13), (7,)), Ablation("resample", others)
    runs = CircuitRuns(model_of(name), tokens, metric, ablation)
    for step in suggest_circuit(runs, band=0.2, steps=2):
        if step is not None and step.found is not None:
            assert abs(1 - step.found.faithfulness) <= 0.2


def test_nothing_is_measured_of_nothing():
    runs = runs_of(2)
    assert last_of(runs.values([])) is None
    found = last_of(exact_effects(runs, []))
    assert found.values.shape == (0,)
    assert [end.shape for end in found.interval()] == [(0,), (0,)]
    with pytest.raises(ValueError, match="no gradient"):
        edge_attribution(CircuitRuns(model_of("gpt2"), prompts(2), lambda x: 1.0, Ablation("zero")))
    of_llama = Graph.whole(model_of("llama").cfg)
    scored = replace(of_llama, scores=np.where(of_llama.exists, 1.0, np.nan))
    for steps in (faithfulness_curve(runs, scored), suggest_circuit(runs, scored=scored)):
        with pytest.raises(ValueError, match="is of a model with 3 layers of 4 heads, 2 of them"):
            last_of(steps)
    alike = [replace(case, corrupted=case.clean) for case in induction_cases(2)]
    same = CircuitRuns.of_cases(induction_model(), alike)
    with pytest.raises(ValueError, match="Faithfulness is undefined"):
        last_of(faithfulness_curve(same, edge_attribution(same).graph, draws=0))
