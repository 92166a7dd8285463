"""Layer 0 at the bottom: in every picture of layers, what is seen is what is clicked and named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QHelpEvent
from PySide6.QtWidgets import QApplication

from lensgui.panes import theme
from lensgui.panes.head_grid.grid import HeadGrid
from lensgui.panes.inspector.lens_rows import LensRows
from lensgui.panes.pictures import axis_labels
from tests.fakes import HEADS, LAYERS

pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
LEFT = Qt.MouseButton.LeftButton
UP, DOWN = Qt.Key.Key_Up, Qt.Key.Key_Down
RISING = [f"L{at}" for at in reversed(range(LAYERS))]


@pytest.fixture(params=["up", "down"])
def layers(request, parts, window, qtbot) -> str:
    """Which way layers go."""
    window.selection.move(layer=2, head=1, position=8)
    parts.appearance.preferences.change(layers=request.param)
    return request.param


@pytest.fixture
def named(monkeypatch) -> list:
    """The labels that were written to the left of pictures."""
    found: list = []
    written = axis_labels.paint_left

    def write(painter, labels, *rest):
        found.append(labels)
        written(painter, labels, *rest)

    monkeypatch.setattr(axis_labels, "paint_left", write)
    return found


def shown(window, qtbot, title):
    window.show_pane(title)
    QApplication.processEvents()  # which pane is in front is said late
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    return window.panes[title]


def heatmaps(window, qtbot):
    """Every heatmap of layers, with its pane in front."""
    yield shown(window, qtbot, "Activation patching").heatmap
    yield from shown(window, qtbot, "All kinds at once").tiles.tiles
    yield shown(window, qtbot, "Who feeds it").heatmap


def is_ordered(places: list[float], layers: str) -> bool:
    return places == sorted(places, reverse=layers == "up")


def test_a_heatmap_shows_selects_and_says_the_cell_that_is_there(layers, window, qtbot):
    seen = 0
    for heatmap in heatmaps(window, qtbot):
        assert heatmap.picture.rows.name == "layer"
        column = heatmap.picture.shades.shape[1] - 1
        middles = [heatmap.middle_of(layer, column) for layer in range(LAYERS)]
        assert is_ordered([middle.y() for middle in middles], layers)
        image, ratio = heatmap.grab().toImage(), heatmap.devicePixelRatioF()
        for layer, middle in enumerate(middles):
            assert heatmap.cell_at(middle) == (layer, column)
            corner = middle + QPointF(0, 0.35 * heatmap.plot().height() / LAYERS)
            table = theme.diverging(theme.of(heatmap.palette()))
            color = QColor(*map(int, table[heatmap.picture.shades[layer, column]]))
            if heatmap.selected()[0] != layer and not heatmap.picture.overflow[layer, column]:
                there = image.pixelColor((corner * ratio).toPoint())
                seen += there.name() == color.name()
            qtbot.mouseClick(heatmap, LEFT, pos=middle.toPoint())
            assert window.selection.cursor.layer == layer
            assert heatmap.hit_test(middle)[1].startswith(f"L{layer}")
    assert seen > 30  # the others are covered by a number or a letter


def test_arrows_go_where_they_point(layers, window, qtbot):
    for heatmap in heatmaps(window, qtbot):
        row = heatmap.selected()[0]
        before = heatmap.middle_of(row, 0).y()
        heatmap.setFocus()
        qtbot.keyClick(heatmap, UP)
        assert heatmap.middle_of(heatmap.selected()[0], 0).y() < before
        qtbot.keyClick(heatmap, DOWN)
        assert heatmap.selected()[0] == row
        for _ in range(LAYERS):
            qtbot.keyClick(heatmap, UP)
        assert window.selection.cursor.layer == (LAYERS - 1 if layers == "up" else 0)
        window.selection.move(layer=2, head=1, position=8)


def test_keys_that_no_picture_takes_go_the_same_way(layers, window, qtbot):
    window.panes["Prompt"].tokens["clean"].row.setFocus()  # whose own keys are ← and →
    qtbot.keyClick(window, UP)
    assert window.selection.cursor.layer == (3 if layers == "up" else 1)
    qtbot.keyClick(window, DOWN)
    assert window.selection.cursor.layer == 2


def test_rows_are_named_from_where_layer_0_is(layers, window, qtbot, named):
    names = RISING if layers == "up" else RISING[::-1]
    for part in ("Activation patching", "Who feeds it"):
        heatmap = shown(window, qtbot, part).heatmap
        named.clear()
        heatmap.grab()
        assert named[0].texts == names
        assert names[named[0].chosen] == "L2"
    tiles = shown(window, qtbot, "All kinds at once").tiles
    named.clear()
    tiles.grab()
    assert [(labels.texts, names[labels.chosen]) for labels in named] == [(names, "L2")] * 2


def grid_of(window, qtbot, arrangement) -> HeadGrid:
    pane = shown(window, qtbot, "Attention")
    grid = pane.grid
    grid.resize(220, 420)
    grid.show_view(replace(grid.view, arrangement=arrangement))
    return grid


@pytest.mark.parametrize("arrangement", ["layers", "map"])
def test_the_grid_of_heads_too(layers, window, qtbot, named, arrangement):
    grid = grid_of(window, qtbot, arrangement)
    middles = [grid.middle_of(layer, 1) for layer in range(LAYERS)]
    assert is_ordered([middle.y() for middle in middles], layers)
    assert not grid.layout_now().is_across
    for layer, middle in enumerate(middles):
        assert grid.head_at(middle) == (layer, 1)
        qtbot.mouseClick(grid, LEFT, pos=middle.toPoint())
        assert (window.selection.cursor.layer, window.selection.cursor.head) == (layer, 1)
    window.selection.move(layer=2, head=1)
    grid.setFocus()
    qtbot.keyClick(grid, UP)
    assert window.selection.cursor.layer == (3 if layers == "up" else 1)
    named.clear()
    grid.grab()
    names = RISING if layers == "up" else RISING[::-1]
    assert named[0].texts == names
    assert names[named[0].chosen] == f"L{window.selection.cursor.layer}"


def test_layers_side_by_side_begin_at_the_left_either_way(layers, window, qtbot):
    grid = grid_of(window, qtbot, "layers")
    grid.resize(900, 180)
    assert grid.layout_now().is_across
    across = [grid.middle_of(layer, 0).x() for layer in range(LAYERS)]
    assert across == sorted(across)
    assert grid.head_at(grid.middle_of(4, HEADS - 1)) == (4, HEADS - 1)


def test_a_thumbnail_is_that_of_its_head(window, parts, qtbot):
    grid = grid_of(window, qtbot, "layers")

    def thumbnails():
        image, found = grid.grab().toImage(), {}
        for layer in range(LAYERS):
            frame = grid.layout_now().frame(layer * HEADS + 3).adjusted(3, 3, -3, -3).toRect()
            found[layer] = image.copy(frame)
        return found

    before = thumbnails()
    parts.appearance.preferences.change(layers="up")
    assert thumbnails() == before


def test_the_lens_too(layers, window, qtbot):
    pane = shown(window, qtbot, "Inspector")
    lens = pane.lens
    assert isinstance(lens, LensRows)
    rows = range(lens.count())
    middles = [lens.place_of(row).center() for row in rows]
    assert is_ordered([middle.y() for middle in middles], layers)
    assert [lens.row_at(middle) for middle in middles] == list(rows)
    assert all(lens.place_of(row).top() >= lens.top() for row in rows)
    qtbot.mouseClick(lens, LEFT, pos=middles[4].toPoint())
    assert window.selection.cursor.layer == 3
    lens.setFocus()
    qtbot.keyClick(lens, UP)
    assert lens.at == (5 if layers == "up" else 3)
    qtbot.keyClick(lens, Qt.Key.Key_Home)
    assert lens.at == (lens.count() - 1 if layers == "up" else 0)


def test_tooltips_stand_below_the_cell_that_they_are_of(layers, window, qtbot, monkeypatch):
    heatmap = shown(window, qtbot, "Activation patching").heatmap
    said = []
    monkeypatch.setattr(
        "lensgui.panes.pictures.painted.QToolTip.showText", lambda *words: said.append(words[1])
    )
    where = heatmap.middle_of(1, 8).toPoint()
    event = QHelpEvent(QEvent.Type.ToolTip, where, heatmap.mapToGlobal(where))
    QApplication.sendEvent(heatmap, event)
    assert said[-1].startswith("L1")
    qtbot.mouseMove(heatmap, where + QPoint(1, 1))
    assert heatmap.pointed_place().contains(QPointF(where))


def test_means_of_rows_are_said_at_their_bars(layers, window, qtbot):
    heatmap = shown(window, qtbot, "Activation patching").heatmap
    beside = QPointF(heatmap.plot().right() + 5, 0)
    for layer in range(LAYERS):
        beside.setY(heatmap.middle_of(layer, 0).y())
        assert heatmap.hit_test(beside)[1].startswith(f"L{layer}: mean")
