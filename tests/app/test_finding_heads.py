"""From a fresh start on the demo model, by mouse: movers, negative movers, induction heads.

The numbers of the pair are those of independent hooks on the raw weights, in float32.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt

from lensgui.app import start
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.panes.attention.attention import AttentionPane
from lensgui.state.selection import Cursor
from tests.windows import pane_of

pytestmark = [
    pytest.mark.demo,
    pytest.mark.qt_log_ignore("This plugin does not support"),
]
LEFT = Qt.MouseButton.LeftButton
TO_MARY = {(24, 4): 0.81, (21, 8): 0.79, (21, 7): 0.75, (22, 4): 0.68, (23, 1): 0.65,
           (23, 7): 0.65, (23, 2): 0.56}  # fmt: skip
TO_JOHN = {(25, 2): 0.83, (20, 0): 0.76, (23, 3): 0.71}
WRITES = {(23, 3): 2.17, (29, 1): 1.69, (23, 2): 0.89, (23, 7): 0.84, (23, 1): 0.76,
          (29, 0): -1.26, (24, 4): -0.96}  # fmt: skip
ROLES = {
    "name mover": {(23, 1), (23, 2), (23, 7), (23, 5)},
    "negative name mover": {(24, 4)},
    "copy suppression": {(23, 3)},
}
UNNAMED = {(21, 7), (21, 8), (28, 1), (29, 0), (29, 1)}


@pytest.fixture(scope="module")
def dispatcher() -> Dispatcher:
    return Dispatcher(threads=1)


@pytest.fixture
def fresh(dispatcher, demo_folder, qtbot) -> Iterator[AttentionPane]:
    """The attention pane of a window that has just opened, and is at rest."""
    interval = sys.getswitchinterval()
    parts = start.build(start.Options(), lambda: dispatcher)
    parts.faults.release()
    window = parts.window
    window.resize(1280, 800)
    window.show()
    qtbot.waitUntil(lambda: window.exchange.card is not None, timeout=60_000)
    pane = pane_of(window, AttentionPane)
    qtbot.waitUntil(lambda: not parts.runner.is_busy, timeout=60_000)
    yield pane
    assert parts.runner.close(5000)
    window.hide()
    window.close()
    window.deleteLater()
    gc.unfreeze()
    sys.setswitchinterval(interval)


class Mouse:
    """Clicks, and counts them."""

    def __init__(self, qtbot) -> None:
        self.clicks, self._qtbot = 0, qtbot

    def click(self, widget, point) -> None:
        self.clicks += 1
        self._qtbot.mouseClick(widget, LEFT, pos=point)

    def choose(self, box, value) -> None:
        """Open a box, and click one of its options: offscreen its list takes keys, not clicks."""
        self.click(box, box.rect().center())
        view = box.view()
        self._qtbot.waitUntil(view.isVisible)
        at = next(
            row
            for row, option in enumerate(box._options)
            if option is not None and option.value == value
        )
        view.setCurrentIndex(box.model().index(at, 0))
        self.clicks += 1
        self._qtbot.keyClick(view, Qt.Key.Key_Return)


def rest(pane, qtbot):
    runner = pane.window().runner
    qtbot.waitUntil(lambda: not runner.is_busy, timeout=60_000)


def first(pane, count):
    """The heads that stand first in the grid."""
    heads = pane.grid.atlas.axes[1]
    order = pane.grid.layout_now().order.ravel()[:count]
    return [divmod(int(number), len(heads)) for number in order]


def agree(pane, expected):
    for place, number in expected.items():
        assert float(pane.grid.ranking.values[place]) == pytest.approx(number, abs=0.01), place


def test_heads_are_found_in_few_clicks(fresh, qtbot):
    pane, mouse = fresh, Mouse(qtbot)
    mouse.choose(pane.bar.score, "attribution")
    rest(pane, qtbot)
    assert mouse.clicks <= 2
    agree(pane, WRITES)
    by_size = sorted(WRITES, key=lambda place: -abs(WRITES[place]))
    assert first(pane, len(by_size)) == by_size

    mouse = Mouse(qtbot)
    mouse.choose(pane.bar.score, "induction")
    qtbot.waitUntil(lambda: pane.grid.ranking.is_whole, timeout=60_000)
    assert mouse.clicks <= 2
    assert first(pane, 1) == [(18, 6)]
    assert "200 queries" in pane.all_heads.ranked.text()

    find_by_edge(pane, qtbot)
    roles_are_named(pane, qtbot)


def find_by_edge(pane, qtbot):
    """What looks at the second ·John, and then what looks at ·Mary."""
    mouse = Mouse(qtbot)
    mouse.click(pane.head, pane.head.middle_of(13, 9).toPoint())
    mouse.choose(pane.bar.score, "edge")
    rest(pane, qtbot)
    assert mouse.clicks <= 3
    agree(pane, TO_JOHN)
    assert set(first(pane, 3)) == set(TO_JOHN)
    mouse.click(pane.head, pane.head.middle_of(13, 3).toPoint())
    rest(pane, qtbot)
    agree(pane, TO_MARY)
    assert set(first(pane, 7)) == set(TO_MARY)
    assert pane.hide_first.isChecked()
    assert "raw attention, position 0 included" in pane.all_heads.ranked.text()


def roles_are_named(pane, qtbot):
    qtbot.waitUntil(lambda: (23, 1) in pane.roles, timeout=120_000)
    named = {head: part.name for head, part in pane.roles.items()}
    for name, heads in ROLES.items():
        assert {head for head in named if named[head] == name} == heads
    assert not UNNAMED & named.keys()
    assert not any(pane.roles[head].is_firm for heads in ROLES.values() for head in heads)
    inspector = pane.window().panes["Inspector"]
    pane.window().selection.move(layer=23, head=1)
    assert inspector.place.text().startswith("L23H1 (name mover)")
    assert pane.window().selection.cursor == Cursor(23, 1, 13, 3)
