"""Numbers that are equal, missing or infinite: nothing crashes, warns or draws made-up data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor

from lensgui.jobs.answers.arrays import CellState, HeadSlice
from lensgui.jobs.answers.readings import LensReading, Likely, Token
from lensgui.jobs.requests import AttentionGrid, AttentionHead, Patching
from lensgui.panes import theme
from lensgui.panes.attention.focus import HeadFocus
from lensgui.panes.attention.head_numbers import weights
from lensgui.panes.head_grid.cards import card
from lensgui.panes.head_grid.grid import HeadGrid
from lensgui.panes.head_grid.layout import GridView
from lensgui.panes.head_grid.ranking import NAMED, ranking
from lensgui.panes.inspector.lens_rows import LensRows, stretches
from lensgui.panes.inspector.ranking import Ranking
from lensgui.panes.pictures.heatmap import Heatmap
from lensgui.panes.prompt.token_rows import Marks, next_chips, token_chips
from lensgui.panes.scatter.point_plot import Points
from lensgui.panes.scatter.scatter import Scatter
from lensgui.panes.sweep_view.faces import Setting, draw
from lensgui.panes.token_text import percent
from lensgui.state.selection import Cursor
from lensgui.terms.model_key import ModelKey
from tests import fakes
from tests.answering import last
from tests.fakes import attention as fake_attention
from tests.panes.conftest import PAIR
from tests.pictures import draws

NAN, INF = float("nan"), float("inf")
WORD = Token(7, " word")
ODD = {
    "equal": (1.5,) * 5,
    "zero": (0.0,) * 5,
    "tiny": (1e-40,) * 5,
    "not numbers": (NAN,) * 5,
    "some not numbers": (NAN, 1.0, NAN, -2.0, 3.0),
    "infinite": (INF, -INF, INF, INF, INF),
    "some infinite": (INF, 1.0, 2.0, -INF, 0.5),
    "large": (3e38, -3e38, 1.0, 0.0, 2.0),
}
odd = pytest.mark.parametrize("values", ODD.values(), ids=ODD)


def dots(rows):
    """The rows in which a dot of the curve is drawn."""
    image = rows.grab().toImage()
    ends = {QColor(*map(int, theme.diverging(theme.LIGHT)[at])).name() for at in (225, 30)}
    return {
        row
        for row in range(rows.count())
        for x in range(int(rows.columns()[2]) + 10, rows.width())
        if QColor(image.pixel(QPoint(x, round(rows.place_of(row).center().y())))).name() in ends
    }


@pytest.fixture
def lens(show):
    rows = LensRows()
    rows.setPalette(theme.palette(theme.LIGHT))
    return show(rows, 500, 200)


@odd
def test_the_lens_draws_finite_points_only(lens, values):
    top = tuple(Likely(WORD, 0.5, 1.0) for _ in values)
    lens.show_reading(LensReading(top, values))
    assert dots(lens) == {at for at, value in enumerate(values) if np.isfinite(value)}


def test_a_curve_has_no_line_across_a_gap():
    assert stretches((NAN, 1.0, 2.0, INF, 3.0)) == [[(1, 1.0), (2, 2.0)], [(4, 3.0)]]


def test_a_lens_row_without_a_probability_names_no_token(lens):
    lens.show_reading(LensReading((Likely(WORD, 0.5, 1.0), Likely(WORD, NAN, NAN)), (1.0, NAN)))
    assert "·word" in lens.words(0)
    assert lens.words(1) == "after layer 0: not a finite number"
    draws(lens)


@odd
def test_sources_without_a_share_have_no_bar(show, values):
    ranking = show(Ranking(), 300, 120)
    ranking.show_attention("abcde", values)
    expected = {at for at, value in enumerate(values) if 0 < value < INF}
    assert {rank.source for rank in ranking.ranks} == expected
    picture = draws if expected else Ranking.grab
    assert not picture(ranking).isNull()


def test_what_comes_next_is_said_only_where_it_is_known():
    assert percent(NAN) == percent(INF) == "not a number"
    found = next_chips((Likely(WORD, 0.5, 1.0), Likely(WORD, NAN, NAN)))
    assert [chip.detail for chip in found] == ["50 %"]


def test_a_surprisal_that_is_no_number_colours_no_chip():
    reading = last(fakes.read_pair(PAIR)).clean
    reading = replace(reading, surprisals=(None, NAN, INF, 8.0, 0.0))
    chips = token_chips(reading, Marks(), by_surprisal=True)
    assert [chip.tint for chip in chips] == [None, None, 1, 0.5, 0]
    assert "not a number" in chips[1].hover


def slice_of(values, measure, is_difference=False):
    """A head whose every row is the given numbers."""
    request = AttentionHead(ModelKey("fake"), PAIR, ((0, 0),), measure=measure)
    shown = last(fakes.FakeAnswerer().answer(request))
    numbers = np.tile(np.array(values, np.float32), (len(values), 1))
    states = shown.states.copy()
    states[~np.isfinite(numbers) & (states == CellState.EXACT)] = CellState.NOT_FINITE
    return HeadSlice(shown.axes, numbers, states, measure, is_difference, NAN)


@odd
@pytest.mark.parametrize("measure", ["pattern", "scores", "values", "contribution"])
def test_every_view_of_a_head_stands_any_number(show, values, measure):
    focus = show(HeadFocus(), 600, 400)
    for is_difference in (False, True):
        shown = slice_of(values, measure, is_difference)
        focus.show_slice(shown, "abcde", frozenset())
        for view in (focus.map, focus.lines, focus.text):
            draws(view)
        known = weights(shown, "abcde")
        assert np.isfinite(known.shares).all()
        assert np.isfinite([known.low, known.high]).all()
    lines = {tuple(edge) for edge in focus.lines.edges.ends.tolist()}
    assert all(np.isfinite(shown.values[edge]) for edge in lines)


@odd
@pytest.mark.parametrize("ends", [(1.8, -6.2), (NAN, NAN), (1.0, 1.0)])
def test_a_sweep_stands_any_number(show, document, values, ends):
    request = Patching(document.model, PAIR)
    sweep = last(fakes.FakeAnswerer().answer(request))
    numbers = np.tile(np.array(values, np.float32), (len(sweep.axes[0]), 1))
    states = np.where(np.isfinite(numbers), CellState.EXACT, CellState.NOT_FINITE)
    refusal = "" if ends[0] != ends[1] else "They are equal."
    sweep = replace(
        sweep,
        values=numbers,
        states=states.astype(np.uint8),
        clean=ends[0],
        corrupted=ends[1],
        refusal=refusal,
    )
    heatmap = show(Heatmap(theme.diverging, lambda row, column: ""), 400, 300)
    picture = draw(sweep, Setting())[0]
    heatmap.show_picture(picture)
    draws(heatmap)
    table, look = theme.diverging(theme.LIGHT), theme.LIGHT
    cells = picture.paint_cells(table, look, is_stale=False)
    for row, column in np.ndindex(picture.states.shape):
        is_number = bool(np.isfinite(numbers[row, column]))
        assert (cells.pixelColor(column, row).alpha() > 0) == is_number


@odd
def test_a_plot_stands_any_number(show, values):
    scatter = show(Scatter("Some points", "Some points."), 300, 300)
    numbers = np.array(values)
    scatter.show_points(Points(numbers, numbers, list("abcde"), str, "x", "y"))
    assert (scatter.points is not None) == bool(np.isfinite(numbers).all())
    picture = draws if scatter.points else Scatter.grab
    assert not picture(scatter).isNull()


def test_a_painter_is_ended_where_painting_fails(lens, monkeypatch):
    lens.show_reading(LensReading((Likely(WORD, 0.5, 1.0),), (1.0,)))
    with monkeypatch.context() as broken:
        broken.setattr(LensRows, "place_of", lambda *_: 1 / 0)
        with pytest.raises(Exception, match="division by zero") as failure:
            lens.grab()
    assert failure.traceback  # which would keep an active painter alive
    assert not lens.paintingActive()
    draws(lens)


def broken_atlas(is_difference):
    """Every head's attention, of which L1H2's is not finite and L2H1's is not in its last row."""
    side = "difference" if is_difference else "clean"
    atlas = last(fake_attention.attention(AttentionGrid(ModelKey("fake"), PAIR, side)))
    broken = np.zeros(atlas.values.shape, np.bool_)
    broken[1, 2] = broken[2, 1, -1] = True
    scores, strongest = atlas.scores.copy(), atlas.strongest.copy()
    scores[:, [1, 2], [2, 1]] = NAN
    strongest[[1, 2], [2, 1]] = -1
    values = np.where(broken, 128 if is_difference else 0, atlas.values).astype(np.uint8)
    return replace(atlas, values=values, broken=broken, scores=scores, strongest=strongest)


def shades_of(grid, layer, head, down):
    """The colours in the first columns of a thumbnail, some share of the way down."""
    frame = grid.layout_now().frame(layer * fakes.HEADS + head)
    image = grid.grab().toImage()
    top = frame.top() + down * frame.height()
    return {
        QColor(image.pixel(int(frame.left()) + x, int(top) + y)).name()
        for x in range(2, 11)
        for y in range(-4, 5)
    }


@pytest.mark.parametrize("is_difference", [False, True])
@pytest.mark.parametrize("arrangement", ["layers", "ranked"])
def test_heads_that_are_not_finite_are_hatched(show, is_difference, arrangement):
    grid = show(HeadGrid(), 500, 900)
    grid.setPalette(theme.palette(theme.LIGHT))
    grid.show_view(GridView(arrangement))
    atlas = broken_atlas(is_difference)
    grid.show_atlas(atlas)
    grid.show_ranking(ranking(NAMED["entropy here"], None, atlas, Cursor()))
    hatched = {theme.LIGHT.hatch, theme.LIGHT.surface}
    assert hatched == shades_of(grid, 1, 2, 0.5) == shades_of(grid, 2, 1, 0.9)
    assert not hatched <= shades_of(grid, 2, 1, 0.5)
    assert not hatched <= shades_of(grid, 0, 0, 0.9)


def test_a_head_that_is_not_finite_has_no_scores_and_no_strongest_edge(show):
    name, lines = card(broken_atlas(is_difference=False), 1, 2, "abcde")
    assert name == "L1H2"
    assert lines[-1] == "strongest edge: none"
    assert all(line.endswith(": not a finite number") for line in lines[:-1])
