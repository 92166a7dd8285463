"""Edge attribution: its laws, and finite differences of runs in which one edge alone is turned."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.circuits.edges import edge_attribution, edge_attribution_steps
from lensgui.analysis.circuits.runs import CircuitRuns
from lensgui.analysis.circuits.stand_ins import Ablation
from lensgui.analysis.pairs.averages import Case
from lensgui.checkpoints.loading import open_model
from lensgui.terms.circuits.nodes import Node, check_nodes, edge_mask, receivers, senders
from lensgui.terms.metrics import KLDivergence, LogitDifference, Rank
from lensgui.transformer.model import HookedTransformer
from tests.bench.sweeps import Pair
from tests.checkpoints.tiny_models import TINY, prompts, tiny
from tests.circuits import written

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


def runs_of(name, metric=METRIC, clean=CLEAN, corrupted=CORRUPTED):
    return CircuitRuns(model_of(name), clean, metric, Ablation("resample", corrupted))


def at_corrupted(name, metric=METRIC):
    return edge_attribution(runs_of(name, metric), at="corrupted")


def close(a, b, atol=1e-9):
    a, b = (torch.as_tensor(each, dtype=torch.float64) for each in (a, b))
    torch.testing.assert_close(a, b, atol=atol, rtol=1e-6)


@torch.no_grad()
def with_edge(model, base, receiver, change, put=None):
    """The metric of a run when one receiver's input is changed, and what some part writes."""

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
        hooks = [] if put is None else [(put[0], lambda x, hook: put[1])]
        return METRIC(model.run_with_hooks(base, fwd_hooks=[*hooks, (name, add)]))
    finally:
        model.set_use_split_qkv_input(False)
        model.set_use_hook_mlp_in(False)


@pytest.mark.parametrize("at", ["corrupted", "clean"])
@pytest.mark.parametrize("name", FAMILIES)
def test_scores_are_finite_differences(name, at):
    model, base = model_of(name), CORRUPTED if at == "corrupted" else CLEAN
    resample = Ablation("resample", CORRUPTED)
    change = {
        node: x - written(model, CORRUPTED, resample)[node]
        for node, x in written(model, CLEAN, Ablation("resample", CLEAN)).items()
    }
    scores = edge_attribution(runs_of(name), at=at)
    ranked = scores.largest(10_000)
    by_kind = {(u.kind, v.kind): (u, v) for u, v, _ in reversed(ranked)}
    assert len(by_kind) == 15
    chosen = [*by_kind.values(), *((u, v) for u, v, _ in ranked[:8])]
    for sender, receiver in chosen:
        ends = [with_edge(model, base, receiver, share * change[sender]) for share in (1e-5, -1e-5)]
        close(scores.of(sender, receiver), (ends[0] - ends[1]) / 2e-5, atol=1e-8)


@pytest.mark.parametrize("name", TINY)
def test_edges_that_leave_attention_or_an_mlp_add_up_to_its_own_attribution(name):
    model, total = model_of(name), 0.0
    names = [
        f"blocks.{layer}.hook_{part}" for layer in range(3) for part in ("attn_out", "mlp_out")
    ]
    with torch.no_grad():
        _, source = model.run_with_cache(CLEAN)
    kept = {}
    with model.hooks([(each, lambda x, hook: kept.update({hook.name: x})) for each in names]):
        value = METRIC(model(CORRUPTED))
    gradients = torch.autograd.grad(value, [kept[each] for each in names])
    scores = at_corrupted(name)
    for each, gradient in zip(names, gradients, strict=True):
        effect = ((source[each] - kept[each].detach()) * gradient).sum()
        layer = int(each.split(".")[1])
        heads = [Node("head", layer, head) for head in range(model.cfg.n_heads)]
        senders_ = heads if each.endswith("attn_out") else [Node("mlp", layer)]
        close(sum(scores.of_sender(sender).sum() for sender in senders_), effect)
        total += float(effect.abs())
    assert total > 0.1
    close(scores.by_position.sum(1), scores.values.sum(1))


@pytest.mark.parametrize("name", ["gpt2", "gptj", "llama", "gemma2"])
def test_edges_that_leave_the_embedding_add_up_to_the_whole_effect(name):
    missing = []
    for steps in (1, 24, 96):
        scores = edge_attribution(runs_of(name), steps)
        assert scores.points == steps
        whole = scores.clean - scores.corrupted
        missing.append(abs(float(scores.of_sender(Node("embed")).sum()) - whole))
    assert abs(whole) > 0.05
    assert missing[0] > 0.03 * abs(whole)
    assert missing[1] < 0.2 * abs(whole)
    assert missing[2] < 0.02 * abs(whole)


def test_points_of_the_path_are_where_they_are_said_to_be():
    runs, middle = runs_of("llama"), edge_attribution(runs_of("llama"), 1)
    for points, at in (("left", "corrupted"), ("right", "clean")):
        end = edge_attribution(runs, at=at)
        close(edge_attribution(runs, 1, points=points).values, end.values)
        half = edge_attribution(runs, 2, points=points)
        close(half.values, (middle.values + end.values) / 2)


@pytest.mark.parametrize("points", ["left", "right"])
@pytest.mark.parametrize("name", ["gpt2", "gptj", "gemma2"])
def test_along_activations_one_part_moves_at_a_time(name, points):
    """Every run adds to every edge: with one step all are one of the two ends of each part."""
    model, runs = model_of(name), runs_of(name)
    scores = edge_attribution(runs, 1, points=points, along="activations")
    assert scores.points == 1 + 2 * 3
    if points == "right":
        one = edge_attribution(runs, at="clean").values
        late = slice(len(scores.receivers) - 1, None)
        close(scores.values[:, late], one[:, late])
        return
    total = 0.0
    with torch.no_grad():
        _, source = model.run_with_cache(CORRUPTED)
    change = {
        node: x - written(model, CORRUPTED, Ablation("resample", CORRUPTED))[node]
        for node, x in written(model, CLEAN, Ablation("resample", CLEAN)).items()
    }
    sender, receiver = Node("head", 0, 1), Node("mlp", 2)
    for name_ in (
        "hook_embed",
        *(
            f"blocks.{layer}.{part}"
            for layer in range(3)
            for part in ("attn.hook_z", "hook_mlp_out")
        ),
    ):
        ends = [
            with_edge(model, CLEAN, receiver, share * change[sender], put=(name_, source[name_]))
            for share in (1e-5, -1e-5)
        ]
        total += float(ends[0] - ends[1]) / 2e-5 / 7
    close(scores.of(sender, receiver), total, atol=1e-8)


def test_the_metrics_at_both_ends_are_those_of_plain_runs():
    model, scores = model_of("llama"), edge_attribution(runs_of("llama"))
    with torch.no_grad():
        close(scores.clean, METRIC(model(CLEAN)))
        close(scores.corrupted, METRIC(model(CORRUPTED)))


def test_any_function_of_logits_is_a_metric():
    plain = edge_attribution(runs_of("gemma2"))
    called = edge_attribution(runs_of("gemma2", lambda logits: METRIC(logits)))
    close(called.values, plain.values)
    whole = edge_attribution(runs_of("gemma2", lambda logits: logits.pow(2).mean()))
    assert whole.values.isfinite().all()
    assert whole.values.abs().max() > 1e-6


def test_each_prompt_has_scores_of_its_own():
    both = edge_attribution(runs_of("llama"))
    each = [
        edge_attribution(runs_of("llama", clean=CLEAN[at], corrupted=CORRUPTED[at])).values
        for at in range(2)
    ]
    close(both.by_pair, torch.stack(each))
    close(both.graph.sizes, torch.stack(each).abs().mean(0))
    assert not torch.allclose(*both.by_pair)


def test_a_mean_stands_in_too():
    model, many = model_of("gemma2"), Ablation("mean", torch.cat([CLEAN, CORRUPTED]))
    runs = CircuitRuns(model, CLEAN, METRIC, many)
    scores = edge_attribution(runs, 300)
    begun = runs.groups()[0].rows.stand_ins.embedding.expand(2, -1, -1)
    with torch.no_grad():
        moved = METRIC(model(CLEAN)) - METRIC(model(begun, start_at_layer=0))
    close(float(scores.of_sender(Node("embed")).sum()), moved, atol=0.01 * abs(float(moved)))
    assert abs(float(moved) - (scores.clean - scores.corrupted)) > 0.1


def test_nothing_stands_in_too():
    runs = CircuitRuns(model_of("gpt2"), CLEAN, METRIC, Ablation("zero"))
    scores, base = edge_attribution(runs, at="clean"), model_of("gpt2")
    change = written(base, CLEAN, Ablation("resample", CLEAN))
    for sender, receiver, score in scores.largest(5):
        stand_in = written(base, CLEAN, Ablation("zero"))[sender]
        ends = [
            with_edge(base, CLEAN, receiver, share * (change[sender] - stand_in))
            for share in (1e-5, -1e-5)
        ]
        close(score, (ends[0] - ends[1]) / 2e-5, atol=1e-8)


def test_a_divergence_is_from_the_clean_run():
    scores = at_corrupted("llama", KLDivergence())
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
        scores = at_corrupted(name)
        assert not scores.values[torch.tensor(~exists)].any()
        assert len(scores.largest(10_000)) == exists.sum()


def test_groups_come_one_by_one_and_leave_the_model_as_it_was():
    model = model_of("llama")
    pairs = [Case(*prompts(2, 6 + at % 2, seed=at), METRIC) for at in range(6)]
    steps = edge_attribution_steps(CircuitRuns.of_cases(model, pairs), 2)
    counts = [len(each.by_pair) for each in steps if each is not None]
    assert counts == [3, 6]
    assert not any(point.is_watched for point in model.hook_points())
    assert all(weight.grad is None for weight in model.parameters())
    *_, last = edge_attribution_steps(CircuitRuns.of_cases(model, pairs), 2)
    close(last.by_pair[1], edge_attribution(CircuitRuns.of_cases(model, pairs[1:2]), 2).values)
    assert last.by_position is None


def test_what_can_not_be_scored_is_a_sentence():
    model = model_of("llama")
    with pytest.raises(ValueError, match="1 step or more"):
        edge_attribution(runs_of("llama"), 0)
    with pytest.raises(ValueError, match="Rank has no gradient"):
        edge_attribution(runs_of("llama", Rank((3,))))
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
    ablation = Ablation("resample", pair.corrupted)
    runs = CircuitRuns(model, pair.clean, pair.metric, ablation)
    scores = edge_attribution(runs, at="corrupted")
    largest = [(str(u), str(v)) for u, v, _ in scores.largest(12)]
    assert largest[:2] == [("L23H3", "logits"), ("L29H1", "logits")]
    assert "L20H0" in {u for u, _ in largest}
    assert scores.of(Node("head", 23, 3), Node("logits")) > 1
