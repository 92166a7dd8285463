"""All kinds at once: one scale, one selection, one pointer; each map is as a sweep alone."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu

from lensgui.jobs.answers.arrays import CellState
from lensgui.jobs.requests import Patching, ReadPair, VerifyCell
from lensgui.panes.menus import MENU
from lensgui.panes.patching.all_kinds import NAMES, AllKindsPane
from lensgui.panes.patching.patching import EMPTY_STATE, PatchingPane
from lensgui.panes.patching.tile_layout import GAP, LEAST_HEIGHT, Family, TileLayout
from lensgui.panes.sweep_view import cells, faces
from lensgui.prompts.pair import PairRow
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metric import Settled
from tests.panes.conftest import PAIR, answer, in_session, reply, tell
from tests.panes.copying import averaging, copied, told, toy
from tests.pictures import draws

PLACE = Cursor(2, 1, 3)
BY_POSITION, BY_HEAD = range(3), range(3, 8)

pytestmark = pytest.mark.usefixtures("no_popup")


@pytest.fixture
def pane(document, show):
    return answer(show(AllKindsPane()), document, PLACE)


def hover(pane, number, row, column):
    tile = pane.tiles.tiles[number]
    QTest.mouseMove(tile, tile.middle_of(row, column).toPoint())
    return tile


def menu_of(pane, number, row, column):
    pane.tiles.tiles[number].menu_requested.emit(row, column, QPoint(0, 0))
    return {action.text(): action for action in pane.findChild(QMenu, MENU).actions()}


def test_it_asks_what_the_patching_pane_asks_for_each_kind_the_cheap_ones_last(document, pane):
    asked = pane.requests(document, PLACE)
    assert asked.pop("pair") == ReadPair(document.model, PAIR)
    assert list(asked) == [*reversed(NAMES)]
    for name, kind in zip(NAMES, pane.kinds, strict=True):
        alone = PatchingPane().requests(replace(document, kind=kind), PLACE)["sweep"]
        assert asked[name] == alone == Patching(document.model, PAIR, kind)
    turned = pane.requests(replace(document, direction="noising"), PLACE)
    assert {turned[name].direction for name in NAMES} == {"noising"}


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_every_map_is_what_the_patching_pane_draws(document, show, pane, number):
    alone = answer(show(PatchingPane()), replace(document, kind=pane.kinds[number]), PLACE)
    tile, whole = pane.tiles.tiles[number], alone.heatmap
    assert np.array_equal(tile.picture.shades, whole.picture.shades)
    assert np.array_equal(tile.picture.states, whole.picture.states)
    assert tile.picture.column_names == whole.picture.column_names
    assert tile.selected() == whole.selected() != (None, None)
    assert whole.describe(1, 1) in pane.say_cell(number, 1, 1)
    draws(pane)


def test_a_click_or_a_key_selects_and_a_key_value_head_is_its_first_head(pane, qtbot):
    tile = pane.tiles.tiles[5]
    assert (pane.kinds[5].activation, tile.selected()) == ("k", (2, 0))
    with qtbot.waitSignal(pane.picked) as picked:
        point = tile.middle_of(4, 1).toPoint()
        qtbot.mouseClick(tile, Qt.MouseButton.LeftButton, pos=point)
    assert picked.args == [{"layer": 4, "head": 2}]
    with qtbot.waitSignal(pane.picked) as picked:
        qtbot.keyClick(pane.tiles.tiles[0], Qt.Key.Key_Right)
    assert picked.args == [{"layer": 2, "position": 4}]


@pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
def test_pointing_marks_the_place_in_every_map_says_all_values_and_asks_nothing(
    document, pane, qtbot
):
    asked = []
    pane.altered.connect(lambda: asked.append(1))
    with qtbot.waitSignal(pane.hovered) as said:
        tile = hover(pane, 3, 4, 2)
    head = (range(4, 5), range(2, 3))
    marked = [other.marked for other in pane.tiles.tiles]
    layer = (range(4, 5), range(len(PAIR.clean.split())))
    assert marked == [layer] * 3 + [head, head, (range(4, 5), range(1, 2))] * 1 + [
        (range(4, 5), range(1, 2)),
        head,
    ]
    words = said.args[0]
    assert words.startswith("L4H2: z ")
    for number in BY_HEAD:
        sweep = pane.sweeps[number]
        column = 1 if sweep.axes[1].name == "key_value_head" else 2
        value = f"{sweep.shown[4, column]:+.3f}".replace("-", "−")
        assert f"{pane.kinds[number].activation} {value}" in words
    assert tile.tip(words) == pane.say_cell(3, 4, 2)
    before = [tile.geometry() for tile in pane.tiles.tiles]
    hover(pane, 0, 3, 2)
    assert pane.tiles.tiles[1].marked == (range(3, 4), range(2, 3))
    assert pane.tiles.tiles[4].marked == (range(3, 4), range(4))
    assert [tile.geometry() for tile in pane.tiles.tiles] == before
    hover(pane, 5, 3, 1)
    assert pane.tiles.tiles[3].marked == (range(3, 4), range(2, 4))  # both heads that share it
    assert not asked


def test_values_that_are_not_known_yet_are_not_said(pane):
    sweep = pane.sweeps[4]
    states = np.full_like(sweep.states, CellState.UNKNOWN)
    tell(pane, "q", replace(sweep, states=states), "partial")
    assert ", q …, k " in pane.say_place(3, 2, 1)
    states = np.full_like(sweep.states, CellState.ESTIMATE)
    tell(pane, "q", replace(sweep, states=states), "partial")
    assert ", q ≈ " in pane.say_place(3, 2, 1)


@pytest.mark.parametrize("group", [1, 2, 4])
def test_the_same_place_is_the_same_place_the_other_way_round(pane, group):
    for one, other in combinations([*pane.sweeps[:4], pane.sweeps[5]], 2):
        for cell in np.ndindex(one.values.shape):
            if group != 2 and "key_value_head" in {one.axes[1].name, other.axes[1].name}:
                continue
            rows, columns = faces.same_place(one, other, cell, group)
            for column in columns:
                back = faces.same_place(other, one, (rows[0], column), group)
                assert cell[0] in back[0]
                assert cell[1] in back[1]


@pytest.mark.parametrize("how", ["title", "double-click", "Return"])
def test_a_map_is_enlarged_and_esc_returns(pane, qtbot, how):
    session = in_session(pane, pane._document)
    tiles, tile = pane.tiles, pane.tiles.tiles[4]
    before = [other.geometry() for other in tiles.tiles]
    if how == "title":
        qtbot.mouseClick(tiles.titles[4], Qt.MouseButton.LeftButton)
    elif how == "double-click":
        qtbot.mouseDClick(tile, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    else:
        qtbot.keyClick(tile, Qt.Key.Key_Return)
    assert tiles.enlarged == 4
    assert [other.isVisible() for other in tiles.tiles] == [at == 4 for at in range(8)]
    assert tile.width() > 3 * before[4].width()
    assert "(24 cells)" in pane.remarks.text()
    draws(pane)
    assert session.document.views.all_kinds.enlarged == 4
    qtbot.keyClick(tile, Qt.Key.Key_Escape)
    assert tiles.enlarged is None
    assert [other.geometry() for other in tiles.tiles] == before


def test_tab_goes_from_map_to_map(pane, qtbot):
    pane.tiles.tiles[0].setFocus()
    for tile in pane.tiles.tiles:
        assert pane.focusWidget() is tile
        qtbot.keyClick(tile, Qt.Key.Key_Tab)


def test_one_scale_for_all_which_says_whether_it_is_fixed(pane, qtbot):
    in_session(pane, pane._document)
    assert pane.legend.text().endswith("fixed: ±1")
    before = [tile.picture.shades.copy() for tile in pane.tiles.tiles]
    qtbot.keyClick(pane.levels, Qt.Key.Key_Up)
    assert pane.legend.text().endswith("yours: ±0.8")
    assert not any(
        np.array_equal(was, tile.picture.shades)
        for was, tile in zip(before, pane.tiles.tiles, strict=True)
    )
    qtbot.keyClick(pane.levels, Qt.Key.Key_Home)
    assert [tile.picture.shades.tobytes() for tile in pane.tiles.tiles] == [
        shades.tobytes() for shades in before
    ]
    for name, sweep in zip(NAMES, pane.sweeps, strict=True):
        tell(pane, name, replace(sweep, refusal="Too close."))
    largest = max(float(np.abs(sweep.values).max()) for sweep in pane.sweeps)
    assert pane.levels.end >= largest
    assert f"fitted: ±{pane.levels.end:g}" in pane.legend.text()
    assert "Too close." in pane.legend.text()
    for tile, sweep in zip(pane.tiles.tiles, pane.sweeps, strict=True):
        assert np.array_equal(
            tile.picture.shades, cells.shades(sweep.values / np.float32(pane.levels.end))
        )


def test_an_edit_dims_every_map_and_nothing_is_blank(document, pane):
    other = document.having(clean="When John and Mary left")
    pane.show_document(other)
    for name, request in pane.requests(other, PLACE).items():
        tell(pane, name, status="waiting", request=request)
    assert all(tile.is_stale and tile.picture is not None for tile in pane.tiles.tiles)
    reply(pane, "mlp_out", pane.requests(other, PLACE)["mlp_out"])
    assert [tile.is_stale for tile in pane.tiles.tiles] == [at != 2 for at in range(8)]
    tell(pane, "z", status="failed", sentence="The prompts differ in length: …")
    assert pane.tiles.tiles[3].picture is None
    draws(pane)


def test_what_is_not_known_is_hatched_and_without_two_prompts_it_says_what_to_do(document, show):
    pane = answer(show(AllKindsPane()), document.having(corrupted=""))
    assert pane.tiles.empty == EMPTY_STATE
    assert not any(tile.isVisible() for tile in pane.tiles.tiles)
    pane.show_document(document)
    assert all(tile.isVisible() for tile in pane.tiles.tiles)
    assert len({tile.grab().toImage().pixel(9, 9) for tile in pane.tiles.tiles}) <= 2
    draws(pane)


def test_pausing_lets_all_that_run_rest_and_nothing_else(pane, qtbot):
    for name in ("z", "v"):
        sweep = pane.sweeps[NAMES.index(name)]
        tell(pane, name, replace(sweep, states=np.zeros_like(sweep.states)), "partial")
    found = []
    pane.paused.connect(lambda name, is_paused: found.append((name, is_paused)))
    qtbot.mouseClick(pane.pause, Qt.MouseButton.LeftButton)
    assert found == [("z", True), ("v", True)]
    for name in ("z", "v"):
        tell(pane, name, status="paused")
    assert (pane.pause.text(), "paused" in pane.remarks.text()) == ("Go on", True)
    found.clear()
    qtbot.mouseClick(pane.pause, Qt.MouseButton.LeftButton)
    assert found == [("z", False), ("v", False)]


def test_the_menu_asks_on_verifies_and_opens_the_patching_pane(document, pane, qtbot):
    edited, shown = [], []
    pane.edited.connect(edited.append)
    pane.pane_requested.connect(shown.append)
    menu_of(pane, 2, 4, 3)["Which heads of L4, at this position?"].trigger()
    menu_of(pane, 6, 4, 1)["Open in Activation patching"].trigger()
    assert edited == [{"kind": SweepKind("z")}, {"kind": SweepKind("v", "all")}]
    assert shown == [PatchingPane.title] * 2
    menu_of(pane, 6, 4, 1)["Who feeds its values?"].trigger()
    assert edited[-1]["feeders"].input == "v"
    menu_of(pane, 3, 4, 1)["Go to its attention"].trigger()
    assert shown[2:] == ["Who feeds it", "Attention"]
    with qtbot.waitSignal(pane.pinned) as pinned:
        menu_of(pane, 3, 4, 1)["Pin L4H1"].trigger()
    assert pinned.args == [Cursor(4, 1)]
    with qtbot.waitSignal(pane.altered):
        menu_of(pane, 3, 4, 1)["Verify"].trigger()
    request = pane.requests(document, PLACE)["verify"]
    assert request == VerifyCell(document.patching(SweepKind("z", "all")), (4, 1))
    reply(pane, "verify", request)
    assert "L4H1: the slow way gives" in pane.remarks.text()
    pane.show_document(document.having(direction="noising"))
    assert "slow way" not in pane.remarks.text()


def test_another_place_of_the_stream_is_chosen(document, pane, qtbot):
    session = in_session(pane, document)
    pane.stream.setFocus()
    qtbot.keyClick(pane.stream, Qt.Key.Key_End)
    assert pane.requests(session.document, PLACE)["stream"].kind == SweepKind("resid_post")
    assert pane.tiles.titles[0].text() == "resid_post"
    assert "after the layer" in pane.tiles.tiles[0].accessibleName()


def test_pins_are_framed_in_every_map_that_has_the_place(document, pane):
    pane.show_document(document.having(pins=(Cursor(4, 3), Cursor(1, position=2))))
    pins = [tile.picture.pins for tile in pane.tiles.tiles]
    assert pins == [((1, 2),)] * 3 + [((4, 3),)] * 2 + [((4, 1),)] * 2 + [((4, 3),)]


def test_a_mean_over_pairs(document, show):
    rows = (PairRow(PAIR), PairRow(PAIR))
    pane = answer(show(AllKindsPane()), replace(document, table=rows, is_average=True), PLACE)
    assert {pane.requests(pane._document, PLACE)[name].rows for name in NAMES} == {rows}
    assert "mean of 2 pairs" in pane.say_cell(1, 2, 4)


def layout(across=(3, 5)):
    numbers = iter(range(sum(across)))
    families = [Family([next(numbers) for _ in range(count)], 50, 150, 14, 40) for count in across]
    return TileLayout(families, 30, 18)


@pytest.mark.parametrize("width", [90, 200, 330, 420, 700, 1500])
@pytest.mark.parametrize("height", [120, 300, 700])
def test_maps_never_overlap_and_use_the_room(width, height):
    found = layout()
    places = found.places(width, height)
    boxes = [place.adjusted(0, -18, 0, 14) for place in places.values()]  # with title and names
    for one, other in combinations(boxes, 2):
        assert not one.intersects(other)
    assert sorted(places) == [*range(8)]
    needed = found.least_height(width)
    room = QRect(0, 0, width, max(height, needed))
    assert all(room.contains(place) for place in places.values())
    assert min(place.height() for place in places.values()) >= LEAST_HEIGHT
    assert len({place.height() for place in places.values()}) == 1
    assert width < 2 * (50 + GAP) + 30 or min(p.width() for p in places.values()) >= 50
    lowest = max(place.bottom() for place in places.values())
    assert room.height() - lowest <= 40 + 8 * len(found.rows(width, height)) + GAP


def test_a_low_and_wide_pane_has_all_in_one_row():
    assert len({place.y() for place in layout().places(1500, 150).values()}) == 1
    assert len({place.y() for place in layout().places(400, 500).values()}) == 2


@pytest.mark.parametrize("document", [toy(), averaging(2), averaging(are_unequal=True)])
def test_what_is_copied_computes_every_map(document, dispatcher, qtbot):
    pane, document = AllKindsPane(), replace(document, direction="noising")
    names = copied(pane, document, qtbot)
    for name, kind in zip(NAMES, pane.kinds, strict=True):
        sweep = told(dispatcher, pane, document, name)
        np.testing.assert_allclose(names["shown"][kind.activation], sweep.shown, atol=1e-5)


def test_what_is_copied_prints_the_strongest_cell_of_each(qtbot, capsys):
    names = copied(AllKindsPane(), toy(), qtbot)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "as a share of clean − corrupted"
    for line, (name, values) in zip(printed[1:], names["shown"].items(), strict=True):
        values = values.numpy()
        row, column = np.unravel_index(np.abs(values).argmax(), values.shape)
        assert line.startswith(name)
        assert f"[{row}, {column}] {values[row, column]:+.3f}" in line


def test_maps_that_have_settled_go_on_together_and_no_others(document, pane, qtbot):
    of = Settled(10, 20, 5, 0.0)
    for name in ("stream", "attn_out"):
        sweep = pane.sweeps[NAMES.index(name)]
        tell(pane, name, replace(sweep, settled=of, more_s=4.0))
    assert "2 settled; all cells: about 8 s more" in pane.remarks.text()
    with qtbot.waitSignal(pane.altered):
        qtbot.mouseClick(pane.pause, Qt.MouseButton.LeftButton)
    asked = pane.requests(document, Cursor())
    whole = {name for name, one in asked.items() if getattr(one, "is_whole", False)}
    assert whole == {"stream", "attn_out"}
