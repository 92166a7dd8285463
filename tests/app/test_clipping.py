"""No text of the window is cut off or covers another, at any usual size, zoom and colours."""

from __future__ import annotations

from itertools import product

import pytest
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from lensgui.state.examples import find
from lensgui.terms.kinds import SweepKind
from tests.app.clipping import faults

SIZES = [(800, 450), (1280, 690), (1280, 800), (1920, 1080)]
THEMES = ["light", "dark", "high contrast"]
ZOOMS = [0.75, 1.0, 1.5, 2.0]
MOST_ROUNDS = 40
FEW = [
    ((800, 450), "light", 1.0),
    ((1280, 800), "high contrast", 1.0),
    ((1280, 800), "dark", 1.5),
    ((1280, 800), "light", 0.75),
]
MANY = [
    pytest.param(*case, marks=pytest.mark.soak)
    for case in product(SIZES, THEMES, ZOOMS)
    if case not in FEW and (case[2] < 2 or case[0] == (1920, 1080))
]


def states(window):
    """Put a window into one state after the other, and yield what each is called."""
    pair = find("ioi").document.pair
    tools = window.panes["Activation patching"].view.tools
    window.session.edit(pair=pair)
    yield "the example"
    for tool in (tools.table, tools.estimate, tools.keep):
        tool.click()
    window.session.edit(kind=SweepKind("z"))
    yield "table, estimates and comparison"
    window.session.edit(clean=pair.clean + " and more")
    yield "prompts of different lengths"
    window.session.edit(clean="word " * 80, corrupted="word " * 79 + "other ")
    yield "long prompts"
    window.session.edit(clean="", corrupted="")
    yield "no prompts"
    window.session.edit(pair=pair)
    for title in ("All kinds at once", "Who feeds it", "Necessary or sufficient", "Prompt pairs"):
        window.show_pane(title)
        yield title


@pytest.mark.parametrize(("size", "theme", "zoom"), [*FEW, *MANY])
def test_no_text_is_cut_off_or_covers_another(parts, window, qtbot, size, theme, zoom):
    parts.appearance.zoom(zoom)
    window.resize(*size)
    window.reset_layout()
    parts.appearance.choose(theme)
    for state in states(window):
        qtbot.wait(30)
        qtbot.waitUntil(lambda: not window.runner.is_busy)
        found = faults(window)
        for _ in range(MOST_ROUNDS):  # of a layout that is late on a busy machine
            if not found:
                break
            qtbot.wait(30)
            found = faults(window)
        assert found == [], state


def test_what_is_cut_off_covered_or_outside_is_found(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(300, 200)
    whole, cut, wrapped, outside = (QLabel(window) for _ in range(4))
    whole.setText("whole")
    whole.setGeometry(10, 10, 100, 20)
    cut.setText("a sentence that has no room")
    cut.setGeometry(10, 40, 30, 20)
    wrapped.setText("a sentence that would need some lines more than one " * 3)
    wrapped.setWordWrap(True)
    wrapped.setGeometry(10, 70, 100, 20)
    outside.setText("out")
    outside.setGeometry(280, 100, 60, 20)
    over = QPushButton("over", window)
    over.setGeometry(90, 5, 80, 24)
    with qtbot.waitExposed(window):
        window.show()
    found = faults(window)
    assert any("a sentence that has no room" in one and "wide" in one for one in found)
    assert any("some lines more" in one and "tall" in one for one in found)
    assert any("out” stands out" in one for one in found)
    assert any("whole" in one and "over” overlap" in one for one in found)
    assert len(found) == 4
