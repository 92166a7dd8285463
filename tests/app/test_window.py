from __future__ import annotations

import ast

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QPalette

from lensgui.app.window.exchange import NOT_OPENED
from lensgui.jobs.requests import HeadRoles, OpenModel, Patching, ReadPair
from lensgui.jobs.runner import STOPPED
from lensgui.panes import theme
from lensgui.panes.pane import UNEQUAL
from lensgui.state.examples import examples
from lensgui.state.selection import Cursor
from lensgui.terms.model_key import ModelKey
from tests.app.conftest import stepping
from tests.pictures import draws


def type_anew(window, qtbot, side, text):
    """Replace a prompt as a user would, and wait until everything follows."""
    editor = window.panes["Prompt"].editors[side]
    with qtbot.waitSignal(window.runner.settled):
        editor.clear()
        qtbot.keyClicks(editor, text)


def test_everything_is_drawn_at_first(window):
    assert window.exchange.card is not None
    assert window.panes["Prompt"].reading.complete
    assert window.panes["Attention"].grid.atlas.layers == 6
    sweep = window.panes["Activation patching"].sweep
    assert sweep.done == sweep.total
    assert window.panes["Inspector"].head.isVisible()


def test_the_window_asks_for_the_model_before_anything_else(window, answerer):
    assert isinstance(answerer.asked[0], OpenModel)


def test_one_sweep_serves_two_panes(window, answerer):
    assert sum(isinstance(request, Patching) for request in answerer.asked) == 1
    assert window.panes["Inspector"].numbers.isVisible()


def test_edit_then_sweep_then_click_then_inspect(window, qtbot):
    type_anew(window, qtbot, "clean", "Tom saw Ann run to")
    type_anew(window, qtbot, "corrupted", "Tom saw Bob run to")
    patching, inspector = window.panes["Activation patching"], window.panes["Inspector"]
    assert patching.sweep.axes[1].labels == ("Tom", " saw", " Bob", " run", " to")
    assert patching.heatmap.picture.marked == {2}
    with qtbot.waitSignal(window.runner.settled):
        point = patching.heatmap.middle_of(4, 2).toPoint()
        qtbot.mouseClick(patching.heatmap, Qt.MouseButton.LeftButton, pos=point)
    cursor = window.selection.cursor
    assert (cursor.layer, cursor.position) == (4, 2)
    assert inspector.place.text().startswith("L4")
    assert "position 2 ‘·Ann|·Bob’" in inspector.place.text()
    said = inspector.numbers.labels[0].text().partition(": ")[2]
    assert said in patching.heatmap.describe(4, 2)
    assert cursor.head is None  # a cell of the residual stream is of no head
    assert window.panes["Attention"].name.text() == ""


def test_a_prompt_edit_runs_again_and_undo_runs_back(window, qtbot):
    pane = window.panes["Activation patching"]
    before = pane.sweep.values
    type_anew(
        window, qtbot, "corrupted", "When Ann and Mary went to the store, Mary gave a drink to"
    )
    assert not np.array_equal(pane.sweep.values, before)
    while window.session.undo_stack.canUndo():
        window.actions_by_name["undo"].trigger()
        qtbot.waitUntil(lambda: not window.runner.is_busy)
    np.testing.assert_array_equal(pane.sweep.values, before)
    assert (
        window.panes["Prompt"].editors["corrupted"].toPlainText().endswith("Mary gave a drink to")
    )


def test_typing_asks_for_the_sweep_once(window, answerer, qtbot):
    window.runner._quiet.setInterval(1500)  # no pause of a busy machine is one of the user
    answerer.asked.clear()
    with qtbot.waitSignal(window.runner.settled):
        qtbot.keyClicks(window.panes["Prompt"].editors["corrupted"], " now", delay=5)
    sweeps = [request for request in answerer.asked if isinstance(request, Patching)]
    reads = [request for request in answerer.asked if isinstance(request, ReadPair)]
    assert len(sweeps) == 1
    assert len(reads) >= 2


def test_ctrl_z_in_an_editor_is_the_sessions(window, qtbot):
    editor = window.panes["Prompt"].editors["clean"]
    before = editor.toPlainText()
    editor.setFocus()
    with qtbot.waitSignal(window.runner.settled):
        qtbot.keyClicks(editor, "x")
    qtbot.keyClick(editor, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    assert editor.toPlainText() == before


def test_moving_the_cursor_asks_nothing_that_does_not_depend_on_it(window, answerer, qtbot):
    answerer.asked.clear()
    with qtbot.waitSignal(window.runner.settled):
        window.selection.move(layer=1, position=2)
    assert not any(isinstance(request, ReadPair | Patching) for request in answerer.asked)


def test_a_hidden_pane_asks_nothing(window, answerer, qtbot):
    window.docks["Attention"].hide()
    answerer.asked.clear()
    with qtbot.waitSignal(window.runner.settled):
        window.session.edit(clean="Something else entirely")
    assert {type(request).__name__ for request in answerer.asked}.isdisjoint(
        {"AttentionGrid", "AttentionHead"}
    )
    with qtbot.waitSignal(window.runner.settled):
        window.show_pane("Attention")
    assert window.panes["Attention"].grid.atlas is not None


def test_a_pane_behind_a_tab_asks_nothing_until_it_is_in_front(window, answerer, qtbot):
    pane = window.panes["Necessary or sufficient"]
    assert not any(isinstance(request, HeadRoles) for request in answerer.asked)
    with qtbot.waitSignal(window.runner.settled):
        window.docks["Necessary or sufficient"].toggleViewAction().trigger()  # hides it
        window.docks["Necessary or sufficient"].toggleViewAction().trigger()
    assert pane.is_in_front
    assert any(isinstance(request, HeadRoles) for request in answerer.asked)
    assert not window.panes["Activation patching"].is_in_front


def test_a_shorter_prompt_takes_the_cursor_along(window, qtbot):
    window.session.edit(clean="a b", corrupted="a c")
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    assert window.selection.cursor.position == 1
    assert not any(window.panes["Inspector"].messages.values())


def test_another_model_is_opened_first_and_then_asked(window, answerer, qtbot):
    answerer.asked.clear()
    with qtbot.waitSignal(window.runner.settled):
        window.model_bar.folded.click()
    assert answerer.asked[0] == OpenModel(ModelKey("fake", folded=True))
    assert all(request.model.folded for request in answerer.asked)
    assert window.model_bar.folded.text() == "folded weights"


def test_the_badge_says_what_was_measured(window):
    assert window.model_bar.badge.text() == "✓ max |Δ| 2.1e−5 vs Hugging Face"


def test_a_model_that_cannot_be_opened_leaves_the_one_that_is_open(window, answerer, qtbot):
    from lensgui.terms.errors import ModelError

    window.session.edit(answer=" store")
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    before, bar, steps = (
        window.session.document,
        window.model_bar,
        window.session.undo_stack.count(),
    )
    shown = bar.model.text(), bar.badge.text()
    pane = window.panes["Activation patching"]
    sweep = pane.sweep
    answerer.broken[OpenModel] = ModelError("/nowhere holds no model.")
    with qtbot.waitSignal(window.exchange.failed) as failed:
        bar.open_source("/nowhere")
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    assert failed.args == ["/nowhere holds no model."]
    assert window.status.sentence.text() == "/nowhere holds no model."
    assert window.session.document == before
    assert window.session.undo_stack.count() == steps  # undo takes back what was done before
    assert (bar.model.text(), bar.badge.text()) == shown
    assert pane.sweep is sweep
    assert not pane.heatmap.is_stale
    assert not any(pane.message.isVisible() for pane in window.panes.values())
    window.session.edit(clean="something else now")
    assert window.status.sentence.text() == ""
    for _ in range(2):
        window.undo()
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    assert window.session.document.pair.answer != " store"
    assert window.session.document.model == before.model


def test_what_is_typed_while_a_model_is_not_opened_stays(window, answerer, qtbot):
    from lensgui.terms.errors import ModelError

    before = window.session.document
    answerer.broken[OpenModel] = ModelError("/nowhere holds no model.")
    window.model_bar.open_source("/nowhere")
    window.session.edit(clean="typed meanwhile")
    qtbot.waitUntil(lambda: window.session.document.model == before.model)
    assert window.session.document.pair.clean == "typed meanwhile"
    while window.session.undo_stack.canUndo():
        window.undo()
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    assert window.session.document == before


def test_a_model_whose_opening_is_stopped_is_left_for_the_one_before(window, qtbot):
    before = window.session.document
    window.model_bar.open_source("another")
    window.runner.stop()
    assert window.session.document == before
    assert window.status.sentence.text() == NOT_OPENED


def test_a_first_model_that_cannot_be_opened_is_said_once(without_model, parts, qtbot):
    window = parts.window
    window.show()
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    said = {
        title: pane.message.text() for title, pane in window.panes.items() if pane.message.text()
    }
    assert said == {"Prompt": "/nowhere holds no model."}
    for title in ("Activation patching", "Lens", "Who feeds it"):
        assert window.panes[title].heatmap.empty == "No model is open."
    without_model.broken.clear()
    window.actions_by_name["retry"].trigger()
    qtbot.waitUntil(lambda: window.exchange.card is not None and not window.runner.is_busy)
    assert not any(pane.message.isVisible() for pane in window.panes.values())


def test_a_job_that_raises_is_said_in_its_pane_and_tried_again(window, answerer, qtbot):
    answerer.broken[Patching] = RuntimeError("boom")
    with qtbot.waitSignal(window.runner.settled):
        window.session.edit(corrupted="When Ann and Mary went to the store, Mary gave a drink to")
    pane = window.panes["Activation patching"]
    assert "RuntimeError: boom" in pane.message.text()
    assert pane.heatmap.is_stale
    answerer.broken.clear()
    with qtbot.waitSignal(window.runner.settled):
        window.actions_by_name["retry"].trigger()
    assert pane.sweep.done == pane.sweep.total
    assert not pane.heatmap.is_stale
    assert not pane.message.isVisible()


def test_stop_keeps_the_cells_that_are_known(window, answerer, qtbot):
    answerer.is_gated = True
    window.session.edit(corrupted="When Ann and Mary went to the store, Mary gave a drink to")
    pane = window.panes["Activation patching"]
    qtbot.waitUntil(lambda: "Ann" in pane.sweep.axes[1].labels[1])
    qtbot.waitUntil(stepping(answerer, lambda: 0 < pane.sweep.done < pane.sweep.total))
    assert window.status.stop.isVisible()
    with qtbot.waitSignal(window.runner.settled):  # no step is let through
        window.status.stop.click()
    assert pane.sweep.done < pane.sweep.total
    assert pane.message.text() == STOPPED
    assert window.status.what.text() == "ready"


def test_closing_in_the_middle_of_a_sweep_ends_at_its_next_step(parts, answerer, qtbot):
    answerer.is_gated = True
    parts.window.show()
    qtbot.waitUntil(lambda: any(isinstance(request, Patching) for request in answerer.asked))
    parts.window.close()
    answerer.gate.release()
    assert parts.runner.close(5000)
    assert any(isinstance(request, Patching) for request in answerer.left)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "one",
        "word " * 2000,
        "a\x00b",
        "🎉 مرحبا \u202eabc\u202c ﷽",
        "line\nline\n\n\tline",
    ],
    ids=["empty", "one", "10,000 characters", "NUL", "emoji and right to left", "lines"],
)
def test_odd_prompts_lose_nothing(window, answerer, qtbot, text):
    for side in ("clean", "corrupted"):
        window.session.edit(**{side: text})
        qtbot.waitUntil(lambda: not window.runner.is_busy, timeout=20_000)
        for pane in window.panes.values():
            draws(pane)
    assert window.session.document.pair.clean == text
    assert window.panes["Prompt"].editors["clean"].toPlainText() == text
    window.session.undo_stack.undo()
    window.session.undo_stack.undo()
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    assert window.panes["Prompt"].reading.complete


def test_different_lengths_are_one_sentence(window, qtbot):
    window.session.edit(corrupted="short")
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    said = [pane.message.text() for pane in window.panes.values() if pane.message.text()]
    assert said == [UNEQUAL]
    assert window.status.sentence.text() == ""
    assert window.panes["Prompt"].reading.complete


def test_an_example_opens_with_its_selection(window, qtbot):
    example = examples()[1]
    with qtbot.waitSignal(window.runner.settled):
        action = next(
            action
            for menu in window.menuBar().actions()
            for action in menu.menu().actions()
            if action.text() == example.title
        )
        action.trigger()
    assert window.status.sentence.foregroundRole() == QPalette.ColorRole.WindowText
    assert window.session.document.pair == example.document.pair
    assert window.session.document.model == ModelKey("fake")
    assert window.selection.cursor == Cursor(5, 3, 8)


def test_copy_as_python_copies_python(window, qtbot):
    for dock in window.docks.values():
        dock.titleBarWidget().copy.click()
        ast.parse(QGuiApplication.clipboard().text())
    assert "lines of Python" in window.status.sentence.text()


def test_the_pointer_is_read_out(window):
    window.panes["Inspector"].hovered.emit("L1: 3")
    assert window.status.readout.text() == "L1: 3"


@pytest.mark.parametrize("look", ["dark", "high contrast", "light"])
def test_every_look_repaints_everything(window, parts, qtbot, look):
    parts.appearance.choose(look)
    expected = theme.THEMES[look]
    grid = window.panes["Attention"].grid
    qtbot.waitUntil(lambda: theme.of(grid.palette()) == expected)
    picture = draws(window)
    colours = {picture.pixelColor(2, y).name() for y in range(picture.height())}
    assert colours & {expected.window, expected.surface}
    assert window.palette().color(QPalette.ColorRole.Window).name() == expected.window


def test_every_control_of_the_window_has_a_name_and_a_sentence(window):
    bar = window.model_bar
    for control in (bar.model, bar.device, bar.folded, bar.stop, window.status.stop):
        assert control.accessibleName()
        assert control.toolTip().endswith(".")


@pytest.mark.parametrize("size", [(1024, 700), (1280, 800), (2560, 1440)])
def test_the_window_fits_usual_screens(window, qtbot, size):
    window.resize(*size)
    assert (window.width(), window.height()) == size
    seen = [dock for dock in window.docks.values() if not dock.visibleRegion().isEmpty()]
    assert len(seen) > 1
    for dock in seen:
        assert window.rect().contains(dock.geometry()), dock.windowTitle()
    draws(window)
