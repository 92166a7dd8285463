from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QWidget

from lensgui.jobs.answers.arrays import Axis, CellState
from lensgui.jobs.answers.readings import Token
from lensgui.jobs.requests import AttentionGrid, AttentionHead
from lensgui.panes import theme
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.head_grid.grid import HeadGrid
from lensgui.panes.head_grid.image import EMPTY, MASKED, Raster, paint_atlas
from lensgui.panes.pictures.axis_labels import thin
from lensgui.panes.pictures.heatmap import Heatmap
from lensgui.panes.pictures.painted import Painted
from lensgui.panes.pictures.picture import Picture
from lensgui.panes.sweep_view.cells import shades
from lensgui.panes.token_text import numbered, percent, shorten, signed, spell, visible
from lensgui.prompts.pair import PromptPair
from lensgui.state.selection import Cursor
from lensgui.terms.model_key import ModelKey
from tests import fakes
from tests.fakes import attention as fake_attention
from tests.panes.conftest import tell
from tests.pictures import draws

MODEL = ModelKey("fake")


def picture(states, values=None, **more):
    states = np.asarray(states, np.uint8)
    values = np.zeros(states.shape, np.float32) if values is None else np.asarray(values)
    rows, columns = (
        Axis(name, tuple(range(size)), tuple(str(at) for at in range(size)))
        for name, size in zip(("layer", "position"), states.shape, strict=True)
    )
    return Picture(
        rows, columns, shades(values), states, list(rows.labels), list(columns.labels), **more
    )


@pytest.fixture
def heatmap(qtbot):
    heatmap = Heatmap(theme.diverging, lambda row, column: f"{row} {column}")
    qtbot.addWidget(heatmap)
    heatmap.setPalette(theme.palette(theme.LIGHT))
    heatmap.resize(400, 300)
    return heatmap


def colors_in(heatmap, row, column):
    image = heatmap.grab().toImage()
    middle = heatmap.middle_of(row, column).toPoint()
    return {
        QColor(image.pixel(middle.x() + x, middle.y() + y)).name()
        for x in range(-6, 7)
        for y in range(-6, 7)
    }


def test_unknown_cells_are_hatched_never_coloured(heatmap):
    heatmap.show_picture(
        picture([[CellState.UNKNOWN, CellState.EXACT]], np.array([[1.0, 1.0]], np.float32))
    )
    hatched = colors_in(heatmap, 0, 0)
    assert QColor(theme.LIGHT.hatch).name() in hatched
    strongest = QColor(*map(int, theme.diverging(theme.LIGHT)[255])).name()
    assert strongest not in hatched
    assert colors_in(heatmap, 0, 1) == {strongest}


@pytest.mark.parametrize("look", theme.THEMES.values(), ids=theme.THEMES)
def test_estimates_are_pale_and_dotted_not_hatched(heatmap, look):
    heatmap.setPalette(theme.palette(look))
    states = [[CellState.UNKNOWN, CellState.ESTIMATE, CellState.EXACT]]
    heatmap.show_picture(picture(states, np.array([[0.9, 0.9, 0.9]], np.float32)))
    unknown, estimate, exact = (colors_in(heatmap, 0, column) for column in range(3))
    assert unknown == {look.surface, look.hatch}
    assert len(exact) == 1
    assert look.faint in estimate
    (pale,) = estimate - {look.faint}
    assert pale not in unknown | exact
    strong, pale, behind = (QColor(name).lightness() for name in (*exact, pale, look.surface))
    assert min(strong, behind) < pale < max(strong, behind)


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (200, 3)])
def test_estimates_are_dotted_whatever_their_size(heatmap, size):
    heatmap.show_picture(picture(np.full(size, CellState.ESTIMATE)))
    image, plot = heatmap.grab().toImage(), heatmap.plot().toRect()
    colors = [
        image.pixelColor(x, y).name()
        for x in range(plot.left() + 20, plot.left() + 90)
        for y in range(plot.top() + 20, plot.top() + 90)
    ]
    dots = colors.count(theme.LIGHT.faint)
    assert 0.03 < dots / len(colors) < 0.08


@pytest.mark.parametrize("look", theme.THEMES.values(), ids=theme.THEMES)
def test_a_picture_that_answers_an_older_question_is_dimmed_not_hatched(heatmap, look):
    heatmap.setPalette(theme.palette(look))
    heatmap.show_picture(picture([[CellState.EXACT] * 2], np.array([[0.9, -0.9]], np.float32)))
    bright = colors_in(heatmap, 0, 0)
    heatmap.show_stale(True)
    (dimmed,) = colors_in(heatmap, 0, 0)
    assert dimmed not in bright | {look.hatch, look.surface}


def test_what_is_beyond_the_scale_carries_a_tick(heatmap):
    states = [[CellState.EXACT, CellState.EXACT]]
    beyond = np.array([[False, True]])
    ones = np.array([[1.0, 1.3]], np.float32)
    heatmap.show_picture(picture(states, ones, overflow=beyond))
    image = heatmap.grab().toImage()
    plot = heatmap.plot()
    tick = QColor(image.pixel(int(plot.right()) - 2, int(plot.top()) + 2)).name()
    plain = QColor(image.pixel(int(plot.center().x()) - 2, int(plot.top()) + 2)).name()
    assert tick == theme.LIGHT.text
    assert plain != tick


def test_zero_is_neutral_and_blue_is_positive():
    for look in theme.THEMES.values():
        table = theme.diverging(look).astype(int)
        assert shades(np.zeros((1, 1), np.float32))[0, 0] == theme.NEUTRAL
        red, _, blue = table[theme.NEUTRAL]
        assert abs(red - blue) < 12
        assert table[230][2] > table[230][0]
        assert table[25][0] > table[25][2]


def test_tables_have_no_steps():
    for look in theme.THEMES.values():
        for table in (theme.sequential(look), theme.diverging(look)):
            assert table.shape == (256, 3)
            assert np.abs(np.diff(table.astype(int), axis=0)).max() <= 8


def test_the_mask_is_no_colour_of_a_number():
    for look in theme.THEMES.values():
        masked = QColor(look.masked).getRgb()[:3]
        assert not (theme.sequential(look) == masked).all(-1).any()


def test_text_can_be_read():
    for look in theme.THEMES.values():
        behind, text = QColor(look.surface).lightness(), QColor(look.text).lightness()
        assert abs(behind - text) > 150
        assert abs(behind - QColor(look.faint).lightness()) > 80


def test_a_heatmap_without_a_picture_selects_nothing(heatmap, qtbot):
    heatmap.empty = "Do something."
    draws(heatmap)
    assert heatmap.selected() == (None, None)


def test_a_none_coordinate_selects_nothing(heatmap, qtbot):
    rows = Axis("layer", (None, 0), ("embedding", "L0"))
    columns = Axis("position", (0,), ("a",))
    states = np.full((2, 1), CellState.EXACT, np.uint8)
    heatmap.show_picture(
        Picture(rows, columns, np.zeros((2, 1), np.uint8), states, ["emb", "L0"], ["a"])
    )
    with qtbot.waitSignal(heatmap.picked) as picked:
        qtbot.mouseClick(heatmap, Qt.MouseButton.LeftButton, pos=heatmap.middle_of(0, 0).toPoint())
    assert picked.args == [{"position": 0}]


@given(
    count=st.integers(1, 300),
    spacing=st.floats(1, 60),
    needed=st.floats(1, 60),
    favourite=st.integers(0, 299),
)
def test_labels_never_collide_and_the_favourite_is_kept(count, spacing, needed, favourite):
    favourite = min(favourite, count - 1)
    shown = thin(count, spacing, needed, [favourite, 0, count - 1])
    assert favourite in shown
    assert all(0 <= place < count for place in shown)
    if spacing < needed:
        gaps = np.diff(shown) * spacing
        assert (gaps >= needed).all()


def test_unknown_layers_are_left_empty_and_the_mask_has_its_own_index():
    request = AttentionGrid(MODEL, PromptPair("a b c"))
    first = next(fake_attention.attention(request))
    pixels = paint_atlas(first, Raster(fakes.LAYERS, fakes.HEADS, 9, 2))
    assert pixels.shape == (6 * 11 - 2, 4 * 11 - 2)
    assert (pixels[11:] == EMPTY).all()
    assert pixels[0, 8] == MASKED
    assert (pixels[:9, 9:11] == EMPTY).all()


def test_a_thumbnail_smaller_than_its_prompt_shows_the_largest():
    request = AttentionGrid(MODEL, PromptPair(" ".join("abcdefgh" * 4)))
    *_, atlas = fake_attention.attention(request)
    values = np.zeros_like(atlas.values)
    values[0, 0, 31, 17] = 255
    atlas = replace(atlas, values=values, layers=1)
    pixels = paint_atlas(atlas, Raster(fakes.LAYERS, fakes.HEADS, 8, 2))
    assert pixels[7, 4] == 253


def test_the_grid_paints_nothing_but_what_it_knows(qtbot):
    grid = HeadGrid()
    qtbot.addWidget(grid)
    grid.resize(200, 300)
    grid.grab()
    grid.show_atlas(next(fake_attention.attention(AttentionGrid(MODEL, PromptPair("a b c")))))
    draws(grid)
    assert grid.words(5, 0) == "L5H0: not computed yet"
    assert "62 %" in grid.words(0, 0)


@pytest.mark.parametrize(
    ("token", "spelled"),
    [
        (Token(1, " to"), "·to"),
        (Token(1, "\n\n"), "⏎⏎"),
        (Token(1, "\t"), "⇥"),
        (Token(1, "\x00"), "␀"),
        (Token(1, "\ufffd", b"\xe2"), "<0xE2>"),
        (Token(1, "<|endoftext|>", special=True), "⟨endoftext⟩"),
        (Token(1, "\u202e"), "<U+202E>"),
        (Token(1, ""), "∅"),
        (Token(1, "🎉"), "🎉"),
    ],
)
def test_tokens_are_spelled_so_that_they_can_be_told_apart(token, spelled):
    assert spell(token) == spelled


def test_labels_are_numbered_and_shortened():
    assert numbered(["·to", "a", "·to", "·to"]) == ["·to", "a", "·to₂", "·to₃"]
    assert shorten("abcdefghijklmnopqrstuvwxyz", 9) == "abcd…wxyz"
    assert visible(visible(" to")) == "·to"


def test_numbers_have_true_signs():
    assert signed(-6.4742) == "−6.474"
    assert signed(4.605) == "+4.605"
    assert signed(float("nan")) == "not a number"
    assert percent(0.62) == "62 %"
    assert percent(0.017) == "1.7 %"


class Sender(QWidget):
    told = Signal(object)


def test_painting_and_emitting_lose_no_references(qtbot, heatmap):
    pane = AttentionPane()
    qtbot.addWidget(pane)
    *_, atlas = fake_attention.attention(AttentionGrid(MODEL, PromptPair("a b c d")))
    tell(pane, "grid", atlas)
    tell(pane, "head", fake_attention.head(AttentionHead(MODEL, PromptPair("a b c d"), ((0, 0),))))
    heatmap.show_picture(picture([[CellState.EXACT, CellState.UNKNOWN]]))
    sender = Sender()
    qtbot.addWidget(sender)
    sender.told.connect(heatmap.show_picture)
    for widget in (heatmap, pane):
        widget.show()
    before = sys.getrefcount(None), sys.getrefcount(True)
    for _ in range(400):
        for widget in (heatmap, pane.grid, pane.head):
            widget.repaint()
        sender.told.emit(None)
        heatmap.show_picture(heatmap.picture)
        QApplication.processEvents()
    after = sys.getrefcount(None), sys.getrefcount(True)
    assert after[0] > before[0] - 100
    assert after[1] > before[1] - 100


@pytest.mark.parametrize("columns", [4, 14], ids=["slanted", "upright"])
def test_long_labels_leave_a_low_picture_its_cells(columns, qtbot):
    heatmap = Heatmap(theme.diverging, lambda row, column: f"{row} {column}")
    qtbot.addWidget(heatmap)
    heatmap.resize(260, 110)
    shown = picture(np.zeros((30, columns), np.uint8))
    shown = replace(shown, column_names=["a rather long token"] * columns)
    heatmap.show_picture(shown)
    heatmap.show()
    plot = heatmap.plot()
    assert plot.height() >= 55
    image = heatmap.grab().toImage()
    margin = [image.pixelColor(x, 109) for x in range(260)]
    assert len({color.name() for color in margin}) == 1, "a label is cut off at the lower edge"


def test_a_picture_is_painted_again_where_another_place_is_selected(show, monkeypatch):
    heat, painted = show(Painted()), []
    monkeypatch.setattr(heat, "update", lambda: painted.append(heat._cursor))
    heat.show_cursor(Cursor(1, 2))
    heat.show_cursor(Cursor(1, 2))
    heat.show_cursor(Cursor(1, 3))
    assert painted == [Cursor(1, 2), Cursor(1, 3)]


def test_an_empty_picture_is_painted_again_where_it_says_something_else(show, monkeypatch):
    pane, painted = show(AttentionPane()), []
    monkeypatch.setattr(pane.grid, "update", lambda: painted.append(pane.grid.empty))
    for words in ("Type.", "Type.", "Choose."):
        pane._say_if_empty({pane.grid: words})
    assert painted == ["Type.", "Choose."]
