"""One head as a map, as lines, on the text, and as a script."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor

from lensgui.jobs.answers.arrays import CellState, HeadSlice
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.requests import AttentionHead
from lensgui.panes import theme
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.attention.attention_controls import MEASURES
from lensgui.panes.attention.head_lines import MOST_LINES, edges
from lensgui.panes.attention.head_map import HeadMap
from lensgui.panes.attention.head_numbers import weights
from lensgui.prompts.pair import PairRow
from lensgui.state.examples import TOY, find
from lensgui.state.selection import Cursor
from lensgui.state.views import AttentionView
from lensgui.terms.model_key import ModelKey
from tests import fakes
from tests.answering import last
from tests.panes.conftest import CURSOR, PAIR, answer, in_session, take_head, tell
from tests.panes.copying import averaging
from tests.pictures import draws

LEFT = Qt.MouseButton.LeftButton
pytestmark = pytest.mark.qt_log_ignore(r"does not support (raise|propagateSizeHints)\(\)")
TOKENS = ["a", "b", "c", "d"]


def a_slice(values, measure="pattern", *, is_difference=False, hidden=False):
    values = np.array(values, np.float32)
    states = np.full(values.shape, CellState.EXACT, np.uint8)
    states[np.triu_indices(len(values), 1)] = CellState.MASKED
    if hidden:
        states[:, 0] = CellState.MASKED
    names = [f"t{at}" for at in range(len(values))]
    axes = fakes.axis("position", names), fakes.axis("source", names)
    return HeadSlice(axes, values, states, measure, is_difference, 0.5)


SMALL = [[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.2, 0.8, 0, 0], [0, 0, 0.25, 0.75]]


@pytest.mark.parametrize(
    ("measure", "is_difference", "ends"),
    [
        ("pattern", False, (0, 1)),
        ("pattern", True, (-0.25, 0.25)),
        ("values", False, (0, 1)),
        ("contribution", False, (-0.75, 0.75)),
        ("scores", False, (0, 1)),
    ],
)
def test_scales(measure, is_difference, ends):
    size = 0.25 if is_difference else 1
    values = np.array(SMALL) * size
    shown = weights(a_slice(values, measure, is_difference=is_difference), TOKENS)
    assert (shown.low, shown.high) == ends
    assert shown.shades[0, 0] == 255
    is_fixed = measure == "pattern" and not is_difference
    assert shown.scale_words.startswith("scale fixed" if is_fixed else "fitted: ")
    nothing = 128 if shown.slice.is_signed else 0
    assert shown.shades[3, 0] == nothing


def test_scores_have_a_range_of_their_own_and_contributions_a_symmetric_one():
    values = np.array(SMALL) * 4 - 3
    scores = weights(a_slice(values, "scores"), TOKENS)
    assert (scores.low, scores.high) == (-3, 1)
    assert scores.scale == ("+1.00", "−1.00", "−3.00")
    signed = weights(a_slice(values, "contribution"), TOKENS)
    assert (signed.low, signed.high) == (-3, 3)
    assert signed.scale == ("+3.00", "0", "−3.00")
    assert signed.words(3, 0).endswith("‘d’ (3) → ‘a’ (0): −3.000 logits")


def test_words_say_why_a_cell_has_no_number():
    shown = weights(a_slice(SMALL, hidden=True), TOKENS)
    assert "never looks ahead" in shown.words(0, 2)
    assert "left out with position 0" in shown.words(2, 0)


def test_edges_come_weakest_first_and_pass_the_threshold():
    shown = weights(a_slice(SMALL), TOKENS)
    found = edges(shown, 0.4, None)
    assert found.shares.tolist() == pytest.approx([0.5, 0.5, 0.75, 0.8, 1])
    assert edges(shown, 0, ("position", 2)).ends.tolist() == [[2, 0], [2, 1]]
    assert edges(shown, 0, ("source", 1)).ends.tolist() == [[1, 1], [2, 1]]
    many = weights(a_slice(np.tril(np.full((128, 128), 0.5))), [""] * 128)
    found = edges(many, 0, None)
    assert len(found.ends) == MOST_LINES
    assert found.left_out == 128 * 129 // 2 - MOST_LINES


@pytest.fixture
def pane(document, show):
    pane = answer(show(AttentionPane(), 900, 600), document)
    in_session(pane, document)
    return pane


def test_a_name_isolates_its_row_and_a_click_locks_it(pane, qtbot):
    head = pane.head
    plot = head.plot()
    row = QPointF(plot.left() - 8, head.middle_of(3, 0).y())
    qtbot.mouseMove(head, row.toPoint())
    assert head.isolated == ("position", 3)
    draws(head)
    with qtbot.waitSignal(pane.picked) as picked:
        qtbot.mouseClick(head, LEFT, pos=row.toPoint())
    assert picked.args == [{"position": 3}]
    qtbot.mouseMove(head, plot.center().toPoint())
    assert head.isolated == ("position", 3)
    column = QPointF(head.middle_of(0, 1).x(), plot.bottom() + 8)
    qtbot.mouseClick(head, LEFT, pos=column.toPoint())
    assert head.locked == ("source", 1)
    qtbot.keyClick(head, Qt.Key.Key_Escape)
    assert head.locked is None


def test_zoomed_in_the_same_cells_are_picked_and_described(pane, qtbot):
    head = pane.head
    values = np.tril(fakes.noise("long", 40, 40))
    names = [f"t{at}" for at in range(40)]
    head.show_weights(weights(a_slice(values), names), frozenset({30}))
    head.zoom(4, head.plot().bottomRight())
    assert head.picture.shades.shape == (10, 10)
    assert head.picture.row_names[-1] == "t39"
    assert head.picture.marked_rows == {0}
    with qtbot.waitSignal(pane.picked) as picked:
        qtbot.mouseClick(head, LEFT, pos=head.middle_of(9, 4).toPoint())
    assert picked.args == [{"position": 39, "source": 34}]
    assert f"{values[39, 34]:.3f}" in head.describe(9, 4)
    head.show_cursor(Cursor(2, 1, 5, 2))
    assert head.picture.row_names[0] == "t5"
    qtbot.keyClick(head, Qt.Key.Key_0)
    assert head.picture.shades.shape == (40, 40)


def test_lines_isolate_lock_and_turn(pane, qtbot):
    pane.focus.bar.view.chosen.emit("lines")
    lines = pane.focus.lines
    draws(lines)
    whole = len(lines.edges.ends)
    plot = lines.plot()
    third = QPointF(plot.left() - 6, plot.top() + plot.height() * 3.5 / 5)
    qtbot.mouseMove(lines, third.toPoint())
    draws(lines)
    assert {row for row, _ in lines.edges.ends.tolist()} == {3}
    assert len(lines.edges.ends) < whole
    with qtbot.waitSignal(pane.picked) as picked:
        qtbot.mouseClick(lines, LEFT, pos=third.toPoint())
    assert picked.args == [{"position": 3}]
    assert lines.locked == ("position", 3)
    pane.focus.bar.destination.trigger()
    assert lines.locked is None
    assert not lines.is_from
    pane.focus.bar.least.setValue(100)
    draws(lines)
    assert all(share >= 1 for share in lines.edges.shares)


def test_the_threshold_of_lines_is_written_beside_its_slider(pane):
    bar = pane.focus.bar
    assert not bar.weakest.isVisible()
    bar.view.chosen.emit("lines")
    assert bar.weakest.isVisible()
    bar.least.setValue(25)
    assert bar.weakest.text() == "lines ≥ 25 %"


def test_long_prompts_are_arcs_over_the_text(pane, qtbot):
    pane.focus.bar.view.chosen.emit("lines")
    lines = pane.focus.lines
    lines.show_weights(weights(a_slice(np.tril(fakes.noise("l", 200, 200))), ["t"] * 200), set())
    draws(lines)
    assert lines.has_arcs
    plot = lines.plot()
    with qtbot.waitSignal(pane.picked) as picked:
        point = QPointF(plot.left() + plot.width() * 100.5 / 200, plot.bottom() + 5)
        qtbot.mouseClick(lines, LEFT, pos=point.toPoint())
    assert picked.args == [{"position": 100}]
    draws(lines)
    assert {row for row, _ in lines.edges.ends.tolist()} == {100}


def test_the_text_is_coloured_by_the_selected_token(pane, qtbot):
    pane.focus.bar.view.chosen.emit("text")
    text = pane.focus.text
    image = text.grab().toImage()
    shown = pane.focus.weights
    for token in range(4):
        corner = text.place_of(token).topLeft() + QPointF(3, 3)
        expected = theme.sequential(theme.LIGHT)[shown.shades[CURSOR.position, token]]
        found = image.pixelColor(corner.toPoint())
        assert [found.red(), found.green(), found.blue()] == expected.tolist() or token == 3
    with qtbot.waitSignal(pane.picked) as picked:
        qtbot.mouseClick(text, LEFT, pos=text.place_of(4).center().toPoint())
    assert picked.args == [{"position": 4}]
    pane.focus.bar.destination.trigger()
    with qtbot.waitSignal(pane.picked) as picked:
        qtbot.mouseClick(text, LEFT, pos=text.place_of(1).center().toPoint())
    assert picked.args == [{"source": 1}]
    assert "what attends to" in text.headline()


@pytest.mark.parametrize("measure", [option.value for option in MEASURES])
@pytest.mark.parametrize(
    ("side", "hides"),
    [("clean", False), ("corrupted", True), ("difference", False), ("difference", True)],
)
def test_what_is_copied_computes_what_is_shown(measure, side, hides, qtbot):
    pane = AttentionPane()
    qtbot.addWidget(pane)
    view = AttentionView(side, measure=measure, head_hides_first=hides)
    assert_copied(pane, find(TOY).document.having(attention=view), Cursor(1, 2, 10))


def test_what_is_copied_averages_heads_and_pairs(qtbot):
    pane = AttentionPane()
    qtbot.addWidget(pane)
    document = find(TOY).document
    pair = document.pair
    swapped = replace(pair, clean=pair.corrupted, corrupted=pair.clean)
    many = document.having(table=(PairRow(pair), PairRow(swapped)), is_average=True)
    many = many.having(attention=AttentionView(measure="contribution"))
    assert_copied(pane, many, Cursor(1, 2, 10, heads=((1, 2), (0, 3))))


@pytest.mark.parametrize("measure", ["pattern", "contribution"])
def test_what_is_copied_matches_prompts_of_several_lengths_by_role(measure, qtbot):
    pane = AttentionPane()
    qtbot.addWidget(pane)
    document = averaging(are_unequal=True).having(attention=AttentionView(measure=measure))
    assert_copied(pane, document, Cursor(1, 2, 10))


def assert_copied(pane, document, cursor):
    names = {}
    exec(pane.python(document, cursor), names)
    request = pane.requests(document, cursor)["head"]
    assert isinstance(request, AttentionHead)
    shown = last(part for part in Dispatcher(threads=1).answer(request) if part is not None)
    seen = shown.states == CellState.EXACT
    assert seen.any()
    np.testing.assert_allclose(names["shown"].numpy()[seen], shown.values[seen], atol=1e-4)


def test_models_in_memory_are_copied_without_opening(document, qtbot):
    pane = AttentionPane()
    qtbot.addWidget(pane)
    code = pane.python(replace(document, model=ModelKey("memory:mine")), CURSOR)
    assert "from_pretrained" not in code
    imported = "PairRow, PromptPair, answers, attribute_heads, mean_attention, run_prompt, table"
    assert f"from lensgui import {imported}\n" in code
    compile(code, "copied", "exec")


def test_contributions_are_on_the_scale_of_the_row_that_is_read_and_the_others_dimmed(show):
    values = np.array(SMALL)
    values[2, 1], values[3, 3] = 8.0, -0.5
    shown = weights(a_slice(values, "contribution"), TOKENS)
    assert (shown.low, shown.high) == (-0.5, 0.5)
    assert shown.scale_words == f"fitted: ±0.50, the row of ‘{TOKENS[-1]}’"
    assert shown.read_row == 3
    view = show(HeadMap(), 300, 300)
    view.show_weights(shown, frozenset())
    image = view.grab().toImage()
    table = shown.table(theme.of(view.palette()))

    def has_its_color(row, column):
        color = image.pixelColor(view.middle_of(row, column).toPoint() + QPoint(6, 6))
        return color == QColor(*map(int, table[shown.shades[row, column]]))

    assert has_its_color(3, 2)
    assert not has_its_color(2, 1)  # beyond the scale, and dimmed
    assert weights(a_slice(values, "pattern"), TOKENS).read_row is None


def test_the_share_of_position_0_and_the_number_of_prompts_are_said(document, show):
    rows = (PairRow(PAIR), PairRow(PAIR))
    pane = answer(show(AttentionPane()), document.having(table=rows, is_average=True))
    assert pane.focus.share.text() == "mean of 2 prompts · position 0: 62 % · scale fixed: 0 to 1"


def test_a_title_stays_with_its_numbers_until_those_of_the_next_head_are_here(show, document):
    pane = answer(show(AttentionPane(), 900, 560), document)
    share = pane.focus.share.text()
    pane.show_cursor(Cursor(4, 2, 3))
    tell(pane, "head", status="late")
    assert pane.name.text() == "L2H1"
    assert pane.head.is_stale
    assert pane.focus.share.text() == "L4H2 is being read …"
    assert pane.head.describe(3, 1).startswith("L2H1 ·")
    take_head(pane, document, Cursor(4, 2, 3))
    assert pane.name.text() == "L4H2"
    assert not pane.head.is_stale
    assert pane.focus.share.text() == share


def test_without_numbers_a_title_is_the_selected_heads(show, document):
    pane = answer(show(AttentionPane(), 900, 560), document)
    pane.show_reply("head", None)
    pane.show_cursor(Cursor(4, 2, 3))
    assert pane.name.text() == "L4H2"


def test_pinned_edges_are_framed_with_the_numbers_of_their_head(show, document):
    pane = answer(show(AttentionPane(), 900, 560), document)
    edge = Cursor(4, 2, 3, 1)
    pane.show_document(document.having(pins=(edge,)))
    pane.show_cursor(edge)
    assert pane.head.picture.pins == ()
    take_head(pane, document, edge)
    assert pane.head.picture.pins == ((3, 1),)
