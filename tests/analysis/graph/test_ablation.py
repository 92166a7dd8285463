"""Ablation is plain hooks; nothing ablated is the model; captions name what was ablated."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.graph import nodes
from lensgui.analysis.graph.ablation import Ablation, run_ablated
from lensgui.analysis.graph.faithfulness import (
    CircuitScores,
    circuit_scores,
    parts,
    sampled_knockouts,
)
from lensgui.analysis.graph.nodes import Node
from lensgui.analysis.graph.path_patching import path_patch
from lensgui.terms.metrics import KLDivergence, LogitDifference
from lensgui.transformer.model import HookedTransformer
from tests.checkpoints.tiny_models import TINY, prompts, tiny
from tests.references import model_of

TOKENS = prompts(2, 8, seed=1)
OTHERS = prompts(2, 8, seed=2)
MANY = prompts(19, 8, seed=3)
METRIC = LogitDifference((11, 13), (7,))
FAMILIES = ["gpt2", "gptj", "gpt_neox", "llama", "gemma2", "granite"]
EMBED = Node("embed")
SOME = (Node("head", 0, 1), Node("head", 0, 3), Node("mlp", 1), Node("head", 2, 0), EMBED)
ABLATIONS = [
    Ablation("zero"),
    Ablation("mean", MANY, "random tokens"),
    Ablation("resample", OTHERS, "other prompts"),
]


def close(a, b):
    a, b = (torch.as_tensor(each, dtype=torch.float64) for each in (a, b))
    torch.testing.assert_close(a, b, atol=1e-10, rtol=1e-10)


def slowly(model, removed, ablation):
    """Plain hooks, and everything in one cache."""

    def put(x, hook):
        x = x.clone()
        if ablation.method != "zero":
            stand_in = cache[hook.name]
            stand_in = stand_in.mean(0) if ablation.method == "mean" else stand_in
        else:
            stand_in = torch.zeros_like(x[0])
        for node in removed:
            name = {"mlp": "hook_mlp_out", "head": "attn.hook_z"}.get(node.kind)
            whole = hook.name == (f"blocks.{node.layer}.{name}" if name else "hook_embed")
            if whole and node.kind == "head":
                x[:, :, node.head] = stand_in[..., node.head, :]
            elif whole or (node == EMBED and hook.name == "hook_pos_embed"):
                x[:] = stand_in
        return x

    if ablation.prompts is not None:
        _, cache = model.run_with_cache(ablation.prompts)
    kinds = ("hook_embed", "hook_pos_embed", "hook_z", "hook_mlp_out")
    return model.run_with_hooks(TOKENS, fwd_hooks=[(lambda name: name.endswith(kinds), put)])


@pytest.mark.parametrize("ablation", ABLATIONS, ids=lambda each: each.method)
@pytest.mark.parametrize("name", FAMILIES)
def test_ablating_nodes_is_putting_something_in_their_place(name, ablation):
    model = model_of(name)
    plain = model(TOKENS)
    for removed in ((), SOME[:1], SOME, nodes.senders(model.cfg)):
        ours = run_ablated(model, TOKENS, removed, ablation)
        close(ours, slowly(model, removed, ablation))
        assert bool((ours - plain).abs().max() > 1e-3) is bool(removed)
    assert torch.equal(run_ablated(model, TOKENS, (), ablation), plain)
    assert not any(point.is_watched for point in model.hook_points())


@pytest.mark.parametrize("name", TINY)
def test_resampling_everything_is_running_the_other_prompts(name):
    model = model_of(name)
    close(run_ablated(model, TOKENS, nodes.senders(model.cfg), ABLATIONS[2]), model(OTHERS))


def test_the_mean_of_one_prompt_is_resampling_from_it():
    model = model_of("llama")
    runs = [
        run_ablated(model, TOKENS, SOME, Ablation(how, OTHERS[0])) for how in ("mean", "resample")
    ]
    close(*runs)


@pytest.mark.parametrize("name", ["gpt2", "gptj", "llama", "granite"])
def test_resampling_edges_is_path_patching(name):
    model = model_of(name)
    start = METRIC(model(TOKENS))
    for senders, receivers in (
        (SOME[:1], (Node("q", 2, 3), Node("v", 1, 0), Node("mlp", 2))),
        ((EMBED, Node("mlp", 0)), (Node("k", 1, 0), Node("logits"))),
    ):
        edges = [(sender, receiver) for sender in senders for receiver in receivers]
        ours = METRIC(run_ablated(model, TOKENS, edges, ABLATIONS[2])) - start
        close(ours, path_patch(model, OTHERS, TOKENS, METRIC, senders, receivers))
        assert abs(ours) > 1e-6


@pytest.mark.parametrize("ablation", ABLATIONS, ids=lambda each: each.method)
@pytest.mark.parametrize("name", ["gptj", "llama", "granite"])
def test_all_edges_that_leave_nodes_are_the_nodes(name, ablation):
    model = model_of(name)
    cfg, chosen = model.cfg, (*SOME[:3], EMBED)
    edges = [pair for pair in parts(cfg, "edge", mlps=True) if pair[0] in chosen]
    whole = run_ablated(model, TOKENS, chosen, ablation)
    close(run_ablated(model, TOKENS, edges, ablation), whole)
    mixed = [pair for pair in edges if pair[0] != chosen[0]]
    close(run_ablated(model, TOKENS, [*mixed, chosen[0]], ablation), whole)
    assert not model.cfg.use_split_qkv_input


@pytest.mark.parametrize("ablation", ABLATIONS, ids=lambda each: each.method)
@pytest.mark.parametrize(("level", "mlps"), [("node", False), ("node", True), ("edge", True)])
def test_the_whole_model_is_a_faithful_circuit_and_nothing_is_not(ablation, level, mlps):
    model = model_of("llama")
    every = parts(model.cfg, level, mlps)
    settings = {"level": level, "mlps": mlps, "minimality": False}
    for circuit, expected in ((every, 1.0), ((), 0.0)):
        *_, scores = circuit_scores(model, TOKENS, METRIC, circuit, ablation, **settings)
        close(scores.faithfulness, expected)
        close(scores.model, METRIC(model(TOKENS)))
        close(scores.empty, METRIC(run_ablated(model, TOKENS, every, ablation)))
        assert abs(scores.model - scores.empty) > 0.01


def test_scores_are_runs_without_parts():
    model, ablation = model_of("gpt2"), ABLATIONS[1]
    every = parts(model.cfg, "node", False)
    circuit = {Node("head", layer, head) for layer in range(3) for head in range(2)}
    knockouts = [{Node("head", 0, 0), Node("head", 1, 1)}, {Node("head", 2, 1)}]
    results = list(circuit_scores(model, TOKENS, METRIC, circuit, ablation, knockouts))

    def kept(remaining):
        return float(METRIC(run_ablated(model, TOKENS, every - remaining, ablation)))

    assert len(results) == 1 + 2 + 6
    assert results[0].faithfulness == results[-1].faithfulness
    scores = results[-1]
    close(scores.faithfulness, (kept(circuit) - kept(set())) / (kept(every) - kept(set())))
    for knockout, out in zip(scores.completeness, knockouts, strict=True):
        close(knockout.incompleteness, abs(kept(circuit - out) - kept(every - out)))
        assert knockout.incompleteness > 1e-6
    for node in circuit:
        sets = (set(), *knockouts)
        changes = [abs(kept(circuit - out) - kept(circuit - out - {node})) for out in sets]
        close(scores.minimality[node], max(changes))
        assert scores.minimality[node] > 1e-6


def test_knockouts_are_drawn_again_alike():
    every = parts(model_of("llama").cfg, "edge", True)
    drawn = sampled_knockouts(every, 3, 0.25)
    assert drawn == sampled_knockouts(every, 3, 0.25)
    assert drawn != sampled_knockouts(every, 3, 0.25, seed=1)
    assert all(0.1 < len(each) / len(every) < 0.4 for each in drawn)


def captions(ablation, **settings):
    model = model_of("llama")
    found = circuit_scores(model, TOKENS, METRIC, (), ablation, minimality=False, **settings)
    return next(found).caption


def test_the_caption_names_the_ablation_the_level_the_mlps_and_the_reference_set():
    assert captions(ABLATIONS[0]) == (
        "node level, 0 of 12 heads kept, MLPs not in the circuit (all stay); zero ablation "
        "(off-distribution)"
    )
    assert captions(ABLATIONS[1], mlps=True) == (
        "node level, 0 of 15 heads and MLPs kept; mean ablation, per position over the reference "
        "set (random tokens, 19 prompts)"
    )
    edge = captions(ABLATIONS[2], level="edge", mlps=True)
    assert edge.startswith("edge level, 0 of ")
    assert "those of MLPs in the circuit" in edge
    assert "resample ablation from the reference set (other prompts, 2 prompts)" in edge


def test_a_reference_prompt_that_flips_the_answer_is_called_a_swap():
    model, every = model_of("llama"), prompts(40, 8, seed=5)
    scored = [(float(METRIC(model(row[None]))), row) for row in every]
    low, high = (choose(scored, key=lambda each: each[0]) for choose in (min, max))
    assert low[0] < -0.5
    assert high[0] > 0.5

    def caption(row, reference, method="resample", metric=METRIC):
        ablation = Ablation(method, reference)
        return next(circuit_scores(model, row, metric, (), ablation, minimality=False)).caption

    assert "swap" in caption(low[1], high[1])
    assert "swap" not in caption(low[1], low[1].clone())
    assert "swap" not in caption(low[1], high[1], "mean")
    assert "swap" not in caption(low[1], high[1], metric=lambda logits: METRIC(logits))


def test_a_divergence_is_from_the_whole_model():
    found = circuit_scores(
        model_of("llama"), TOKENS, KLDivergence(), (), ABLATIONS[2], minimality=False
    )
    scores = next(found)
    close(scores.model, 0.0)
    assert scores.empty > 0.01


def test_weights_may_need_gradients():
    model = HookedTransformer.from_pretrained_no_processing(hf_model=tiny("llama"), device="cpu")
    assert next(model.parameters()).requires_grad
    *_, scores = circuit_scores(model, TOKENS, METRIC, SOME[:2], ABLATIONS[2])
    assert not run_ablated(model, TOKENS, SOME, ABLATIONS[2]).requires_grad
    assert len(scores.minimality) == 2


def test_a_ratio_of_nothing_is_a_sentence():
    same = CircuitScores("", 1.0, 1.0 + 1e-9, 3.0)
    with pytest.raises(ValueError, match="Faithfulness is undefined: the whole model scores 1 and"):
        _ = same.faithfulness
    with pytest.raises(ValueError, match="Faithfulness is undefined"):
        _ = CircuitScores("", float("nan"), 0.0, 3.0).faithfulness
    assert CircuitScores("", 3.0, 1.0, 4.0).faithfulness == 1.5


def test_what_can_not_be_ablated_is_a_sentence():
    model = model_of("llama")
    for removed, ablation, match in (
        ([Node("q", 1, 1)], ABLATIONS[0], "no sender L1H1.q"),
        ([(SOME[0], Node("q", 0, 0))], ABLATIONS[0], "no edge from L0H1 to L0H0.q"),
        ([], Ablation("mean", MANY[:, 1:]), "position by position"),
        ([], Ablation("resample", MANY), "19 prompts to resample from and 2 to run"),
    ):
        with pytest.raises(ValueError, match=match):
            run_ablated(model, TOKENS, removed, ablation)
    with pytest.raises(ValueError, match="normalises what the heads of a layer write together"):
        run_ablated(model_of("gemma2"), TOKENS, [(SOME[0], Node("logits"))], ABLATIONS[0])
    with pytest.raises(ValueError, match="leave them out"):
        Ablation("zero", MANY)
    with pytest.raises(ValueError, match="needs a reference set"):
        Ablation("mean")
    for circuit, level, match in (
        ([Node("mlp", 1)], "node", "MLP 1 can't be ablated at node level while MLPs stay"),
        ([SOME[0]], "edge", "L0H1 can't be ablated at edge level"),
        ([(SOME[0], Node("mlp", 1))], "edge", "L0H1 → MLP 1 can't be"),
    ):
        with pytest.raises(ValueError, match=match):
            next(circuit_scores(model, TOKENS, METRIC, circuit, ABLATIONS[0], level=level))
