"""Which interventions share a line, what they override, how far sliders go, and other lists."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensgui.jobs.answers.interventions import InterventionReading
from lensgui.panes.interventions import list_menu, strengths
from lensgui.panes.interventions.lines import (
    MOST_UNFOLDED,
    alike,
    done,
    lines,
    matched,
    overridden,
    place,
    remark,
    where,
)
from lensgui.terms.interventions import Intervention, Site, Vector

HEADS = tuple(Intervention(Site("z", layer, 1), "zero") for layer in range(4))
SCALED = Intervention(Site("z", 2, 1), "scale", strength=2.0)
TO_PARIS = Vector("Paris", "0" * 32)
ADDED = Intervention(Site("resid_post", 3), "add", strength=0.5, vector=TO_PARIS)

some = st.lists(
    st.builds(
        Intervention,
        st.builds(Site, st.sampled_from(["z", "mlp_out"]), st.integers(0, 2)),
        st.sampled_from(["zero", "scale", "mean"]),
        st.sampled_from(["all", "last", (1,), (1, 2)]),
        runs=st.sampled_from(["both", "clean"]),
        is_on=st.booleans(),
    ),
    max_size=8,
)


@given(some)
def test_each_is_in_one_line_in_the_lists_order(listed):
    found = [number for line in lines(listed) for number in line.numbers]
    assert found == list(range(len(listed)))


def test_those_that_are_alike_share_a_line_and_have_one_each_when_unfolded():
    listed = (ADDED, *HEADS[:2], HEADS[2].on(False), HEADS[3])
    first, group = lines(listed)
    assert (first.numbers, group.numbers, group.is_group) == ((0,), (1, 2, 3, 4), True)
    assert place(listed, group) == "4 heads · z"
    opened = lines(listed, {alike(HEADS[0])})
    assert [line.numbers for line in opened[2:]] == [(1,), (2,), (3,), (4,)]
    assert all(line.is_inside for line in opened[2:])


def test_two_that_are_alike_have_a_line_each():
    assert [line.numbers for line in lines(HEADS[:2])] == [(0,), (1,)]


def test_no_more_lines_are_unfolded_than_can_be_looked_at():
    many = tuple(Intervention(Site("z", 0, head), "zero") for head in range(100))
    found = lines(many, {alike(many[0])})
    assert len(found) == 1 + MOST_UNFOLDED
    assert found[-1].left_out == 100 - MOST_UNFOLDED


@pytest.mark.parametrize(
    ("earlier", "later", "is_over"),
    [
        (SCALED, HEADS[2], True),
        (HEADS[2], SCALED, False),  # which reads what was set
        (SCALED, HEADS[1], False),  # another layer
        (SCALED, Intervention(Site("z", 2), "mean"), True),  # all heads
        (Intervention(Site("z", 2), "scale"), HEADS[2], False),  # one of all
        (SCALED.on(False), HEADS[2], False),
        (SCALED, HEADS[2].on(False), False),
        (replace(SCALED, where=(3,)), HEADS[2], True),
        (SCALED, replace(HEADS[2], where=(3,)), False),
        (replace(SCALED, where=(3,)), replace(HEADS[2], where=(2, 3)), True),
        (SCALED, replace(HEADS[2], runs="clean"), False),
        (replace(SCALED, where="generated"), Intervention(Site("z", 2, 1), "mean"), False),
    ],
)
def test_what_sets_overrides_what_was_done_at_all_it_sets(earlier, later, is_over):
    assert overridden((earlier, later))[1] == ((0,) if is_over else ())


def test_a_line_says_what_it_overrides_why_it_fails_and_what_its_mean_is_over():
    listed = (SCALED, HEADS[2])
    over = overridden(listed)
    assert remark((1,), over, ()) == "overrides #1"
    known = (InterventionReading("", None, 0), InterventionReading("there is none.", None, 0))
    assert remark((1,), over, known) == "there is none."
    known = (InterventionReading("", None, 0), InterventionReading("", None, 62))
    assert remark((1,), over, known) == "overrides #1 · mean of 62 prompts"
    assert matched((1,), known) == matched((1,), ()) == ""
    known = (known[0], replace(known[1], roles=("IO", "end")))
    assert remark((1,), over, known) == "overrides #1 · mean of 62 prompts by role"
    assert "at IO, end over the same words" in matched((0, 1), known)


def test_a_line_says_shortly_what_is_done_where():
    edge = Intervention(Site("attn_scores", 1, 0), "knock_out", (5,), sources=(2, 3), runs="clean")
    assert (done(edge), where(edge)) == ("not to 2, 3", "at 5 · clean")
    assert (done(ADDED), where(ADDED)) == ("+ “Paris”", "")


@pytest.mark.parametrize("op", ["add", "add_median", "add_norm", "set"])
def test_a_slider_goes_to_one_median_norm_and_with_shift_to_four(op):
    one, unit = replace(ADDED, op=op), 3.0 if op in ("add", "set") else 1.0
    usual, wide = strengths.reach(one, unit), strengths.reach(one, unit, is_wide=True)
    assert (usual.low, usual.high, wide.high) == (-unit, unit, 4 * unit)
    assert strengths.reach(replace(one, strength=2 * unit), unit) == wide


@given(st.floats(-1, 1), st.sampled_from(["add_median", "scale", "noise", "exchange"]))
def test_a_step_of_a_slider_stands_for_one_strength(strength, op):
    low, high = strengths.ENDS[op]
    reach = strengths.Reach(low, high)
    step = reach.step(strength)
    assert reach.step(reach.at(step)) == step
    assert low <= reach.at(step) <= high


def test_the_share_of_an_added_vector_is_said():
    assert strengths.share(ADDED, 2.0) == "0.25 of the stream's median norm"
    assert strengths.share(ADDED, None) == ""
    assert strengths.share(SCALED, 2.0) == ""


@given(some, st.data())
def test_what_is_put_elsewhere_keeps_its_order_and_all_others_theirs(listed, data):
    every = range(len(listed))
    numbers = data.draw(st.sets(st.sampled_from(every))) if listed else set()
    before = data.draw(st.integers(0, len(listed)))
    named = [(number, one) for number, one in enumerate(listed)]
    found = [number for number, _ in list_menu.put(tuple(named), sorted(numbers), before)]
    assert sorted(found) == [*every]
    assert [at for at in found if at in numbers] == sorted(numbers)
    assert [at for at in found if at not in numbers] == [at for at in every if at not in numbers]
    behind = [at for at in every if at >= before and at not in numbers]
    if numbers and behind:
        assert found[found.index(behind[0]) - 1] == max(numbers)


def test_order_changes_within_a_place_only():
    listed = (SCALED, ADDED, HEADS[2], HEADS[1])
    assert list_menu.moved(listed, 2, -1) == (HEADS[2], SCALED, ADDED, HEADS[1])
    assert list_menu.moved(listed, 0, 1) == (ADDED, HEADS[2], SCALED, HEADS[1])
    assert list_menu.moved(listed, 1, -1) is None
    assert list_menu.moved(listed, 3, -1) is None


@pytest.mark.parametrize("one", [*HEADS[:1], SCALED, ADDED])
def test_every_op_that_is_offered_makes_an_intervention(one):
    for op in list_menu.ways(one):
        assert list_menu.with_op(one, op).op == op


def test_positions_are_added_and_taken_away_one_by_one():
    one = list_menu.turned(list_menu.turned(SCALED, 5), 3)
    assert one.where == (3, 5)
    assert list_menu.turned(list_menu.turned(one, 5), 3).where == "all"
