"""The strength pane: what is asked, what is drawn, and a strength taken from the curves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt

from lensgui.jobs.answers.interventions import StrengthReading
from lensgui.panes.strength import strength_seen
from lensgui.panes.strength.strength import RANDOM, StrengthPane, chosen
from lensgui.state.selection import Cursor
from lensgui.terms.interventions import Intervention, Site, Vector
from tests.panes.conftest import answer, in_session

ZERO = Intervention(Site("z", 2, 1), "zero")
SCALED = Intervention(Site("mlp_out", 3), "scale", strength=0.5)
ADDED = Intervention(Site("resid_post", 3), "add", strength=1.0, vector=Vector("v", "0" * 32))


@pytest.fixture
def listed(document):
    return document.having(interventions=(ZERO, SCALED, ADDED))


@pytest.fixture
def pane(show, listed):
    found = show(StrengthPane())
    found.session = in_session(found, listed)
    return answer(found, listed)


def with_view(document, **changes):
    return document.having(strength=replace(document.views.strength, **changes))


def test_without_anything_done_by_degrees_it_asks_nothing_and_says_what_to_do(show, document):
    plain = document.having(interventions=(ZERO,))
    pane = answer(show(StrengthPane()), plain)
    assert pane.requests(plain, Cursor()) == {}
    assert "add a vector" in pane.plot.empty
    assert pane.shown() == []


def test_the_last_that_is_done_by_degrees_is_looked_at_until_another_is_chosen(pane, listed):
    assert chosen(listed) == 2
    assert [pane.which.itemText(at) for at in range(2)] == [
        "#2 L3.mlp_out ×",
        "#3 + “v” · L3.resid_post",
    ]
    assert pane.which.currentIndex() == 1
    pane.which.activated.emit(0)
    assert pane.session.document.views.strength.which == 1
    assert pane.session.undo_stack.undoText() == "Strength: which intervention"


def test_how_strong_it_is_at_present_asks_nothing_new(pane, listed):
    asked = pane.requests(listed, Cursor())
    other = listed.having(interventions=(ZERO, SCALED, replace(ADDED, strength=9.0, is_on=False)))
    assert pane.requests(other, Cursor()) == asked
    another = listed.having(interventions=(ZERO, replace(SCALED, strength=2.0), ADDED))
    assert pane.requests(another, Cursor()) != asked


def test_strengths_are_shares_of_the_median_norm_or_the_ops_own_numbers():
    assert max(strength_seen.strengths(ADDED, is_wide=False)) == 1.0
    assert max(strength_seen.strengths(ADDED, is_wide=True)) == 4.0
    assert strength_seen.strengths(SCALED, is_wide=False)[-1] == 2.0
    assert strength_seen.strengths(SCALED, is_wide=True)[-1] == 4.0
    for is_wide in (False, True):
        for one in (ADDED, SCALED):
            found = strength_seen.strengths(one, is_wide=is_wide)
            assert list(found) == sorted(set(found))


def test_the_curves_are_drawn_with_what_they_are_without_it(pane):
    seen = pane.plot.seen
    assert [plot.names for plot in seen.plots] == [
        ("logit difference",),
        ("·Mary (answer)", "·John (distractor)", "·it (control)"),
        ("KL",),
    ]
    assert seen.plots[0].level == 2.0
    assert seen.counted == "strength, as a share of the stream's median norm"
    assert pane.said.text() == "without it +2.000 · shaded: off-distribution (KL > 2 nats)"
    words = seen.words(len(seen.labels) - 1)
    assert words.startswith("strength 1 of the median norm: logit difference +5.000; KL 3 nats")
    assert "off-distribution" in words
    assert "off-distribution" not in seen.words(seen.labels.index("0"))


def test_what_is_not_known_yet_is_not_drawn(pane, listed):
    reading = pane.answer("strength", StrengthReading)
    metric = reading.metric.copy()
    metric[1:] = np.nan
    seen = strength_seen.seen(replace(reading, metric=metric))
    assert np.isfinite(seen.plots[0].values).sum() == 1
    assert seen.words(3).endswith("not yet known")


def test_random_directions_stand_beside_as_a_band(show, listed):
    document = with_view(listed, has_random=True)
    pane = answer(show(StrengthPane()), document)
    assert pane.requests(document, Cursor())["random"].placebos == RANDOM
    band = pane.plot.seen.plots[0].band
    assert (band[0] <= band[1]).all()
    assert f"{RANDOM} of {RANDOM} random directions beside it" in pane.said.text()
    assert "16 random directions" in pane.plot.seen.words(0)
    (figure,) = pane.shown()
    assert figure.panels[0].names[1:] == ["random directions: least", "random directions: largest"]


def test_random_directions_like_the_stream_are_another_band(show, listed):
    document = with_view(listed, has_random=True)
    pane = show(StrengthPane())
    pane.session = in_session(pane, document)
    answer(pane, document)
    assert pane.alike.isEnabled()
    pane.alike.click()
    document = pane.session.document
    assert pane.requests(document, Cursor())["random"].are_like_stream
    pane.show_document(document)
    assert pane.plot.seen.plots[0].band is None  # the other one's is not shown for it
    assert "beside it" not in pane.said.text()
    answer(pane, document)
    assert "16 of 16 random directions like the stream beside it" in pane.said.text()
    plain = with_view(document, has_random=False)
    assert "random" not in pane.requests(plain, Cursor())
    pane.show_document(plain)
    assert not pane.alike.isEnabled()


def test_a_scaling_has_no_random_directions_and_says_so(show, listed):
    pane = answer(show(StrengthPane()), with_view(listed, has_random=True, which=1))
    assert "no vector" in pane.said.text()
    assert pane.plot.seen.counted == "strength"


def test_a_click_takes_a_strength_and_keys_go_from_one_to_the_next(pane, qtbot):
    plot, at = pane.plot, pane.plot.seen.labels.index("0.5")
    area = plot.areas()[0]
    where = QPointF(plot.x_of(0.5, area), area.center().y())
    qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=where.toPoint())
    assert pane.session.document.pair.interventions[2].strength == 1.0  # half a norm, which is 2
    qtbot.keyClick(plot, Qt.Key.Key_Left)
    assert plot.accessibleDescription() == plot.seen.words(at - 1)
    qtbot.keyClick(plot, Qt.Key.Key_Return)
    share = float(plot.seen.labels[at - 1])
    assert pane.session.document.pair.interventions[2].strength == pytest.approx(2 * share)
    assert len(pane.plot.as_table().rows) == len(plot.seen.labels)


@pytest.mark.parametrize("has_random", [False, True])
def test_its_picture_has_the_curves_where_the_screen_has_them(show, listed, has_random):
    pane = answer(show(StrengthPane()), with_view(listed, has_random=has_random))
    (figure,) = pane.shown()
    assert "+ “v” · L3.resid_post" in figure.says
    for panel, plot in zip(figure.panels, pane.plot.seen.plots, strict=True):
        np.testing.assert_array_equal(panel.values[: len(plot.names)], plot.values)
        np.testing.assert_array_equal(panel.across, pane.plot.seen.across)


def test_curves_of_another_intervention_are_not_drawn_as_its_own(pane, listed):
    assert pane.plot.seen is not None
    pane.show_document(with_view(listed, which=1))
    assert pane.plot.seen is None
    pane.plot.chosen.emit(9.0)
    assert pane.session.document == listed


def test_the_chosen_one_stays_chosen_wherever_it_stands_in_the_list(listed):
    chosen_one = with_view(listed, which=1)
    assert chosen(chosen_one.having(interventions=(SCALED, ADDED))) == 0
    assert chosen(chosen_one.having(interventions=(ADDED, ZERO, SCALED))) == 2
    twice = with_view(listed.having(interventions=(SCALED, SCALED)), which=0)
    assert chosen(twice.having(interventions=(replace(SCALED, strength=2.0), SCALED))) == 0
