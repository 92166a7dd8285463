"""Talks: scenes, what an audience sees in every look, what the speaker sees, and a tour."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from tests.pictures import move
from tests.screenshots.camera import Camera
from tests.screenshots.guide import WINDOW, keep

CAPTIONS = (
    "Who gets the drink? From layer 24 on the last position knows",
    "L23H3 looks at the name to be avoided",
    "What each layer would say, if it were the last",
)
SCREENS = ((1280, 720), (1920, 1080))


def talk(camera: Camera) -> None:
    """Keep three scenes, present them, and go through the first steps of a tour."""
    parts, window = camera.parts, camera.window
    stage, before = parts.commands.stage, window.session.document
    window.resize(WINDOW)
    for title, caption in zip(("Activation patching", "Attention", "Lens"), CAPTIONS, strict=True):
        window.show_pane(title)
        window.selection.move(layer=23, head=3, position=13)
        camera.wait()
        stage.add()
        last = len(stage.scenes) - 1
        stage.change(last, replace(stage.scenes[last], caption=caption, notes="Slowly."))
    stage.show(1)
    camera.wait()
    camera.take("scenes")
    keep(camera, window.grab().toImage(), "scenes")
    _present(camera)
    window.session.begin(before)
    window.reset_layout()
    _tour(camera)
    window.session.begin(before)
    window.reset_layout()
    camera.wait()


def _present(camera: Camera) -> None:
    parts = camera.parts
    present, stage = parts.commands.present, parts.commands.stage
    present.start()
    audience = present.audience
    audience.showNormal()
    camera.wait()
    for width, height in SCREENS:
        audience.resize(width, height)
        for at in range(len(stage.scenes)):
            stage.show(at)
            camera.wait()
            camera.take(f"presenting-{at + 1}-{height}", audience)
    audience.resize(*SCREENS[0])
    stage.show(0)
    camera.wait()
    canvas = audience.canvases[-1]
    move(canvas, QPoint(canvas.width() // 2, canvas.height() // 4))
    keep(camera, audience.grab().toImage(), "presenting")
    for key, name in ((Qt.Key.Key_H, "dark"), (Qt.Key.Key_H, "contrast"), (Qt.Key.Key_R, "bits")):
        QTest.keyClick(audience, key)
        camera.wait()
        camera.take(f"presenting-{name}", audience)
    parts.commands.speaker.show()
    camera.take("speaker", parts.commands.speaker)
    parts.commands.speaker.hide()
    present.end()


def _tour(camera: Camera) -> None:
    touring = camera.parts.commands.touring
    touring.start("ioi")
    camera.wait()
    camera.take("tour")
    keep(camera, camera.window.grab().toImage(), "tours")
    touring.leave()
    camera.window.show_pane("Start")
    camera.wait()
    camera.take("start-page")
