from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import pytest

from lensgui.app.examples import TOY, find
from lensgui.circuits.questions import ModelKey, SweepKind
from lensgui.jobs.handlers.bench import Bench
from lensgui.panes import snippets
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
    assert {"shown", "sufficient", "means", "lens", "chances"} & names.keys()
    if isinstance(pane, PatchingPane):
        assert names["shown"].shape == ((2, 4) if pane.number else (2, 11))
        if not pane.number:
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
    document = viewing(find(TOY).document, kind=kind, direction=direction)
    names: dict[str, object] = {}
    exec(pane.python(document, Cursor()), names)
    assert names["shown"].shape == shape
    request = pane.requests(document, Cursor())["sweep"]
    *_, shown = (sweep for sweep in Bench(threads=1).answer(request) if sweep is not None)
    assert names["shown"].numpy() == pytest.approx(shown.normalised, abs=1e-5)


def test_names_are_imported_from_where_they_live():
    for home, names in snippets.HOMES.items():
        for name in names:
            assert hasattr(import_module(home), name)
