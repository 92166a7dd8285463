from __future__ import annotations

import csv
import os

import pytest
from huggingface_hub import constants

from lensgui.__main__ import main

HEAD = ("clean", "corrupted", "answer", "distractor")
FIRST = " table green seven music {} house river table green seven music"
SECOND = " king bird {} king bird"
ROWS = (
    (FIRST.format("apple"), FIRST.format("stone"), " apple", " stone"),
    (SECOND.format("rain"), SECOND.format("wind"), " rain", " wind"),
    (FIRST.format("moon"), FIRST.format("fire"), " moon", " fire"),
)


@pytest.fixture(autouse=True)
def own_home(home):
    """Nothing is kept where the user's own things are."""


@pytest.fixture(autouse=True)
def _hub(monkeypatch):
    """What commands forbid the hub's library is theirs alone."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", constants.HF_HUB_OFFLINE)
    monkeypatch.setenv("HF_HUB_OFFLINE", os.environ.get("HF_HUB_OFFLINE", "0"))


@pytest.fixture
def table(tmp_path):
    return written(tmp_path / "pairs.csv", ROWS)


@pytest.fixture
def sweep(table, tmp_path):
    """Run the command on the table with one thread; words that come later replace earlier ones."""

    def run(*words, out="out", kind="resid_pre,z"):
        options = ["--model", "toy", "--threads", "1", "--device", "cpu", "--kind", kind]
        return main(["sweep", str(table), *options, "--out", str(tmp_path / out), *words])

    return run


def written(path, rows, head=HEAD):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return path


def files(folder):
    """Return the bytes of every file of a folder, by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def sentence(text):
    """Return what was said, which is one line that ends like a sentence."""
    (line,) = text.splitlines()
    assert line.endswith(".")
    return line
