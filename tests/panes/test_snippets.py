from __future__ import annotations

from dataclasses import replace

import pytest

from lensgui.app.examples import TOY, find
from lensgui.circuits.questions import ModelKey
from lensgui.panes.catalogue import PANES
from lensgui.state.selection import Cursor


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
        assert names["share"].shape == (2, 11)
        assert float(names["share"].max()) == pytest.approx(1.0, abs=0.01)
    if "attention" in names:
        assert float(names["attention"].sum()) == pytest.approx(1.0, abs=1e-4)
    if "lens" in names:
        assert names["lens"].shape[0] == 3
