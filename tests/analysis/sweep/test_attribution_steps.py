"""Estimates in steps are the gradient of the whole model, and GradDrop is a gradient a layer."""

from __future__ import annotations

from functools import cache

import pytest
import torch

from lensgui.analysis.run.run import KEPT, Run
from lensgui.analysis.sweep.estimates import gradients
from lensgui.analysis.sweep.estimates.attribution import attribution_patch, attribution_steps
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metrics import KLDivergence, LogitDifference
from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.hooks.names import get_act_name
from lensgui.transformer.model import HookedTransformer
from tests.analysis.sweep.test_sweep_kinds import CLEAN, CORRUPTED, METRIC
from tests.references import KINDS, kinds_of, model_of

BASE = CORRUPTED["several"]
FAMILIES = ("gpt2", "gpt_neox", "llama", "gemma2", "mixtral")
every_family = pytest.mark.parametrize("name", FAMILIES)


@torch.enable_grad()
def whole_gradient(model, tokens, dropped=None, metric=METRIC):
    """Activations of a run, and the metric's gradient in each by one backward pass of it all.

    Args:
        model: The model.
        tokens: Token ids, [1, position].
        dropped: A layer whose outputs are cut from the graph.
        metric: What is read.
    """
    kept = {}

    def keep(x, hook):
        kept[hook.name] = x

    def begin(x, hook):
        return x.detach().requires_grad_()

    cut = [] if dropped is None else ["attn_out", "mlp_out"]
    names = {kind.activation for kind in kinds_of(model)}
    hooks = [("hook_embed", begin)]
    hooks += [(get_act_name(n, at), keep) for n in names for at in range(model.cfg.n_layers)]
    hooks += [(get_act_name(n, dropped), lambda x, hook: x.detach()) for n in cut]
    value = metric(model.run_with_hooks(tokens, fwd_hooks=hooks))
    found = torch.autograd.grad(value, list(kept.values()), materialize_grads=True)
    return kept, dict(zip(kept, found, strict=True))


@cache
def plainly(name: str, dropped: int | None = None) -> dict[SweepKind, torch.Tensor]:
    """The estimates of every kind, from one whole graph."""
    model = model_of(name)
    source, _ = whole_gradient(model, CLEAN)
    base, gradient = whole_gradient(model, BASE, dropped)
    estimates = {}
    for kind in kinds_of(model):
        names = [get_act_name(kind.activation, layer) for layer in range(model.cfg.n_layers)]
        change = torch.stack([((source[n] - base[n]) * gradient[n])[0].detach() for n in names])
        if kind.activation == "pattern":
            dims = {"edge": (), "position": (3,), "all": (2, 3)}[kind.extent]
        else:
            dims = (1, 3) if kind.extent == "all" else (-1,)
        estimates[kind] = change.sum(dims) if dims else change
    return estimates


def near(ours, theirs):
    scale = float(theirs.abs().max())
    assert scale > 1e-6
    assert float((ours - theirs).abs().max()) <= 1e-12 * max(1.0, scale)


@every_family
def test_a_gradient_in_pieces_is_the_gradient_of_the_whole(name):
    model = model_of(name)
    ours = attribution_patch(model, CLEAN, BASE, METRIC, kinds_of(model))
    for kind, estimate in zip(kinds_of(model), ours, strict=True):
        near(estimate, plainly(name)[kind])


@every_family
@pytest.mark.parametrize("kept", [frozenset[str](), KEPT], ids=["nothing", "all"])
def test_runs_that_are_there_already_give_the_same(name, kept):
    model = model_of(name)
    runs = [Run(model, tokens, kept).complete() for tokens in (CLEAN, BASE)]
    ours = attribution_patch(model, *runs, METRIC, kinds_of(model))
    for kind, estimate in zip(kinds_of(model), ours, strict=True):
        near(estimate, plainly(name)[kind])


@pytest.mark.parametrize("name", ["gpt_neox", "gemma2", "mixtral"])
@pytest.mark.parametrize("rows", [1, 3])
def test_a_long_prompts_pieces_make_the_whole(name, rows, monkeypatch):
    monkeypatch.setattr(gradients, "rows_at_once", lambda model, layer: rows)
    model = model_of(name)
    for options in ({}, {"grad_drop": True}):
        ours = attribution_patch(model, CLEAN, BASE, METRIC, kinds_of(model), **options)
        monkeypatch.undo()
        whole = attribution_patch(model, CLEAN, BASE, METRIC, kinds_of(model), **options)
        monkeypatch.setattr(gradients, "rows_at_once", lambda model, layer: rows)
        for piecewise, at_once in zip(ours, whole, strict=True):
            near(piecewise, at_once)


@pytest.mark.parametrize("is_enabled", [True, False])
@pytest.mark.parametrize("grad_drop", [False, True])
def test_between_steps_nothing_is_left_behind(is_enabled, grad_drop):
    model = model_of("llama")
    steps = attribution_steps(
        model, CLEAN, BASE, KLDivergence(), KINDS, qk_fix=True, grad_drop=grad_drop
    )
    seen = []
    with torch.set_grad_enabled(is_enabled):
        for step in steps:
            seen.append(step)
            assert torch.is_grad_enabled() == is_enabled
            assert not any(point.is_watched for point in model.hook_points())
    *pauses, estimates = seen
    assert pauses == [None] * len(pauses)
    assert not any(estimate.requires_grad for estimate in estimates)
    assert len(pauses) > 5 * model.cfg.n_layers  # two runs, the layer again, and back


def test_a_step_runs_half_a_layer_at_most(monkeypatch):
    model = model_of("llama")
    runs = [Run(model, tokens, KEPT).complete() for tokens in (CLEAN, BASE)]
    passed = []
    for half in ("attention_half", "mlp_half"):
        for block in model.blocks:
            run = getattr(block, half)

            def count(*given, run=run, **named):
                passed.append(run)
                return run(*given, **named)

            monkeypatch.setattr(block, half, count)
    counts = []
    for _ in attribution_steps(model, *runs, METRIC, KINDS):
        counts.append(len(passed))
        passed.clear()
    assert max(counts) == 1
    assert sum(counts) == 2 * model.cfg.n_layers  # the base run's halves, once


def dropping(name: str, kind: SweepKind) -> torch.Tensor:
    """GradDrop by its definition: the mean size over layers that are cut from the graph."""
    layers = model_of(name).cfg.n_layers
    sizes = torch.stack([plainly(name, layer)[kind].abs() for layer in range(layers)])
    return sizes.sum(0) / (layers - 1)


@every_family
def test_grad_drop_is_a_gradient_for_each_layer_cut_out(name):
    model = model_of(name)
    ours = attribution_patch(model, CLEAN, BASE, METRIC, kinds_of(model), grad_drop=True)
    for kind, estimate in zip(kinds_of(model), ours, strict=True):
        assert (estimate >= 0).all()
        near(estimate, dropping(name, kind))


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_grad_drop_with_the_fix_for_queries(name):
    model, hook, size = model_of(name), get_act_name("q", 1), 0.0
    kind = SweepKind("q", "all")
    (ours,) = attribution_patch(model, CLEAN, BASE, METRIC, [kind], qk_fix=True, grad_drop=True)
    clean, base = (model.run_with_cache(tokens)[1] for tokens in (CLEAN, BASE))
    with model.hooks([(hook, lambda x, hook: clean[hook.name])]):
        change = (model.run_with_cache(BASE)[1]["pattern", 1] - base["pattern", 1])[0]
    for dropped in range(model.cfg.n_layers):
        _, gradient = whole_gradient(model, BASE, dropped)
        size = size + (change * gradient[get_act_name("pattern", 1)][0]).sum((1, 2)).abs()
    near(ours[1], size / (model.cfg.n_layers - 1))


def cancelling(layers: int = 2) -> HookedTransformer:
    """A model whose second MLP takes away what the first adds to dimension 0, up to a point.

    The first MLP adds relu(x₁) − 5 to x₀, the second −relu(x₀ + 1); token t starts at x₁ = t. The
    logit of token 0 is x₀.
    """
    cfg = HookedTransformerConfig(
        n_layers=layers,
        d_model=2,
        n_ctx=4,
        d_head=2,
        n_heads=1,
        d_mlp=1,
        d_vocab=8,
        act_fn="relu",
        normalization_type=None,
        dtype=torch.float64,
    )
    model = HookedTransformer(cfg).requires_grad_(False)
    for weight in model.parameters():
        weight.zero_()
    model.embed.W_E[:, 1] = torch.arange(8)
    model.unembed.W_U[0, 0] = 1.0
    first, *rest = (block.mlp for block in model.blocks)
    first.W_in[1, 0], first.W_out[0, 0], first.b_out[0] = 1.0, 1.0, -5.0
    for second in rest[:1]:
        second.W_in[0, 0], second.b_in[0], second.W_out[0, 0] = 1.0, 1.0, -1.0
    return model


def test_effects_that_cancel_are_seen_only_with_a_layer_dropped():
    model, metric, kind = cancelling(), LogitDifference((0,), (1,)), SweepKind("mlp_out")
    clean, corrupted = torch.tensor([3, 0]), torch.tensor([3, 7])
    *_, exact = sweep(model, clean, corrupted, metric, kind)
    assert float(exact.values[0, 1]) == pytest.approx(-4)  # from 2 − relu(3) to −5 − relu(−4)
    (plain,) = attribution_patch(model, clean, corrupted, metric, [kind])
    assert float(plain[0, 1]) == pytest.approx(0, abs=1e-12)
    (sizes,) = attribution_patch(model, clean, corrupted, metric, [kind], grad_drop=True)
    assert float(sizes[0, 1]) == pytest.approx(7)  # the direct effect alone: −5 − 2


def test_grad_drop_needs_a_layer_beside_the_one_dropped():
    prompts = torch.tensor([3, 0]), torch.tensor([3, 7])
    metric, kinds = LogitDifference((0,), (1,)), [SweepKind("mlp_out")]
    with pytest.raises(ValueError, match="GradDrop needs two or more"):
        attribution_patch(cancelling(layers=1), *prompts, metric, kinds, grad_drop=True)


def test_what_has_no_estimate_is_refused_before_anything_runs():
    model = model_of("gpt_neox")
    with pytest.raises(ValueError, match="parallel blocks"):
        next(attribution_steps(model, CLEAN, BASE, METRIC, [SweepKind("resid_mid")]))
    with pytest.raises(ValueError, match=r"has 7 tokens and the corrupted one 6"):
        next(attribution_steps(model, CLEAN, BASE[:, :-1], METRIC, [SweepKind("z")]))
    with (
        model.hooks([("hook_embed", lambda x, hook: None)]),
        pytest.raises(ValueError, match="Hooks are attached"),
    ):
        next(attribution_steps(model, CLEAN, BASE, METRIC, [SweepKind("z")]))
