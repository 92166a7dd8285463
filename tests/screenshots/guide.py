"""The pictures of the guide: each pane on the first example, as its page shows it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage

from lensgui.app.window.layout import PANES
from lensgui.prompts.tasks import TASKS, like
from lensgui.terms.resources import resource
from tests.screenshots.camera import Camera
from tests.screenshots.panes import SOME_HEADS

FOLDER = resource("guide", "pictures")
WINDOW = QSize(1280, 800)
WIDEST = 620  # pixels, as a page has room for
ROOM = QSize(620, 560)  # of a pane alone


def pictures(camera: Camera) -> None:
    """Take every pane alone, no wider than a page of the guide, and the whole window."""
    FOLDER.mkdir(exist_ok=True)
    window, appearance = camera.window, camera.parts.appearance
    appearance.choose("light")
    window.resize(WINDOW)
    before = window.session.document
    keep(camera, window.grab().toImage(), "window")
    for kind in PANES:
        if kind.title in ("Neurons", "Prompt pairs"):
            window.session.edit(table=like(TASKS[0].draw(12), before.pair))
        if kind.title == "Generation":
            window.session.edit(interventions=SOME_HEADS)
        window.show_pane(kind.title)
        camera.wait()
        if kind.title != "Prompt":  # which is as wide as the window
            window.resize(ROOM)
            window.solo(window.panes[kind.title])
            camera.wait()
        keep(camera, window.docks[kind.title].grab().toImage(), kind.guide.removesuffix(".md"))
        if kind.title != "Prompt":
            window.solo(window.panes[kind.title])
            window.resize(WINDOW)
            camera.wait()
        if kind.title == "Generation":
            window.session.edit(interventions=())
    window.session.begin(before)
    window.reset_layout()  # the first panes are in front again, for those who come next
    camera.wait()


def keep(camera: Camera, image: QImage, name: str) -> None:
    """Save a picture, made as small as a page needs it."""
    mode = Qt.TransformationMode.SmoothTransformation
    small = image.scaledToWidth(WIDEST, mode) if image.width() > WIDEST else image
    small.convertToFormat(QImage.Format.Format_RGB888).save(str(FOLDER / f"{name}.png"))
    print(FOLDER / f"{name}.png")
