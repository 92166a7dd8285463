"""The public names: all there, all lazy, all the same in the stub."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import lensgui

PACKAGE = Path(lensgui.__file__).parent


@pytest.mark.parametrize("name", lensgui.__all__)
def test_every_public_name_can_be_had(name):
    assert getattr(lensgui, name) is not None
    assert name in dir(lensgui)


def test_the_stub_has_the_same_names():
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text())
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    stubbed = {alias.asname or alias.name for node in imports for alias in node.names}
    assert stubbed == set(lensgui.__all__)


def test_an_unknown_name_lists_the_known():
    with pytest.raises(AttributeError, match="HookedTransformer"):
        lensgui.HookedTransformr  # noqa: B018


@pytest.mark.parametrize("facade", ["evals", "head_detector", "hook_points", "patching", "utils"])
def test_facades_are_importable_modules_that_only_re_export(facade):
    tree = ast.parse((PACKAGE / f"{facade}.py").read_text())
    kinds = (ast.ImportFrom, ast.Assign, ast.Expr)
    assert all(isinstance(node, kinds) for node in tree.body)


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def test_importing_the_package_imports_nothing_heavy_and_the_library_never_imports_qt():
    assert (
        run("import sys, lensgui; print({'torch', 'transformers'} & set(sys.modules))") == "set()\n"
    )
    names = ", ".join(name for name in lensgui.__all__ if name != "__version__")
    loaded = run(
        f"import sys; from lensgui import {names}; import lensgui.utils as utils; "
        "from lensgui.hook_points import HookPoint; "
        "print([name for name in sys.modules if name.startswith(('PySide6', 'pyqtgraph'))])"
    )
    assert loaded == "[]\n"
