"""What every test stands on: no screen, no network, and garbage collected in one thread only."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lensgui.jobs.answerer import Answerer
from lensgui.models import store
from tests.fakes import FakeAnswerer

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("LENSGUI_FOLDED_GB", "0")  # no test fills the disk
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


@pytest.fixture
def answerer() -> FakeAnswerer:
    """One that needs no model."""
    return FakeAnswerer()


@pytest.fixture(scope="module")
def dispatcher() -> Answerer:
    """The real answerer, on one thread."""
    from lensgui.jobs.handlers.dispatch import Dispatcher  # which imports torch

    return Dispatcher(threads=1)


@pytest.fixture(scope="module")
def toy():
    """The built-in toy, opened."""
    from lensgui.checkpoints.loading import open_model  # which imports torch

    return open_model("toy", device="cpu")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for what lensgui keeps, beside an empty cache of the hub."""
    monkeypatch.setenv(store.HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "home"


@pytest.fixture
def no_popup(monkeypatch: pytest.MonkeyPatch) -> None:
    """Menus without a screen: offscreen Qt warns that it can't grab the keyboard."""
    monkeypatch.setattr("PySide6.QtWidgets.QMenu.popup", lambda menu, where: None)
