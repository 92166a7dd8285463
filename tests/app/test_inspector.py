"""The inspector in the real window: what it asks by itself, and what it hears from the others."""

from __future__ import annotations

from lensgui.jobs.requests import ReadHead


def heads_read(bench):
    return [request.position for request in bench.asked if isinstance(request, ReadHead)]


def test_a_head_without_a_position_is_read_at_the_last_of_the_prompt(window, bench, qtbot):
    inspector = window.panes["Inspector"]
    with qtbot.waitSignal(window.runner.settled):
        window.session.edit(clean="a b c", corrupted="a b d")
    bench.asked.clear()
    with qtbot.waitSignal(window.runner.settled):
        window.selection.move(layer=2, head=1, position=None, source=None)
    assert heads_read(bench) == [2]
    with qtbot.waitSignal(window.runner.settled):
        window.session.edit(clean="a b c d e", corrupted="a b c d f")
    assert heads_read(bench) == [2, 4]  # never at a position of the prompt before
    assert "position 4 ‘·e’ (the last, as none is selected)" in inspector.place.text()
    assert inspector.head.isVisible()


def test_it_hears_the_panes_that_are_shown(window, qtbot):
    inspector = window.panes["Inspector"]
    for title in ("Who feeds it", "Necessary or sufficient"):
        with qtbot.waitSignal(window.runner.settled):
            window.show_pane(title)
    with qtbot.waitSignal(window.runner.settled):
        window.selection.move(layer=2, head=1, position=3, source=0)
    lines = [label.text() for label in inspector.numbers._labels if not label.isHidden()]
    for name in ("direct attribution", "mean ablation", "attention, clean"):
        assert any(line.startswith(name) for line in lines)
    assert inspector.scores.isVisible()
