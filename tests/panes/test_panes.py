from __future__ import annotations

import ast
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt, SignalInstance
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QSlider,
    QTableView,
    QWidget,
)

from lensgui.app.window.layout import PANES
from lensgui.jobs.answers.arrays import Axis, CellState, Sweep
from lensgui.jobs.requests import AttentionGrid, AttentionHead, Patching, ReadEvidence, ReadPair
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.controls.chips import ChipRow
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.pictures.heatmap import Heatmap
from lensgui.panes.strength.strength import StrengthPane
from lensgui.panes.token_text import percent, signed
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.state.views import AttentionView
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.model_key import ModelKey
from tests.panes.conftest import CURSOR, PAIR, answer, tell


@pytest.mark.parametrize("kind", PANES)
def test_every_pane_says_how_to_compute_it(kind, document, qtbot):
    pane = kind()
    qtbot.addWidget(pane)
    for key in (document.model, ModelKey("fake", True, "cpu", "float64")):
        for pair in (PAIR, PromptPair("one ‘prompt’\n"), replace(PAIR, bos="<|x|>")):
            code = pane.python(Document(key, pair), CURSOR)
            ast.parse(code)
            assert "HookedTransformer.from_pretrained" in code


CONTROLS = (
    QAbstractButton, QComboBox, QLineEdit, QPlainTextEdit, QSlider, QTableView, ChipRow, Heatmap,
)  # fmt: skip


@pytest.mark.parametrize("kind", PANES)
def test_every_control_has_a_name_and_a_sentence(kind, qtbot):
    pane = kind()
    qtbot.addWidget(pane)
    controls = [
        control
        for sort in CONTROLS
        for control in pane.findChildren(sort)
        if control.objectName() != "qt_tableview_cornerbutton"  # Qt's own, which is never shown
    ]
    for control in controls:
        assert control.accessibleName(), control
        assert control.toolTip().endswith("."), control


@pytest.mark.parametrize("kind", PANES)
def test_nothing_is_asked_without_a_prompt(kind, qtbot):
    pane = kind()
    qtbot.addWidget(pane)
    assert pane.requests(Document(ModelKey("fake"), PromptPair("")), CURSOR) == {}


@pytest.mark.parametrize("kind", PANES)
def test_a_failure_is_said_and_an_old_answer_is_cleared(kind, document, show):
    some = (Intervention(Site("mlp_out", 1), "scale"),) if kind is StrengthPane else ()
    document = document.having(table=(PairRow(PAIR),), interventions=some)
    pane = answer(show(kind()), document)
    names = list(pane.requests(document, CURSOR))
    for name in names:
        tell(pane, name, status="waiting")
        tell(pane, name, status="failed", sentence="That went wrong.")
    assert pane.message.text() == "That went wrong."
    assert pane.message.isVisible()
    for name in names:
        pane.show_reply(name, None)
    assert not pane.message.isVisible()


def test_a_stopped_sweep_keeps_its_cells(document, show):
    pane = answer(show(PatchingPane()), document)
    tell(pane, "sweep", status="failed", sentence="Stopped.")
    assert pane.sweep is not None
    assert pane.heatmap.picture is not None


def test_attention_asks_for_the_grid_and_the_selected_head(document, qtbot):
    pane = AttentionPane()
    qtbot.addWidget(pane)
    assert pane.requests(document, CURSOR) == {
        "pair": ReadPair(document.model, PAIR),
        "grid": AttentionGrid(document.model, PAIR),
        "rank": ReadEvidence(document.model, (PAIR,)),
        "head": AttentionHead(document.model, PAIR, ((2, 1),)),
    }
    assert "head" not in pane.requests(document, Cursor(layer=2))
    other = document.having(attention=AttentionView("corrupted", hides_first=False))
    grid = pane.requests(other, CURSOR)["grid"]
    assert (grid.side, grid.hide_first) == ("corrupted", False)


def test_the_switch_says_what_position_0_holds(document, show):
    pane = answer(show(AttentionPane()), document)
    assert pane.hide_first.text() == "hide position 0 (62 %)"


def test_clicking_a_thumbnail_selects_its_head(document, show, qtbot):
    pane = answer(show(AttentionPane()), document)
    with qtbot.waitSignal(pane.picked) as picked:
        point = pane.grid.middle_of(4, 2).toPoint()
        qtbot.mouseClick(pane.grid, Qt.MouseButton.LeftButton, pos=point)
    assert picked.args == [{"layer": 4, "head": 2}]


@pytest.mark.qt_log_ignore(r"does not support raise\(\)")
def test_hovering_a_cell_of_a_head_says_it_in_words(document, show, qtbot):
    pane = answer(show(AttentionPane(), 800, 600), document)
    value = pane.slice.values[3, 1]
    with qtbot.waitSignal(pane.hovered) as hovered:
        qtbot.mouseMove(pane.head, pane.head.middle_of(3, 1).toPoint())
    assert hovered.args == [f"L2H1 · ‘·Mary’ (3) → ‘·John|·Mary’ (1): {value:.3f}"]


def test_the_future_is_masked_not_zero(document, show, qtbot):
    pane = answer(show(AttentionPane(), 800, 600), document)
    assert "never looks ahead" in pane.head.describe(1, 3)


def test_patching_asks_only_with_two_prompts(document, qtbot):
    pane = PatchingPane()
    qtbot.addWidget(pane)
    assert pane.requests(document, CURSOR)["sweep"] == Patching(document.model, PAIR)
    assert pane.requests(Document(document.model, PromptPair("a")), CURSOR) == {}


def test_a_cell_says_every_number_it_stands_for(document, show):
    pane = answer(show(PatchingPane()), document)
    change = float(pane.sweep.values[2, 3])
    words = pane.heatmap.describe(2, 3)
    assert words.startswith("L2 · position 3 ‘·Mary’: ")
    assert words.endswith(f": restores {percent(change / 8)} ({signed(change)} logits)")
    assert pane.heatmap.describe(2, 0).endswith(
        "before the first differing token, so exactly the corrupted value (causality)"
    )


def test_clicking_a_cell_selects_layer_and_position(document, show, qtbot):
    pane = answer(show(PatchingPane()), document)
    with qtbot.waitSignal(pane.picked) as picked:
        point = pane.heatmap.middle_of(4, 2).toPoint()
        qtbot.mouseClick(pane.heatmap, Qt.MouseButton.LeftButton, pos=point)
    assert picked.args == [{"layer": 4, "position": 2}]


def test_arrow_keys_move_the_selection_and_stop_at_the_edge(document, show, qtbot):
    pane = answer(show(PatchingPane()), document, Cursor(layer=0, position=3))
    for key, place in (
        (Qt.Key.Key_Down, {"layer": 1, "position": 3}),
        (Qt.Key.Key_Up, {"layer": 0, "position": 3}),
        (Qt.Key.Key_Right, {"layer": 0, "position": 4}),
        (Qt.Key.Key_Left, {"layer": 0, "position": 2}),
    ):
        with qtbot.waitSignal(pane.picked) as picked:
            qtbot.keyClick(pane.heatmap, key)
        assert picked.args == [place]


def test_an_undefined_share_is_refused_in_words_and_drawn_in_logits(document, show):
    pane = show(PatchingPane())
    axes = (Axis("layer", (0,), ("L0",)), Axis("position", (0, 1), ("a", "b")))
    values = np.array([[0.5, -2.0]], np.float32)
    states = np.full((1, 2), CellState.EXACT, np.uint8)
    refusal = "Clean and corrupted have the same metric, so a share of nothing would be divided by."
    tell(pane, "sweep", Sweep(axes, values, states, 1.0, 1.0, refusal))
    assert pane.view.legend.text().endswith(refusal)
    assert refusal.split()[0] in pane.view.legend.toolTip()
    assert pane.view.levels.end == 2.0
    assert "of clean − corrupted" not in pane.heatmap.describe(0, 1)


@pytest.mark.parametrize("kind", PANES)
def test_no_attribute_hides_one_of_qts_own_methods(kind, qtbot):
    pane = kind()
    qtbot.addWidget(pane)
    for widget in (pane, *pane.findChildren(QWidget)):
        qt = next(base for base in type(widget).__mro__ if base.__module__.startswith("PySide6"))
        own = {
            name for name, value in vars(widget).items() if not isinstance(value, SignalInstance)
        }
        assert not own & set(dir(qt)), widget
