"""Edge attribution: its laws, and finite differences of runs in which one edge alone is turned."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.graph.edges import edge_attribution, edge_attribution_steps
from lensgui.analysis.graph.nodes import Node, check_nodes, edge_mask, receivers, senders
from lensgui.checkpoints.loading import open_model
from lensgui.terms.metrics import KLDivergence, LogitDifference, Rank
from lensgui.transformer.model import HookedTransformer
from tests.bench.sweeps import Pair
from tests.checkpoints.tiny_models import TINY, tiny

CLEAN = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6], [2, 7, 1, 8, 2, 8, 1, 8]])
CORRUPTED = torch.tensor([[3, 8, 4, 1, 7, 9, 2, 6], [2, 7, 1, 8, 5, 5, 1, 8]])
METRIC = LogitDifference((11, 13), (7,))
FAMILIES = ["gpt2", "gptj", "gpt_neox", "llama", "gemma2", "olmo2", "granite"]
INPUTS = {"q": "hook_q_input", "k": "hook_k_input", "v": "hook_v_input", "mlp": "hook_mlp_in"}
_models: dict[str, HookedTransformer] = {}


def model_of(name: str) -> HookedTransformer:
    if name not in _models:
        _models[name] = HookedTransformer.from_pretrained_no_processing(
            hf_model=tiny(name), device="cpu", dtype=torch.float64
        )
    return _models[name]


def close(a, b, atol=1e-9):
    a, b = (torch.as_tensor(each, dtype=torch.float64) for each in (a, b))
    torch.testing.assert_close(a, b, atol=atol, rtol=1e-6)


@torch.no_grad()
def moved(model, base, source, sender, share):
    """How what a sender writes changes a share of the way from the base run to the source run."""
    layer = sender.layer
    if sender.kind == "embed":
        return share * (model.to_embedding(CLEAN) - model.to_embedding(CORRUPTED))
    if sender.kind == "mlp":
        return share * (source["mlp_out", layer] - base["mlp_out", layer])
    z = base["z", layer].clone()
    z[:, :, sender.head] += share * (source["z", layer] - z)[:, :, sender.head]
    nothing, block = torch.zeros(1, 1, model.cfg.d_model).double(), model.blocks[layer]
    return block.with_heads(nothing, z) - block.with_heads(nothing, base["z", layer])


@torch.no_grad()
def with_edge(model, receiver, change):
    """The metric of the corrupted run when one receiver's input is changed."""

    def add(x, hook):
        x = x.clone()
        x[(slice(None), slice(None), *([receiver.head] if x.ndim == 4 else []))] += change
        return x

    name = f"blocks.{receiver.layer}.{INPUTS.get(receiver.kind)}"
    if receiver.kind == "logits":
        name = f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"
    model.set_use_split_qkv_input(True)
    model.set_use_hook_mlp_in(True)
    try:
        return METRIC(model.run_with_hooks(CORRUPTED, fwd_hooks=[(name, add)]))
    finally:
        model.set_use_split_qkv_input(False)
        model.set_use_hook_mlp_in(False)


@pytest.mark.parametrize("name", FAMILIES)
def test_scores_are_finite_differences(name):
    model = model_of(name)
    with torch.no_grad():
        (_, source), (_, base) = (model.run_with_cache(t) for t in (CLEAN, CORRUPTED))
    scores = edge_attribution(model, CLEAN, CORRUPTED, METRIC)
    ranked = scores.largest(10_000)
    by_kind = {(u.kind, v.kind): (u, v) for u, v, _ in reversed(ranked)}
    assert len(by_kind) == 15
    chosen = [*by_kind.values(), *((u, v) for u, v, _ in ranked[:8])]
    for sender, receiver in chosen:
        ends = [
            with_edge(model, receiver, moved(model, base, source, sender, share))
            for share in (1e-5, -1e-5)
        ]
        close(scores.of(sender, receiver), (ends[0] - ends[1]) / 2e-5, atol=1e-8)


@pytest.mark.parametrize("name", TINY)
def test_edges_that_leave_a_node_add_up_to_its_own_attribution(name):
    model, total = model_of(name), 0.0
    names = [f"blocks.{layer}.attn.hook_z" for layer in range(3)]
    names += [f"blocks.{layer}.hook_mlp_out" for layer in range(3)]
    with torch.no_grad():
        _, source = model.run_with_cache(CLEAN)
    kept = {}
    with model.hooks([(each, lambda x, hook: kept.update({hook.name: x})) for each in names]):
        value = METRIC(model(CORRUPTED))
    gradients = torch.autograd.grad(value, [kept[each] for each in names])
    scores = edge_attribution(model, CLEAN, CORRUPTED, METRIC)
    for each, gradient in zip(names, gradients, strict=True):
        effect = ((source[each] - kept[each].detach()) * gradient).sum((0, 1, -1))
        layer = int(each.split(".")[1])
        if effect.ndim:
            ours = [
                scores.of_sender(Node("head", layer, head)).sum() for head in range(len(effect))
            ]
            close(torch.stack(ours), effect)
        else:
            close(scores.of_sender(Node("mlp", layer)).sum(), effect)
        total += float(effect.abs().sum())
    assert total > 0.1


@pytest.mark.parametrize("name", ["gpt2", "gptj", "llama", "gemma2"])
def test_edges_that_leave_the_embedding_add_up_to_the_whole_effect(name):
    model, missing = model_of(name), []
    for steps in (1, 24, 96):
        scores = edge_attribution(model, CLEAN, CORRUPTED, METRIC, steps)
        assert scores.steps == steps
        whole = scores.clean - scores.corrupted
        missing.append(abs(float(scores.of_sender(Node("embed")).sum()) - whole))
    assert abs(whole) > 0.05
    assert missing[0] > 0.05 * abs(whole)
    assert missing[1] < 0.2 * abs(whole)
    assert missing[2] < 0.02 * abs(whole)


def test_the_metrics_at_both_ends_are_those_of_plain_runs():
    model = model_of("llama")
    scores = edge_attribution(model, CLEAN, CORRUPTED, METRIC)
    with torch.no_grad():
        close(scores.clean, METRIC(model(CLEAN)))
        close(scores.corrupted, METRIC(model(CORRUPTED)))


def test_any_function_of_logits_is_a_metric():
    model = model_of("gemma2")
    plain = edge_attribution(model, CLEAN, CORRUPTED, METRIC)
    called = edge_attribution(model, CLEAN, CORRUPTED, lambda logits: METRIC(logits))
    close(called.values, plain.values)
    whole = edge_attribution(model, CLEAN, CORRUPTED, lambda logits: logits.pow(2).mean())
    assert whole.values.isfinite().all()
    assert whole.values.abs().max() > 1e-6


def test_a_divergence_is_from_the_clean_run():
    scores = edge_attribution(model_of("llama"), CLEAN, CORRUPTED, KLDivergence())
    close(scores.clean, 0.0)
    assert scores.corrupted > 0.01
    assert scores.values.abs().max() > 1e-4


def test_there_is_an_edge_wherever_something_written_is_read_later():
    for name, beside in (("llama", True), ("gptj", False)):
        cfg = model_of(name).cfg
        exists, rows, columns = edge_mask(cfg), senders(cfg), receivers(cfg)
        assert exists.shape == (1 + 3 * 5, 3 * (4 + 2 * cfg.kv_heads + 1) + 1)
        assert exists[0].all()
        assert exists[:, -1].all()
        head, mlp = rows.index(Node("head", 1, 2)), columns.index(Node("mlp", 1))
        assert bool(exists[head, mlp]) is beside
        assert not exists[rows.index(Node("mlp", 1)), mlp]
        assert not exists[head, columns.index(Node("q", 1, 0))]
        assert exists[head, columns.index(Node("v", 2, 0))]
        scores = edge_attribution(model_of(name), CLEAN, CORRUPTED, METRIC)
        assert not scores.values[~exists].any()
        assert len(scores.largest(10_000)) == exists.sum()


def test_steps_come_one_by_one_and_leave_the_model_as_it_was():
    model = model_of("llama")
    steps = edge_attribution_steps(model, CLEAN, CORRUPTED, METRIC, 4)
    assert next(steps).steps == 1
    steps.close()
    assert not any(point.is_watched for point in model.hook_points())
    assert not model.cfg.use_split_qkv_input
    assert not model.cfg.use_hook_mlp_in
    assert all(weight.grad is None for weight in model.parameters())


def test_what_can_not_be_scored_is_a_sentence():
    model = model_of("llama")
    with pytest.raises(ValueError, match="1 step or more"):
        edge_attribution(model, CLEAN, CORRUPTED, METRIC, 0)
    with pytest.raises(ValueError, match="Rank has no gradient"):
        edge_attribution(model, CLEAN, CORRUPTED, Rank((3,)))
    with pytest.raises(ValueError, match="patching needs as many in both"):
        edge_attribution(model, CLEAN, CORRUPTED[:, 1:], METRIC)
    with (
        model.hooks([("hook_embed", lambda x, hook: None)]),
        pytest.raises(ValueError, match="Hooks are attached"),
    ):
        edge_attribution(model, CLEAN, CORRUPTED, METRIC)
    with pytest.raises(ValueError, match="A node 'q' has a layer and a head"):
        Node("q", 1)
    with pytest.raises(ValueError, match=r"no receiver L1H3\.k"):
        check_nodes([Node("k", 1, 3)], model.cfg, "receiver")
    assert str(Node("mlp", 3)) == "MLP 3"
    assert str(Node("head", 3, 1)) == "L3H1"
    assert str(Node("logits")) == "logits"


@pytest.mark.demo
def test_the_demo_model_moves_names_with_its_known_heads(demo_folder):
    model = open_model(str(demo_folder), device="cpu")
    pair = Pair.stored("ioi")
    scores = edge_attribution(model, pair.clean, pair.corrupted, pair.metric)
    largest = [(str(u), str(v)) for u, v, _ in scores.largest(12)]
    assert largest[:2] == [("L23H3", "logits"), ("L29H1", "logits")]
    assert "L20H0" in {u for u, _ in largest}
    assert scores.of(Node("head", 23, 3), Node("logits")) > 1
