"""What heads and MLPs write agrees with the cache of a plain run, and adds up."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.heads.direct import attributed, direct_effect
from lensgui.analysis.heads.readout import read_edge, read_head, read_mlp, score_keys
from lensgui.terms.metrics import LogitDifference
from lensgui.transformer.model import HookedTransformer
from tests.checkpoints.tiny_models import prompts
from tests.references import close, model_of

METRIC = LogitDifference((3, 5), (7,))


@pytest.fixture(scope="module", params=["gpt2", "gpt_neox", "llama", "gemma2", "mixtral"])
def model(request) -> HookedTransformer:
    return model_of(request.param)


def scalar(value):
    return torch.tensor(value, dtype=torch.float64)


def test_the_edges_of_a_row_add_up_to_the_heads_attribution(model, run):
    position = 9
    for layer, head in ((0, 1), (2, 3)):
        whole = read_head(run, layer, head, position, METRIC)
        edges = [
            read_edge(run, layer, head, position, source, METRIC) for source in range(position + 1)
        ]
        close(scalar(sum(edge.contribution for edge in edges)), scalar(whole.attribution))
        close(scalar([edge.attention for edge in edges]), whole.attention[: position + 1])
        close(sum(edge.attention * edge.effect for edge in edges), whole.effect)


def test_an_edge_says_nothing_of_a_metric_that_is_not_there(run):
    assert read_edge(run, 1, 0, 5, 2, None).contribution is None


def test_the_parts_of_the_stream_add_up_to_the_logits(model, run):
    """Embedding, attention and MLPs together are the final stream, whose direct effect it is."""
    _, cache = model.run_with_cache(prompts(1))
    position = 6
    parts = [run.residuals[0][position]]
    for layer in range(model.cfg.n_layers):
        parts += [cache["attn_out", layer][0, position], cache["mlp_out", layer][0, position]]
    whole = direct_effect(run, run.residuals[-1][position], position)
    close(direct_effect(run, torch.stack(parts), position).sum(0), whole)
    bias = 0.0 if model.ln_final.b is None else model.ln_final.b @ model.W_U
    logits = model(prompts(1))[0, position] - bias - model.b_U
    if model.cfg.output_logits_soft_cap is None:
        close(whole, logits - logits.mean())


def test_an_mlp_is_read_as_the_cache_has_it(model, run):
    _, cache = model.run_with_cache(prompts(1))
    for layer in range(model.cfg.n_layers):
        readout = read_mlp(run, layer, 4, METRIC)
        written = cache["mlp_out", layer][0, 4]
        close(readout.effect, direct_effect(run, written, 4))
        close(scalar(readout.attribution), attributed(readout.effect, METRIC))
        if readout.activations is not None:
            close(readout.activations, cache["post", layer][0, 4])
        else:
            assert model.cfg.num_experts
    assert not any(point.is_watched for point in model.hook_points())


def test_the_neurons_of_an_mlp_add_up_to_its_attribution_but_for_the_bias(model, run):
    readout = read_mlp(run, 1, 4, METRIC)
    if readout.activations is None:
        assert readout.shares is None
        return
    bias = model.blocks[1].mlp.b_out * model.cfg.residual_multiplier  # 0 where a norm follows
    offset = attributed(direct_effect(run, bias, 4), METRIC)
    close(readout.shares.sum() + offset, scalar(readout.attribution))


def test_what_a_query_seeks_is_its_product_with_each_tokens_key(model, run):
    """In layer 0 keys are made of embeddings, so the score of what stands at the query is known."""
    layer, head, position = 0, 1, 8
    *_, found = score_keys(run, layer, head, position)
    assert abs(float(found.mean())) < 1e-9
    if model.cfg.attn_scores_soft_cap is not None:
        return
    _, cache = model.run_with_cache(prompts(1))
    for other in (11, 40):
        tokens = run.tokens.clone()
        tokens[position] = other
        _, changed = model.run_with_cache(tokens[None])
        swapped = _score(model, cache, changed, head, position)
        own = _score(model, cache, cache, head, position)
        close(found[other] - found[run.tokens[position]], swapped - own)


def _score(model, queries, keys, head, position):
    """Return what a query of one run scores with a key of another, both at one position."""
    group = model.cfg.n_heads // model.cfg.kv_heads
    names = ("rot_q", "rot_k") if model.cfg.positional_embedding_type == "rotary" else ("q", "k")
    q = queries[names[0], 0][0, position, head]
    k = keys[names[1], 0][0, position, head // group]
    return (q @ k / model.cfg.attn_scale).double()
