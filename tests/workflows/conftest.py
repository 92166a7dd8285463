"""The demo model, opened once for all workflows."""

from __future__ import annotations

import pytest
import torch

from lensgui import HookedTransformer


@pytest.fixture(scope="session")
def model(demo_folder) -> HookedTransformer:
    """Return it as notebooks open it: weights folded, no gradients."""
    return HookedTransformer.from_pretrained(str(demo_folder), device="cpu").requires_grad_(False)


@pytest.fixture(autouse=True)
def no_gradients():
    """Run every workflow as a notebook under `torch.set_grad_enabled(False)`."""
    with torch.no_grad():
        yield


@pytest.fixture(autouse=True)
def no_hook_is_left(request):
    """No workflow leaves a hook on the model."""
    yield
    opened = request.getfixturevalue("model")
    assert not any(point.has_hooks() for point in opened.hook_points())
