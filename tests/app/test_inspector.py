"""The inspector in the real window: what it asks by itself, and what it hears from the others."""

from __future__ import annotations

from PySide6.QtCore import Qt

from lensgui.jobs.requests import ReadHead
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import SweepKind
from tests.app.conftest import stepping


def heads_read(answerer):
    return [request.position for request in answerer.asked if isinstance(request, ReadHead)]


def test_a_head_without_a_position_is_read_at_the_last_of_the_prompt(window, answerer, qtbot):
    inspector = window.panes["Inspector"]
    with qtbot.waitSignal(window.runner.settled):
        window.session.edit(clean="a b c", corrupted="a b d")
    answerer.asked.clear()
    with qtbot.waitSignal(window.runner.settled):
        window.selection.move(layer=2, head=1, position=None, source=None)
    assert heads_read(answerer) == [2]
    with qtbot.waitSignal(window.runner.settled):
        window.session.edit(clean="a b c d e", corrupted="a b c d f")
    assert heads_read(answerer) == [2, 4]  # never at a position of the prompt before
    assert "position 4 ‘·e|·f’ (the last, as none is selected)" in inspector.place.text()
    assert inspector.head.isVisible()


def test_it_hears_the_panes_that_are_shown(window, qtbot):
    inspector = window.panes["Inspector"]
    for title in ("Who feeds it", "Necessary or sufficient"):
        with qtbot.waitSignal(window.runner.settled):
            window.show_pane(title)
    with qtbot.waitSignal(window.runner.settled):
        window.selection.move(layer=2, head=1, position=3, source=0)
    lines = [label.text() for label in inspector.numbers.labels if not label.isHidden()]
    for name in ("direct attribution", "mean ablation", "attention, clean"):
        assert any(line.startswith(name) for line in lines)
    assert inspector.scores.isVisible()


def lines(window):
    labels = window.panes["Inspector"].numbers.labels
    return [label.text() for label in labels if not label.isHidden()]


def pause_half_way(window, answerer, qtbot):
    """Pause a sweep over heads and positions; return what the inspector calls its numbers."""
    pane = window.panes["Activation patching"]
    window.selection.move(layer=0, head=0, position=1)
    answerer.is_gated = True
    window.session.edit(kind=SweepKind("z"))
    qtbot.waitUntil(stepping(answerer, lambda: len(pane.sweep.axes) == 3 and pane.sweep.done > 0))
    pane.view.tools.pause.click()
    answerer.gate.release(100)
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    answerer.is_gated = False
    assert pane.sweep.done < pane.sweep.total
    return patched(window)


def patched(window):
    return [line.split(": ")[0] for line in lines(window) if ", restore" in line]


def test_numbers_of_a_paused_sweep_stay_and_say_so(window, answerer, qtbot):
    name = "head's output at this position, restore"
    assert pause_half_way(window, answerer, qtbot) == [f"{name}, paused"]
    with qtbot.waitSignal(window.runner.settled):
        window.selection.move(position=2)
    assert patched(window) == [f"{name}, paused"]
    with qtbot.waitSignal(window.runner.settled):
        window.panes["Activation patching"].view.tools.pause.click()
    assert patched(window) == [name]


def test_numbers_of_a_paused_sweep_go_with_its_question(window, answerer, qtbot):
    assert pause_half_way(window, answerer, qtbot)
    with qtbot.waitSignal(window.runner.settled):
        window.session.edit(corrupted="")
    assert patched(window) == []


def test_a_cell_of_the_residual_stream_is_of_no_head(window, qtbot):
    inspector, pane = window.panes["Inspector"], window.panes["Activation patching"]
    with qtbot.waitSignal(window.runner.settled):
        window.selection.move(layer=2, head=1, position=3, source=0)
    where = pane.heatmap.middle_of(4, 1).toPoint()
    with qtbot.waitSignal(window.runner.settled):
        qtbot.mouseClick(pane.heatmap, Qt.MouseButton.LeftButton, pos=where)
    assert inspector.place.text().startswith("L4, position 1")
    assert inspector.note_field.placeholderText() == "Note about L4 · position 1"
    assert inspector.head.isHidden()
    attention = window.panes["Attention"]
    assert attention.slice is None
    assert attention.name.text() == ""
    with qtbot.waitSignal(window.runner.settled):
        qtbot.keyClick(pane.heatmap, Qt.Key.Key_Right)
    assert window.selection.cursor == Cursor(4, position=2)
    with qtbot.waitSignal(window.runner.settled):
        qtbot.keyClick(attention.grid, Qt.Key.Key_Right)  # heads are walked from this layer on
    assert window.selection.cursor == Cursor(4, 0, 2)


def test_a_position_that_the_clean_prompt_lacks_is_no_fault(window, answerer, qtbot):
    inspector = window.panes["Inspector"]
    with qtbot.waitSignal(window.runner.settled):
        window.session.edit(clean="a b c d", corrupted="a x b y c z d")
    told = []
    window.exchange.status_message.connect(told.append)
    with qtbot.waitSignal(window.runner.settled):
        window.selection.move(layer=2, head=1, position=3)
    assert inspector.head.isVisible()
    window.selection.move(position=6)
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    assert inspector.place.text() == (
        "L2H1 (induction), position 6 (the clean prompt has no such position)"
    )
    for part in (inspector.head, inspector.mlp, inspector.lens, inspector.message):
        assert part.isHidden()
    with qtbot.waitSignal(window.runner.settled):
        window.session.edit(clean="a b")  # read anew while the position is beyond it
    assert "position 6 (the clean prompt has no such position)" in inspector.place.text()
    assert not any("There is no position" in sentence for sentence in told)
    with qtbot.waitSignal(window.runner.settled):
        window.session.edit(clean="a b c d e f g h")
    assert inspector.place.text() == "L2H1 (induction), position 6 ‘·g’"
    assert inspector.head.isVisible()
