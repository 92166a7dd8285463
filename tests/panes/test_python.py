from __future__ import annotations

import ast
from dataclasses import replace

import pytest

import lensgui
from lensgui.app.window.layout import PANES
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.panes.patching.patching import PatchingPane
from lensgui.state.examples import TOY, find
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import SweepKind
from lensgui.terms.model_key import ModelKey
from tests.panes.copying import averaging, toy

SCRIPTS = {
    "typed": toy(),
    "nothing typed": toy(answer="", distractor=""),
    "read whole": toy(answer=" apple house", metric="log-probability"),
    "mean": averaging(),
    "mean, by role": averaging(are_unequal=True),
    "compared": replace(averaging(), kept=replace(toy(), direction="noising").patching()),
}


@pytest.mark.parametrize("kind", PANES)
@pytest.mark.parametrize("folded", [False, True])
def test_what_is_copied_runs_and_computes_what_is_shown(kind, folded, qtbot):
    pane = kind()
    qtbot.addWidget(pane)
    document = replace(find(TOY).document, model=ModelKey(TOY, folded))
    names = {}
    exec(pane.python(document, Cursor(1, 2, 10)), names)
    assert {"shown", "sufficient", "means", "lens", "chances"} & names.keys()
    if isinstance(pane, PatchingPane):
        assert names["shown"].shape == (2, 11)
        assert float(names["shown"].max()) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("kind", "direction", "shape"),
    [
        (SweepKind("z", "all"), "noising", (2, 4)),
        (SweepKind("k", "all"), "denoising", (2, 4)),
        (SweepKind("mlp_out"), "noising", (2, 11)),
    ],
)
def test_what_is_copied_sweeps_what_is_chosen(kind, direction, shape, qtbot):
    pane = PatchingPane()
    qtbot.addWidget(pane)
    document = replace(find(TOY).document, kind=kind, direction=direction)
    names = {}
    exec(pane.python(document, Cursor()), names)
    assert names["shown"].shape == shape
    request = pane.requests(document, Cursor())["sweep"]
    *_, shown = (sweep for sweep in Dispatcher(threads=1).answer(request) if sweep is not None)
    assert names["shown"].numpy() == pytest.approx(shown.normalised, abs=1e-5)


MOST_LINES = 15


@pytest.mark.parametrize("kind", PANES)
@pytest.mark.parametrize("name", SCRIPTS)
def test_copied_python_is_short_imports_from_the_root_alone_and_ends_in_print(kind, name, qtbot):
    pane = kind()
    qtbot.addWidget(pane)
    document = SCRIPTS[name]
    pane.show_document(document)
    code = pane.python(document, Cursor(1, 2, 10, 4))
    assert len(code.splitlines()) <= MOST_LINES
    tree = ast.parse(code)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    for node in imports:
        if isinstance(node, ast.ImportFrom):
            assert node.module == "lensgui"
            assert {alias.name for alias in node.names} <= set(lensgui.__all__)
        else:
            assert [alias.name for alias in node.names] == ["torch"]
    last = tree.body[-1]
    calls = [node for node in ast.walk(last) if isinstance(node, ast.Call)]
    assert any(isinstance(call.func, ast.Name) and call.func.id == "print" for call in calls)
