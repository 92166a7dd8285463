from __future__ import annotations

from PySide6.QtCore import Qt

from lensgui.jobs.requests import Patching
from lensgui.terms.kinds import SweepKind


def test_another_kind_of_patching_is_chosen_swept_and_taken_back(window, answerer, qtbot):
    pane, inspector = window.panes["Activation patching"], window.panes["Inspector"]
    answerer.asked.clear()
    pane.kind.setFocus()
    with qtbot.waitSignal(window.runner.settled):
        qtbot.keyClicks(pane.kind, "keys")
    kind = SweepKind("k", "all")
    assert window.session.document.kind == kind
    assert [type(request) for request in answerer.asked] == [Patching]
    assert pane.sweep.axes[1].name == "key_value_head"
    with qtbot.waitSignal(window.runner.settled):
        point = pane.heatmap.middle_of(4, 1).toPoint()
        qtbot.mouseClick(pane.heatmap, Qt.MouseButton.LeftButton, pos=point)
    assert (window.selection.cursor.layer, window.selection.cursor.head) == (4, 2)
    assert window.panes["Attention"].name.text() == "L4H2 · M"
    said = inspector.numbers.labels[0].text()
    assert said.startswith("keys that the head reads at all positions, restore: restores ")
    assert said.partition(": ")[2] in pane.heatmap.describe(4, 1)
    window.selection.move(head=3)
    assert pane.heatmap.selected() == (4, 1)
    with qtbot.waitSignal(window.runner.settled):
        qtbot.keyClicks(pane.direction, "break")
    assert pane.sweep.direction == "noising"
    for _ in range(2):
        window.actions_by_name["undo"].trigger()
        qtbot.waitUntil(lambda: not window.runner.is_busy)
    assert pane.kind.currentText() == "residual stream before attention"
    assert pane.sweep.axes[1].name == "position"
    assert inspector.numbers.labels[0].text().startswith("residual stream before attention")


def test_another_kind_leaves_the_selection_within_the_prompt(window, qtbot):
    with qtbot.waitSignal(window.runner.settled):
        window.session.edit(kind=SweepKind("z", "all"))
    window.selection.move(position=10_000)
    assert window.selection.cursor.position < 100
