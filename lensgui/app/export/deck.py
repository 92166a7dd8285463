"""The scenes of a session as files: a deck of pages, a page for browsers, pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lensgui._version import __version__
from lensgui.app.export.headless import Headless
from lensgui.app.sessions.host import Host
from lensgui.app.stage.pictures import on_stage
from lensgui.jobs.answerer import Answerer, Limits
from lensgui.jobs.answers.models import ModelCard
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.request import Request
from lensgui.jobs.requests import OpenModel
from lensgui.panes.figures.drawing import painting, raster
from lensgui.panes.figures.page import page
from lensgui.panes.figures.slides import Slide, sheet
from lensgui.panes.theme import Theme
from lensgui.state.document import Scene
from lensgui.state.sessions.saved import ModelReference, Saved

TIMES = 2  # pixels of a PNG for one of a screen of 1,280 by 720
NO_SCENES = "There are no scenes to export: add what is shown now by View ▸ Add scene."
NO_MODEL = "The scenes' model is not open: open it, then export them."
STILL_COMPUTED = (
    "Scenes can be exported once all they show is computed; answers that are missing: {count}."
)
UNKNOWN = "It is not known what this scene shows."
FORMATS = {
    ".pdf": "PDF: a page for each scene",
    ".html": "HTML: one page for browsers, with values under the pointer",
    ".png": "PNG: a picture for each scene",
}


@dataclass(frozen=True, slots=True)
class Known:
    """Answers what is known already, and runs nothing.

    Attributes:
        card: The model that is open; None for none.
        known: Returns the answer to a question; None if it is not known.
    """

    card: ModelCard | None
    known: Callable[[Request], Answer | None]

    def answer(self, request: Request) -> Iterator[Answer | None]:
        """Yield what is known.

        Raises:
            ValueError: If nothing is.
        """
        found = self.card if isinstance(request, OpenModel) else self.known(request)
        if found is None:
            raise ValueError(UNKNOWN)
        yield found

    def limit(self, limits: Limits) -> None:
        """Use nothing anyway."""


def trouble(host: Host) -> str:
    """Return why a window's scenes can't be exported now; "" if they can."""
    scenes = host.session.document.scenes
    if not scenes:
        return NO_SCENES
    if host.card is None:
        return NO_MODEL
    count = len(host.unknown(scenes))
    return STILL_COMPUTED.format(count=count) if count else ""


def slides(
    saved: Saved, answerer: Answerer, note: Callable[[str], None] = lambda words: None
) -> Iterator[Slide]:
    """Yield what each scene of a session shows.

    Args:
        saved: The session, about a model of this machine.
        answerer: Answers the panes.
        note: Receives what is being computed, in a few words.

    Raises:
        ExportError: If the model can't be opened.
    """
    scenes = saved.document.scenes
    for at, scene in enumerate(scenes):
        note(scene.name)
        yield _slide(saved, scene, answerer, f"{at + 1} / {len(scenes)}")


def _slide(saved: Saved, scene: Scene, answerer: Answerer, count: str) -> Slide:
    document = scene.after(saved.document)
    headless = Headless(replace(saved, document=document, cursor=scene.cursor), answerer)
    try:
        found = on_stage(scene.layout, headless.shown, scene.pictures)
        figures = tuple(headless.figure(one.title, one.shown) for one in found)
        summary, prompt = headless.summary(), document.pair.clean
        said = scene.name, scene.caption, prompt, summary
        return Slide(*said, figures, count, headless.cursor)
    finally:
        headless.close()


def files(
    made: list[Slide], path: Path, model: ModelReference, colors: Theme
) -> Iterator[tuple[Path, bytes]]:
    """Yield the files of some scenes.

    Args:
        made: The scenes.
        path: The file that was asked for; its ending says of which kind. Pictures are numbered.
        model: The model that they are of.
        colors: Of all that is no number.
    """
    title = path.stem
    if path.suffix == ".html":
        yield path, page(title, made, colors)
        return
    sheets = [sheet(slide, colors) for slide in made]
    if path.suffix == ".pdf":
        about = {"lensgui": __version__, "model": {"name": model.name}}
        said = " ".join(f"{slide.name}: {slide.words}" for slide in made)
        yield path, painting.pdf(sheets, title=title, caption=said, provenance=about)
        return
    for number, (slide, drawing) in enumerate(zip(made, sheets, strict=True), 1):
        scale = painting.PIXELS * TIMES
        texts = {
            "Title": slide.name,
            "Description": slide.words,
            "Software": f"lensgui {__version__}",
        }
        data = raster.png(painting.pixels(drawing, TIMES), scale=scale, texts=texts)
        yield path.with_name(f"{path.stem}-{number:02}{path.suffix}"), data
