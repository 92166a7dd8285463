from __future__ import annotations

from dataclasses import replace

import pytest

from lensgui.app.examples import TOY, find
from lensgui.circuits.questions import ModelKey, SweepKind
from lensgui.jobs.handlers.bench import Bench
from lensgui.panes.catalogue import PANES
from lensgui.panes.lab.patching import PatchingPane
from lensgui.state.selection import Cursor
from tests.panes.conftest import viewing


@pytest.mark.parametrize("kind", PANES)
@pytest.mark.parametrize("folded", [False, True])
def test_what_is_copied_runs_and_computes_what_is_shown(kind, folded, qtbot):
    pane = kind()
    qtbot.addWidget(pane)
    document = replace(find(TOY).document, model=ModelKey(TOY, folded))
    names: dict[str, object] = {}
    exec(pane.python(document, Cursor(1, 2, 10)), names)
    computed = {"clean", "tokens"} & names.keys()
    assert computed
    if "share" in names:
        number = getattr(pane, "number", 0)
        assert names["share"].shape == ((2, 4) if number else (2, 11))
        if not number:
            assert float(names["share"].max()) == pytest.approx(1.0, abs=0.01)
    if "attention" in names:
        assert float(names["attention"].sum()) == pytest.approx(1.0, abs=1e-4)
    if "lens" in names:
        assert names["lens"].shape[0] == 3


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
    document = viewing(find(TOY).document, kind=kind, direction=direction)
    names: dict[str, object] = {}
    exec(pane.python(document, Cursor()), names)
    assert names["share"].shape == shape
    request = pane.requests(document, Cursor())["sweep"]
    *_, shown = (sweep for sweep in Bench(threads=1).answer(request) if sweep is not None)
    assert names["share"].numpy() == pytest.approx(shown.normalised, abs=1e-5)
