import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
MUST_HOLD = (
    "lensgui/__main__.py",
    "lensgui/py.typed",
    "lensgui/resources/examples/examples.json",
    "lensgui/resources/icons/lensgui.svg",
    "lensgui/resources/models/toy/config.json",
    "lensgui/resources/models/toy/lensgui.json",
    "lensgui/resources/models/toy/model.safetensors",
    "lensgui/resources/models/toy/tokenizer.json",
)
# What some systems lack: libraries have their own ways without, and are imported before.
ELSEWHERE = """
import sys
import filelock, huggingface_hub, PySide6.QtWidgets, psutil, pyqtgraph, torch, transformers
for name in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[name] = None
import importlib, pkgutil, lensgui
for module in pkgutil.walk_packages(lensgui.__path__, "lensgui."):
    importlib.import_module(module.name)
from lensgui.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def run(*words, **options):
    done = subprocess.run(words, capture_output=True, text=True, timeout=110, **options)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--no-build-isolation", "--no-deps", "--no-index", "-q", "-w", str(folder))
    run(sys.executable, "-m", "pip", "wheel", *options, str(ROOT))
    (path,) = folder.glob("lensgui-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A Python that has the wheel and sees the dependencies, not the checkout."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    places = {"base": str(folder), "platbase": str(folder)}
    site = Path(sysconfig.get_path("purelib", "venv", places))
    # A path file read from here is not followed, so the checkout's own stays out of sight.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    options = ("--no-deps", "--no-index", "-q", "--no-warn-script-location", "--ignore-installed")
    run(sys.executable, "-m", "pip", "--python", str(python), "install", *options, str(wheel))
    return python


def test_the_wheel_holds_what_the_app_reads(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert not [name for name in MUST_HOLD if name not in names]
    assert not [name for name in names if name.startswith(("tests", "packaging", "resources"))]


def test_the_toy_is_small():
    folder = ROOT / "resources" / "models" / "toy"
    assert (folder / "model.safetensors").stat().st_size <= 1_000_000


def test_the_installed_app_is_not_the_checkout(installed, tmp_path):
    where = run(str(installed), "-c", "import lensgui; print(lensgui.__file__)", cwd=tmp_path)
    assert ROOT not in Path(where.strip()).parents


def test_the_installed_app_passes_its_smoke_test(installed, tmp_path):
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "LENSGUI_HOME": str(tmp_path / "home"),
        "OMP_NUM_THREADS": "1",
    }
    lensgui = installed.with_name("lensgui")
    run(str(lensgui), "--smoke-test", cwd=tmp_path, env=environment)


def test_it_needs_nothing_that_only_some_systems_have(installed, tmp_path):
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "LENSGUI_HOME": str(tmp_path / "home"),
        "OMP_NUM_THREADS": "1",
    }
    del environment["HOME"]  # which would be asked of pwd
    run(str(installed), "-c", ELSEWHERE, "--smoke-test", cwd=tmp_path, env=environment)


def test_the_wheel_says_nothing_of_where_it_was_made(wheel):
    with zipfile.ZipFile(wheel) as archive:
        holding = [name for name in archive.namelist() if str(ROOT).encode() in archive.read(name)]
    assert holding == []
