"""The circuit board with 200 edges in the real window: how long a frame takes while a node moves.

xvfb-run -a python -m tests.bench.board
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from statistics import median

from PySide6.QtCore import QPointF
from PySide6.QtTest import QTest

from lensgui.__main__ import make_answerer
from lensgui.app import start
from lensgui.panes.circuit.circuit import CircuitPane
from lensgui.state.views import BoardView
from tests.bench.keystrokes import settle
from tests.windows import pane_of

EDGES, FRAMES, BAR = 200, 40, 1000 / 60


def timed(frame: Callable[[], object]) -> float:
    """The median time of a frame, in milliseconds."""
    found = []
    for _ in range(FRAMES):
        begun = time.perf_counter()
        frame()
        found.append((time.perf_counter() - begun) * 1e3)
    return median(found)


def main() -> bool:
    """Print what frames take; return whether all are within the bar."""
    parts = start.build(start.Options(), make_answerer)
    window, holds = parts.window, True
    window.resize(1600, 1000)
    window.show()
    pane = pane_of(window, CircuitPane)
    window.show_pane(pane.title)
    settle(parts)
    window.solo(pane)
    for is_exact, words in ((False, "dotted"), (True, "exact")):
        window.session.edit(board=BoardView(most=EDGES, is_exact=is_exact))
        settle(parts)
        QTest.qWait(200)
        board = pane.board
        first, places = board.contents.nodes[1].name, iter(range(10**6))

        def drag(board=board, first=first, places=places) -> None:
            board._drag = {first: (next(places) % 100) / 100}
            board._places = None
            board._image = None
            board.repaint()

        moved = timed(drag)
        board._drag, board._places = {}, None
        board.redraw()

        def point(board=board) -> None:
            board.hit_test(QPointF(500, 400))
            board.repaint()

        pointed = timed(point)
        holds &= max(moved, pointed) <= BAR
        size = f"{board.width()} × {board.height()}"
        print(
            f"{len(board.contents.edges)} edges, {words}, {size}: a node moved {moved:.1f} ms, "
            f"pointed at {pointed:.1f} ms (bar {BAR:.1f})"
        )
    return holds


if __name__ == "__main__":
    is_held = main()
    sys.stdout.flush()
    os._exit(not is_held)
