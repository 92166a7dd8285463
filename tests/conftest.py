"""What every test stands on: no screen, no network, and garbage collected in one thread only."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["DO_NOT_TRACK"] = "1"

GUI = ("jobs", "state", "panes", "app", "soak", "reports")
ROOT = Path(__file__).parent


@pytest.fixture(autouse=True)
def collect_here_only(request: pytest.FixtureRequest) -> Iterator[None]:
    """Never collect on a worker's thread, which would destroy Qt's objects there."""
    where = Path(request.path).relative_to(ROOT).parts[0]
    if where not in GUI:
        yield
        return
    gc.disable()
    yield
    gc.collect(0)
    gc.enable()
