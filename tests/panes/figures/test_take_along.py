"""Scenes as sheets, as a PDF deck and as one HTML page, with hostile prompts and tokens."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from pypdf import PdfReader

from lensgui.panes import theme
from lensgui.panes.figures.drawing import markup, painting
from lensgui.panes.figures.drawing.marks import Stroke
from lensgui.panes.figures.drawing.style import PAPER
from lensgui.panes.figures.page import page
from lensgui.panes.figures.slides import HEIGHT, SIZE, WIDTH, Slide, sheet
from lensgui.state.selection import Cursor
from tests.panes.figures.pictures import cells, figure, panels
from tests.panes.figures.test_drawing import ODD, TOKENS, assert_within

pytestmark = pytest.mark.usefixtures("qapp")
HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'\"`><svg onload=alert(1)>",
    "<!--",
    "]]>",
    "&lt;b&gt; &amp; &#x3c;",
    "</title></style><b>",
    "javascript:alert(1)",
    "\u2028\u2029\u202e\x00\x01\ud800",
    "{{7*7}}${7*7}",
]
VOID = {"meta", "img", "br", "link", "input"}
MADE = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "main", "section", "figure"),
    *("figcaption", "details", "summary", "div", "table", "caption", "thead", "tbody", "tr", "th"),
    *("td", "p", "script", "svg", "desc", "rect", "text", "polyline", "polygon", "circle", "image"),
}


class Reader(HTMLParser):
    """Every element of a page with its attributes, its text, and whether all are closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        (self.scripts if self.open[-1:] == ["script"] else self.texts).append(data)


def slide(text: str, *shown: Any, **more: Any) -> Slide:
    figures = tuple(replace(figure(one, caption=text), title=text) for one in shown)
    return Slide(text, text, text, text, figures, **more)


def read(data: bytes) -> Reader:
    reader = Reader()
    reader.feed(data.decode())
    reader.close()
    assert reader.open == []
    return reader


@pytest.mark.parametrize("text", [*HOSTILE, *ODD, "A prompt"])
def test_a_page_of_hostile_texts_holds_what_lensgui_made_and_nothing_else(text):
    tokens = [text, "a", f"{text}b"]
    slides = [slide(text, one) for one in panels(tokens)] + [slide(text)]
    data = page(text, slides, PAPER)
    reader = read(data)
    assert {tag for tag, _ in reader.elements} <= MADE
    names = {name for _, attributes in reader.elements for name in attributes}
    assert not any(name.startswith("on") for name in names)
    assert not names & {"src", "action", "formaction", "srcdoc", "style", "xlink:href"}
    links = [a["href"] for _, a in reader.elements if "href" in a]
    assert all(link is not None and link.startswith("data:image/png;base64,") for link in links)
    assert [tag for tag, _ in reader.elements].count("script") == 2
    said = " ".join("".join(reader.texts).split())
    shown = " ".join(markup.writable(text).split())
    assert shown in said
    grids = json.loads(reader.scripts[0])
    assert len(grids) == len(slides)
    if shown and "\ud800" not in text:
        words = [words for grid in grids for one in grid for words in one["words"]]
        assert any(" ".join(text.split()) in " ".join(each.split()) for each in words)


def test_the_policy_allows_the_pages_own_script_and_style_and_nothing_else():
    reader = read(page("A talk", [slide("one", panels(TOKENS)[0])], PAPER))
    metas = [a for tag, a in reader.elements if tag == "meta" and "http-equiv" in a]
    (policy,) = (each["content"] for each in metas)
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "http:" not in policy
    style = re.search("<style>(.*?)</style>", page("A talk", [], PAPER).decode(), re.S)
    assert style is not None
    for source in (reader.scripts[-1], style[1]):
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert ("html", {"lang": "en"}) in reader.elements


def test_every_picture_has_words_and_a_table():
    shown = panels(TOKENS)
    reader = read(
        page("A talk", [slide(f"scene {at}", one) for at, one in enumerate(shown)], PAPER)
    )
    pictures = [a for tag, a in reader.elements if tag == "svg"]
    assert len(pictures) == len(shown)
    ids = {a.get("id") for _, a in reader.elements}
    for each in pictures:
        assert each["role"] == "img"
        assert set((each["aria-labelledby"] or "").split()) <= ids
    tags = [tag for tag, _ in reader.elements]
    assert tags.count("table") == tags.count("summary") == len(shown)
    assert tags.count("th") > len(shown)


def test_under_the_pointer_stands_the_number_of_the_cell():
    panel = cells(np.zeros((4, 3)), ["L0", "L1", "L2", "L3"], ["·a", "·b", "·c"])
    reader = read(page("A talk", [slide("one", panel)], PAPER))
    ((grid,),) = json.loads(reader.scripts[0])
    assert (grid["rows"], grid["columns"]) == (4, 3)
    assert grid["words"][0].startswith("layer L0 · position ·a · value 0")
    assert grid["words"][1].startswith("layer L0 · position ·b")
    assert grid["words"][3].startswith("layer L1 · position ·a")
    assert len(grid["words"]) == 12


@pytest.mark.parametrize("text", [*HOSTILE, *ODD, "said " * 80])
def test_a_sheet_holds_all_in_large_text(text):
    for one in panels(TOKENS):
        drawing = sheet(slide(text, one, one, count="3 / 12"), PAPER)
        assert (drawing.width, drawing.height) == (WIDTH, HEIGHT)
        assert min(word.size for word in drawing.words) >= SIZE
        assert_within(drawing)


def test_what_is_selected_is_framed():
    panel = cells(np.zeros((2, 3)), ["L0", "L1"], ["·a", "·b", "·c"])
    count = []
    for cursor in (Cursor(), Cursor(layer=1, position=2)):
        drawing = sheet(slide("one", panel, cursor=cursor), PAPER)
        strokes = [mark for mark in drawing.marks if isinstance(mark, Stroke)]
        count.append(sum(stroke.color == PAPER.accent for stroke in strokes))
    assert count == [0, 1]


@pytest.mark.parametrize("name", theme.THEMES)
def test_a_deck_has_a_page_for_each_scene_with_its_text(name):
    colors = theme.THEMES[name]
    sheets = [sheet(slide(f"scene {at}", panels(TOKENS)[0]), colors) for at in range(3)]
    data = painting.pdf(sheets, title="A talk", caption="of three", provenance={"lensgui": "1"})
    reader = PdfReader(io.BytesIO(data))
    assert len(reader.pages) == 3
    for at, each in enumerate(reader.pages):
        assert float(each.mediabox.width) == pytest.approx(WIDTH, abs=1)
        assert float(each.mediabox.height) == pytest.approx(HEIGHT, abs=1)
        assert f"scene {at}" in " ".join(each.extract_text().split())
    assert reader.metadata is not None
    assert reader.metadata.title == "A talk"


@pytest.mark.parametrize("text", HOSTILE)
def test_data_in_a_page_is_what_it_was(text):
    written = markup.data({"a": [text]})
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == {"a": [text]}
