"""Drives the real window through its states and writes PNGs of it and of every pane.

    python -m tests.screenshots [folder]

Without a display it draws offscreen; the pictures are the same. QT_SCALE_FACTOR=2 draws everything
twice as large, as a screen at 200 % does.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lensgui.command_line.environment import lacks_display, prepare

if lacks_display(os.environ):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
prepare(None)

from lensgui.app import start  # noqa: E402
from tests.screenshots import guide, kept, panes, scenes, talks  # noqa: E402
from tests.screenshots.camera import Camera, make_held_answerer  # noqa: E402

FOLDER = Path(__file__).resolve().parents[2] / "build" / "screenshots"
ALL = (
    guide.pictures,
    talks.talk,
    scenes.looks,
    scenes.half_way,
    scenes.kinds,
    scenes.prompts,
    scenes.interventions,
    scenes.sizes,
    panes.explorer,
    panes.activation,
    panes.attribution,
    panes.circuit,
    panes.heads,
    panes.lens,
    panes.neurons,
    panes.generation,
    panes.patching,
    panes.all_kinds,
    panes.pairs,
    panes.pairs_under,
    kept.found,
    kept.models,
    kept.formats,
    kept.exports,
    kept.sessions,
    scenes.failures,
)
LARGE = (
    scenes.looks,
    panes.explorer,
    panes.activation,
    panes.attribution,
    panes.circuit,
    panes.heads,
    panes.lens,
    panes.neurons,
    panes.patching,
    panes.pairs,
    kept.found,
    kept.models,
    kept.formats,
)


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    parts = start.build(start.Options(), make_held_answerer)
    parts.appearance.choose("light")
    camera = Camera(parts, folder)
    parts.window.show()
    camera.wait(lambda: True)
    camera.take("opening")
    camera.wait(lambda: parts.window.exchange.card is not None and not parts.runner.is_busy)
    is_large = os.environ.get("QT_SCALE_FACTOR", "1") != "1"
    for scene in LARGE if is_large else ALL:
        scene(camera)
    return 0 if start.leave(parts) else 1


if __name__ == "__main__":
    sys.exit(main())
