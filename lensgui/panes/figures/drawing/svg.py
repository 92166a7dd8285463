"""A drawing as an SVG file: its text as text that any program can edit, or as outlines."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainterPath, QTransform

from lensgui.panes import theme
from lensgui.panes.figures.drawing import marks, markup
from lensgui.panes.figures.drawing.marks import (
    Area,
    Box,
    Dot,
    Drawing,
    Mark,
    Raster,
    Spots,
    Stroke,
    Word,
)
from lensgui.panes.figures.drawing.raster import png
from lensgui.state.sessions.pictures import NAMESPACE, element

FALLBACKS = {
    "text": "Helvetica, Arial, 'DejaVu Sans', sans-serif",
    "mono": "'DejaVu Sans Mono', Menlo, Consolas, 'Courier New', monospace",
}
ENLARGED = 4  # pixels of an image for each cell, so that no program blurs their edges


def svg(
    drawing: Drawing,
    *,
    title: str,
    caption: str,
    provenance: Mapping[str, Any],
    session: bytes = b"",
    has_outlines: bool = False,
) -> bytes:
    """Return an SVG file.

    Args:
        drawing: What is drawn.
        title: What it is called.
        caption: What is to be known to read it, for who can't see it.
        provenance: Where it is from, as JSON has it.
        session: A session file that it holds; b"" for none.
        has_outlines: Whether text is drawn as outlines, which look alike on every machine.
    """
    width, height = _number(drawing.width), _number(drawing.height)
    about = markup.text(as_text(provenance))
    within = f"<lensgui:provenance>{about}</lensgui:provenance>"
    if session:
        within += element(session)
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:lensgui="{NAMESPACE}" version="1.1" '
        f'width="{width}pt" height="{height}pt" viewBox="0 0 {width} {height}" '
        'role="img" xml:space="preserve">',
        f"<title>{markup.text(title)}</title>",
        f"<desc>{markup.text(caption)}</desc>",
        f"<metadata>{within}</metadata>",
        f'<rect width="{width}" height="{height}" fill="{drawing.background}"/>',
        *filter(None, (_element(mark, has_outlines=has_outlines) for mark in drawing.marks)),
        "</svg>",
    ]
    return "\n".join(parts).encode("utf-8") + b"\n"


def inline(
    drawing: Drawing, name: str, said: tuple[str, str], more: Mapping[str, str] | None = None
) -> str:
    """Return a drawing as an element of an HTML page.

    Args:
        drawing: What is drawn.
        name: What tells it from others of the page: letters, digits and hyphens.
        said: Its title, and what it shows for who can't see it.
        more: Other attributes.
    """
    width, height = _number(drawing.width), _number(drawing.height)
    extra = "".join(f' {key}="{markup.attribute(value)}"' for key, value in (more or {}).items())
    return "\n".join(
        [
            f'<svg viewBox="0 0 {width} {height}" role="img" aria-labelledby="{name}-title '
            f'{name}-said"{extra}>',
            f'<title id="{name}-title">{markup.text(said[0])}</title>',
            f'<desc id="{name}-said">{markup.text(said[1])}</desc>',
            f'<rect width="{width}" height="{height}" fill="{drawing.background}"/>',
            *filter(None, (_element(mark, has_outlines=False) for mark in drawing.marks)),
            "</svg>",
        ]
    )


def as_text(provenance: Mapping[str, Any]) -> str:
    """Return JSON in one line, its fields in order: equal values are equal texts."""
    return json.dumps(provenance, ensure_ascii=True, sort_keys=True)


def _element(mark: Mark, *, has_outlines: bool) -> str:
    match mark:
        case Box():
            return (
                f'<rect x="{_number(mark.x)}" y="{_number(mark.y)}" width="{_number(mark.width)}" '
                f'height="{_number(mark.height)}" fill="{mark.fill}"/>'
            )
        case Stroke():
            dashes = ' stroke-dasharray="2 1.5"' if mark.is_dashed else ""
            return (
                f'<polyline points="{_points(mark.points)}" fill="none" stroke="{mark.color}" '
                f'stroke-width="{_number(mark.width)}"{dashes}/>'
            )
        case Area():
            return f'<polygon points="{_points(mark.points)}" fill="{mark.fill}"/>'
        case Dot():
            return (
                f'<circle cx="{_number(mark.x)}" cy="{_number(mark.y)}" '
                f'r="{_number(mark.radius)}" fill="{mark.fill}" stroke="{mark.edge}" '
                'stroke-width="0.4"/>'
            )
        case Raster():
            return _image(mark)
        case Word():
            return _outlined(mark) if has_outlines else _written(mark)
        case Spots():
            return ""


def _image(mark: Raster) -> str:
    pixels = mark.pixels.repeat(ENLARGED, 0).repeat(ENLARGED, 1)
    data = base64.b64encode(png(pixels)).decode()
    return (
        f'<image x="{_number(mark.x)}" y="{_number(mark.y)}" width="{_number(mark.width)}" '
        f'height="{_number(mark.height)}" preserveAspectRatio="none" '
        f'image-rendering="pixelated" href="data:image/png;base64,{data}"/>'
    )


def _written(mark: Word) -> str:
    fonts = theme.fonts()
    families = fonts.mono_families if mark.family == "mono" else fonts.text_families
    named = ", ".join(f"'{family}'" if " " in family else family for family in families)
    x, y = _number(mark.x), _number(mark.y)
    extra = f' text-anchor="{mark.anchor}"' if mark.anchor != "start" else ""
    if mark.degrees:
        extra += f' transform="rotate({_number(-mark.degrees)} {x} {y})"'
    if mark.is_bold:
        extra += ' font-weight="600"'
    if mark.is_underlined:
        extra += ' text-decoration="underline"'
    family = markup.attribute(f"{named}, {FALLBACKS[mark.family]}")
    return (
        f'<text x="{x}" y="{y}" font-family="{family}" font-size="{mark.size}" '
        f'fill="{mark.color}"{extra}>{markup.text(mark.text)}</text>'
    )


def _outlined(mark: Word) -> str:
    """Return text as a path, with its words as the path's title."""
    share = {"start": 0.0, "middle": 0.5, "end": 1.0}[mark.anchor]
    width = marks.width_of(mark.text, mark.size, mark.family, is_bold=mark.is_bold)
    path = QPainterPath()
    path.addText(QPointF(0, 0), marks.font(mark), mark.text)
    place = QTransform()
    place.translate(mark.x, mark.y)
    place.rotate(-mark.degrees)
    place.translate(-share * width, 0)
    place.scale(mark.size / marks.MEASURED, mark.size / marks.MEASURED)
    shape = _shape(place.map(path))
    return f'<path fill="{mark.color}" d="{shape}"><title>{markup.text(mark.text)}</title></path>'


def _shape(path: QPainterPath) -> str:
    """Return the commands of a path."""
    kind = QPainterPath.ElementType
    letters = {kind.MoveToElement: "M", kind.LineToElement: "L", kind.CurveToElement: "C"}
    parts = []
    for at in range(path.elementCount()):
        element = path.elementAt(at)
        parts.append(f"{letters.get(element.type, '')}{_number(element.x)} {_number(element.y)}")
    return " ".join(parts)


def _points(points: tuple[marks.Place, ...]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


def _number(value: float) -> str:
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
