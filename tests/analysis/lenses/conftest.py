from __future__ import annotations

import pytest

from lensgui.analysis.run.run import Run
from lensgui.transformer.model import HookedTransformer
from tests.checkpoints.tiny_models import prompts
from tests.references import model_of


@pytest.fixture(scope="module", params=["gpt2", "gemma2", "cohere", "granite", "gpt_neox"])
def model(request: pytest.FixtureRequest) -> HookedTransformer:
    """Post-norms, a soft cap, multipliers, parallel blocks, and none of them; in float64."""
    return model_of(request.param)


@pytest.fixture(scope="module")
def run(model: HookedTransformer) -> Run:
    """A complete run of it."""
    return Run(model, prompts(1)).complete()
