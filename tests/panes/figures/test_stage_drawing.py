"""Drawings for a screen: no taller than it, pointed at, shown bit by bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lensgui.panes import theme
from lensgui.panes.figures import pointing, reveal
from lensgui.panes.figures.drawing.layout import draw, fitted
from lensgui.panes.figures.drawing.marks import Box, Spots, Stroke
from lensgui.panes.figures.drawing.style import Style
from lensgui.panes.figures.figure import Bars, Cells, Lines, Prose, Sheet, Strands, Thumbs
from lensgui.state.selection import Cursor
from tests.panes.figures.pictures import axis, cells, figure, panels
from tests.panes.figures.test_drawing import TOKENS, assert_within

pytestmark = pytest.mark.usefixtures("qapp")
SIZE = 24
ROOMS = [(928.0, 430.0), (456.0, 430.0), (1400.0, 640.0), (680.0, 385.0)]
WORDS = [TOKENS, TOKENS * 4, ["a"], ["·extraordinarily"] * 20]


def on_stage(figure_, width=928.0, height=430.0):
    return fitted(figure_, Style(width, SIZE, has_caption=False), height)


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("labels", WORDS, ids=range(len(WORDS)))
def test_every_panel_fits_a_screen_with_large_text(labels, room):
    for panel in panels(labels):
        drawing = on_stage(figure(panel), *room)
        assert drawing.height <= room[1], type(panel)
        assert min(word.size for word in drawing.words) >= SIZE
        assert_within(drawing)


def test_of_several_panels_as_many_are_drawn_as_fit():
    every = figure(*panels(TOKENS))
    drawing = on_stage(every)
    assert drawing.height <= 430
    assert_within(drawing)
    few = [panel for panel in panels(TOKENS) if isinstance(panel, Bars)] * 2
    assert len(on_stage(figure(*few)).spots) == 2


def test_what_has_no_room_is_counted():
    names = [f"·token{at}" for at in range(200)]
    counts = {Sheet: 0, Bars: 0, Prose: 0}
    for panel in panels(names):
        if type(panel) in counts:
            said = [word.text for word in on_stage(figure(panel)).words if "more" in word.text]
            counts[type(panel)] += len(said)
            assert all("CSV" not in text for text in said)
    assert set(counts.values()) == {1}


def test_a_sheet_for_paper_is_as_before():
    one = figure(cells(np.zeros((30, 14)), [f"L{at}" for at in range(30)], TOKENS[:7] * 2))
    assert draw(one, Style(928, SIZE)).height > 700


def test_a_panel_without_rows_can_be_pointed_at():
    (sheet,) = [panel for panel in panels(TOKENS) if isinstance(panel, Sheet)]
    (bars,) = [panel for panel in panels(TOKENS) if isinstance(panel, Bars)]
    data = replace(sheet.data, axes=(), columns={})
    few = np.zeros(0)
    for empty in (
        replace(sheet, rows=[], data=data),
        replace(bars, names=[], values=few, words=[], data=data),
        replace(bars, data=replace(bars.data, axes=(axis("row", ["a"]),), columns={})),
    ):
        drawing = on_stage(figure(empty))
        for x in range(0, 900, 100):
            pointing.at(drawing, x, 80)
        assert pointing.selected(drawing, Cursor(layer=1, position=1)) == []
        for spots in drawing.spots:
            assert len(pointing.all_words(spots)) == spots.rows * spots.columns


def middle(spots: Spots, row: int, column: int) -> tuple[float, float]:
    return (
        spots.x + (column + 0.5) * spots.width / spots.columns,
        spots.y + (row + 0.5) * spots.height / spots.rows,
    )


@pytest.mark.parametrize("rises", [False, True])
def test_a_cell_that_is_pointed_at_is_the_one_that_is_drawn_there(rises, monkeypatch):
    monkeypatch.setattr(theme._NOW, "pictures", replace(theme.pictures(), rises=rises))
    values = np.arange(12.0).reshape(3, 4) / 12
    panel = cells(values, ["L0", "L1", "L2"], TOKENS[:4])
    drawing = on_stage(figure(panel))
    (spots,) = drawing.spots
    for row in range(3):
        for column in range(4):
            place = middle(spots, 2 - row if rises else row, column)
            found = pointing.at(drawing, *place)
            assert found is not None
            assert pointing.fields(found) == {"layer": row, "position": column}
            words = pointing.words(found)
            assert words.startswith(f"layer L{row} · position {TOKENS[column]} · value")
            (outline,) = pointing.selected(drawing, Cursor(layer=row, position=column))
            assert outline.center().x() == pytest.approx(place[0])
            assert outline.center().y() == pytest.approx(place[1])
            boxes = [mark for mark in drawing.marks if isinstance(mark, Box)]
            under = [box for box in boxes if outline.contains(box.x + 0.3, box.y + 0.3)]
            assert len(under) <= 1
    assert pointing.at(drawing, -5, -5) is None
    assert pointing.selected(drawing, Cursor(layer=1)) == []
    assert pointing.selected(drawing, Cursor(layer=9, position=1)) == []


def test_heads_in_turned_rows_are_the_ones_that_are_drawn_there():
    (panel,) = [panel for panel in panels(TOKENS) if isinstance(panel, Thumbs)]
    rows, columns = panel.shades.shape[:2]
    assert rows != columns or rows > 1
    for turned in (panel, replace(panel)):
        drawing = on_stage(figure(turned))
        (spots,) = drawing.spots
        for row in range(spots.rows):
            for column in range(spots.columns):
                found = pointing.at(drawing, *middle(spots, row, column))
                assert found is not None
                fields = pointing.fields(found)
                names = panel.row_names, panel.column_names
                is_turned = (spots.rows, spots.columns) != (rows, columns)
                at = (column, row) if is_turned else (row, column)
                assert found[1][:2] == at
                assert names[0][at[0]]
                cursor = Cursor(**{**{"layer": None}, **fields})
                if len(fields) == len(spots.axes):
                    (outline,) = pointing.selected(drawing, cursor)
                    assert outline.contains(*middle(spots, row, column))


def area_of(covers: list[Box], spots: Spots) -> float:
    """Return how much of some cells is covered, without what reaches over their edges."""
    area = sum((cover.width - 0.2) * (cover.height - 0.2) for cover in covers)
    return area / (spots.width * spots.height)


def test_layers_are_shown_from_the_first_on():
    values = np.ones((10, 4))
    panel = cells(values, [f"L{at}" for at in range(10)], TOKENS[:4])
    whole = on_stage(figure(panel))
    (spots,) = whole.spots
    for share, count in ((0.0, 1), (0.5, 5), (1.0, 10)):
        drawing = reveal.covered(whole, "layers", share, "#123456")
        covers = [mark for mark in drawing.marks if getattr(mark, "fill", "") == "#123456"]
        assert area_of(covers, spots) == pytest.approx(1 - count / 10, abs=0.02)
        assert all(cover.y >= middle(spots, count - 1, 0)[1] for cover in covers)
    assert reveal.words([figure(panel)], "layers", 0.5) == "layers 0 to 4"
    assert reveal.words([figure(panel)], "layers", 1.0) == ""


def test_cells_and_lines_are_shown_by_size():
    values = np.array([[0.1, -0.9], [0.5, 0.2]])
    panel = cells(np.zeros((4, 4)), ["L0", "L1", "L2", "L3"], TOKENS[:4])
    big = replace(panel.data, columns={"value": np.pad(values, ((0, 2), (0, 2)))})
    drawing = on_stage(figure(replace(panel, data=big)))
    for share, count in ((0.0, 1), (0.5, 2), (0.8, 3), (1.0, 16)):
        covers = reveal.covered(drawing, "largest", share, "#123456").marks
        hidden = [mark for mark in covers if getattr(mark, "fill", "") == "#123456"]
        assert area_of(hidden, drawing.spots[0]) == pytest.approx(1 - count / 16, abs=0.02)
    assert reveal.words([figure(replace(panel, data=big))], "largest", 0.5) == "at least 0.45"
    (lines,) = [panel for panel in panels(TOKENS) if isinstance(panel, Strands)]
    for share in (0.0, 0.4, 1.0):
        (thin,) = reveal.thinned(figure(lines), "largest", share).panels
        bound = (1 - share) * np.abs(lines.shares).max()
        assert thin.shares.tolist() == lines.shares[np.abs(lines.shares) >= bound].tolist()
        strokes = [m for m in on_stage(figure(thin)).marks if isinstance(m, Stroke)]
        assert len(strokes) >= len(thin.shares)


def test_curves_over_layers_stop_where_they_are_shown_to():
    places = replace(cells(np.zeros((3, 3)), "abc", "abc").data.axes[0], name="layer")
    data = replace(cells(np.zeros((3, 3)), "abc", "abc").data, axes=(places,))
    panel = Lines("", places, ["sum"], np.ones((1, 3)), "logits", data)
    (thin,) = reveal.thinned(figure(panel), "layers", 0.34).panels
    assert np.isfinite(thin.values).tolist() == [[True, False, False]]
    assert reveal.possible([panel]) == ("layers",)


def test_what_can_not_be_shown_bit_by_bit_offers_nothing():
    for panel in panels(TOKENS):
        ways = reveal.possible([panel])
        if isinstance(panel, Cells):
            assert ways == ("layers", "largest")
        if isinstance(panel, Sheet | Bars | Prose):
            assert ways == ()


def test_rows_of_a_table_are_no_places_in_the_model():
    (sheet,) = [panel for panel in panels(TOKENS) if isinstance(panel, Sheet)]
    for name in ("head", "token", "row"):
        rows = replace(axis(name, TOKENS), coordinates=tuple(range(8)))
        drawing = on_stage(figure(replace(sheet, data=replace(sheet.data, axes=(rows,)))))
        found = pointing.at(drawing, *middle(drawing.spots[0], 1, 0))
        assert found is not None
        assert pointing.fields(found) == {}
        assert pointing.selected(drawing, Cursor(layer=1, head=1, token=1)) == []
    layers = replace(axis("layer", TOKENS), coordinates=(-1, 0, 1, 2, None, 3, 4, 5))
    drawing = on_stage(figure(replace(sheet, data=replace(sheet.data, axes=(layers,)))))
    clicked = [
        pointing.fields(found)
        for row in range(5)
        if (found := pointing.at(drawing, *middle(drawing.spots[0], row, 0)))
    ]
    assert clicked == [{}, {"layer": 0}, {"layer": 1}, {"layer": 2}, {}]


def test_the_head_of_a_model_with_one_is_framed():
    (panel,) = [panel for panel in panels(TOKENS) if isinstance(panel, Thumbs)]
    many = np.repeat(panel.shades[:1, :1], 5, 0)
    axes = axis("layer", "01234"), axis("head", "0"), *panel.data.axes[2:]
    one = replace(
        panel,
        shades=many,
        is_known=many > 9,
        row_names=[f"L{at}" for at in range(5)],
        column_names=["H0"],
        data=replace(panel.data, axes=axes, columns={"value": many.astype(float)}),
    )
    drawing = on_stage(figure(one))
    (spots,) = drawing.spots
    assert (spots.rows, spots.columns) == (1, 5)
    for layer in range(5):
        (outline,) = pointing.selected(drawing, Cursor(layer=layer, head=0))
        assert outline.contains(*middle(spots, 0, layer))


def test_a_curve_stays_where_it_is_while_more_of_it_is_shown():
    places = axis("layer", "abc")
    data = replace(cells(np.zeros((3, 3)), "abc", "abc").data, axes=(places,))
    values = np.array([[1.0, 2.0, 9.0]])
    panel = Lines("", places, ["sum"], values, "logits", data)
    (thin,) = reveal.thinned(figure(panel), "layers", 0.34).panels
    assert thin.limits == (1.0, 9.0)
    whole, part = (on_stage(figure(one)) for one in (panel, thin))
    said = [[(word.text, word.x, word.y) for word in one.words] for one in (whole, part)]
    assert said[0] == said[1]


def test_there_are_as_many_bits_as_layers():
    few = cells(np.ones((2, 4)), ["L0", "L1"], TOKENS[:4])
    many = cells(np.ones((30, 4)), [f"L{at}" for at in range(30)], TOKENS[:4])
    assert reveal.steps([few], "layers") == 2
    assert reveal.steps([few, many], "layers") == reveal.steps([few], "largest") == 6
    (sheet,) = [panel for panel in panels(TOKENS) if isinstance(panel, Sheet)]
    assert reveal.steps([sheet], "layers") == 0


def test_a_large_map_is_covered_in_stretches():
    values = np.tri(300)
    names = [str(at) for at in range(300)]
    drawing = on_stage(figure(cells(values, names, names)))
    marks = reveal.covered(drawing, "largest", 0.5, "#123456").marks
    covers = [mark for mark in marks if getattr(mark, "fill", "") == "#123456"]
    assert len(covers) <= 600
    (spots,) = drawing.spots
    hidden = 1 - (values >= 0.5).mean()
    assert area_of(covers, spots) == pytest.approx(hidden, abs=0.03)


def test_a_wide_table_stays_on_its_sheet():
    (sheet,) = [panel for panel in panels(["a" * 3000, "b"]) if isinstance(panel, Sheet)]
    assert_within(on_stage(figure(sheet), 460.0))


def test_a_bar_is_the_number_that_its_order_says():
    (bars,) = [panel for panel in panels(TOKENS) if isinstance(panel, Bars)]
    order = (3, 1, 0)
    names = [TOKENS[at] for at in order]
    some = replace(bars, names=names, values=bars.values[list(order)], words=["a", "b", "c"])
    drawing = on_stage(figure(replace(some, order=order)))
    (spots,) = drawing.spots
    for row, place in enumerate(order):
        found = pointing.at(drawing, *middle(spots, row, 0))
        assert found is not None
        assert pointing.fields(found) == {"position": place}
        assert TOKENS[place] in pointing.words(found)
        (outline,) = pointing.selected(drawing, Cursor(position=place))
        assert outline.contains(*middle(spots, row, 0))
    assert pointing.selected(drawing, Cursor(position=5)) == []
