"""Long tests, seeded, which `make soak` runs and the suite leaves out."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
LONGEST_S = 3600


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--share", type=float, default=1.0, help="how much of each soak to run")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.soak)
            item.add_marker(pytest.mark.timeout(LONGEST_S))


@pytest.fixture(scope="session")
def share(pytestconfig: pytest.Config) -> float:
    """How much of each soak is to be run."""
    return pytestconfig.getoption("--share")
