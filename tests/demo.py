"""The demo model for tests: found, or the test that wants it fails and says how to get it."""

import os
from pathlib import Path

import pytest

from lensgui.models import known_models
from lensgui.terms.errors import ModelError

WITHOUT = "LENSGUI_NO_DEMO"


@pytest.fixture(scope="session")
def demo_folder() -> Path:
    """The folder of the demo model; a test that uses it carries the marker `demo`."""
    try:
        return known_models.path(known_models.DEMO.name)
    except ModelError as error:
        if os.environ.get(WITHOUT) == "1":
            pytest.skip(f"{WITHOUT}=1: {error}")
        pytest.fail(f"this test needs the demo model. {error}", pytrace=False)


@pytest.fixture(scope="session")
def toy_folder() -> Path:
    """The folder of the built-in toy."""
    return known_models.path(known_models.TOY.name)
