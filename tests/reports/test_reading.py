"""Reading an activation changes no bit of any other (seen in this project's own first version).

Norms and attention have a fused way; what hooks read is worked out beside it.
"""

from __future__ import annotations

import pytest
import torch

from lensgui.transformer.model import HookedTransformer
from tests.checkpoints.test_families import every_family, raw
from tests.checkpoints.tiny_models import prompts, tiny


def read(activation, hook):
    """See an activation, as a cache does."""


def is_equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


@every_family
@torch.no_grad()
def test_a_read_changes_no_bit(name):
    model, tokens = raw(tiny(name, torch.float32)), prompts(2, 9)
    unread = model(tokens)
    logits, whole = model.run_with_cache(tokens)
    assert torch.equal(logits, unread)
    for point in model.hook_dict:
        logits, cache = model.run_with_cache(tokens, names_filter=point)
        assert torch.equal(logits, unread), point
        assert is_equal(cache.cache_dict, whole.cache_dict), point


@pytest.fixture(params=["gpt2", "llama", "qwen3"])
def model(request) -> HookedTransformer:
    return raw(tiny(request.param, torch.float32))


def watched(model: HookedTransformer) -> list[str]:
    ends = ("hook_scale", "hook_normalized", "hook_attn_scores", "hook_pattern")
    return [name for name in model.hook_dict if name.endswith(ends)]


@pytest.mark.parametrize("direction", ["fwd", "bwd"])
def test_a_read_changes_no_bit_where_gradients_are_kept(model, direction):
    tokens = prompts(2, 9)
    unread = model(tokens)
    for point in watched(model):
        with model.hooks(**{f"{direction}_hooks": [(point, read)]}):
            assert torch.equal(model(tokens), unread), point


@pytest.mark.parametrize("name", ["gpt2", "llama", "qwen3", "gemma2"])
def test_half_precision_and_padding(name):
    model = raw(tiny(name, torch.bfloat16))
    tokens = prompts(1, 9)
    mask = torch.tensor([[0, 0, 0, 1, 1, 1, 1, 1, 1]])
    unread = model(tokens, attention_mask=mask)
    logits, _ = model.run_with_cache(tokens, attention_mask=mask)
    assert torch.equal(logits, unread)


def test_gradients_reach_what_is_read(model):
    model = model.double()
    tokens = prompts(1, 9)

    def gradient(point: str, at: tuple[int, ...]) -> torch.Tensor:
        kept = []
        with model.hooks([(point, lambda x, hook: kept.append(x))]):
            loss = model(tokens)[0, -1, 3]
        return torch.autograd.grad(loss, kept[0])[0][at]

    def moved(point: str, at: tuple[int, ...], by: float) -> torch.Tensor:
        def move(x, hook):
            x = x.clone()
            x[at] += by
            return x

        return model.run_with_hooks(tokens, fwd_hooks=[(point, move)])[0, -1, 3]

    for point in watched(model):
        at = (0, 1, 4, 2) if "attn.hook" in point else (0, 4, 0, 0)
        at = at[: model.run_with_cache(tokens)[1][point].ndim]
        slope = (moved(point, at, 1e-4) - moved(point, at, -1e-4)) / 2e-4
        torch.testing.assert_close(gradient(point, at), slope, atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_what_a_hook_writes_counts(model):
    tokens = prompts(1, 9)
    unread = model(tokens)

    def write(x, hook):
        x[:, 1:] *= 0.5

    def give_back(x, hook):
        return x.clone()

    for point in watched(model):
        written = model.run_with_hooks(tokens, fwd_hooks=[(point, write)])
        returned = model.run_with_hooks(
            tokens, fwd_hooks=[(point, lambda x, hook: write(x := x.clone(), hook) or x)]
        )
        assert torch.equal(written, returned), point
        assert not torch.allclose(written, unread, atol=1e-3), point
        same = model.run_with_hooks(tokens, fwd_hooks=[(point, give_back)])
        assert torch.equal(same, unread), point
