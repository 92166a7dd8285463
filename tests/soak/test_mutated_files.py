"""Models whose files were changed at random open, or one sentence says why not."""

from __future__ import annotations

import shutil

import pytest

from lensgui.models import store
from tests.soak import mutations

EACH = 100  # mutations of each of the five kinds of files


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "models"
    mutations.make(folder)
    return folder


@pytest.mark.parametrize("kind", mutations.KINDS)
def test_each_mutated_model_runs_or_gives_one_sentence(kind, models, share, tmp_path, monkeypatch):
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    faults = []
    for seed in range(round(EACH * share)):
        folder = tmp_path / str(seed)
        monkeypatch.setenv(store.HOME_VARIABLE, str(folder / "home"))
        shutil.copytree(models, folder)
        what = mutations.mutate(folder, kind, seed)
        outcome = mutations.attempt(mutations.place(folder, kind))
        if outcome.is_fault:
            faults.append((seed, what, outcome))
        shutil.rmtree(folder)
    assert not faults
