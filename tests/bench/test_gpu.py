"""The program that measures a GPU runs, on a CPU and small models, with torch and einops alone."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROGRAM = """
import sys
for name in ("PySide6", "pyqtgraph", "gguf", "platformdirs", "transformers", "psutil", "msgspec"):
    sys.modules[name] = None
from tests.bench import gpu
sys.exit(gpu.main(["--device", "cpu", "--small", "--json", sys.argv[1]]))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the program printed, and what it wrote."""
    where = tmp_path_factory.mktemp("gpu") / "gpu.json"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(where)], capture_output=True, text=True, timeout=110
    )
    assert not done.stderr, done.stderr
    return done, json.loads(where.read_text())


def test_it_prints_each_figure_and_writes_all(told):
    done, written = told
    figures = written["figures"]
    assert len(done.stdout.splitlines()) == 1 + len(figures)
    for line, one in zip(done.stdout.splitlines()[1:], figures, strict=True):
        assert line.startswith(f"{one['what']}: ")
        assert one["value"] >= 0
    said = " ".join(one["what"] for one in figures)
    for part in ("to the CPU", "GPT-2 small: 9 kind(s)", "8 B in bfloat16", "end of 300 tokens"):
        assert part in said
    assert done.returncode == (0 if all(one["holds"] for one in figures) else 1)


def test_the_device_agrees_with_itself(told):
    exact = [one for one in told[1]["figures"] if "to the CPU" in one["what"]]
    assert len(exact) == 18
    assert all(one["value"] == 0 and one["holds"] for one in exact)
