from __future__ import annotations

import pytest

from lensgui.analysis.run.run import Run
from lensgui.transformer.cache.cache import ActivationCache
from lensgui.transformer.model import HookedTransformer
from tests.checkpoints.tiny_models import prompts
from tests.references import model_of


@pytest.fixture(
    scope="module",
    params=["gpt2", "gemma2", "granite", "cohere", "gpt_neox", "phimoe", "gpt_oss", "olmo2"],
)
def model(request: pytest.FixtureRequest) -> HookedTransformer:
    """Post-norms, caps, multipliers, parallel blocks, experts, sinks, biases; in float64."""
    return model_of(request.param)


@pytest.fixture(scope="module")
def run(model: HookedTransformer) -> Run:
    """A complete run of it."""
    return Run(model, prompts(1)).complete()


@pytest.fixture(scope="module")
def cache(model: HookedTransformer) -> ActivationCache:
    """The same run, as plain hooks record it."""
    return model.run_with_cache(prompts(1))[1]
