"""Generation: cached and uncached agree, hooks fire at every step, sampling keeps its word."""

from __future__ import annotations

import pytest
import torch

from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text.sampling import sample_logits
from tests.checkpoints.tiny_models import TINY, prompts, tiny

TEXT = " table green seven music apple house river table green seven"


def greedy(model, input, **settings):
    return model.generate(input, 8, do_sample=False, prepend_bos=False, **settings)


def test_the_toy_continues_the_repetition(toy):
    assert greedy(toy, TEXT)[len(TEXT) :].startswith(" music apple house")


@pytest.mark.parametrize("name", TINY)
@torch.no_grad()
def test_cached_and_uncached_logits_agree(name):
    from lensgui.transformer.text.generation import empty_cache

    model = HookedTransformer.from_pretrained_no_processing(
        hf_model=tiny(name), device="cpu", dtype=torch.float64
    )
    tokens = prompts()
    whole, cache = model(tokens), empty_cache(model, len(tokens))
    pieces = [model(piece, past_kv_cache=cache) for piece in tokens.split([10, 1, 1, 12], dim=1)]
    assert (torch.cat(pieces, 1) - whole).abs().max() <= 1e-10 * whole.abs().max()


def test_with_and_without_a_cache_write_the_same(toy):
    texts = [TEXT, " river stone river"]
    for input in (TEXT, texts, toy.to_tokens(TEXT, prepend_bos=False)):
        cached = greedy(toy, input, stop_at_eos=False)
        again = greedy(toy, input, stop_at_eos=False, use_past_kv_cache=False)
        assert torch.equal(cached, again) if isinstance(cached, torch.Tensor) else cached == again


def test_a_batch_writes_what_each_prompt_writes(toy):
    texts = [TEXT, " river stone river"]
    together = greedy(toy, texts, stop_at_eos=False)
    assert together == [greedy(toy, one, stop_at_eos=False) for one in texts]


def test_hooks_fire_at_every_step_and_are_gone_afterwards(toy):
    lengths = []
    hook = ("blocks.1.hook_resid_post", lambda x, hook: lengths.append(x.shape[1]))
    plain = greedy(toy, TEXT)
    assert greedy(toy, TEXT, fwd_hooks=[hook]) == plain
    assert lengths == [10] + [1] * 7
    silence = ("blocks.1.attn.hook_z", lambda z, hook: torch.zeros_like(z))
    assert greedy(toy, TEXT, fwd_hooks=[silence]) != plain
    assert not any(point.is_watched for point in toy.hook_points())


def test_a_stream_is_the_whole_in_pieces(toy):
    pieces = list(
        toy.generate_stream(TEXT, 8, 3, do_sample=False, prepend_bos=False, return_type="tokens")
    )
    assert [piece.shape[1] for piece in pieces] == [13, 3, 2]
    assert toy.to_string(torch.cat(pieces, 1)[0]) == greedy(toy, TEXT)


def test_rows_end_at_their_stop_token(toy):
    stop = toy.to_single_token(" house")
    ids = greedy(toy, toy.to_tokens(TEXT, prepend_bos=False), eos_token_id=stop)
    assert toy.to_string(ids[0, 10:]) == " music apple house"


def test_sampling():
    logits = torch.tensor([[3.0, 2.0, 1.0, 0.0]]).repeat(4000, 1)
    torch.manual_seed(0)
    shares = sample_logits(logits).bincount(minlength=4) / 4000
    torch.testing.assert_close(shares, logits[0].softmax(-1), atol=0.03, rtol=0)
    assert sample_logits(logits, top_k=2).max() == 1
    assert sample_logits(logits, top_p=0.5).max() == 0
    assert sample_logits(logits, top_p=0.7).max() == 1
    assert sample_logits(logits, temperature=0).max() == 0
    hot = sample_logits(logits, temperature=100.0).bincount(minlength=4) / 4000
    assert hot.min() > 0.2
    seen = torch.zeros(4000, 2, dtype=torch.long)
    assert sample_logits(logits, freq_penalty=9.0, tokens=seen, temperature=0).min() == 1


@pytest.mark.parametrize("bad", [{"top_k": 0}, {"top_p": 1.5}, {"temperature": -1.0}])
def test_settings_out_of_range_are_said(toy, bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        toy.generate(TEXT, 2, prepend_bos=False, **bad)


def test_more_than_the_context_is_said(toy):
    with pytest.raises(ValueError, match="ask for fewer new tokens"):
        toy.generate(TEXT, 9999, prepend_bos=False)
