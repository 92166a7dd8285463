"""Drives the real window through its states and writes PNGs of it and of every pane.

    python -m tests.screenshots [folder]

Without a display it draws offscreen; the pictures are the same.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lensgui.__main__ import lacks_display, make_bench, prepare

if lacks_display(os.environ):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
prepare(None)

from PySide6.QtCore import QEventLoop, QTimer  # noqa: E402
from PySide6.QtWidgets import QWidget  # noqa: E402

from lensgui.app import start  # noqa: E402
from lensgui.circuits.questions import SweepKind  # noqa: E402
from lensgui.jobs.answering import Answer, Answering  # noqa: E402
from lensgui.jobs.requests import Patching, Request  # noqa: E402
from lensgui.jobs.slices import Slice  # noqa: E402

FOLDER = Path(__file__).resolve().parents[2] / "build" / "screenshots"
LOOKS = ("light", "dark", "high contrast")
PATIENCE_S = 60.0


class Held:
    """A bench whose sweeps can be held half-way, while everything else goes on."""

    def __init__(self, bench: Answering) -> None:
        self._bench = bench

    is_held = False

    def answer(self, request: Request) -> Iterator[Answer | None]:
        for answer in self._bench.answer(request):
            yield answer
            while self._is_half_way(request, answer):
                time.sleep(0.002)
                yield None

    def _is_half_way(self, request: Request, answer: Answer | None) -> bool:
        if not Held.is_held or not isinstance(request, Patching):
            return False
        return isinstance(answer, Slice) and answer.done > 0.7 * answer.total


def make_held_bench() -> Answering:
    return Held(make_bench())


class Camera:
    """Waits until the window is at rest, and takes its picture."""

    def __init__(self, parts: start.Parts, folder: Path) -> None:
        self.parts, self.window, self.folder = parts, parts.window, folder

    def wait(self, until: Callable[[], bool] | None = None) -> None:
        """Let the application run until something holds, then a little longer."""
        holds = until or (lambda: not self.parts.runner.is_busy)
        latest = time.monotonic() + PATIENCE_S
        self._run(250)
        while not holds() and time.monotonic() < latest:
            self._run(20)
        self._run(150)

    def take(self, name: str, widget: QWidget | None = None) -> None:
        path = self.folder / f"{name.replace(' ', '-')}.png"
        (widget or self.window).grab().save(str(path))
        print(path)

    def _run(self, milliseconds: int) -> None:
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()


def half_way(camera: Camera) -> None:
    """The sweep, held while some of its cells are not known."""
    Held.is_held = True
    window = camera.window
    pane = window.panes["Activation patching"]
    pair = window.session.document.pair
    window.session.edit(corrupted=pair.corrupted.replace("Mary gave", "Paul gave"))
    camera.wait(lambda: pane.sweep is not None and "Paul" in str(pane.sweep.axes[1].labels))
    camera.take("sweep-half-way")
    camera.take("pane-patching-half-way", pane)
    window.status.stop.click()
    camera.wait()
    camera.take("sweep-stopped")
    Held.is_held = False
    window.undo()
    camera.wait()


def kinds(camera: Camera) -> None:
    """Patching of heads, of key/value heads, and the other way round."""
    window = camera.window
    pane = window.panes["Activation patching"]
    states = {
        "heads": {"kind": SweepKind("z", "all")},
        "values": {"kind": SweepKind("v", "all")},
        "noising": {"kind": SweepKind("z", "all"), "direction": "noising"},
    }
    for name, changes in states.items():
        window.session.edit(views=window.session.document.with_view(0, **changes))
        camera.wait()
        for look in ("dark", "light"):
            camera.parts.appearance.choose(look)
            camera.wait()
            camera.take(f"pane-patching-{name}-{look}", pane)
        camera.take(f"patching-{name}")
    while window.session.undo_stack.canUndo():
        window.undo()
    camera.wait()


def prompts(camera: Camera) -> None:
    """One prompt only; a long one; two of different lengths; a failure; no prompt."""
    window = camera.window
    states = {
        "one-prompt": {"clean": "The Eiffel Tower is located in the city of", "corrupted": ""},
        "long": {
            "clean": "The cat sat on the mat. " * 12,
            "corrupted": "The dog sat on the mat. " * 12,
        },
        "different-lengths": {"clean": "The cat sat on", "corrupted": "The cats of Rome sat on "},
        "odd-letters": {"clean": "🎉 مرحبا\nline\ttab \x00 nul", "corrupted": ""},
        "empty": {"clean": "", "corrupted": ""},
    }
    for name, changes in states.items():
        window.session.edit(**(changes | {"answer": "", "distractor": ""}))
        camera.wait()
        camera.take(f"prompt-{name}")
    while window.session.undo_stack.canUndo():
        window.undo()
    camera.wait()


def sizes(camera: Camera) -> None:
    """The smallest and a large window."""
    for width, height in ((1024, 700), (1920, 1080)):
        camera.window.resize(width, height)
        camera.wait()
        camera.take(f"size-{width}x{height}")
    camera.window.resize(1280, 800)
    camera.window.reset_layout()


def looks(camera: Camera) -> None:
    """The whole window and each pane, in every look."""
    for look in LOOKS:
        camera.parts.appearance.choose(look)
        camera.wait()
        camera.take(f"window-{look}")
        for title, pane in camera.window.panes.items():
            camera.take(f"pane-{title.lower()}-{look}", pane)
    camera.parts.appearance.choose("light")
    camera.wait()


def failures(camera: Camera) -> None:
    """A model that is not there, and the toy."""
    window = camera.window
    window.model_bar.open_source("/no/such/folder")
    camera.wait()
    camera.take("model-missing")
    window.undo()
    camera.wait()
    example = start.find(start.TOY)
    window.session.edit(model=example.document.model, pair=example.document.pair)
    camera.wait()
    camera.take("toy")


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    parts = start.build(start.Options(), make_held_bench)
    parts.appearance.choose("light")
    camera = Camera(parts, folder)
    parts.window.show()
    camera.wait(lambda: True)
    camera.take("opening")
    camera.wait(lambda: parts.window.asker.card is not None and not parts.runner.is_busy)
    for scene in (looks, half_way, kinds, prompts, sizes, failures):
        scene(camera)
    return 0 if start.leave(parts) else 1


if __name__ == "__main__":
    sys.exit(main())
