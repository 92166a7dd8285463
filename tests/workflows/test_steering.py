"""Can a sentiment be added? A contrast vector, added at every step of generation.

The vector is the residual stream after "… really great" minus the one after "… really terrible",
before layer 16 (Turner et al. 2023). Adding it while the model writes makes the film great.
"""

from __future__ import annotations

import pytest
import torch

pytestmark = pytest.mark.demo
NAME = "blocks.16.hook_resid_pre"
PROMPT = "I thought the film was"
STEPS = 6


@pytest.fixture(scope="module")
def vector(model):
    streams = [
        model.run_with_cache(text, names_filter=NAME)[1][NAME][0, -1]
        for text in ("The food was really great", "The food was really terrible")
    ]
    return streams[0] - streams[1]


@pytest.mark.parametrize(
    ("use_past_kv_cache", "seen"), [(True, [5, 1, 1, 1, 1, 1]), (False, [5, 6, 7, 8, 9, 10])]
)
def test_the_hook_fires_at_every_step(model, vector, use_past_kv_cache, seen):
    lengths = []

    def steer(residual, hook):
        lengths.append(residual.shape[1])
        return residual + 2 * vector

    settings = {"do_sample": False, "use_past_kv_cache": use_past_kv_cache, "verbose": False}
    plain = model.generate(PROMPT, STEPS, **settings)
    assert plain == PROMPT + " a work of art. I"
    steered = model.generate(PROMPT, STEPS, fwd_hooks=[(NAME, steer)], **settings)
    assert lengths == seen
    assert steered.startswith(PROMPT + " a great way")
    assert model.generate(PROMPT, STEPS, **settings) == plain


def test_the_sign_of_the_vector_is_the_sign_of_the_effect(model, vector):
    great = model.to_single_token(" great")

    def log_probability(strength):
        hook = (NAME, lambda residual, hook: residual + strength * vector)
        logits = model.run_with_hooks(PROMPT + " a", fwd_hooks=[hook])
        return float(logits[0, -1].log_softmax(-1)[great])

    against, without, towards = map(log_probability, (-1.0, 0.0, 1.0))
    assert against < without < towards
    assert torch.isfinite(torch.tensor([against, without, towards])).all()
