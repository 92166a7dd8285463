"""Small things that notebooks use."""

from __future__ import annotations

import pytest
import torch

from lensgui import FactoredMatrix, HookedTransformer, SVDInterpreter, utils
from tests.checkpoints.tiny_models import prompts, tiny


def opened(name: str, **settings) -> HookedTransformer:
    settings = {"device": "cpu", "dtype": torch.float64, **settings}
    return HookedTransformer.from_pretrained(hf_model=tiny(name), **settings)


def test_shapes_and_corners():
    x = torch.arange(16.0).view(4, 4)
    assert utils.get_corner(x, 2).tolist() == [[0, 1], [4, 5]]
    assert utils.get_corner(FactoredMatrix(x, x), 2).shape == (2, 2)
    assert torch.equal(utils.transpose(x[None]), x.T[None])
    assert utils.is_square(x)
    assert not utils.is_square(x[None])
    assert utils.is_lower_triangular(x.tril())
    assert not utils.is_lower_triangular(x)
    torch.testing.assert_close(utils.solu(x), x * x.softmax(-1))


def test_what_is_no_slice_is_refused():
    with pytest.raises(ValueError, match="which places"):
        utils.Slice("last")
    with pytest.raises(ValueError, match="max_ctx"):
        utils.Slice((1, 3)).indices()


def test_part_of_a_caches_batch():
    model = opened("gpt2")
    _, cache = model.run_with_cache(prompts())
    one = cache.apply_slice_to_batch_dim(1)
    assert not one.has_batch_dim
    assert torch.equal(one["resid_post", 0], cache["resid_post", 0][1])
    close = torch.testing.assert_close
    close(one.decompose_resid(apply_ln=True), cache.decompose_resid(apply_ln=True)[:, 1])
    assert cache.apply_slice_to_batch_dim(slice(1, 2))["z", 1].shape[0] == 1
    with pytest.raises(ValueError, match="no batch"):
        one.apply_slice_to_batch_dim(0)


def test_a_cache_turns_gradients_off_and_on():
    _, cache = opened("gpt2").run_with_cache(prompts(1))
    try:
        cache.toggle_autodiff()
        assert not torch.is_grad_enabled()
        cache.toggle_autodiff(mode=True)
        assert torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)


def test_a_folded_embedding_is_what_enters_the_stream():
    model, tokens = opened("gemma"), prompts()
    assert model.cfg.embedding_multiplier == 1.0
    _, cache = model.run_with_cache(tokens, names_filter="hook_embed")
    torch.testing.assert_close(cache["embed"], model.W_E[tokens], rtol=0, atol=0)
    raw = HookedTransformer.from_pretrained_no_processing(
        hf_model=tiny("gemma"), device="cpu", dtype=torch.float64
    )
    torch.testing.assert_close(raw(tokens).log_softmax(-1), model(tokens).log_softmax(-1))


def test_the_unembedding_shows_logits_before_their_cap():
    model, tokens = opened("gemma2"), prompts()
    logits, cache = model.run_with_cache(tokens, names_filter=lambda name: "unembed" in name)
    out, cap = cache["unembed.hook_out"], model.cfg.output_logits_soft_cap
    assert out.abs().max() > cap
    torch.testing.assert_close(cap * torch.tanh(out / cap), logits)
    torch.testing.assert_close(cache["unembed.hook_in"] @ model.W_U + model.b_U, out)


def test_biases_of_experts_are_no_constant():
    model = opened("mixtral")
    total = model.blocks[0].attn.b_O + model.blocks[1].attn.b_O
    torch.testing.assert_close(model.accumulated_bias(2), total)


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_what_neurons_read_is_the_same_folded_or_not(name):
    """Up to the mean over the stream, which folding takes off readers of a LayerNorm."""
    raw = opened(name, fold_ln=False, center_unembed=False)
    readers = SVDInterpreter(raw).readers(1)
    if name == "gpt2":
        readers = readers - readers.mean(-1, keepdim=True)
    torch.testing.assert_close(readers, opened(name).blocks[1].mlp.W_in.T)


def test_permanent_and_other_hooks_can_be_asked_for():
    point = opened("gpt2").hook_dict["hook_embed"]
    assert not point.has_hooks()
    point.add_perma_hook(lambda x, hook: None, "bwd")
    assert point.has_hooks()
    assert point.has_hooks("bwd", level=0)
    assert not point.has_hooks("fwd")
    assert not point.has_hooks(including_permanent=False)
    assert not point.has_hooks(level=1)
