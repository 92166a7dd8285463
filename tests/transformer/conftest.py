from __future__ import annotations

import pytest

from lensgui.transformer.cache.cache import ActivationCache
from lensgui.transformer.model import HookedTransformer
from tests.checkpoints.tiny_models import prompts


@pytest.fixture(scope="module")
def cache(model: HookedTransformer) -> ActivationCache:
    """Every activation of a few prompts."""
    return model.run_with_cache(prompts())[1]
