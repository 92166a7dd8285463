"""Nothing mixes devices, or waits for a GPU, where no number is needed."""

from __future__ import annotations

import pytest
import torch

import lensgui
from lensgui.analysis.heads.attention import weighted_attention
from lensgui.analysis.heads.direct import attention_terms, bias_terms, reading_direction
from lensgui.analysis.run.layer_row import LayerRow
from lensgui.analysis.run.predictions import compared, metric_logits, read_out
from lensgui.analysis.run.run import KEPT, Run
from lensgui.analysis.sweep.batches import PatchedPass
from lensgui.analysis.sweep.patches import Cell
from lensgui.analysis.sweep.sweep import _patches
from lensgui.terms.metrics import (
    ContinuationLogProbability,
    KLDivergence,
    LogitDifference,
    LogProbability,
    Probability,
    Rank,
)
from lensgui.transformer.layers.parameters import exact, exact_dtype
from tests.accelerator.fake_device import CUDA, MPS, fake_device, there
from tests.references import kinds_of, model_of

FAMILIES = ("gptj", "bloom", "gemma2", "gpt_oss", "deepseek_v3")
SWEPT = (("gpt2", CUDA), ("mixtral", CUDA), ("gemma2", MPS))
CLEAN = torch.arange(10)  # in host memory, as a tokenizer gives them
CORRUPTED, LONGER = CLEAN.clone(), torch.arange(11)
CORRUPTED[4] = 20
METRIC = LogitDifference(answer=(3, 5), distractor=(7,))
METRICS = (
    METRIC,
    Probability((3, 4), (7,)),
    LogProbability((3, 4)),
    ContinuationLogProbability((3, 4)),
    Rank((3, 4)),
    KLDivergence(),
)


@pytest.fixture(params=FAMILIES)
def real(request):
    return model_of(request.param)


def ids():
    return torch.zeros(2, 10, dtype=torch.long, device=CUDA)


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.bfloat16])
def test_forward_cache_and_generation(real, dtype):
    with fake_device() as left:
        model = there(real, dtype=dtype)
        assert model(ids()).device.type == "cuda"
        assert model(ids(), return_type="loss").device.type == "cuda"
        cache = model.run_with_cache(ids())[1]
        assert {of.device.type for of in cache.values()} == {"cuda"}
        sampling = {"stop_at_eos": False, "verbose": False, "max_new_tokens": 3}
        assert model.generate(ids(), do_sample=False, **sampling).shape == (2, 13)
        model.generate(ids(), top_k=5, top_p=0.9, freq_penalty=0.5, **sampling)
    assert not left


@torch.no_grad()
def test_attribution_of_a_cache(real):
    with fake_device() as left:
        model = there(real)
        cache = model.run_with_cache(ids())[1]
        stack = cache.decompose_resid(layer=-1)
        assert cache.apply_ln_to_stack(stack, layer=-1).device.type == "cuda"
        tokens = torch.tensor([3, 5], device=CUDA)
        assert cache.logit_attrs(stack, tokens).device.type == "cuda"
        cache.accumulated_resid(layer=-1, apply_ln=True)
        cache.stack_head_results(layer=-1)
        model.tokens_to_residual_directions(tokens)
    assert not left


@pytest.mark.parametrize("are_kept", [True, False], ids=["kept", "made when needed"])
@pytest.mark.parametrize(("name", "device"), SWEPT)
def test_every_pass_of_a_sweep(name, device, are_kept):
    real = model_of(name)
    kinds = kinds_of(real)
    with fake_device() as left, torch.no_grad():
        model = there(real, device)
        names = KEPT if are_kept else frozenset()
        runs = [Run(model, tokens, names).complete() for tokens in (CLEAN, CORRUPTED)]
        for kind in kinds if are_kept else kinds[:: len(kinds) // 4]:
            patches, base = _patches(runs, [kind], "denoising")
            layer, last = model.cfg.n_layers - 2, [size - 1 for size in patches[0].shape]
            cells = [Cell(0, layer, tuple(last)), Cell(0, layer, (0, *last[1:]))]
            passed = PatchedPass(patches, base, cells, len(CLEAN))
            for _ in passed.through():
                pass
            values = passed.metric(METRIC)
            assert values.device == torch.device(device)
            assert values.dtype == (torch.float32 if device == MPS else torch.float64)
            assert len(values) == len(passed.cells) == len(cells)
            assert patches[0].unchanged(layer).device == values.device
    assert not left


@torch.no_grad()
@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric(metric):
    real = model_of("gemma2")
    with fake_device() as left:
        model = there(real, MPS)
        run = Run(model, CLEAN).complete()
        known = compared(model, metric, run.residuals[-1])
        rows = run.residuals[-1][-metric.reads :][None]
        assert known.of_columns(exact(metric_logits(model, rows, known))).shape == (1,)
    assert not left


@torch.no_grad()
def test_runs_that_others_lead_lenses_and_patterns(real):
    with fake_device() as left:
        model = there(real)
        leader = Run(model, CLEAN).complete()
        led = Run(model, LONGER, leader=leader).complete()
        lens = lensgui.logit_lens(led, 10)
        assert (lens.device.type, len(lens)) == ("cuda", model.cfg.n_layers + 1)
        groups = slice(0, model.cfg.kv_heads)
        for layer in range(model.cfg.n_layers):
            assert led.patterns(layer, groups, 4).device.type == "cuda"
        assert read_out(model, led.residuals[-1], (3, 4)).device.type == "cuda"
        assert led.attention_from(0, 6).device.type == "cuda"
    assert not left


@torch.no_grad()
@pytest.mark.parametrize(("name", "device"), [*((name, CUDA) for name in FAMILIES), *SWEPT])
def test_what_each_part_of_a_layer_adds(name, device):
    real = model_of(name)
    with fake_device() as left:
        model = there(real, device)
        run = Run(model, CLEAN).complete()
        direction = reading_direction(run, METRIC, 6)
        numbers = [bias_terms(model, METRIC)]
        for layer in range(model.cfg.n_layers):
            row = LayerRow(run, layer, 6)
            along, bias = row.mlp_direction(direction)
            numbers += [attention_terms(row, direction), exact(row.mlp_output) @ along + bias]
            numbers.append(weighted_attention(run, layer, 0, "contribution", METRIC))
        assert {number.device for number in numbers} == {torch.device(device)}
        assert {number.dtype for number in numbers} == {exact_dtype(torch.device(device))}
    assert not left


def test_what_mixes_devices_or_waits_is_noticed():
    real = model_of("gpt2")
    with fake_device() as left, torch.no_grad():
        model = there(real)
        with pytest.raises(RuntimeError, match="same device"):
            model.embed.W_E + torch.ones(61, 1)
        for index in (torch.tensor([1]), [1, 2], torch.ones(61, dtype=torch.bool)):
            with pytest.raises(IndexError, match="waited for"):
                model.embed.W_E[index]
        with pytest.raises(RuntimeError, match="_local_scalar_dense"):
            model.embed.W_E.sum().item()
        assert not left
        model.embed.W_E.cpu()
        assert len(left) == 1
