from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt

from lensgui.jobs.answers.arrays import Axis, CellState, Sweep
from lensgui.jobs.requests import Patching
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.sweep_view.cells import cell_of, cell_words, cursor_axes, cursor_on
from lensgui.panes.sweep_view.kinds import KINDS
from lensgui.panes.token_text import percent, signed
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import SweepKind
from tests.panes.conftest import PAIR, answer, tell
from tests.pictures import draws

OFFERED = [option.value for _, options in KINDS for option in options]
HEADS = SweepKind("z", "all")
KEYS = SweepKind("k", "all")


def choose(qtbot, chooser, name):
    """Choose by typing the beginning of a name, as one can with the keyboard alone."""
    chooser.setFocus()
    qtbot.keyClicks(chooser, name)


@pytest.mark.parametrize("kind", OFFERED)
@pytest.mark.parametrize("direction", ["denoising", "noising"])
def test_every_kind_is_asked_drawn_and_described(document, show, kind, direction):
    document = replace(document, kind=kind, direction=direction)
    pane = answer(show(PatchingPane()), document, Cursor(2, 1, 3))
    place = (2, 1) if kind.extent == "edge" else (None, None)
    assert pane.requests(document, Cursor(2, 1))["sweep"] == Patching(
        document.model, PAIR, kind, direction, (), *place
    )
    assert pane.kind.currentText()
    assert pane.kind.toolTip().endswith(".")
    assert pane.heatmap.selected() != (None, None)
    assert pane.heatmap.describe(1, 1)
    height, width = pane.heatmap.picture.shades.shape
    assert (height, width) == pane.view.face.values.shape
    assert pane.view.face.values.size <= pane.sweep.values.size
    draws(pane)


def test_choosing_a_kind_edits_the_document(document, show, qtbot):
    pane = answer(show(PatchingPane()), document)
    with qtbot.waitSignal(pane.edited) as edited:
        choose(qtbot, pane.kind, "head")
    assert edited.args == [{"kind": HEADS}]
    with qtbot.waitSignal(pane.edited) as edited:
        choose(qtbot, pane.direction, "break")
    assert edited.args == [{"direction": "noising"}]


def test_arrow_keys_pass_over_the_headings(document, show, qtbot):
    pane = answer(show(PatchingPane()), document)
    found = []
    pane.edited.connect(found.append)
    pane.kind.setFocus()
    for _ in range(len(OFFERED) + 1):
        qtbot.keyClick(pane.kind, Qt.Key.Key_Down)
    assert [changes["kind"] for changes in found] == OFFERED[1:]
    qtbot.keyClick(pane.kind, Qt.Key.Key_Home)
    assert found[-1] == {"kind": OFFERED[0]}


def test_showing_a_document_chooses_without_saying_so(document, show, qtbot):
    pane = show(PatchingPane())
    with qtbot.assertNotEmitted(pane.edited):
        pane.show_document(replace(document, kind=HEADS, direction="noising"))
    assert pane.kind.currentText() == "head output (z)"
    assert pane.direction.currentText() == "break: corrupted → clean"


def test_a_head_is_clicked_and_outlined(document, show, qtbot):
    pane = answer(show(PatchingPane()), replace(document, kind=HEADS), Cursor(2, 1, 3))
    assert pane.heatmap.selected() == (2, 1)
    assert pane.heatmap.picture.column_names == ["H0", "H1", "H2", "H3"]
    assert not pane.heatmap.picture.marked
    with qtbot.waitSignal(pane.picked) as picked:
        point = pane.heatmap.middle_of(4, 3).toPoint()
        qtbot.mouseClick(pane.heatmap, Qt.MouseButton.LeftButton, pos=point)
    assert picked.args == [{"layer": 4, "head": 3}]
    with qtbot.waitSignal(pane.picked) as picked:
        qtbot.keyClick(pane.heatmap, Qt.Key.Key_Right)
    assert picked.args == [{"layer": 2, "head": 2}]


def test_a_key_value_head_is_the_first_head_of_its_group(document, show, qtbot):
    pane = answer(show(PatchingPane()), replace(document, kind=KEYS), Cursor(2, 3, 3))
    assert pane.heatmap.picture.column_names == ["H0–1", "H2–3"]
    assert pane.heatmap.selected() == (2, 1)
    with qtbot.waitSignal(pane.picked) as picked:
        point = pane.heatmap.middle_of(5, 1).toPoint()
        qtbot.mouseClick(pane.heatmap, Qt.MouseButton.LeftButton, pos=point)
    assert picked.args == [{"layer": 5, "head": 2}]
    with qtbot.waitSignal(pane.picked) as picked:
        qtbot.keyClick(pane.heatmap, Qt.Key.Key_Left)
    assert picked.args == [{"layer": 2, "head": 0}]
    assert pane.heatmap.describe(1, 1).startswith("L1H2–3: ")


def shared(heads: int, group: int) -> Sweep:
    labels = tuple(f"H{at}" for at in range(heads // group))
    axes = (
        Axis("layer", (0, 1), ("L0", "L1")),
        Axis("key_value_head", tuple(range(len(labels))), labels),
    )
    values = np.zeros((2, len(labels)), np.float32)
    return Sweep(axes, values, np.full(values.shape, CellState.EXACT, np.uint8), 1.0, -1.0)


@pytest.mark.parametrize(("heads", "group"), [(9, 3), (4, 1), (4, 4)])
def test_every_head_has_the_cell_of_its_group(heads, group):
    sweep = shared(heads, group)
    columns = cursor_axes(sweep, group)[1]
    assert columns.coordinates == tuple(range(0, heads, group))
    for head in range(heads):
        assert cell_of(sweep, Cursor(1, head), group) == (1, head // group)
        assert cursor_on(sweep, Cursor(1, head), group).head in columns.coordinates
    assert cell_of(sweep, Cursor(1, heads), group) is None
    assert cell_of(sweep, Cursor(layer=1), group) is None
    assert cell_of(sweep, Cursor(7, 0), group) is None


def test_noising_counts_from_clean_down_to_corrupted(document, show):
    document = replace(document, kind=HEADS, direction="noising")
    pane = answer(show(PatchingPane()), document)
    change = float(pane.sweep.values[2, 3])
    words = f"L2H3: breaks {percent(-change / 8)} ({signed(change)} logits)"
    assert pane.heatmap.describe(2, 3) == words
    assert pane.view.legend.text().endswith("0 is clean, −1 is corrupted")
    assert "red cells break" in pane.view.legend.toolTip()
    lowest = np.unravel_index(pane.sweep.values.argmin(), pane.sweep.values.shape)
    assert pane.heatmap.picture.shades[lowest] < 20


def test_an_equal_cell_after_the_first_difference_is_not_called_causal():
    states = np.array([[3, 3], [3, 2]], np.uint8)
    axes = (Axis("layer", (0, 1), ("L0", "L1")), Axis("position", (0, 1), ("a", "b")))
    sweep = Sweep(axes, np.zeros((2, 2), np.float32), states, 1.0, -1.0, direction="noising")
    assert "causality" in cell_words(sweep, 0, 0)
    assert cell_words(sweep, 0, 1) == (
        "unchanged: both runs are equal here, so exactly the clean value"
    )


def test_a_sweep_that_failed_says_nothing_but_why(document, show):
    pane = answer(show(PatchingPane()), document)
    tell(pane, "sweep", status="waiting")
    tell(
        pane,
        "sweep",
        status="failed",
        sentence="This model has parallel blocks, which have no resid_mid.",
    )
    assert "resid_mid" in pane.message.text()
    assert pane.heatmap.picture is None
    assert pane.heatmap.empty == ""
    tell(pane, "sweep", status="waiting")
    assert "Type a corrupted prompt" in pane.heatmap.empty


@pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
def test_a_resting_pointer_is_told_the_value_that_is_there_now(document, show, qtbot):
    pane = answer(show(PatchingPane()), document)
    said = []
    pane.hovered.connect(said.append)
    qtbot.mouseMove(pane.heatmap, pane.heatmap.middle_of(2, 3).toPoint())
    qtbot.waitUntil(lambda: said[-1:] == [pane.heatmap.describe(2, 3)])
    first, sweep = said[-1], pane.sweep
    tell(pane, "sweep", replace(sweep, values=sweep.values + 1))
    qtbot.waitUntil(lambda: said[-1] not in ("", first))
    assert said[-1] == pane.heatmap.describe(2, 3)
    tell(pane, "sweep", status="waiting")
    tell(pane, "sweep", status="failed", sentence="The prompts differ in length.")
    qtbot.waitUntil(lambda: said[-1] == "")
    qtbot.mouseMove(pane.kind)
    tell(pane, "sweep", sweep)
    pane.heatmap.grab()
    assert said[-1] == ""
