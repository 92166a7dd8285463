"""What a sweep reads in half precision: logits of a few tokens are not rounded to its steps."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.run.predictions import read_out
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.metrics import LogitDifference
from lensgui.transformer.model import HookedTransformer
from tests.checkpoints.tiny_models import VOCABULARY, tiny

TOKENS = torch.randint(0, VOCABULARY, (12,), generator=torch.Generator().manual_seed(3))
COLUMNS = (3, 7, 11)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "cohere"])
def test_logits_of_a_few_tokens_are_those_of_the_stream_as_it_is(name, dtype):
    model = HookedTransformer.from_pretrained_no_processing(
        hf_model=tiny(name), device="cpu", dtype=dtype
    ).requires_grad_(False)
    stream = Run(model, TOKENS).complete().residuals[-1]
    logits = read_out(model, stream, COLUMNS)
    assert (stream.dtype, logits.dtype) == (dtype, torch.float32)
    exact = HookedTransformer.from_pretrained_no_processing(
        hf_model=tiny(name), device="cpu", dtype=torch.float64
    ).requires_grad_(False)
    exact.load_state_dict({key: of.double() for key, of in model.state_dict().items()})
    expected = read_out(exact, stream.double(), COLUMNS)
    torch.testing.assert_close(logits.double(), expected, atol=2e-6, rtol=2e-6)
    rounded = read_out(model, stream)[:, COLUMNS].double()
    assert (rounded - expected).abs().max() > 1e-4, "or nothing would be gained"


def test_changes_are_finer_than_the_steps_of_logits():
    model = HookedTransformer.from_pretrained_no_processing(
        hf_model=tiny("llama"), device="cpu", dtype=torch.bfloat16
    ).requires_grad_(False)
    corrupted = TOKENS.clone()
    corrupted[5] = (corrupted[5] + 7) % VOCABULARY
    metric = LogitDifference(answer=(3,), distractor=(7,))
    *_, result = sweep(model, TOKENS, corrupted, metric)
    changes = result.values[~result.unchanged]
    assert not changes.equal(changes.bfloat16().double())
