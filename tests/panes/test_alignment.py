"""Two prompts token by token: what stands for what, what is missing, and what is pinned."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from lensgui.jobs.requests import ReadPair
from lensgui.panes import theme
from lensgui.panes.controls import chip as colours
from lensgui.panes.controls.chip import Chip
from lensgui.panes.controls.chips import ChipRow
from lensgui.panes.prompt.prompt import PromptPane
from lensgui.panes.prompt.token_rows import chosen, counterpart, marks
from lensgui.prompts.pair import PromptPair
from lensgui.state.selection import Cursor
from tests import fakes
from tests.answering import last
from tests.panes.conftest import answer

SHORT, LONG = "a b c d", "a x b y z c d"
pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)


def read(document, clean, corrupted):
    request = ReadPair(document.model, PromptPair(clean, corrupted))
    return last(fakes.FakeAnswerer().answer(request))


def outlined(pane):
    return {side: area.row.chosen for side, area in pane.tokens.items()}


def test_tokens_stand_for_those_they_are_aligned_with(document):
    reading = read(document, SHORT, LONG)
    assert [counterpart(reading, "clean", at) for at in range(4)] == [0, 2, 5, 6]
    back = [counterpart(reading, "corrupted", at) for at in range(7)]
    assert back == [0, None, 1, None, None, 2, 3]
    assert counterpart(reading, "clean", 4) is None


def test_a_replaced_token_stands_for_the_one_in_its_place(document):
    reading = read(document, "a b c", "a x y z c")
    assert [counterpart(reading, "clean", at) for at in range(3)] == [0, 1, 4]
    back = [counterpart(reading, "corrupted", at) for at in range(5)]
    assert back == [0, 1, None, None, 2]


def test_in_prompts_of_one_length_every_position_stands_for_itself(document):
    reading = read(document, "a b c d", "b c d a")
    assert [counterpart(reading, "clean", at) for at in range(4)] == [0, 1, 2, 3]


def test_a_position_beyond_the_clean_prompt_is_the_corrupted_ones(document):
    reading = read(document, SHORT, LONG)
    assert chosen(reading, None, 6) == {"clean": 3, "corrupted": 6}
    assert chosen(reading, None, 2) == {"clean": 2, "corrupted": 5}
    assert chosen(reading, "corrupted", 2) == {"clean": 1, "corrupted": 2}
    assert chosen(None, None, 2) == {"clean": 2, "corrupted": 2}
    assert chosen(reading, None, None) == {"clean": None, "corrupted": None}


@pytest.mark.parametrize(
    ("clean", "corrupted", "gaps"),
    [
        (SHORT, LONG, {"clean": {1: 1, 2: 2}, "corrupted": {}}),
        (LONG, SHORT, {"clean": {}, "corrupted": {1: 1, 2: 2}}),
        ("a b", "a b c d", {"clean": {2: 2}, "corrupted": {}}),
        ("a b c", "a x y z c", {"clean": {2: 2}, "corrupted": {}}),
        ("a b", "a c", {"clean": {}, "corrupted": {}}),
    ],
)
def test_gaps_are_where_the_other_prompt_has_more(document, clean, corrupted, gaps):
    found = marks(read(document, clean, corrupted), ())
    assert {side: dict(marked.gaps) for side, marked in found.items()} == gaps


def test_the_other_prompts_token_is_outlined_and_gaps_are_marked(document, show, qtbot):
    document = document.having(clean=SHORT, corrupted=LONG)
    pane = answer(show(PromptPane(), 800, 220), document, Cursor())
    pane.picked.connect(lambda fields: pane.show_cursor(Cursor(**fields)))
    row = pane.tokens["corrupted"].row
    chips = pane.tokens["clean"].row.chips
    assert [chip.gap_before for chip in chips] == [False, True, True, False]
    assert "before it the other prompt has 2 more tokens" in chips[2].hover
    for index, expected in ((5, 2), (3, None), (2, 1)):
        middle = row.place_of(index).center().toPoint()
        qtbot.mouseClick(row, Qt.MouseButton.LeftButton, pos=middle)
        assert outlined(pane) == {"clean": expected, "corrupted": index}
    pane.show_cursor(Cursor(position=3))
    assert outlined(pane) == {"clean": 3, "corrupted": 6}


def test_a_gap_has_room_beside_chips_and_wraps_with_them(qtbot):
    row = ChipRow()
    qtbot.addWidget(row)
    row.show_chips([Chip("aa"), Chip("bb", gap_before=True), Chip("cc", gap_after=True)])
    row.resize(400, 60)
    first, second, third = (row.place_of(index) for index in range(3))
    assert second.left() - first.right() >= colours.GAP
    room = third.right() + colours.GAP
    row.resize(int(room) - 2, 60)
    assert row.place_of(2).top() > row.place_of(1).top()


def test_pinned_positions_are_framed_in_both_prompts(document, show):
    document = document.having(clean=SHORT, corrupted=LONG)
    pane = answer(show(PromptPane(), 800, 220), document, Cursor())
    plain = pane.tokens["clean"].row.grab().toImage()
    pins = Cursor(2, position=1), Cursor(0, 1, 6, 3), Cursor(2, 1)
    pane.show_document(document.having(pins=pins))
    framed = {
        side: [at for at, chip in enumerate(area.row.chips) if chip.is_pinned]
        for side, area in pane.tokens.items()
    }
    assert framed == {"clean": [1, 3], "corrupted": [2, 6]}
    assert pane.tokens["clean"].row.grab().toImage() != plain


def luminance(color):
    parts = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (color.redF(), color.greenF(), color.blueF())
    )
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


@pytest.mark.parametrize("look", theme.THEMES.values(), ids=theme.THEMES)
def test_text_can_be_read_on_every_tint(look):
    for step in range(101):
        chip = Chip("a", tint=step / 100)
        pair = colours.tint(step / 100, look), colours.ink(chip, look)
        dark, light = sorted(luminance(QColor(color)) for color in pair)
        assert (light + 0.05) / (dark + 0.05) > 4
