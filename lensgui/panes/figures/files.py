"""Figures as files: one function for every format, whole files or none, and sessions in them."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lensgui.models.store import write_whole
from lensgui.panes.figures import numbers
from lensgui.panes.figures.drawing import painting, raster, svg
from lensgui.panes.figures.drawing.layout import draw
from lensgui.panes.figures.drawing.marks import writable
from lensgui.panes.figures.drawing.style import Style
from lensgui.panes.figures.figure import Figure
from lensgui.terms.errors import ExportError

COLUMN = Style()
TIMES = (1, 2, 4)  # how large pixels are


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file.

    Attributes:
        suffix: What its name ends in, dot and all.
        title: What a list says.
        is_drawn: Whether it is a picture rather than numbers.
    """

    suffix: str
    title: str
    is_drawn: bool = True


FORMATS = {
    "png": Format(".png", "PNG: pixels"),
    "svg": Format(".svg", "SVG: lines and text, to be edited"),
    "pdf": Format(".pdf", "PDF: lines and text, for papers"),
    "csv": Format(".csv", "CSV: the numbers, a row each", is_drawn=False),
    "npz": Format(".npz", "NPZ: the numbers as arrays, for NumPy", is_drawn=False),
    "py": Format(".py", "Python: a script that computes and draws them", is_drawn=False),
}


@dataclass(frozen=True, slots=True)
class Options:
    """How a figure is written.

    Attributes:
        style: How it is drawn.
        times: How many pixels of PNG there are for one of a screen's.
        has_outlines: Whether the text of SVG is drawn as outlines.
        session: A session file that PNG and SVG hold; b"" for none.
    """

    style: Style = COLUMN
    times: int = 2
    has_outlines: bool = False
    session: bytes = b""


def as_bytes(figure: Figure, format_: str, options: Options) -> bytes:
    """Return a file of a figure.

    Args:
        figure: The figure.
        format_: A key of `FORMATS`.
        options: How it is written.

    Raises:
        ExportError: If it can't be in this format.
    """
    return WRITERS[format_](figure, options)


def _png(figure: Figure, options: Options) -> bytes:
    pixels = painting.pixels(draw(figure, options.style), options.times)
    scale = painting.PIXELS * options.times
    texts = _texts(figure)
    return raster.png(pixels, scale=scale, texts=texts, session=options.session)


def _texts(figure: Figure) -> Mapping[str, str]:
    about = figure.provenance
    return {
        "Title": writable(figure.title),
        "Description": writable(figure.caption),
        "Software": f"lensgui {about.version}",
        "lensgui": svg.as_text(about.as_json()),
    }


def _svg(figure: Figure, options: Options) -> bytes:
    return svg.svg(
        draw(figure, options.style),
        title=figure.title,
        caption=figure.caption,
        provenance=figure.provenance.as_json(),
        session=options.session,
        has_outlines=options.has_outlines,
    )


def _pdf(figure: Figure, options: Options) -> bytes:
    about = figure.provenance.as_json()
    drawing = draw(figure, options.style)
    return painting.pdf([drawing], title=figure.title, caption=figure.caption, provenance=about)


def _csv(figure: Figure, options: Options) -> bytes:
    return numbers.as_csv(figure)


def _npz(figure: Figure, options: Options) -> bytes:
    return numbers.as_npz(figure)


def _py(figure: Figure, options: Options) -> bytes:
    if not figure.code:
        raise ExportError(f"{figure.title} has no script: choose another format.")
    about = svg.as_text(figure.provenance.as_json())
    said = [figure.title, *textwrap.wrap(figure.caption, 96), f"provenance: {about}"]
    header = "".join(f"# {' '.join(writable(line).split())}\n" for line in said)
    return f"{header}\n{figure.code}".encode("utf-8", "replace")


WRITERS: dict[str, Callable[[Figure, Options], bytes]] = {
    "png": _png,
    "svg": _svg,
    "pdf": _pdf,
    "csv": _csv,
    "npz": _npz,
    "py": _py,
}


def save(data: bytes, path: Path) -> None:
    """Write a file as a whole, or leave what was there.

    Raises:
        ExportError: If it can't be written: why, and what to do.
    """
    try:
        if path.is_dir():
            raise ExportError(f"{path.name} is a folder: choose another name for the file.")
        if path.exists() and not path.is_file():  # a device, or a pipe, is not to be replaced
            raise ExportError(f"{path.name} is no file: choose another name for the file.")
        write_whole(Path(os.path.realpath(path)), data)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise ExportError(f"{path.name} was not written ({why}): choose another place.") from error
