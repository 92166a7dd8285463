from __future__ import annotations

import csv
import io
import json
import os
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from PySide6.QtGui import QColor, QImage

from lensgui.jobs.answers.arrays import CellState
from lensgui.panes import colour_maps, theme
from lensgui.panes.figures import files
from lensgui.panes.figures.drawing import marks, painting, plots
from lensgui.panes.figures.drawing.layout import draw
from lensgui.panes.figures.drawing.marks import Box, Drawing, Raster, Stroke, Word
from lensgui.panes.figures.drawing.style import PAPER, Style
from lensgui.panes.figures.figure import Cloud, Sheet
from lensgui.panes.figures.files import Options
from lensgui.terms.errors import ExportError
from tests.panes.figures.pictures import cells, figure, panels

pytestmark = pytest.mark.usefixtures("qapp")
TOKENS = ["When", "·John", "·and", "·Mary", "·went", "·to", "·the", "·store"]
EVERY_BYTE = [chr(at) for at in range(256)]
ODD = ["", "\ud800", "\ufffe", "\u202e", "\u0000", "<&>\"'", "国", "🙂", "a" * 400, "]]>", "\r\n"]
WIDTHS = ("column", "page", "slide")
SPACE = "{http://www.w3.org/2000/svg}"


def extent(word: Word) -> tuple[float, float, float, float]:
    """Return how far a word reaches to the left, up, right and down, turned as it is."""
    width = marks.width_of(word.text, word.size, word.family, is_bold=word.is_bold)
    start = {"start": 0.0, "middle": 0.5, "end": 1.0}[word.anchor] * width
    turn = np.radians(-word.degrees)
    corners = np.array([(x - start, y) for x in (0, width) for y in (-0.75 * word.size, 0)])
    across = corners @ [np.cos(turn), -np.sin(turn)]
    down = corners @ [np.sin(turn), np.cos(turn)]
    left, right = word.x + across.min(), word.x + across.max()
    return left, word.y + down.min(), right, word.y + down.max()


def assert_within(drawing: Drawing) -> None:
    for word in drawing.words:
        left, top, right, bottom = extent(word)
        assert left >= -0.5, word
        assert top >= -0.5, word
        assert right <= drawing.width + 0.5, word
        assert bottom <= drawing.height + 0.5, word


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("labels", [TOKENS, TOKENS * 8, EVERY_BYTE[:64], ["a"], ODD])
def test_nothing_is_cut_off_and_all_text_can_be_read(labels, width):
    style = Style.of(width, PAPER)
    for panel in panels(labels):
        drawing = draw(figure(panel, caption="words " * 60), style)
        assert drawing.width == style.width
        assert all(word.size >= (24 if width == "slide" else 8) for word in drawing.words)
        assert_within(drawing)


def test_many_panels_share_a_scale_and_a_sheet():
    shared = panels(TOKENS)[0]
    drawing = draw(figure(*[shared] * 8), Style.of("page", PAPER))
    assert [word.text for word in drawing.words].count(shared.scale.counted) == 1
    assert_within(drawing)


def assert_apart(drawing: Drawing) -> None:
    """No two level words stand on each other."""
    found = [(word, extent(word)) for word in drawing.words if word.text and not word.degrees]
    for at, (word, (left, top, right, bottom)) in enumerate(found):
        for other, (left_, top_, right_, bottom_) in found[at + 1 :]:
            is_beside = right <= left_ + 0.5 or right_ <= left + 0.5
            assert is_beside or bottom <= top_ + 0.5 or bottom_ <= top + 0.5, (word, other)


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_written_on_anything_else(width):
    title = "A title that is far longer than a column of a journal is wide: its strongest cells"
    for panel in panels(TOKENS):
        shown = replace(panel, title=title)
        if isinstance(panel, Cloud):
            shown = replace(shown, key="What colours and sizes say. " * 4)
        made = replace(figure(shown, shown), title=title)
        drawing = draw(made, Style.of(width, PAPER))
        assert_apart(drawing)
        assert_within(drawing)
        assert "…" not in "".join(word.text for word in drawing.words if word.is_bold)


def test_numbers_in_a_table_are_whole_however_long_names_are():
    rows = [["a name that needs far more room than there is" * 2, "−0.000679", "≈ +12.5"]]
    data = panels(TOKENS)[6].data
    drawing = draw(figure(Sheet("", ["place", "share", "logits"], rows, data)), Style())
    texts = {word.text for word in drawing.words}
    assert {"−0.000679", "≈ +12.5"} <= texts
    assert_within(drawing)


def test_words_are_laid_out_from_the_left_whatever_letter_is_first():
    right = Word(2, 20, "שבת > a", 12, "#000000")
    forced = Word(2, 20, "\u200eשבת > a", 12, "#000000")  # what SVG does without a mark
    one, other = (painting.image(Drawing(100, 30, (word,)), 2) for word in (right, forced))
    assert one == other


@pytest.mark.parametrize("width", ["column", "page"])
def test_eight_maps_of_thirty_layers_fit_on_a_sheet_of_paper(width):
    names = [f"L{at}" for at in range(30)]
    panel = replace(
        cells(np.zeros((30, 8)), names, TOKENS), title="Residual stream before attention"
    )
    drawing = draw(figure(*[panel] * 8), Style.of(width, PAPER))
    assert drawing.height < 297 / 25.4 * 72
    assert_apart(drawing)
    assert_within(drawing)


def test_names_of_rows_stand_apart():
    names = [f"L{at}" for at in range(200)]
    drawing = draw(figure(cells(np.zeros((200, 3)), names, ["a", "b", "c"])), Style())
    rows = sorted(word.y for word in drawing.words if word.text in names)
    assert len(rows) > 10
    assert min(np.diff(rows)) >= 8


@pytest.mark.parametrize("has_outlines", [False, True])
def test_an_svg_file_can_be_parsed_whatever_tokens_say(has_outlines):
    for panel in panels([*EVERY_BYTE, *ODD]):
        shown = figure(panel, caption="".join([*EVERY_BYTE, *ODD]))
        options = Options(Style.of("page", PAPER), has_outlines=has_outlines)
        tree = ElementTree.fromstring(files.as_bytes(shown, "svg", options))
        about = tree.find(f"{SPACE}metadata")[0].text
        assert json.loads(about) == shown.provenance.as_json()
        assert "<0x01>" in tree.find(f"{SPACE}desc").text
        assert bool(tree.findall(f"{SPACE}text")) is not has_outlines


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=12))
def test_any_text_can_be_written_and_read_again(text):
    shown = figure(panels([text, "b"])[0], caption=text)
    tree = ElementTree.fromstring(files.as_bytes(shown, "svg", Options()))
    assert marks.writable(text) == "".join(tree.find(f"{SPACE}desc").itertext())
    assert marks.writable(marks.writable(text)) == marks.writable(text)


def test_text_of_svg_is_text_with_a_font_that_is_everywhere():
    tree = ElementTree.fromstring(files.as_bytes(figure(panels(TOKENS)[0]), "svg", Options()))
    families = {each.get("font-family") for each in tree.findall(f"{SPACE}text")}
    assert all(family.endswith(("sans-serif", "monospace")) for family in families)
    assert {"·Mary", "A title"} <= {each.text for each in tree.findall(f"{SPACE}text")}


def test_text_of_pdf_is_text_in_fonts_that_it_holds():
    shown = figure(panels(TOKENS)[0])
    reader = PdfReader(io.BytesIO(files.as_bytes(shown, "pdf", Options(Style()))))
    (page,) = reader.pages
    assert float(page.mediabox.width) == pytest.approx(Style().width, abs=1)
    text = " ".join(page.extract_text().split())
    for words in ("A title", "Mary", "logit difference", "What it shows."):
        assert words in text
    fonts = page["/Resources"]["/Font"]
    for name in fonts:
        (inside,) = fonts[name]["/DescendantFonts"]
        described = inside.get_object()["/FontDescriptor"]
        assert {"/FontFile2", "/FontFile3"} & set(described)
    assert reader.metadata.title == "A title"
    about = reader.xmp_metadata.stream.get_data().decode()
    assert json.dumps(shown.provenance.as_json(), sort_keys=True).replace('"', "&quot;") in about


@pytest.mark.parametrize("labels", [EVERY_BYTE, ODD])
def test_a_pdf_file_of_odd_tokens_can_be_read(labels):
    for panel in panels(labels):
        reader = PdfReader(io.BytesIO(files.as_bytes(figure(panel), "pdf", Options())))
        assert "A title" in " ".join(reader.pages[0].extract_text().split())


@pytest.mark.parametrize("times", files.TIMES)
def test_a_png_file_has_its_size_and_what_it_is(times):
    shown = figure(panels(TOKENS)[0])
    options = Options(Style(), times)
    data = files.as_bytes(shown, "png", options)
    image = QImage.fromData(data)
    assert image.width() == round(Style().width * painting.PIXELS * times)
    assert image.dotsPerMeterX() == round(96 * times / 0.0254)
    assert image.text("Description") == "What it shows."
    assert json.loads(image.text("lensgui")) == shown.provenance.as_json()
    assert QColor(image.pixel(0, 0)) == QColor("#ffffff")
    drawn = painting.image(draw(shown, options.style), times)
    assert image.convertToFormat(drawn.format()) == drawn


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_what_is_no_file_stays(tmp_path):
    path = tmp_path / "a.png"
    os.mkfifo(path)
    with pytest.raises(ExportError, match=r"^a\.png is no file: choose another name"):
        files.save(b"data", path)
    assert path.is_fifo()


@pytest.mark.parametrize("format_", ["png", "svg", "csv", "npz", "py"])
def test_equal_figures_are_equal_files(format_):
    first, second = (files.as_bytes(figure(*panels(TOKENS)), format_, Options()) for _ in range(2))
    assert first == second


def test_numbers_are_read_again_whatever_tokens_say():
    names = [*EVERY_BYTE, *(text for text in ODD if text != "\r\n")]
    values = np.random.default_rng(0).normal(size=(len(names), 2))
    shown = figure(cells(values, names, ["a", "b"]))
    text = files.as_bytes(shown, "csv", Options()).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    read = [row["layer_name"] for row in rows[::2]]
    assert read == [name.encode("utf-8", "backslashreplace").decode() for name in names]
    found = [float(row["value"]) for row in rows[: -len(CellState)]]  # the last have all states
    assert found == values.ravel()[: len(found)].tolist()
    arrays = np.load(io.BytesIO(files.as_bytes(shown, "npz", Options())))
    kept = [str(name).rstrip("\0") for name in arrays["layer.names"]]
    assert kept == [name.rstrip("\0") for name in names]  # NumPy drops them at the end


def test_a_script_says_what_it_is_in_comments():
    shown = figure(panels(TOKENS)[0], caption="First.\nimport os; os.abort()\r" + "words " * 40)
    text = files.as_bytes(shown, "py", Options()).decode()
    lines = text.splitlines()
    assert lines[0] == "# A title"
    about = next(line for line in lines if line.startswith("# provenance: "))
    assert json.loads(about.removeprefix("# provenance: ")) == shown.provenance.as_json()
    assert [line for line in lines if line and not line.startswith("#")] == ["print(1)"]


def greys(table: np.ndarray) -> np.ndarray:
    return np.array([theme.luminance(QColor(*map(int, color))) for color in table])


@pytest.fixture
def table(request):
    """The colours of signed numbers under a name, for all that is drawn meanwhile."""
    before = theme.pictures()
    theme.set_pictures(theme.Pictures(diverging=request.param))
    yield theme.diverging(PAPER)
    theme.set_pictures(before)


@pytest.mark.parametrize("table", colour_maps.DIVERGING, indirect=True)
def test_signs_are_seen_in_grey_print(table):
    both = greys(table)
    assert (np.diff(both[128:]) <= 1e-3).all()  # the larger, the darker, on both sides
    assert (np.diff(both[:129]) >= -1e-3).all()
    values = np.array([[-0.9, -0.3, -0.02, 0.3, 0.9] * 3] * 3)
    drawing = draw(figure(cells(values, ["a", "b", "c"], list("abcdefghijklmno"))), Style())
    boxes = [mark for mark in drawing.marks if isinstance(mark, Box)]
    cell = next(box for box in boxes if box.fill == _hex(table[round(-0.9 * 127 + 128)]))
    assert _minuses(drawing, cell)
    cell = next(box for box in boxes if box.fill == _hex(table[round(0.9 * 127 + 128)]))
    assert not _minuses(drawing, cell)


def _minuses(drawing: Drawing, box: Box) -> list[Stroke]:
    """Return the level lines within a cell."""
    strokes = [mark for mark in drawing.marks if isinstance(mark, Stroke) and len(mark.points) == 2]
    return [
        mark
        for mark in strokes
        if mark.points[0][1] == mark.points[1][1]
        and box.y < mark.points[0][1] < box.y + box.height
        and box.x < mark.points[0][0] < mark.points[1][0] < box.x + box.width
    ]


def _hex(color: np.ndarray) -> str:
    return "#" + "".join(f"{part:02x}" for part in color.tolist())


# Machado, Oliveira and Fernandes 2009, severity 1: linear light as it is seen.
BLIND = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
               [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
               [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
               [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


@pytest.mark.parametrize("kind", BLIND)
@pytest.mark.parametrize("table", ["blue-red", "blue-orange"], indirect=True)
def test_signs_are_told_apart_without_one_kind_of_cones(table, kind):
    colors = table / 255
    light = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    seen = (light @ np.array(BLIND[kind]).T).clip(0, 1)
    lab = np.cbrt(seen @ colour_maps._TO_CONES.T) @ colour_maps._TO_LAB.T
    for share in (0.4, 0.6, 0.8):
        size = round(share * 127)
        apart = np.linalg.norm(lab[128 + size] - lab[128 - size])
        assert apart > 0.1, (share, apart)


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (-3.2, 7.9), (1e-7, 2e-7), (5, 5), (-1e6, 1e6), (0, 0.31)]
)
def test_ticks_are_round_and_within(low, high):
    found = plots.ticks(low, high)
    assert 1 <= len(found) <= 9
    if high > low:
        assert low - 1e-9 * abs(low) <= min(found)
        assert max(found) <= high + 1e-9 * abs(high)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("at", [0, 999])
def test_one_row_and_column_of_a_thousand_are_seen(at, times):
    values = np.zeros((1000, 1000))
    values[at], values[:, at] = 1.0, -1.0
    names = [str(number) for number in range(1000)]
    drawn = painting.image(
        draw(figure(cells(values, names, names)), Style(has_caption=False)), times
    )
    middle = drawn.width() // 2, drawn.height() // 3
    across = [drawn.pixelColor(x, middle[1]) for x in range(drawn.width())]
    down = [drawn.pixelColor(middle[0], y) for y in range(drawn.height())]
    full = theme.diverging(PAPER).astype(int)
    for shade, seen in ((1, across), (255, down)):
        found = np.array([(color.red(), color.green(), color.blue()) for color in seen])
        assert np.abs(found - full[shade]).sum(1).min() < 90


def test_very_many_cells_are_an_image():
    values = np.random.default_rng(0).uniform(-1, 1, (300, 300))
    names = [str(at) for at in range(300)]
    drawing = draw(figure(cells(values, names, names)), Style())
    (image,) = (mark for mark in drawing.marks if isinstance(mark, Raster))
    lacking = cells(values, names, names)
    lacking.picture.states[:] = CellState.UNKNOWN
    (empty,) = (mark for mark in draw(figure(lacking), Style()).marks if isinstance(mark, Raster))
    assert len(np.unique(empty.pixels.reshape(-1, 3), axis=0)) == 2  # chequered, unlike a 0
    assert not (image.pixels == empty.pixels).all()
    assert len(drawing.marks) < 400
    ElementTree.fromstring(files.as_bytes(figure(cells(values, names, names)), "svg", Options()))
