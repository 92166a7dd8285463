"""What moves, goes blank or stays undimmed while one types and points, frame by frame.

xvfb-run -a python -m tests.bench.stillness
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise

from lensgui.__main__ import make_answerer
from lensgui.command_line.environment import lacks_display, prepare

if lacks_display(os.environ):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
prepare(None)

from PySide6.QtCore import QEventLoop, QPoint  # noqa: E402
from PySide6.QtTest import QTest  # noqa: E402
from PySide6.QtWidgets import QAbstractButton, QWidget  # noqa: E402

from lensgui.app import start  # noqa: E402
from lensgui.panes.controls.chips import ChipRow  # noqa: E402
from lensgui.panes.pictures.painted import Painted  # noqa: E402
from lensgui.panes.prompt.prompt import PromptPane  # noqa: E402
from lensgui.state.examples import find  # noqa: E402
from tests.bench import frames, keystrokes  # noqa: E402
from tests.bench.frames import Frame, Recorder  # noqa: E402
from tests.windows import pane_of  # noqa: E402

KEY_MS = 150
REST_MS = 120
KEYS = 40
AGAIN_MS = 100
SHORT = "The Eiffel Tower is in the city of"
LONG = (
    "When John and Mary went to the store on the corner of the street where they had lived for "
    "years, they met an old friend of theirs, who was carrying a bag of apples, and so John, who "
    "had never liked her cousin from the country very much, gave a"
)


def run(parts: start.Parts, milliseconds: int) -> None:
    """Let the application run."""
    end = time.perf_counter() + milliseconds / 1000
    while time.perf_counter() < end:
        parts.app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)


def typed(parts: start.Parts, text: str) -> list[Frame]:
    """Type so many characters in the middle of a sentence, and return the frames meanwhile."""
    editor = pane_of(parts.window, PromptPane).editors["clean"]
    parts.window.session.edit(clean=text[:-KEYS])
    keystrokes.settle(parts)
    run(parts, 300)
    editor.moveCursor(editor.textCursor().MoveOperation.End)
    recorder = Recorder(parts.window)
    for character in text[-KEYS:]:
        QTest.keyClicks(editor, character)
        run(parts, KEY_MS)
    keystrokes.settle(parts)
    return recorder.leave()


def pointed(parts: start.Parts) -> tuple[list[Frame], int]:
    """Let the pointer rest on pictures, chips and buttons; return the frames, and on how many."""
    recorder, count = Recorder(parts.window), 0
    for kind in (Painted, ChipRow, QAbstractButton):
        for part in parts.window.findChildren(kind):
            if not part.visibleRegion().isEmpty():
                count += 1
                rest(parts, part)
    return recorder.leave(), count


def rest(parts: start.Parts, part: QWidget) -> None:
    """Move the pointer onto a widget, over a few places of it, and away."""
    for share in (0.3, 0.5, 0.8):
        place = QPoint(round(part.width() * share), round(part.height() * share))
        QTest.mouseMove(part, place)
        run(parts, REST_MS)


def known_again(parts: start.Parts) -> list[float]:
    """Return the milliseconds in which undo, a tab and an example show what was known before."""
    window, found = parts.window, []
    window.session.edit(pair=find("ioi").document.pair)
    keystrokes.settle(parts)
    other = window.session.document.pair.clean.replace("John", "Paul")
    window.session.edit(corrupted=other)
    keystrokes.settle(parts)
    acts: tuple[Callable[[], None], ...] = (
        window.undo,
        window.session.undo_stack.redo,
        partial(window.show_pane, "Necessary or sufficient"),
        partial(window.show_pane, "Activation patching"),
        partial(window.session.edit, pair=find("ioi").document.pair),
        partial(window.session.edit, corrupted=other),
    )
    for round_ in range(2):  # the first shows the panes whose answers are to be known
        for act in acts:
            begun = time.perf_counter()
            act()
            parts.app.processEvents()
            while parts.runner.is_busy or (round_ and frames.frame(window).stale):
                parts.app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)
            if round_:
                found.append((time.perf_counter() - begun) * 1000)
            run(parts, 50)
    return found


def undimmed(found: list[Frame]) -> list[tuple[int, str]]:
    """Return the pictures of another prompt that a frame shows as if they were this one's."""
    wrong = []
    for number, (before, after) in enumerate(pairwise(found), 1):
        if after.clean != before.clean:
            kept = (after.drawn & before.drawn) - after.stale
            wrong += [(number, name) for name in sorted(kept)]
    return wrong


def blanks(found: list[Frame]) -> int:
    """Return how many frames say nothing of the next token, once one has."""
    likely = [bool(frame.likely) for frame in found]
    first = likely.index(True) if True in likely else 0
    return likely[first:].count(False)


def main() -> int:
    parts = start.build(start.Options(), make_answerer)
    parts.window.resize(1280, 800)
    parts.window.show()
    keystrokes.settle(parts)
    run(parts, 500)
    counts: list[tuple[str, int]] = []
    for name, text in (("short prompt", SHORT), ("60 tokens", LONG)):
        found = typed(parts, text)
        counts += [
            (f"{name}: panes moved in {len(found)} frames", report(frames.moved(found))),
            (f"{name}: frames without likely tokens", blanks(found)),
            (f"{name}: pictures not dimmed at once", report(undimmed(found))),
        ]
    parts.window.activateWindow()
    found, places = pointed(parts)
    counts.append((f"pointer on {places} parts: panes moved", report(frames.moved(found))))
    again = known_again(parts)
    counts.append(
        (
            f"known again in at most {max(again):.0f} ms: over {AGAIN_MS}",
            sum(ms > AGAIN_MS for ms in again),
        )
    )
    for name, count in counts:
        print(f"  {name:50} {count}{'' if count == 0 else '   ← missed'}")
    start.leave(parts)
    return int(any(count for _, count in counts))


def report(wrong: list[tuple[int, str]]) -> int:
    """Print what is wrong, and return how much."""
    for number, name in wrong[:8]:
        print(f"    frame {number}: {name}")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main())
