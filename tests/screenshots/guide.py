"""The pictures of the guide: each pane on the first example, as its page shows it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage

from lensgui.app.window.layout import PANES
from lensgui.jobs.answers.readings import PairReading
from lensgui.panes.ablation.ablation import AblationPane
from lensgui.panes.circuit.circuit import CircuitPane
from lensgui.panes.interventions.tray import InterventionsPane
from lensgui.prompts.tasks import TASKS, like
from lensgui.state.document import Document
from lensgui.state.selection import gathered
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.recipes import OfToken, Unmade
from lensgui.terms.resources import resource
from tests.screenshots.camera import Camera
from tests.screenshots.panes import SOME_HEADS
from tests.windows import pane_of

FOLDER = resource("guide", "pictures")
MOVERS = ((23, 1), (23, 2), (23, 5), (23, 7), (24, 4), (20, 1))
WINDOW = QSize(1280, 800)
WIDEST = 620  # pixels, as a page has room for
ROOM = QSize(620, 560)  # of a pane alone
TALL = QSize(620, 960)  # of one that has a row for each layer


def intervene(camera: Camera) -> None:
    """Do a few things to the model: a head off, heads at their mean, a token's direction added."""
    window = camera.window
    tray, pair = pane_of(window, InterventionsPane), window.session.document.pair
    heads = ((18, 6), (20, 1), (21, 3))
    means = tuple(Intervention(Site("z", *head), "mean") for head in heads)
    window.session.edit(table=like(TASKS[0].draw(12), pair))
    window.session.edit(interventions=(Intervention(Site("z", 23, 1), "zero"), *means))
    camera.wait()
    reading = window.panes["Prompt"].answer("pair", PairReading)
    assert reading is not None
    assert reading.answer is not None
    recipe, site = OfToken(reading.answer.id), Site("resid_post", 20)
    tray.intervened.emit((Unmade(recipe, "add_median", 0.25, site),))
    camera.wait(lambda: len(tray.listed) == 5)


def prepare(camera: Camera, title: str, before: Document) -> None:
    """Bring about what a pane's picture shows."""
    window = camera.window
    if title in ("Neurons", "Prompt pairs"):
        window.session.edit(table=like(TASKS[0].draw(12), before.pair))
    if title == InterventionsPane.title:
        intervene(camera)
    window.session.edit(is_average=title == AblationPane.title)
    if title == AblationPane.title:
        window.session.edit(interventions=())
        window.selection.move(**gathered(MOVERS))
    if title == CircuitPane.title:
        pane_of(window, CircuitPane).set_view({"is_exact": True})
    if title == "Generation":
        window.session.edit(interventions=SOME_HEADS)


def pictures(camera: Camera) -> None:
    """Take every pane alone, no wider than a page of the guide, and the whole window."""
    FOLDER.mkdir(exist_ok=True)
    window, appearance = camera.window, camera.parts.appearance
    appearance.choose("light")
    window.resize(WINDOW)
    before = window.session.document
    keep(camera, window.grab().toImage(), "window")
    for kind in PANES:
        prepare(camera, kind.title, before)
        window.show_pane(kind.title)
        camera.wait()
        if kind.title != "Prompt":  # which is as wide as the window
            window.resize(TALL if kind is CircuitPane else ROOM)
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
