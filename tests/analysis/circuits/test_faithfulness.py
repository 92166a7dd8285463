"""Faithfulness, completeness, minimality: runs without parts, and captions that name them."""

from __future__ import annotations

import pytest
import torch

from lensgui import intervened
from lensgui.analysis.circuits.ablation import run_ablated
from lensgui.analysis.circuits.faithfulness import (
    CircuitScores,
    circuit_scores,
    ratio_interval,
    sampled_knockouts,
)
from lensgui.analysis.circuits.runs import CircuitRuns
from lensgui.analysis.circuits.stand_ins import Ablation
from lensgui.analysis.pairs.averages import Case
from lensgui.terms.circuits.graph import Graph
from lensgui.terms.circuits.nodes import Node
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.metrics import KLDivergence, LogitDifference
from tests.checkpoints.tiny_models import prompts
from tests.circuits import last_of
from tests.references import model_of

TOKENS = prompts(2, 8, seed=1)
METRIC = LogitDifference((11, 13), (7,))
ABLATIONS = [
    Ablation("zero"),
    Ablation("mean", prompts(19, 8, seed=3), "random tokens"),
    Ablation("resample", prompts(2, 8, seed=2), "other prompts"),
]
LEVELS = ["heads", "heads and MLPs", "edges"]


def close(a, b):
    a, b = (torch.as_tensor(each, dtype=torch.float64) for each in (a, b))
    torch.testing.assert_close(a, b, atol=1e-10, rtol=1e-10)


def runs_of(name, ablation, metric=METRIC):
    return CircuitRuns(model_of(name), TOKENS, metric, ablation)


def of_level(model, level):
    """All parts of a level as one circuit, those of an empty one, and what is said of MLPs."""
    graph = Graph.whole(model.cfg)
    if level == "edges":
        return graph, graph.only(()), list(graph.edges), False
    kinds = ("head", "mlp") if "MLPs" in level else ("head",)
    nodes = [node for node in graph.senders if node.kind in kinds]
    return nodes, (), nodes, "mlp" in kinds


@pytest.mark.parametrize("ablation", ABLATIONS, ids=lambda each: each.method)
@pytest.mark.parametrize("level", LEVELS)
def test_the_whole_model_is_a_faithful_circuit_and_nothing_is_not(ablation, level):
    model, runs = model_of("llama"), runs_of("llama", ablation)
    whole, nothing, every, mlps = of_level(model, level)
    for circuit, expected in ((whole, 1.0), (nothing, 0.0)):
        scores = last_of(circuit_scores(runs, circuit, mlps=mlps, minimality=False))
        close(scores.faithfulness, expected)
        close(scores.model, METRIC(model(TOKENS)))
        close(scores.empty, METRIC(run_ablated(model, TOKENS, every, ablation)))
        assert abs(scores.model - scores.empty) > 0.01


@pytest.mark.parametrize("level", ["nodes", "edges"])
def test_scores_are_runs_without_parts(level):
    model, ablation = model_of("gpt2"), ABLATIONS[1]
    graph = Graph.whole(model.cfg)
    nodes = [Node("head", layer, head) for layer in range(3) for head in range(2)]
    if level == "nodes":
        every = frozenset(node for node in graph.senders if node.kind == "head")
        circuit, kept, mlps = nodes, frozenset(nodes), ()
    else:
        circuit = Graph.among(model.cfg, [*nodes, Node("mlp", 1)])
        every, kept, mlps = frozenset(graph.edges), frozenset(circuit.edges), (Node("mlp", 1),)
    knockouts = [{Node("head", 0, 0), Node("head", 1, 1)}, {Node("head", 2, 1)}]
    results = list(circuit_scores(runs_of("gpt2", ablation), circuit, knockouts))

    def left(parts, out):
        gone = {part for part in every if (part if level == "nodes" else part[0]) in out}
        return float(METRIC(run_ablated(model, TOKENS, (every - parts) | gone, ablation)))

    scores = last_of(results)
    close(scores.circuit, left(kept, ()))
    close(
        scores.faithfulness,
        (left(kept, ()) - left(frozenset(), ())) / (left(every, ()) - left(frozenset(), ())),
    )
    for knockout, out in zip(scores.completeness, knockouts, strict=True):
        close(knockout.incompleteness, abs(left(kept, out) - left(every, out)))
        assert knockout.incompleteness > 1e-6
    assert set(scores.minimality) == {*nodes, *mlps}
    for node, least in scores.minimality.items():
        changes = [abs(left(kept, out) - left(kept, {*out, node})) for out in (set(), *knockouts)]
        close(least, max(changes))
        assert least > 1e-6


def test_pairs_stream_and_the_ratio_is_of_means():
    pairs = [Case(*prompts(2, 6 + at % 2, seed=at), METRIC) for at in range(6)]
    runs = CircuitRuns.of_cases(model_of("llama"), pairs)
    circuit = [Node("head", 1, head) for head in range(4)]
    found = [each for each in circuit_scores(runs, circuit, minimality=False) if each is not None]
    assert [int(each.known.sum()) for each in found][:2] == [3, 6]
    last = found[-1]
    part, whole = last.circuits - last.empties, last.models - last.empties
    close(last.faithfulness, part.sum() / whole.sum())
    low, high = last.interval()
    assert low < last.faithfulness < high
    assert last.interval() == last.interval()
    assert ratio_interval(part[:1], whole[:1]) is None


def test_knockouts_are_drawn_again_alike():
    every = Graph.whole(model_of("llama").cfg).edges
    drawn = sampled_knockouts(every, 3, 0.25)
    assert drawn == sampled_knockouts(every, 3, 0.25)
    assert drawn != sampled_knockouts(every, 3, 0.25, seed=1)
    assert all(0.1 < len(each) / len(every) < 0.4 for each in drawn)


def caption(runs, circuit=(), **settings):
    return last_of(circuit_scores(runs, circuit, minimality=False, **settings)).caption


def test_the_caption_names_the_ablation_the_level_the_mlps_and_the_reference_set():
    assert caption(runs_of("llama", ABLATIONS[0])) == (
        "node level, 0 of 12 heads kept, MLPs not in the circuit (all stay); the embedding stays, "
        "so the empty circuit is not the reference's run; zero ablation (off-distribution)"
    )
    assert caption(runs_of("llama", ABLATIONS[1]), mlps=True).endswith(
        "mean ablation, per position over the reference set (random tokens, 19 prompts)"
    )
    empty = Graph.whole(model_of("llama").cfg).only(())
    assert caption(runs_of("llama", ABLATIONS[2]), empty).startswith(
        f"edge level, 0 of {empty.total} edges kept; resample ablation from the reference set "
        "(other prompts, 2 prompts)"
    )


def test_a_reference_prompt_that_flips_the_answer_is_called_a_swap():
    model, every = model_of("llama"), prompts(40, 8, seed=5)
    with torch.no_grad():
        scored = [(float(METRIC(model(row[None]))), row) for row in every]
    low, high = (choose(scored, key=lambda each: each[0]) for choose in (min, max))
    assert low[0] < -0.5
    assert high[0] > 0.5

    def said(row, reference, method="resample", metric=METRIC):
        return caption(CircuitRuns(model, row, metric, Ablation(method, reference)))

    assert "swap" in said(low[1], high[1])
    assert "swap" not in said(low[1], low[1].clone())
    assert "swap" not in said(low[1], high[1], "mean")
    assert "swap" not in said(low[1], high[1], metric=lambda logits: METRIC(logits))


def test_a_divergence_is_from_the_whole_model():
    runs = runs_of("llama", ABLATIONS[2], KLDivergence())
    scores = last_of(circuit_scores(runs, (), minimality=False))
    close(scores.model, 0.0)
    assert scores.empty > 0.01


def test_a_ratio_of_nothing_is_a_sentence():
    def scores(model, empty, circuit):
        ends = (torch.tensor([value], dtype=torch.float64) for value in (model, empty, circuit))
        return CircuitScores("", *ends)

    with pytest.raises(ValueError, match="Faithfulness is undefined: the whole model scores 1 and"):
        _ = scores(1.0, 1.0 + 1e-9, 3.0).faithfulness
    with pytest.raises(ValueError, match="Faithfulness is undefined"):
        _ = scores(float("nan"), 0.0, 3.0).faithfulness
    assert scores(3.0, 1.0, 4.0).faithfulness == 1.5


def test_what_can_not_be_cut_is_a_sentence():
    model = model_of("llama")
    runs, graph = runs_of("llama", ABLATIONS[0]), Graph.whole(model.cfg)
    other = Graph.whole(model_of("gpt2").cfg)
    for circuit, knockout, match in (
        ([Node("mlp", 1)], (), "MLP 1 can't be ablated at node level while MLPs stay"),
        ([Node("head", 9, 0)], (), "L9H0 can't be ablated"),
        ([], [(Node("embed"), Node("logits"))], "embed → logits can't be ablated at node level"),
        (graph, [Node("q", 1, 1)], "no sender L1H1.q"),
        (graph, [(Node("mlp", 2), Node("mlp", 1))], "no edge from MLP 2 to MLP 1"),
        (other, [], "is of a model with 3 layers of 4 heads"),
    ):
        with pytest.raises(ValueError, match=match):
            last_of(circuit_scores(runs, circuit, [knockout]))


@pytest.mark.parametrize("family", ["gpt2", "gemma2", "gpt_neox"])
@pytest.mark.parametrize("op", ["zero", "resample"])
def test_a_circuit_kept_alone_by_interventions_scores_as_at_the_level_of_nodes(family, op):
    model, (clean, corrupted) = model_of(family), TOKENS
    ablation = Ablation(op, None if op == "zero" else corrupted)
    runs = CircuitRuns(model, clean, METRIC, ablation)
    every = [node for node in Graph.whole(model.cfg).senders if node.kind == "head"]
    circuit = every[1::3]
    scores = last_of(circuit_scores(runs, circuit, [circuit], minimality=False))
    for out, expected in (
        ([node for node in every if node not in circuit], scores.circuit),
        (circuit, scores.completeness[0].model),
    ):
        done = [Intervention(Site("z", node.layer, node.head), op) for node in out]
        with torch.no_grad(), intervened(model, done, clean, other=corrupted):
            close(METRIC(model(clean[None])[0]), expected)
