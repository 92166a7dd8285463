"""Circuits of edges and of nodes: plain hooks edge by edge, and the laws of what is cut."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lensgui.analysis.circuits.groups import Cut
from lensgui.analysis.circuits.runs import CircuitRuns
from lensgui.analysis.circuits.stand_ins import Ablation
from lensgui.analysis.pairs.averages import Case
from lensgui.terms.circuits.graph import Graph
from lensgui.terms.circuits.nodes import Node
from lensgui.terms.metrics import KLDivergence, LogitDifference
from tests.checkpoints.tiny_models import TINY, prompts
from tests.circuits import last_of, logits_without
from tests.references import attached, model_of

TOKENS = prompts(2, 8, seed=1)
OTHERS = prompts(2, 8, seed=2)
OTHERS[:, :3] = TOKENS[:, :3]  # which need not be run
METRIC = LogitDifference((11, 13), (7,))
FAMILIES = ["gpt2", "gptj", "llama", "gemma2", "granite"]  # one of each kind of block
NO_POST_NORMS = ["gpt2", "gptj", "llama", "granite"]
ABLATIONS = [
    Ablation("zero"),
    Ablation("mean", prompts(19, 8, seed=3), "random tokens"),
    Ablation("resample", OTHERS, "other prompts"),
]


def close(a, b, atol=1e-10):
    a, b = (torch.as_tensor(each, dtype=torch.float64) for each in (a, b))
    torch.testing.assert_close(a, b, atol=atol, rtol=1e-10)


def values(runs, masks, near=None):
    return last_of(runs.values([Cut(mask) for mask in masks], near))


def some_of(graph, share, seed):
    draw = np.random.default_rng(seed)
    return graph.exists & (draw.random(graph.exists.shape) < share)


@pytest.mark.parametrize("ablation", ABLATIONS, ids=lambda each: each.method)
@pytest.mark.parametrize("name", FAMILIES)
def test_circuits_of_edges_are_plain_hooks(name, ablation):
    model = model_of(name)
    runs, graph = CircuitRuns(model, TOKENS, METRIC, ablation), Graph.whole(model.cfg)
    masks = [some_of(graph, share, seed) for seed, share in enumerate((0.05, 0.5, 0.9))]
    found = values(runs, masks)
    for mask, value in zip(masks, found, strict=True):
        removed = [edge for edge in graph.edges if not mask[graph.at(edge)]]
        logits = logits_without(model, TOKENS, removed, ablation)
        close(value, torch.stack([METRIC(row[None]) for row in logits]))
    assert len({round(float(value[0]), 6) for value in found}) == 3
    assert not attached(model)
    assert not model.cfg.use_split_qkv_input


@pytest.mark.parametrize("name", TINY)
def test_all_edges_are_the_model_and_none_are_the_reference(name):
    model = model_of(name)
    runs, graph = CircuitRuns(model, TOKENS, METRIC, ABLATIONS[2]), Graph.whole(model.cfg)
    whole, nothing = values(runs, [graph.kept, np.zeros_like(graph.kept)])
    with torch.no_grad():
        close(whole, torch.stack([METRIC(model(row[None])) for row in TOKENS]))
        close(nothing, torch.stack([METRIC(model(row[None])) for row in OTHERS]))
    close(torch.stack(runs.ends()), torch.stack([whole, nothing]))


@pytest.mark.parametrize("name", ["llama", "gemma2"])
@pytest.mark.parametrize("ablation", ABLATIONS, ids=lambda each: each.method)
def test_removing_edges_one_by_one_in_any_order_ends_at_the_reference(name, ablation):
    model = model_of(name)
    runs, graph = CircuitRuns(model, TOKENS, METRIC, ablation), Graph.whole(model.cfg)
    order = np.random.default_rng(4).permutation(np.flatnonzero(graph.kept))
    kept, near = graph.kept.copy(), Cut(graph.kept)
    for at in range(0, len(order), 20):
        steps = []
        for place in order[at : at + 20]:
            kept = kept.copy()
            kept.ravel()[place] = False
            steps.append(kept)
        found = values(runs, steps, near)
        close(found[-1], values(CircuitRuns(model, TOKENS, METRIC, ablation), [steps[-1]])[0])
        near = Cut(steps[-1])
    assert not kept.any()
    close(found[-1], runs.ends()[1])


@pytest.mark.parametrize("ablation", ABLATIONS, ids=lambda each: each.method)
@pytest.mark.parametrize("name", NO_POST_NORMS)
def test_a_circuit_of_nodes_is_that_of_the_edges_that_leave_them_and_of_those_among_them(
    name, ablation
):
    model = model_of(name)
    runs, graph = CircuitRuns(model, TOKENS, METRIC, ablation), Graph.whole(model.cfg)
    nodes = [Node("head", 0, 1), Node("mlp", 0), Node("head", 1, 2), Node("mlp", 2)]
    kept = {*nodes, Node("embed")}
    rows = np.array([node in kept for node in graph.senders])
    leaving = graph.kept & rows[:, None]
    among = Graph.among(model.cfg, nodes).kept
    assert among.sum() < leaving.sum()
    by_nodes = last_of(runs.values([Cut(out=~rows)]))[0]
    close(values(runs, [leaving, among]), by_nodes.expand(2, -1))


def test_nodes_that_are_out_besides_edges_write_what_stands_in():
    model, ablation = model_of("gpt2"), ABLATIONS[2]
    runs, graph = CircuitRuns(model, TOKENS, METRIC, ablation), Graph.whole(model.cfg)
    kept = some_of(graph, 0.7, 1)
    out = np.array([node in (Node("mlp", 1), Node("head", 2, 0)) for node in graph.senders])
    (both,) = last_of(runs.values([Cut(kept, out)]))
    close(both, values(runs, [kept & ~out[:, None]])[0])
    fresh = CircuitRuns(model, TOKENS, METRIC, ablation)
    close(last_of(fresh.values([Cut(kept, out)], near=Cut(graph.kept)))[0], both)


@pytest.mark.parametrize("name", ["gptj", "gemma2"])
def test_runs_near_another_begin_where_they_differ_and_are_the_same(name):
    model = model_of(name)
    graph, whole = Graph.whole(model.cfg), None
    masks = []
    for edge in graph.edges[::9]:
        kept = graph.kept.copy()
        kept[graph.at(edge)] = False
        masks.append(kept)
    for near in (None, Cut(graph.kept)):
        runs = CircuitRuns(model, TOKENS, METRIC, ABLATIONS[2])
        found = values(runs, masks, near)
        whole = found if whole is None else whole
        close(found, whole)
    outs = [~(np.arange(len(graph.senders)) % 7 == at) for at in range(3)]
    runs = CircuitRuns(model, TOKENS, METRIC, ABLATIONS[2])
    near = Cut(out=np.zeros(len(graph.senders), dtype=bool))
    one = last_of(runs.values([Cut(out=~out) for out in outs], near))
    runs = CircuitRuns(model, TOKENS, METRIC, ABLATIONS[2])
    close(one, last_of(runs.values([Cut(out=~out) for out in outs])))


def cases():
    """Pairs of three lengths, each with a metric of its own, more than run together."""
    made = []
    for number in range(20):
        length = 6 + number % 3
        clean, corrupted = prompts(2, length, seed=number)
        made.append(Case(clean, corrupted, LogitDifference((number + 1,), (number + 21,))))
    return made


@pytest.mark.parametrize("reference", ["corrupted", "mean", "zero"])
def test_pairs_of_any_length_each_have_their_own_metric(reference):
    model, pairs = model_of("llama"), cases()
    runs = CircuitRuns.of_cases(model, pairs, reference)
    graph = Graph.whole(model.cfg)
    kept = some_of(graph, 0.5, 3)
    (found,) = values(runs, [kept])
    assert runs.count == 20
    for number in (0, 7, 19):
        case = pairs[number]
        alike = [one for one in pairs if len(one.clean) == len(case.clean)]
        together = torch.stack([*(x.clean for x in alike), *(x.corrupted for x in alike)])
        ablation = {
            "corrupted": Ablation("resample", case.corrupted),
            "mean": Ablation("mean", together),
            "zero": Ablation("zero"),
        }[str(reference)]
        one = CircuitRuns(model, case.clean, case.metric, ablation)
        close(found[number], values(one, [kept])[0, 0])
    assert runs.length is None
    assert reference in runs.reference or reference == "corrupted"


def test_numbers_come_group_by_group_and_are_kept():
    model = model_of("llama")
    runs = CircuitRuns.of_cases(model, cases(), "corrupted")
    cut = Cut(Graph.whole(model.cfg).kept)
    known = [int(each.isfinite().sum()) for each in runs.values([cut]) if each is not None]
    assert sorted(set(known)) == [7, 14, 20]
    assert len(list(runs.values([cut]))) == 1


def test_a_divergence_is_from_the_whole_model_and_any_function_is_a_metric():
    model, graph = model_of("gemma2"), Graph.whole(model_of("gemma2").cfg)
    kept = some_of(graph, 0.5, 3)
    runs = CircuitRuns(model, TOKENS, KLDivergence(), ABLATIONS[2])
    whole, part = values(runs, [graph.kept, kept])
    close(whole, torch.zeros(2))
    assert bool((part > 0.01).all())
    plain = values(CircuitRuns(model, TOKENS, METRIC, ABLATIONS[2]), [kept])
    called = values(CircuitRuns(model, TOKENS, lambda x: METRIC(x), ABLATIONS[2]), [kept])
    close(called, plain.mean(1, keepdim=True))


def test_turned_round_references_are_the_prompts():
    model, graph = model_of("llama"), Graph.whole(model_of("llama").cfg)
    runs = CircuitRuns(model, TOKENS, METRIC, ABLATIONS[2]).swapped()
    last_of(runs.prepare())
    plain = CircuitRuns(model, TOKENS, METRIC, ABLATIONS[2])
    values(plain, [graph.kept])
    close(torch.stack(runs.ends()), torch.stack(plain.ends()[::-1]))
    with pytest.raises(ValueError, match="no run to restore anything in"):
        CircuitRuns(model, TOKENS, METRIC, ABLATIONS[0]).swapped()


def test_what_does_not_fit_is_a_sentence():
    model = model_of("llama")
    for metric, ablation, match in (
        (METRIC, Ablation("mean", prompts(3, 7, seed=1)), "position by position"),
        (METRIC, Ablation("resample", prompts(3, 8, seed=1)), "3 prompts to resample from and 2"),
        ([METRIC], ABLATIONS[0], "2 prompts and 1 metrics"),
    ):
        with pytest.raises(ValueError, match=match):
            CircuitRuns(model, TOKENS, metric, ablation)
    with pytest.raises(ValueError, match="no pairs"):
        CircuitRuns.of_cases(model, [])
    uneven = Case(TOKENS[0], TOKENS[0, 1:], METRIC)
    with pytest.raises(ValueError, match="patching needs as many in both"):
        CircuitRuns.of_cases(model, [uneven])
    with (
        model.hooks([("hook_embed", lambda x, hook: None)]),
        pytest.raises(ValueError, match="Hooks are attached"),
    ):
        CircuitRuns(model, TOKENS, METRIC, ABLATIONS[0])
