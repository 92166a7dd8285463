"""What is drawn from a task is one of its pairs, and the words with a part are where they say."""

from __future__ import annotations

import pytest

from lensgui.prompts.pair import PromptPair
from lensgui.prompts.tasks import TASKS, akin, like, task_of
from lensgui.state.examples import find

BY_NAME = {task.name: task for task in TASKS}


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_pairs_are_different_complete_and_recognised_as_the_tasks_own(task):
    rows = task.draw(32, seed=3)
    assert len({row.pair for row in rows}) == 32
    assert rows == task.draw(32, seed=3) != task.draw(32, seed=4)
    for row in rows:
        pair = row.pair
        assert pair.clean != pair.corrupted
        assert pair.answer
        assert pair.distractor
        assert not set(pair.answer.split("|")) & set(pair.distractor.split("|"))
        assert task_of(pair) is task
        assert not any(brace in pair.clean for brace in "{}?")
        assert len(pair.clean.split(" ")) == len(pair.corrupted.split(" ")) or "landmark" in (
            task.name
        )


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_roles_end_words_in_order_and_the_last_is_the_end(task):
    for row in task.draw(20, seed=1):
        ends = [role.end for role in row.roles]
        assert ends == sorted(ends)
        assert row.roles[-1].name == "end"
        assert row.roles[-1].end == len(row.pair.clean)
        assert len({role.name for role in row.roles}) == len(row.roles)


def test_roles_of_indirect_objects_stand_at_their_names():
    for row in BY_NAME["ioi"].draw(40, seed=2):
        words = {role.name: row.pair.clean[: role.end].split(" ")[-1] for role in row.roles}
        assert words["S1"] == words["S2"] == row.pair.distractor.strip()
        assert words["IO"] == row.pair.answer.strip()
    orders = {tuple(role.name for role in row.roles)[:2] for row in BY_NAME["ioi"].draw(40, seed=2)}
    assert orders == {("IO", "S1"), ("S1", "IO")}


def test_years_end_after_they_began():
    for row in BY_NAME["greater digit"].draw(20):
        year = int(next(row.pair.clean[r.end - 1] for r in row.roles if r.name == "year"))
        assert all(int(digit) > year for digit in row.pair.answer.split("|"))
        assert all(int(digit) <= year for digit in row.pair.distractor.split("|"))
        assert len(row.pair.answer.split("|")) + len(row.pair.distractor.split("|")) == 10
    for row in BY_NAME["greater year"].draw(20):
        assert len(row.pair.answer.split("|")) + len(row.pair.distractor.split("|")) == 100


@pytest.mark.parametrize(
    ("example", "task"),
    [("ioi", "ioi"), ("docstring", "docstring"), ("year", "greater digit"), ("opposite", None)],
)
def test_the_examples_are_recognised(example, task):
    found = task_of(find(example).document.pair)
    assert (found.name if found else None) == task


def test_pairs_akin_have_as_many_words_and_are_read_alike():
    pair = PromptPair(
        "When John and Mary went to the store, John gave a drink to", bos=True, metric="rank"
    )
    rows = akin(BY_NAME["ioi"], pair, 32)
    assert {len(row.pair.clean.split()) for row in rows} == {len(pair.clean.split())}
    assert {(row.pair.bos, row.pair.metric) for row in rows} == {(True, "rank")}
    assert rows[0].roles
    assert like(rows, PromptPair("x"))[0].pair.metric == "logit difference"


def test_pairs_akin_have_the_answers_where_the_pair_has_them():
    pair = PromptPair(
        "When John and Mary went to the store, John gave a drink to", "", " Mary", " John"
    )
    rows = akin(BY_NAME["ioi"], pair, 32)
    assert len(rows) == 32
    for row in rows:
        words = [word.strip(",") for word in row.pair.clean.split()]
        assert words.index(row.pair.answer.strip()) == 3
        assert words.index(row.pair.distractor.strip()) == 1
