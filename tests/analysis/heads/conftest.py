from __future__ import annotations

import pytest

from lensgui.analysis.run.run import Run
from lensgui.transformer.cache.cache import ActivationCache
from lensgui.transformer.model import HookedTransformer
from tests.checkpoints.tiny_models import prompts


@pytest.fixture(scope="module")
def run(model: HookedTransformer) -> Run:
    """A complete run of a module's model."""
    return Run(model, prompts(1)).complete()


@pytest.fixture(scope="module")
def cache(model: HookedTransformer) -> ActivationCache:
    """The same run, as a notebook would record it."""
    return model.run_with_cache(prompts(1))[1]
