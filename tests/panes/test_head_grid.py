"""What heads are ranked by, how they are arranged, the magnifier, and the letters of roles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRect, QSize, Qt
from PySide6.QtGui import QColor

from lensgui.jobs.answers.arrays import HeadRows
from lensgui.jobs.requests import AttentionFrom, AttentionGrid, Patching, ReadEvidence, ScoreHeads
from lensgui.panes import theme
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.head_grid import ranking as ranks
from lensgui.panes.head_grid.layout import LEAST, GridView, fit_map
from lensgui.panes.head_grid.ranking import NAMED, ranking
from lensgui.panes.menus import role_of
from lensgui.panes.pictures import role_marks
from lensgui.prompts.pair import PairRow
from lensgui.state.selection import Cursor
from lensgui.state.views import AttentionView
from lensgui.terms.kinds import HEADS
from lensgui.terms.roles import ROLES, USUAL, GivenRole, Part
from lensgui.terms.scores import SCORES
from tests import fakes
from tests.answering import last
from tests.panes.conftest import CURSOR, PAIR, answer, in_session, reply, tell
from tests.pictures import draws

EDGE = replace(CURSOR, source=1)
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")
MOVER = Part(ROLES[0], is_firm=True)


@pytest.fixture
def pane(document, show):
    return answer(show(AttentionPane(), 800, 600), document, EDGE)


def rank_by(pane, document, key, cursor=EDGE):
    """Rank by a score, and give the pane the answer to what it asks then."""
    session = in_session(pane, document)
    pane.bar.score.chosen.emit(key)
    request = pane.requests(session.document, cursor).get("rank")
    if request is not None:
        reply(pane, "rank", request)
    return request


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("edge", AttentionFrom),
        ("attribution", ReadEvidence),
        ("restores", Patching),
        ("breaks", Patching),
        ("estimate", Patching),
        ("induction", ScoreHeads),
        ("copying", ScoreHeads),
    ],
)
def test_every_score_is_asked_for_and_ranks(key, kind, pane, document):
    request = rank_by(pane, document, key)
    assert isinstance(request, kind)
    shown, score = pane.grid.ranking, NAMED[key]
    assert shown.score == score
    assert shown.is_whole
    order = pane.grid.layout_now().order.ravel()
    sizes = np.abs(shown.values.ravel())
    assert order[0] == sizes.argmax()
    assert (np.diff(sizes[order[order >= 0]]) <= 0).all()
    assert pane.all_heads.ranked.text()
    assert score.meaning in pane.all_heads.ranked.toolTip()
    draws(pane.grid)


def test_what_patching_breaks_counts_as_positive(pane, document):
    request = rank_by(pane, document, "breaks")
    assert request == Patching(document.model, PAIR, HEADS, "noising")
    sweep = last(fakes.FakeAnswerer().answer(request))
    np.testing.assert_allclose(pane.grid.ranking.values, -sweep.shown)


def test_scores_on_random_tokens_say_over_how_many_queries(pane, document):
    rank_by(pane, document, "induction")
    assert pane.all_heads.ranked.text() == "mean over 200 queries of 4 random prompts"
    assert divmod(int(pane.grid.layout_now().order[0, 0]), fakes.HEADS) == (2, 1)


def test_all_scores_are_offered_with_their_meaning(pane):
    box = pane.bar.score
    known = [option for option in box._options if option is not None]
    assert {option.value for option in known} == {score.key for score in SCORES}
    assert all(option.tip.endswith(".") for option in known)


def test_ranking_by_an_edge_uses_raw_attention_whatever_the_picture_hides(pane, document):
    assert pane.hide_first.isChecked()
    request = rank_by(pane, document, "edge")
    assert request == AttentionFrom(document.model, PAIR, 3)
    rows = last(fakes.FakeAnswerer().answer(request))
    np.testing.assert_array_equal(pane.grid.ranking.values, rows.values[..., 1])
    assert "raw attention, position 0 included" in pane.all_heads.ranked.text()


@pytest.mark.parametrize(
    ("cursor", "sentence"),
    [
        (CURSOR, ranks.NO_EDGE),
        (replace(CURSOR, position=1, source=3), ranks.AHEAD),
        (replace(CURSOR, position=40, source=30), ranks.GONE),
    ],
)
def test_an_edge_that_is_not_there_is_said_and_ranks_nobody(cursor, sentence, pane, document):
    rank_by(pane, document, "edge")
    pane.show_cursor(cursor)
    rows = HeadRows((None, None, fakes.axis("source", ["a", "b"])), np.zeros((6, 4, 2), np.float32))
    tell(pane, "rank", rows)
    assert pane.all_heads.ranked.text() == sentence
    assert pane.grid.layout_now().order[0, :2].tolist() == [0, 1]


def test_a_failure_is_said_in_the_line_of_the_ranking_alone(pane, document):
    tell(pane, "rank", status="waiting")
    tell(pane, "rank", status="failed", sentence="Choose two answers.")
    assert pane.all_heads.ranked.text() == "Choose two answers."
    assert not pane.message.isVisible()


def test_patching_cannot_rank_one_prompt_alone(pane, document):
    alone = document.having(corrupted="")
    assert rank_by(pane, alone, "restores") is None
    tell(pane, "rank", None)
    pane.show_reply("rank", None)
    assert pane.all_heads.ranked.text() == ranks.NO_ANSWERS


def test_an_average_is_ranked_over_its_pairs(document, pane):
    rows = (PairRow(PAIR), PairRow(replace(PAIR, clean="a b c")))
    many = document.having(table=rows, is_average=True)
    pane.show_document(many)
    request = rank_by(pane, many, "attribution")
    assert request.pairs == tuple(row.pair for row in rows)
    assert pane.all_heads.ranked.text() == "logits to answer − distractor, mean of 2 pairs"


def test_while_another_prompt_is_read_heads_keep_their_order(pane, document):
    rank_by(pane, document, "attribution")
    order = pane.grid.layout_now().order.copy()
    tell(pane, "rank", status="waiting", request=ReadEvidence(document.model, (replace(PAIR),)))
    assert (pane.grid.layout_now().order == order).all()


def test_the_grid_follows_the_measure(pane, document):
    for measure in ("contribution", "values", "writes", "scores"):
        other = document.having(attention=AttentionView(measure=measure))
        assert pane.requests(other, EDGE)["grid"].measure == measure
    assert pane.requests(other, EDGE)["grid"] == AttentionGrid(
        document.model, PAIR, measure="scores"
    )


@pytest.mark.parametrize("size", [(190, 300), (420, 300), (900, 320), (300, 900)])
@pytest.mark.parametrize("counts", [(30, 9), (12, 12), (48, 25), (2, 4)])
@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_no_thumbnail_is_too_small_to_be_read(size, counts, ratio):
    layout = fit_map(*counts, QSize(*size), (30, 16), GridView(), ratio)
    assert layout.raster.side / ratio >= LEAST - 1
    wide = replace(layout, offset=layout.most_offset)
    last_one = wide.cell(layout.raster.rows - 1, layout.raster.columns - 1)
    assert layout.area.adjusted(-1, -1, 1, 1).contains(last_one)


def test_layers_stand_side_by_side_where_the_pane_is_wide(pane, qtbot):
    wide = fit_map(30, 9, QSize(1200, 300), (30, 16), GridView(), 1.0)
    tall = fit_map(30, 9, QSize(300, 1200), (30, 16), GridView(), 1.0)
    assert wide.is_across
    assert not tall.is_across
    assert wide.frame(9).left() > wide.frame(0).left()
    assert tall.frame(9).top() > tall.frame(0).top()
    assert wide.raster.side >= 22 <= tall.raster.side


def test_scores_are_shown_as_a_map_that_fits(pane, document):
    rank_by(pane, document, "attribution")
    pane.bar.arrangement.chosen.emit("map")
    draws(pane.grid)
    layout = pane.grid.layout_now()
    assert layout.most_offset == (0, 0)
    values, image = pane.grid.ranking.values, pane.grid.grab().toImage()

    def color(place):
        corner = layout.frame(place[0] * fakes.HEADS + place[1]).bottomRight()
        return QColor(image.pixel(int(corner.x()) - 2, int(corner.y()) - 2))

    highest, lowest = (divmod(int(at), fakes.HEADS) for at in (values.argmax(), values.argmin()))
    assert color(highest).blue() > color(highest).red()
    assert color(lowest).red() > color(lowest).blue()


def test_the_magnifier_shows_the_head_under_the_pointer_and_covers_no_part_of_it(pane, qtbot):
    before = [(part, part.geometry()) for part in pane.findChildren(type(pane.bar))]
    for place in ((0, 0), (5, 3), (2, 1)):
        middle = pane.grid.middle_of(*place)
        pane.grid._point_at(*pane.grid.hit_test(middle))
        assert pane.all_heads.magnifier.isVisible()
        frame = pane.grid.layout_now().frame(place[0] * fakes.HEADS + place[1]).toAlignedRect()
        shown = QRect(pane.grid.mapTo(pane, frame.topLeft()), frame.size())
        assert not pane.all_heads.magnifier.geometry().intersects(shown)
        assert pane.rect().contains(pane.all_heads.magnifier.geometry())
        draws(pane.all_heads.magnifier)
        assert pane.all_heads.magnifier.accessibleDescription().startswith(
            f"L{place[0]}H{place[1]}"
        )
    assert [(part, part.geometry()) for part in pane.findChildren(type(pane.bar))] == before
    pane.grid._point_at(None, "")
    assert not pane.all_heads.magnifier.isVisible()


def test_where_there_is_no_room_the_magnifier_stays_away(document, show):
    pane = answer(show(AttentionPane(), 200, 150), document, EDGE)
    pane.grid._point_at((0, 0), "")
    assert not pane.all_heads.magnifier.isVisible() or pane.rect().contains(
        pane.all_heads.magnifier.geometry()
    )


def test_a_head_that_is_selected_elsewhere_is_scrolled_to(document, show):
    pane = answer(show(AttentionPane(), 300, 160), document, EDGE)
    for place in ((5, 3), (0, 0)):
        pane.show_cursor(Cursor(*place))
        frame = pane.grid.layout_now().frame(place[0] * fakes.HEADS + place[1])
        assert pane.grid.layout_now().area.contains(frame.center())


def test_letters_stand_on_heads_and_in_their_words(pane):
    plain = pane.grid.grab().toImage()
    pane.show_roles({(4, 2): replace(MOVER, rule="It moves.")}, ())
    assert pane.grid.grab().toImage() != plain
    assert "mover, on this pair" in pane.grid.words(4, 2)
    pane.show_roles({(2, 1): replace(MOVER, rule="It moves.")}, ())
    assert pane.name.text() == "L2H1 · M"
    assert pane.name.toolTip() == "L2H1\nmover, on this pair\nIt moves."


def test_a_role_is_given_and_taken_from_the_menu(pane, qtbot):
    verb = role_of(pane, (4, 2))
    names = [choice.name for choice in verb.choices]
    assert names[0] == "what the rules say"
    assert verb.choices[0].is_chosen
    given = []
    pane.edited.connect(given.append)
    verb.choices[names.index("I: induction")].act()
    assert given[-1] == {"roles": (GivenRole(4, 2, "induction"),)}
    pane.show_roles({}, given[-1]["roles"])
    verb = role_of(pane, (4, 2))
    assert [choice.name for choice in verb.choices if choice.is_chosen] == ["I: induction"]
    verb.choices[-1].act()
    assert given[-1] == {"roles": (GivenRole(4, 2, ""),)}
    verb.choices[0].act()
    assert given[-1] == {"roles": ()}


def test_the_rules_are_read_and_their_numbers_changed(pane, document, qtbot):
    pane.bar.roles.click()
    rules = pane.all_heads.rules
    qtbot.addWidget(rules)
    pane.show_roles({(4, 2): MOVER}, ())
    assert rules.heads["mover"].text() == "L4H2"
    assert rules.heads["induction"].text() == "no head"
    assert "0.30" in rules.rules["mover"].text()
    with qtbot.waitSignal(pane.edited) as edited:
        rules.numbers["attention"].setValue(0.45)
    assert edited.args == [{"bounds": replace(USUAL, attention=0.45)}]
    assert "0.45" in rules.rules["mover"].text()
    pane.show_document(document.having(bounds=replace(USUAL, attention=0.45)))
    with qtbot.waitSignal(pane.edited) as edited:
        rules._reset()
    assert edited.args == [{"bounds": USUAL}]
    draws(rules)
    rules.close()


@pytest.mark.parametrize("look", theme.THEMES.values(), ids=theme.THEMES)
def test_letters_can_be_told_apart_and_read(look):
    def luminance(color):
        parts = [color.redF(), color.greenF(), color.blueF()]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(some, other):
        low, high = sorted((luminance(some), luminance(other)))
        return (high + 0.05) / (low + 0.05)

    colors = {role.letter: role_marks.color_of(role.letter, look) for role in ROLES}
    assert len({color.name() for color in colors.values()}) == len(ROLES)
    for color in colors.values():
        assert contrast(color, QColor(look.surface)) >= 4.5
        ink = theme.readable_on(color.red(), color.green(), color.blue())
        assert contrast(ink, color) >= 4.5


def test_numbers_are_written_short_in_captions_and_whole_in_words():
    values = np.array([[2.172, -0.96], [np.nan, 0.0]], np.float32)
    found = ranks.Ranking(NAMED["attribution"], values, is_whole=True, unit="logits")
    assert [found.number(0, at) for at in (0, 1)] == ["+2.17", "−.96"]
    assert found.number(1, 0) == "–"
    assert found.words(0, 1) == "direct attribution −0.960 logits"
    assert found.words(1, 0) == ""
    assert ranking(NAMED["restores"], None, None, EDGE).remark == ranks.NO_ANSWERS


def test_the_pointer_over_the_gutter_names_nothing(pane, qtbot):
    pane.grid._point_at(*pane.grid.hit_test(QPointF(1, 1)))
    assert not pane.all_heads.magnifier.isVisible()
    qtbot.keyClick(pane.grid, Qt.Key.Key_Down)
