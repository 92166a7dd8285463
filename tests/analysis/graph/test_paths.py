"""Path patching: its laws, and the long way round with recorded inputs and plain hooks."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.graph.path_patching import path_patch
from lensgui.analysis.graph.senders import path_patch_into
from lensgui.analysis.run.run import Run
from lensgui.terms.circuits import nodes
from lensgui.terms.circuits.nodes import Node
from lensgui.terms.metrics import KLDivergence, LogitDifference
from lensgui.transformer.model import HookedTransformer
from tests.checkpoints.tiny_models import TINY, tiny
from tests.references import EVERY, model_of, putting

CLEAN = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6], [2, 7, 1, 8, 2, 8, 1, 8]])
CORRUPTED = torch.tensor([[3, 8, 4, 1, 7, 9, 2, 6], [2, 7, 1, 8, 5, 5, 1, 8]])
METRIC = LogitDifference((11,), (7,))
FAMILIES = ["gpt2", "gptj", "gpt_neox", "llama", "gemma2", "olmo2", "mixtral"]
LOGITS, EMBED = Node("logits"), Node("embed")


def close(a, b):
    a, b = (torch.as_tensor(each, dtype=torch.float64) for each in (a, b))
    torch.testing.assert_close(a, b, atol=1e-9, rtol=1e-9)


def runs_of(model):
    return [Run(model, tokens[0]).complete() for tokens in (CLEAN, CORRUPTED)]


def part_of(node):
    """What of an activation is a node's."""
    return (...,) if node.head is None else (EVERY, EVERY, node.head)


def patching(model, clean, senders):
    """Hooks that put the senders' clean outputs into a run."""
    for node in senders:
        name = f"blocks.{node.layer}." + ("attn.hook_z" if node.kind == "head" else "hook_mlp_out")
        yield putting("hook_embed" if node == EMBED else name, part_of(node), clean)


def difference(model, hooks):
    return METRIC(model.run_with_hooks(CORRUPTED, fwd_hooks=list(hooks))) - METRIC(model(CORRUPTED))


def slowly(model, senders, receivers, freeze_mlps, hears=True):
    """Record what receivers hear, a layer at a time, everything else being held; then put it in.

    Where they do not hear each other, nothing is put in before all is recorded.
    """
    _, clean = model.run_with_cache(CLEAN)
    heard, puts, layers = {}, [], range(model.cfg.n_layers)
    for layer, is_mlp in sorted({(layer, part) for layer in layers for part in (False, True)}):
        here = [node for node in receivers if (node.layer, node.kind == "mlp") == (layer, is_mlp)]
        if not here:
            continue
        heard_so_far = puts if hears else []
        logits, now = held(model, senders, clean, heard_so_far, layer if freeze_mlps else 0)
        for node in here:
            name = "hook_mlp_out" if is_mlp else f"attn.hook_{node.kind}"
            name = f"blocks.{layer}.{name}"
            heard.setdefault(name, torch.zeros_like(now[name]))
            heard[name][part_of(node)] = now[name][part_of(node)]
            puts.append(putting(name, part_of(node), heard))
    if LOGITS in receivers:
        logits, _ = held(model, senders, clean, puts, len(layers) if freeze_mlps else 0)
        return METRIC(logits) - METRIC(model(CORRUPTED))
    return difference(model, puts)


def held(model, senders, clean, puts, mlps):
    """A run with every head, and the first MLPs, held at what they are now, but for the senders."""
    with model.hooks(puts):
        _, now = model.run_with_cache(CORRUPTED)
    names = [f"blocks.{layer}.attn.hook_z" for layer in range(model.cfg.n_layers)]
    names += [f"blocks.{layer}.hook_mlp_out" for layer in range(mlps)]
    hooks = [putting(name, (...,), now) for name in names]
    with model.hooks([*hooks, *patching(model, clean, senders)]):
        return model.run_with_cache(CORRUPTED)


CASES = {
    "one query": ([Node("head", 0, 1)], [Node("q", 2, 3)]),
    "a key": ([Node("head", 1, 0), EMBED], [Node("k", 2, 0)]),
    "a value": ([Node("mlp", 0)], [Node("v", 1, 0)]),
    "an MLP": ([Node("head", 0, 2)], [Node("mlp", 1)]),
    "the MLP of the layer": ([Node("head", 1, 2), Node("head", 0, 2)], [Node("mlp", 1)]),
    "logits": ([Node("head", 0, 3), Node("mlp", 1)], [LOGITS]),
    "receivers in several layers": (
        [Node("head", 0, 0), Node("head", 1, 1), Node("mlp", 0)],
        [Node("q", 1, 1), Node("mlp", 1), Node("v", 2, 0), Node("k", 2, 0), LOGITS],
    ),
}


@pytest.mark.parametrize("freeze_mlps", [True, False])
@pytest.mark.parametrize("name", FAMILIES)
def test_receivers_hear_what_is_recorded_with_all_else_held(name, freeze_mlps):
    model, seen = model_of(name), []
    for case, (senders, receivers) in CASES.items():
        ours = path_patch(model, CLEAN, CORRUPTED, METRIC, senders, receivers, freeze_mlps)
        close(ours, slowly(model, senders, receivers, freeze_mlps))
        seen.append(abs(ours) > 1e-6)
        if case == "logits" and not model.cfg.parallel_attn_mlp:
            other = path_patch(model, CLEAN, CORRUPTED, METRIC, senders, receivers, not freeze_mlps)
            assert abs(other - ours) > 1e-6
    assert all(seen)


@pytest.mark.parametrize("freeze_mlps", [True, False])
@pytest.mark.parametrize("name", FAMILIES)
def test_receivers_that_do_not_hear_each_other_are_recorded_at_once(name, freeze_mlps):
    model = model_of(name)
    receivers = [Node("q", 1, 1), Node("mlp", 1), Node("v", 2, 0), Node("k", 2, 0)]
    frozen = [Node("head", 0, 0), Node("mlp", 0)], receivers, freeze_mlps
    ours = path_patch(model, CLEAN, CORRUPTED, METRIC, *frozen, hear_each_other=False)
    close(ours, slowly(model, *frozen, hears=False))
    assert abs(ours - slowly(model, *frozen)) > 1e-6
    one = CASES["one query"]
    together = [
        path_patch(model, CLEAN, CORRUPTED, METRIC, *one, hear_each_other=hears)
        for hears in (True, False)
    ]
    close(*together)


@pytest.mark.parametrize("freeze_mlps", [True, False])
@pytest.mark.parametrize("name", TINY)
def test_every_edge_that_leaves_a_sender_is_activation_patching_of_it(name, freeze_mlps):
    model = model_of(name)
    _, clean = model.run_with_cache(CLEAN)
    every = nodes.receivers(model.cfg)
    for senders in (
        [Node("head", 0, 1)],
        [Node("head", 2, 3)],
        [Node("mlp", 1)],
        [EMBED],
        [Node("head", 0, 0), Node("mlp", 0), Node("head", 1, 3)],
    ):
        ours = path_patch(model, CLEAN, CORRUPTED, METRIC, senders, every, freeze_mlps)
        close(ours, difference(model, patching(model, clean, senders)))
        assert abs(ours) > 1e-6


@pytest.mark.parametrize("name", ["gpt2", "gptj", "llama", "mixtral"])
def test_the_edge_to_the_logits_at_a_fixed_scale_is_direct_attribution(name):
    model = model_of(name)
    caches = [model.run_with_cache(tokens)[1] for tokens in (CLEAN, CORRUPTED)]
    stacks = [torch.cat([c.stack_head_results(), c.stack_activation("mlp_out")]) for c in caches]
    direction = model.W_U[:, 11] - model.W_U[:, 7]
    change = (stacks[0] - stacks[1])[:, :, -1]
    if model.ln_final.centres:
        change = change - change.mean(-1, keepdim=True)
    scaled = change / caches[1]["ln_final.hook_scale"][:, -1] * model.ln_final.w
    expected = (scaled @ direction).mean(-1)
    sending = [Node("head", layer, head) for layer in range(3) for head in range(4)]
    sending += [Node("mlp", layer) for layer in range(3)]
    for node, attribution in zip(sending, expected, strict=True):
        ours = path_patch(
            model, CLEAN, CORRUPTED, METRIC, [node], [LOGITS], freeze_final_scale=True
        )
        close(ours, attribution)
    assert expected.abs().max() > 0.01


@pytest.mark.parametrize("name", ["gptj", "llama", "gemma2"])
def test_who_feeds_a_receiver_is_each_sender_alone(name):
    model, runs = model_of(name), runs_of(model_of(name))
    for receiver in (Node("q", 2, 1), Node("k", 1, 0), Node("v", 2, 0)):
        *_, scores = path_patch_into(*runs, METRIC, receiver)
        known = {EMBED: scores.embed}
        for layer in range(3):
            known[Node("mlp", layer)] = float(scores.mlps[layer])
            known |= {Node("head", layer, h): float(scores.heads[layer, h]) for h in range(4)}
        for node, value in known.items():
            if nodes.written_at(node) < nodes.read_at(receiver, model.cfg):
                alone = path_patch(model, CLEAN[0], CORRUPTED[0], METRIC, [node], [receiver])
                close(value, alone)
            else:
                assert value != value


def test_stopping_half_way_leaves_nothing():
    model = model_of("llama")
    found = path_patch_into(*runs_of(model), METRIC, Node("q", 2, 1))
    first = next(scores for scores in found if scores is not None)
    assert first.heads[:2].isfinite().any()
    assert first.heads[2].isnan().all()
    found.close()
    assert not any(point.is_watched for point in model.hook_points())
    assert first.clean == pytest.approx(float(METRIC(model(CLEAN[:1]))))
    assert first.corrupted == pytest.approx(float(METRIC(model(CORRUPTED[:1]))))


def test_weights_may_need_gradients():
    model = HookedTransformer.from_pretrained_no_processing(hf_model=tiny("llama"), device="cpu")
    assert next(model.parameters()).requires_grad
    node, receiver = Node("head", 0, 1), Node("q", 2, 1)
    *_, scores = path_patch_into(*runs_of(model), METRIC, receiver)
    ours = path_patch(model, CLEAN[0], CORRUPTED[0], METRIC, [node], [receiver])
    assert ours == pytest.approx(float(scores.heads[0, 1]), abs=1e-4)


def test_other_metrics():
    model, edge = model_of("llama"), ([Node("head", 0, 1)], [Node("q", 2, 3)])
    called = path_patch(model, CLEAN, CORRUPTED, lambda logits: METRIC(logits), *edge)
    close(called, path_patch(model, CLEAN, CORRUPTED, METRIC, *edge))
    assert path_patch(model, CLEAN, CORRUPTED, KLDivergence(), *edge) != 0


def test_what_can_not_be_patched_is_a_sentence():
    model, head = model_of("llama"), Node("head", 1, 0)
    for senders, receivers, match in (
        ([head], [Node("q", 1, 1)], "None of the senders"),
        ([head], [], "None of the senders"),
        ([Node("q", 1, 1)], [LOGITS], "no sender"),
        ([head], [EMBED], "no receiver"),
        ([Node("head", 7, 0)], [LOGITS], "no sender L7H0"),
    ):
        with pytest.raises(ValueError, match=match):
            path_patch(model, CLEAN, CORRUPTED, METRIC, senders, receivers)
    with pytest.raises(ValueError, match="as many in both"):
        path_patch(model, CLEAN, CORRUPTED[:1], METRIC, [head], [LOGITS])
