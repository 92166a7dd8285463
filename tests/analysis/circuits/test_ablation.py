"""Ablation is plain hooks; nothing ablated is the model; captions name what was ablated."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.circuits.ablation import run_ablated
from lensgui.analysis.circuits.stand_ins import Ablation
from lensgui.analysis.graph.path_patching import path_patch
from lensgui.terms.circuits import nodes
from lensgui.terms.circuits.graph import Graph
from lensgui.terms.circuits.nodes import Node
from lensgui.terms.metrics import LogitDifference
from tests.checkpoints.tiny_models import TINY, prompts
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
    edges = [pair for pair in Graph.whole(cfg).edges if pair[0] in chosen]
    whole = run_ablated(model, TOKENS, chosen, ablation)
    close(run_ablated(model, TOKENS, edges, ablation), whole)
    mixed = [pair for pair in edges if pair[0] != chosen[0]]
    close(run_ablated(model, TOKENS, [*mixed, chosen[0]], ablation), whole)
    assert not model.cfg.use_split_qkv_input


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
    with pytest.raises(ValueError, match="leave them out"):
        Ablation("zero", MANY)
    with pytest.raises(ValueError, match="needs a reference set"):
        Ablation("mean")
