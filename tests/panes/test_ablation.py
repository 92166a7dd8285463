"""The ablation pane: which set is asked about, what the whole and each of it do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt

from lensgui.jobs.answers.interventions import SetReading
from lensgui.panes import menus
from lensgui.panes.ablation import ablation_seen as seen
from lensgui.panes.ablation.ablation import NO_SET, NOTHING_ON, AblationPane, members_of
from lensgui.prompts.pair import PairRow
from lensgui.state.selection import Cursor
from lensgui.state.views import AblationView
from lensgui.terms.interventions import Intervention, Site
from tests.panes.conftest import answer, in_session, tell

TWO = Cursor(4, 2, heads=((2, 1), (4, 2)))
BESIDE = Intervention(Site("mlp_out", 1), "scale")
OFF = Intervention(Site("z", 0, 0), "zero", is_on=False)


@pytest.fixture
def pane(show, document):
    found = show(AblationPane())
    found.session = in_session(found, document)
    return answer(found, document, TWO)


def asked(pane, document, cursor=TWO):
    return pane.requests(document, cursor).get("set")


def test_without_heads_it_says_how_to_choose_some(show, document):
    pane = answer(show(AblationPane()), document, Cursor())
    assert asked(pane, document, Cursor()) is None
    assert pane.each._empty == NO_SET
    all_on = document.having(ablation=AblationView("interventions"))
    pane = answer(show(AblationPane()), all_on, Cursor())
    assert pane.each._empty == NOTHING_ON


def test_the_selected_heads_are_the_set_until_some_are_taken(pane, document):
    members = tuple(Intervention(Site("z", *head), "resample") for head in TWO.heads)
    assert asked(pane, document).members == members
    assert pane.names.text() == "2 heads: L2H1, L4H2"
    pane.take.click()
    taken = pane.session.document
    assert taken.views.ablation.heads == TWO.heads
    assert asked(pane, taken, Cursor(0, 0)).members == members
    assert pane.names.text().endswith("taken")
    pane.follow.click()
    assert pane.session.document.views.ablation.heads == ()


def test_what_is_on_is_done_beside_the_set_or_is_the_set(pane, document):
    under = document.having(interventions=(BESIDE, OFF))
    request = asked(pane, under)
    assert request.pair.interventions == (BESIDE,)
    assert [one.site for one in request.members] == [Site("z", 2, 1), Site("z", 4, 2)]
    whole = under.having(ablation=AblationView("interventions"))
    request = asked(pane, whole)
    assert (request.pair.interventions, request.members) == ((), (BESIDE,))
    assert members_of(whole, Cursor()) == (BESIDE,)


def test_a_mean_is_over_the_table_and_averages_are_over_its_rows(pane, document):
    rows = tuple(PairRow(replace(document.pair, clean=f"{at} {at}")) for at in range(9))
    tabled = document.having(table=rows, ablation=AblationView(op="mean"))
    request = asked(pane, tabled)
    assert len(request.pair.reference) == 10
    assert request.rows == ()
    average = tabled.having(is_average=True)
    request = asked(pane, average)
    assert len(request.rows) == 9
    assert all(len(row.pair.reference) == 10 for row in request.rows)


def test_the_whole_set_is_said_and_each_of_it_has_a_row_the_largest_first(pane):
    reading = pane.answer("set", SetReading)
    change = float(reading.after[0] - reading.before[0])
    assert pane.whole.text().startswith("logit difference +4.000 → ")
    assert f"({change:+.3f})".replace("-", "−") in pane.whole.text()
    means = [row.mean for row in pane.each.shown]
    assert sorted(means, key=abs, reverse=True) == means
    assert {row.name for row in pane.each.shown} == {"L2H1.z", "L4H2.z"}
    assert "alone" in pane.each.words(0)
    assert len(pane.pairs.shown) == 1


def test_of_many_pairs_the_mean_has_an_interval(show, document):
    rows = tuple(PairRow(replace(document.pair, clean=f"{at} {at}")) for at in range(5))
    average = document.having(table=rows, is_average=True)
    pane = answer(show(AblationPane()), average, TWO)
    assert "95 %: " in pane.whole.text()
    assert "mean of 5 pairs" in pane.whole.text()
    assert all(row.low < row.mean < row.high for row in pane.each.shown)
    assert [row.name for row in pane.pairs.shown] == [f"{at} {at}" for at in range(5)]


def test_what_is_not_known_yet_has_no_row(pane):
    reading = pane.answer("set", SetReading)
    last = reading.last.copy()
    last[0] = np.nan
    found = seen.members(replace(reading, last=last), asked(pane, pane.session.document).members)
    assert [row.name for row in found] == ["L4H2.z"]
    nothing = replace(reading, after=np.full_like(reading.after, np.nan))
    assert seen.said(nothing) == ""


def test_a_click_on_a_row_selects_its_head_and_the_set_stays(pane, qtbot):
    row = pane.each.place_of(0).center().toPoint()
    with qtbot.waitSignal(pane.picked) as picked:
        qtbot.mouseClick(pane.each, Qt.MouseButton.LeftButton, pos=row)
    assert picked.args[0] in ({"layer": 2, "head": 1}, {"layer": 4, "head": 2})
    assert pane.session.document.views.ablation.heads == TWO.heads


def test_an_answer_about_another_set_is_not_shown(pane):
    tell(pane, "set", status="waiting")
    for other in (Cursor(3, 3), Cursor(3, 3, heads=((3, 3), (1, 1)))):  # fewer, or as many
        pane.show_cursor(other)
        assert pane.each.shown == ()
        assert pane.whole.text() == ""
        assert pane.shown() == []


def test_the_menu_of_a_set_of_heads_leads_here(pane, qtbot):
    verbs = {verb.name: verb for verb in menus.of_heads(pane, TWO.heads, ())}
    with qtbot.waitSignals([pane.edited, pane.pane_requested]) as _:
        verbs["Ablate them together"].act()
    assert pane.session.document.views.ablation.heads == TWO.heads


def test_what_is_done_is_chosen_and_undone(pane):
    pane.op.chosen.emit("zero")
    assert pane.session.document.views.ablation.op == "zero"
    assert pane.session.undo_stack.undoText() == "Ablation: what is done"


def test_a_head_that_was_taken_twice_is_one_of_the_set(document):
    twice = document.having(ablation=AblationView(heads=((2, 1), (2, 1))))
    assert len(members_of(twice, Cursor())) == 1


def test_several_at_one_place_are_told_apart(show, document):
    there = Site("z", 2, 1)
    two = (Intervention(there, "zero", (1,)), Intervention(there, "resample", (2,)))
    both = document.having(interventions=two, ablation=AblationView("interventions"))
    pane = answer(show(AblationPane()), both, Cursor())
    assert {row.name for row in pane.each.shown} == {
        "L2H1.z → 0 at 1",
        "L2H1.z → other prompt at 2",
    }
    reading = pane.answer("set", SetReading)
    (alone,) = (seen.alone([row], reading, two) for row in pane.each.shown if "0 at 1" in row.name)
    assert alone == [float(reading.first[0].mean())]
