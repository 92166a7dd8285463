"""Every family computes what Hugging Face computes; every parameter counts; folding is exact."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lensgui.transformer.model import HookedTransformer
from tests.checkpoints.lifted import Lifted
from tests.checkpoints.tiny_models import TINY, prompts, tiny
from tests.transformer.gradients import pulled_back

every_family = pytest.mark.parametrize("name", TINY)


def raw(hf_model, **settings) -> HookedTransformer:
    dtype = next(hf_model.parameters()).dtype
    return HookedTransformer.from_pretrained_no_processing(
        hf_model=hf_model, device="cpu", dtype=dtype, **settings
    )


def fold(hf_model) -> HookedTransformer:
    return HookedTransformer.from_pretrained(hf_model=hf_model, device="cpu", dtype=torch.float64)


def largest(difference: torch.Tensor) -> float:
    return float(difference.abs().max())


@torch.no_grad()
def reference(hf_model, tokens: torch.Tensor) -> torch.Tensor:
    with Lifted():
        return hf_model(tokens, use_cache=False).logits


@every_family
@torch.no_grad()
def test_float64_logits_are_hugging_faces(name):
    hf_model, tokens = tiny(name), prompts()
    theirs = reference(hf_model, tokens)
    model = raw(hf_model)
    ours = model(tokens)
    bar = 1e-10 * max(1.0, largest(theirs))
    assert ours.dtype == torch.float64
    assert largest(ours - theirs) <= bar
    assert largest(model.run_with_cache(tokens)[0] - theirs) <= bar, "with every hook watched"


@every_family
@torch.no_grad()
def test_float32_logits_are_hugging_faces(name):
    hf_model, tokens = tiny(name, torch.float32), prompts()
    theirs = hf_model(tokens, use_cache=False).logits
    assert largest(raw(hf_model)(tokens) - theirs) <= 1e-4


def layer_of_useless_bias(key: str, model: HookedTransformer) -> int | None:
    """The layer of a key bias that adds the same number to all scores, which softmax ignores."""
    if not key.endswith("k_proj.bias"):
        return None
    layer = int(key.split("layers.")[1].split(".")[0])
    is_turned = model.cfg.rotation(layer) is not None or model.cfg.use_qk_norm
    return None if is_turned else layer


@every_family
@torch.no_grad()
def test_every_tensor_matters_and_is_read(name):
    hf_model, tokens = tiny(name), prompts()
    model = raw(hf_model)
    before = model(tokens)
    for key, parameter in hf_model.named_parameters():
        kept = parameter.clone()
        parameter += 0.1 * torch.randn_like(parameter)
        changed_model = raw(hf_model)
        changed = changed_model(tokens)
        layer = layer_of_useless_bias(key, model)
        if layer is None:
            assert largest(changed - before) > 1e-6, f"{key} does not reach the logits"
        else:
            assert torch.equal(changed_model.blocks[layer].attn.b_K.flatten(), parameter)
        assert largest(changed - reference(hf_model, tokens)) <= 1e-9 * largest(before), key
        parameter.copy_(kept)


# What each feature is when it does nothing.
NEUTRAL = {
    "window_size": 1000,
    "rotary_base_local": None,
    "rotary_layers": None,
    "rotary_frequencies": None,
    "rotary_scale": 1.0,
    "rotary_adjacent_pairs": False,
    "attn_scores_soft_cap": None,
    "output_logits_soft_cap": None,
    "clip_qkv": None,
    "scale_attn_by_inverse_layer_idx": False,
    "embedding_multiplier": 1.0,
    "residual_multiplier": 1.0,
    "logit_scale": 1.0,
    "norm_topk_prob": False,
    "expert_weighting": "softmax",
    "expert_scale": 1.0,
}


@every_family
@torch.no_grad()
def test_every_feature_matters(name):
    model, tokens = raw(tiny(name)), prompts()
    before = model(tokens)
    neutral = {**NEUTRAL, "attn_scale": model.cfg.d_head**0.5}
    if model.cfg.window_size is None:
        del neutral["window_size"]
    if model.cfg.gate_limit is not None:
        neutral["gate_limit"] = 1000.0
    if model.cfg.kv_rank is not None:
        neutral["latent_eps"] = model.cfg.eps
    if (model.cfg.expert_groups or 1) > 1:
        neutral |= {"expert_groups": None, "group_best": 3 - model.cfg.group_best}
    if model.cfg.expert_weighting == "sparsemixer":
        neutral["router_tolerance"] = 1000.0
    for feature, value in neutral.items():
        if getattr(model.cfg, feature) != value:
            without = HookedTransformer(replace(model.cfg, **{feature: value}), initialise=False)
            without.load_state_dict(model.state_dict())
            assert largest(without(tokens) - before) > 1e-3, feature


@every_family
def test_gradients_are_hugging_faces(name):
    hf_model, tokens = tiny(name), prompts()
    model = raw(hf_model)
    direction = torch.randn(*tokens.shape, model.cfg.d_vocab_out, dtype=torch.float64)
    caught = {}
    with model.hooks(bwd_hooks=[("hook_embed", lambda g, hook: caught.update(ours=g))]):
        (model(tokens) * direction).sum().backward()
    embedding = hf_model.get_input_embeddings()
    if model.cfg.post_embedding_ln:
        embedding = hf_model.base_model.word_embeddings_layernorm

    def catch(module, inputs, output):
        output.register_hook(lambda g: caught.update(theirs=g))

    handle = embedding.register_forward_hook(catch)
    with Lifted():
        (hf_model(tokens, use_cache=False).logits * direction).sum().backward()
    handle.remove()
    if name.startswith("granite"):  # Gemma's embedding module multiplies itself
        caught["theirs"] = caught["theirs"] / model.cfg.embedding_multiplier
    scale = max(1.0, largest(caught["theirs"]))
    assert largest(caught["ours"] - caught["theirs"]) <= 1e-8 * scale
    theirs = {key: parameter.grad for key, parameter in hf_model.named_parameters()}
    for key, ours in pulled_back(model, hf_model).items():
        assert largest(ours - theirs[key]) <= 1e-8 * max(1.0, largest(theirs[key])), key


@every_family
@torch.no_grad()
def test_residual_stream_adds_up_bitwise(name):
    model, tokens = raw(tiny(name, torch.float32)), prompts()
    _, cache = model.run_with_cache(tokens)
    for layer in range(model.cfg.n_layers):
        if f"blocks.{layer}.hook_resid_mid" in cache:
            mid = cache["resid_pre", layer] + cache["attn_out", layer]
            assert torch.equal(cache["resid_mid", layer], mid)
            assert torch.equal(cache["resid_post", layer], mid + cache["mlp_out", layer])
        else:
            assert model.cfg.parallel_attn_mlp
            both_outputs = cache["resid_pre", layer] + cache["attn_out", layer]
            both_outputs = both_outputs + cache["mlp_out", layer]
            assert torch.equal(cache["resid_post", layer], both_outputs)
        if layer:
            assert torch.equal(cache["resid_pre", layer], cache["resid_post", layer - 1])


@every_family
@torch.no_grad()
def test_folding_leaves_log_probabilities(name):
    hf_model, tokens = tiny(name), prompts()
    before = raw(hf_model)(tokens).log_softmax(-1)
    folded = fold(hf_model)
    assert folded.cfg.is_folded
    assert not folded.cfg.tied_embeddings
    assert largest(folded(tokens).log_softmax(-1) - before) <= 1e-10 * max(1.0, largest(before))


@every_family
@pytest.mark.parametrize("folded", [False, True])
@torch.no_grad()
def test_attributions_add_up_to_the_logits(name, folded):
    hf_model, tokens = tiny(name), prompts()
    model = fold(hf_model) if folded else raw(hf_model)
    logits, cache = model.run_with_cache(tokens)
    stack = cache.decompose_resid()
    if model.cfg.output_logits_soft_cap is not None:  # attributions are to the logits before it
        logits = cache["unembed.hook_in"] @ model.W_U * model.cfg.logit_scale + model.b_U
    answer, distractor = 3, 7
    attributed = cache.logit_attrs(stack, answer, distractor).sum(0)
    ids = torch.tensor([answer, distractor])
    directions = model.tokens_to_residual_directions(ids)
    direction = directions[0] - directions[1]
    constant = model.b_U[answer] - model.b_U[distractor]
    if model.ln_final.b is not None:
        constant = constant + model.ln_final.b @ direction
    difference = logits[..., answer] - logits[..., distractor]
    scale = max(1.0, largest(difference))
    assert largest(attributed + constant - difference) <= 1e-10 * scale
    heads = cache.stack_head_results(incl_remainder=True)
    assert largest(heads.sum(0) - stack.sum(0)) <= 1e-10 * max(1.0, largest(stack))


@every_family
@torch.no_grad()
def test_heads_and_the_output_bias_make_attn_out(name):
    model, tokens = raw(tiny(name)), prompts()
    _, cache = model.run_with_cache(tokens)
    results = cache.stack_head_results().unflatten(0, (model.cfg.n_layers, model.cfg.n_heads))
    for layer, heads in enumerate(results):
        bias = model.blocks[layer].attn.b_O * model.cfg.residual_multiplier
        if model.cfg.has_post_norms:
            norm = model.blocks[layer].ln1_post
            bias = bias * norm.w / cache[f"blocks.{layer}.ln1_post.hook_scale"]
        attn_out = cache["attn_out", layer]
        assert largest(heads.sum(0) + bias - attn_out) <= 1e-10 * max(1.0, largest(attn_out))


@every_family
@torch.no_grad()
def test_skipped_layers_do_not_run(name):
    model, tokens = raw(tiny(name)), prompts()
    ran = []
    watch = [
        (
            lambda hook_name: hook_name.endswith("hook_resid_pre"),
            lambda x, hook: ran.append(hook.layer()),
        )
    ]
    with model.hooks(watch):
        middle = model(tokens, stop_at_layer=2)
        assert ran == [0, 1]
        ran.clear()
        resumed = model(middle, start_at_layer=2)
        assert ran == [2]
        ran.clear()
        model(tokens, stop_at_layer=-1)
        assert ran == [0, 1]
    assert torch.equal(resumed, model(tokens))


@every_family
@torch.no_grad()
def test_padding_on_either_side_changes_nothing(name):
    model, tokens = raw(tiny(name)), prompts(1, 10)
    alone = model(tokens)
    filler = torch.zeros(1, 9, dtype=torch.long)  # more than a window
    ones, none = torch.ones_like(tokens), torch.zeros_like(filler)
    left = model(torch.cat([filler, tokens], 1), attention_mask=torch.cat([none, ones], 1))
    right = model(torch.cat([tokens, filler], 1), attention_mask=torch.cat([ones, none], 1))
    assert left.isfinite().all()
    assert largest(left[:, 9:] - alone) <= 1e-10 * largest(alone)
    assert largest(right[:, :10] - alone) <= 1e-10 * largest(alone)
