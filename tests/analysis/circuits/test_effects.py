"""Exact effects: one edge at a time by plain hooks, and a circuit wired by hand is found."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lensgui.analysis.circuits.ablation import run_ablated
from lensgui.analysis.circuits.composition import edge_composition
from lensgui.analysis.circuits.edges import edge_attribution
from lensgui.analysis.circuits.effects import exact_effects
from lensgui.analysis.circuits.runs import CircuitRuns
from lensgui.analysis.circuits.stand_ins import Ablation
from lensgui.analysis.graph.path_patching import path_patch
from lensgui.terms.circuits.graph import Graph
from lensgui.terms.circuits.nodes import Node
from lensgui.terms.metrics import LogitDifference
from tests.checkpoints.tiny_models import prompts
from tests.circuits import KNOWN, induction_model, last_of, logits_without
from tests.references import model_of

TOKENS = prompts(2, 8, seed=1)
OTHERS = prompts(2, 8, seed=2)
METRIC = LogitDifference((11, 13), (7,))
FAMILIES = ["gpt2", "gptj", "llama", "gemma2", "granite"]
RESAMPLE = Ablation("resample", OTHERS)
NODES = [Node("head", 0, 1), Node("mlp", 0), Node("head", 1, 2), Node("head", 2, 3)]


def close(a, b):
    a, b = (torch.as_tensor(each, dtype=torch.float64) for each in (a, b))
    torch.testing.assert_close(a, b, atol=1e-10, rtol=1e-9)


def each_of(logits):
    return torch.stack([METRIC(row[None]) for row in logits])


@pytest.mark.parametrize("name", FAMILIES)
def test_an_edge_is_what_plain_hooks_lose_without_it(name):
    model = model_of(name)
    edges = list(Graph.whole(model.cfg).edges)[::7]
    found = last_of(exact_effects(CircuitRuns(model, TOKENS, METRIC, RESAMPLE), edges))
    with torch.no_grad():
        before = each_of(model(TOKENS))
    for edge, effect in zip(edges, found.by_pair, strict=True):
        close(effect, each_of(logits_without(model, TOKENS, [edge], RESAMPLE)) - before)
    assert not found.is_within
    assert len({round(float(value), 6) for value in found.values}) > len(edges) * 0.8


def test_in_a_circuit_it_is_what_the_circuit_loses():
    model = model_of("gemma2")
    circuit = Graph.among(model.cfg, NODES)
    runs, whole = CircuitRuns(model, TOKENS, METRIC, RESAMPLE), set(Graph.whole(model.cfg).edges)
    edges = list(circuit.edges)[::3]
    found = last_of(exact_effects(runs, edges, circuit))
    left = set(circuit.edges)
    before = each_of(logits_without(model, TOKENS, whole - left, RESAMPLE))
    for edge, effect in zip(edges, found.by_pair, strict=True):
        without = logits_without(model, TOKENS, whole - (left - {edge}), RESAMPLE)
        close(effect, each_of(without) - before)
    assert "within the circuit" in found.words
    low, high = found.interval()
    assert bool((low <= high).all())


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_turned_round_it_is_path_patching_that_restores(name):
    model = model_of(name)
    edges = [(NODES[0], Node("v", 1, 0)), (NODES[1], Node("mlp", 2)), (NODES[2], Node("logits"))]
    runs = CircuitRuns(model, TOKENS, METRIC, RESAMPLE).swapped()
    found = last_of(exact_effects(runs, edges))
    for (sender, receiver), effect in zip(edges, found.values, strict=True):
        close(effect, path_patch(model, TOKENS, OTHERS, METRIC, [sender], [receiver]))


@pytest.mark.parametrize("name", ["gpt2", "gemma2"])
def test_a_node_is_what_ablation_loses(name):
    model = model_of(name)
    found = last_of(exact_effects(CircuitRuns(model, TOKENS, METRIC, RESAMPLE), NODES))
    with torch.no_grad():
        before = each_of(model(TOKENS))
    for node, effect in zip(NODES, found.by_pair, strict=True):
        close(effect, each_of(run_ablated(model, TOKENS, [node], RESAMPLE)) - before)


def auroc(scores, is_known):
    """The share of pairs of a known and another edge in which the known one scores higher."""
    known, rest = scores[is_known], scores[~is_known]
    above = (known[:, None] > rest).float() + (known[:, None] == rest).float() / 2
    return float(above.mean())


def test_the_edges_of_an_induction_circuit_wired_by_hand_are_found():
    model = induction_model()
    clean = torch.tensor([[3, 7, 1, 5, 3], [2, 9, 4, 1, 2], [6, 0, 8, 5, 6]])
    other = torch.tensor([[2, 4, 6, 8, 9], [5, 3, 7, 8, 0], [1, 9, 4, 3, 2]])
    metrics = [
        LogitDifference((int(row[1]),), (int(row2[1]),))
        for row, row2 in zip(clean, other, strict=True)
    ]
    with torch.no_grad():
        likeliest = model(clean)[:, -1].topk(2).indices
    assert all(int(row[1]) in best for row, best in zip(clean, likeliest, strict=True))
    runs = CircuitRuns(model, clean, metrics, Ablation("resample", other))
    graph = Graph.whole(model.cfg)
    is_known = torch.tensor([edge in KNOWN for edge in graph.edges])
    assert int(is_known.sum()) == len(KNOWN)
    exact = last_of(exact_effects(runs, graph.edges))
    assert auroc(exact.values.abs(), is_known) == 1.0
    scores = edge_attribution(runs, 5)
    estimated = torch.tensor([abs(scores.of(*edge)) for edge in graph.edges])
    assert auroc(estimated, is_known) >= 0.95
    assert set(scores.graph.largest(5, "sign").edges) == set(KNOWN)


def test_composition_is_a_number_of_edges_between_heads():
    model = induction_model()
    found, graph = edge_composition(model), Graph.whole(model.cfg)
    heads = np.isfinite(found.numpy())
    assert heads.sum() == 4 * 12
    into_keys = found[graph.rows[Node("head", 0, 0)], graph.columns[Node("k", 1, 0)]]
    column = found[:, graph.columns[Node("k", 1, 0)]]
    assert float(into_keys) == float(column[column.isfinite()].max())
    grouped = edge_composition(model_of("llama"))
    scores = model_of("llama").all_composition_scores("K")
    place = Graph.whole(model_of("llama").cfg)
    close(
        grouped[place.rows[Node("head", 0, 1)], place.columns[Node("k", 2, 1)]],
        scores[0, 1, 2, 2:4].mean(),
    )
