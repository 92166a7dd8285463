"""The public names: all there, all lazy, all the same in the stub."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import lensgui

PACKAGE = Path(lensgui.__file__).parent
NAMES = vars(lensgui)["__all__"]  # which the stub has no word of


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_can_be_had(name):
    assert getattr(lensgui, name) is not None
    assert name in dir(lensgui)


def test_the_stub_has_the_same_names():
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text())
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    stubbed = {alias.asname or alias.name for node in imports for alias in node.names}
    assert stubbed == set(NAMES)


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


FIELD_NAMES = {  # what public notebooks import from each module
    "evals": "ioi_eval",
    "head_detector": "detect_head get_previous_token_head_detection_pattern "
    "get_duplicate_token_head_detection_pattern get_induction_head_detection_pattern",
    "hook_points": "HookPoint HookedRootModule",
    "patching": "generic_activation_patch get_act_patch_resid_pre get_act_patch_attn_out "
    "get_act_patch_mlp_out get_act_patch_attn_head_out_all_pos get_act_patch_block_every "
    "get_act_patch_attn_head_all_pos_every layer_pos_patch_setter",
    "utils": "get_act_name to_numpy test_prompt Slice composition_scores lm_cross_entropy_loss",
}


@pytest.mark.parametrize("module", FIELD_NAMES)
def test_old_import_paths_hold(module):
    found = importlib.import_module(f"lensgui.{module}")
    for name in FIELD_NAMES[module].split():
        assert callable(getattr(found, name)), name


def test_every_public_name_says_what_it_is():
    for name in lensgui.__all__:
        public = getattr(lensgui, name)
        if isinstance(public, type) or callable(public):
            assert len(public.__doc__ or "") > 20, name
