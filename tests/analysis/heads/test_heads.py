"""Runs, heads and the lens agree with the cache of a plain run."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.heads.attention import attention_to
from lensgui.analysis.heads.readout import first_share, hide_first_source, read_head, shrink
from lensgui.analysis.run.predictions import logit_lens
from lensgui.analysis.run.run import Run
from lensgui.terms.metrics import LogitDifference
from lensgui.transformer.model import HookedTransformer
from tests.checkpoints.tiny_models import prompts
from tests.references import close, model_of


@pytest.fixture(scope="module", params=["gpt2", "llama"])
def model(request) -> HookedTransformer:
    return model_of(request.param)


def test_a_run_keeps_the_residual_stream_keys_and_values(model, run, cache):
    for layer in range(model.cfg.n_layers):
        close(run.residuals[layer], cache["resid_pre", layer][0])
        close(run.values[layer], cache["v", layer])
    close(run.residuals[-1], cache["resid_post", -1][0])
    assert not any(point.is_watched for point in model.hook_points())


def test_two_may_step_one_run(model):
    run = Run(model, prompts(1))
    first, second = run.steps(2), run.steps()
    for _ in first:
        next(second)
    for _ in second:
        pass
    assert run.known_layers == model.cfg.n_layers


def test_patterns_group_by_group(model, run, cache):
    group = model.cfg.n_heads // model.cfg.kv_heads
    for layer in range(model.cfg.n_layers):
        patterns = [run.pattern(layer, which) for which in range(model.cfg.kv_heads)]
        assert all(len(pattern) == group for pattern in patterns)
        close(torch.cat(patterns), cache["pattern", layer][0])


def test_a_heads_attribution_is_the_caches(model, run, cache):
    metric = LogitDifference((3,), (7,))
    stack = cache.stack_head_results(pos_slice=-1)
    expected = cache.logit_attrs(stack, 3, 7, pos_slice=-1)[:, 0]
    last = len(run.tokens) - 1
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            readout = read_head(run, layer, head, last, metric)
            close(
                torch.tensor(readout.attribution, dtype=torch.float64),
                expected[layer * model.cfg.n_heads + head],
            )
            close(readout.attention, cache["pattern", layer][0, head, last])
            assert abs(float(readout.effect.mean())) < 1e-10


def test_the_lens_is_the_accumulated_stream_decoded(model, run, cache):
    stack = cache.accumulated_resid(apply_ln=True, pos_slice=5)[:, 0]
    close(logit_lens(run, 5), stack @ model.W_U + model.b_U)


def test_hiding_the_first_source_rescales_the_rest(cache):
    pattern = cache["pattern", 1][0]
    rest = hide_first_source(pattern)
    assert not rest[..., 0].any()
    close(rest[:, 1:].sum(-1), torch.ones_like(rest[:, 1:, 0]))
    assert not rest[:, 0].any()
    close(first_share(pattern), pattern[:, 1:, 0].mean(-1))


def test_shrinking_keeps_the_largest():
    pattern = torch.rand(2, 250, 250)
    small = shrink(pattern, 96)
    assert small.shape == (2, 84, 84)
    assert small[1, 0, 0] == pattern[1, :3, :3].max()
    assert small[0, -1, -1] == pattern[0, 249:, 249:].max()
    assert shrink(pattern[:, :50, :50], 96).shape == (2, 50, 50)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "olmo2", "mixtral", "gptj", "bloom"])
def test_attention_to_some_sources_is_read_off_the_patterns(name):
    """Windows, caps, sinks, shared keys and positions in the scores hold for one row too."""
    model, tokens = model_of(name), prompts(1)
    _, cache = model.run_with_cache(tokens)
    for position, sources in ((tokens.shape[1] - 1, [0, 3, 4]), (5, [5, 1, 1]), (0, [0])):
        found = attention_to(Run(model, tokens), position, sources)
        whole = torch.stack([cache["pattern", layer][0] for layer in range(model.cfg.n_layers)])
        close(found, whole[:, :, position, sorted(set(sources))].sum(-1))
