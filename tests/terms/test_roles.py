"""Rules name a head exactly where their sentence says so; the user has the last word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lensgui.terms.roles import (
    ENOUGH_PAIRS,
    NAMED,
    NO_ROLE,
    ROLES,
    USUAL,
    GivenRole,
    ModelMeasures,
    PairMeasures,
    RoleBounds,
    find_roles,
)

SHAPE = (6, 4)
HEAD = (3, 1)


def zeros():
    return np.zeros(SHAPE, np.float32)


def pair(head=HEAD, **numbers):
    """A pair on which one head has some numbers, and no other has any."""
    found = {name: zeros() for name in ("to_answer", "to_distractor", "to_repeat", "share")}
    for name, number in numbers.items():
        found[name][head] = number
    return PairMeasures(**found)


def model(head=HEAD, **numbers):
    found = {name: zeros() for name in ("previous", "duplicate", "induction", "copying")}
    for name, number in numbers.items():
        found[name][head] = number
    return ModelMeasures(**found)


MOVER = pair(to_answer=0.65, share=0.17)
COPIES = model(copying=0.9)


def names(*args, **kwargs):
    return {head: part.role.name for head, part in find_roles(*args, **kwargs).items()}


@pytest.mark.parametrize(
    ("shown", "of_model", "expected"),
    [
        (MOVER, COPIES, "mover"),
        (pair(to_answer=0.3, share=0.02), model(copying=0.51), "mover"),
        (pair(to_answer=0.29, share=0.17), COPIES, None),
        (pair(to_answer=0.65, share=0.019), COPIES, None),
        (MOVER, model(copying=0.5), None),
        (pair(to_answer=0.81, share=-0.21), model(copying=-0.98), "negative mover"),
        (pair(to_answer=0.81, share=-0.21), model(copying=0.98), None),
        (pair(to_distractor=0.75, share=0.47), model(copying=-0.98), "copy suppression"),
        (pair(to_distractor=0.75, share=-0.01), model(copying=-0.98), None),
        (pair(to_distractor=0.75, share=0.47), model(copying=0.98), None),
        (pair(), model(induction=0.4), "induction"),
        (pair(), model(induction=0.39), None),
        (pair(), model(duplicate=0.6), "duplicate token"),
        (pair(), model(previous=0.9), "previous token"),
        (pair(), model(previous=0.9, induction=0.5), "induction"),
    ],
)
def test_a_rule_names_what_its_sentence_says(shown, of_model, expected):
    assert names(shown, of_model) == ({} if expected is None else {HEAD: expected})


def test_while_copying_is_not_known_nobody_moves():
    unknown = replace(COPIES, copying=np.full(SHAPE, np.nan, np.float32))
    assert names(MOVER, unknown) == {}


def test_what_looks_at_a_repeat_before_a_mover_is_a_candidate():
    mover = (4, 0)
    looks = pair(mover, to_answer=0.6, share=0.2)
    for layer in range(SHAPE[0]):
        looks.to_repeat[layer, 2] = 0.5
    copies = model(mover, copying=0.9)
    found = find_roles(looks, copies)
    candidates = {head for head, part in found.items() if part.role.letter == "S"}
    assert candidates == {(layer, 2) for layer in range(4)}
    assert not any(found[head].is_firm for head in candidates)
    assert names(pair(to_repeat=0.9), COPIES) == {}  # nobody moves anything


@pytest.mark.parametrize(
    ("holding", "total", "is_firm"),
    [(12, 16, True), (11, 16, False), (15, 15, False), (16, 16, True)],
)
def test_a_letter_is_filled_once_the_rule_holds_on_enough_of_enough_pairs(holding, total, is_firm):
    table = [MOVER] * holding + [pair()] * (total - holding)
    part = find_roles(MOVER, COPIES, table)[HEAD]
    assert part.is_firm == is_firm
    assert (part.pairs, part.total) == (holding, total)
    assert part.words == f"mover, on {holding} of {total} pairs"


def test_what_holds_on_the_table_is_named_though_not_on_this_pair():
    assert names(pair(), COPIES, [MOVER] * ENOUGH_PAIRS) == {HEAD: "mover"}
    assert names(pair(), COPIES, [MOVER] * (ENOUGH_PAIRS - 1)) == {}


def test_without_answers_the_model_alone_is_known():
    assert names(None, model(induction=0.9)) == {HEAD: "induction"}


def test_the_user_has_the_last_word():
    given = (GivenRole(*HEAD, "negative mover"), GivenRole(0, 0, "induction"))
    found = find_roles(MOVER, COPIES, given=given)
    assert found[HEAD].role is NAMED["negative mover"]
    assert found[HEAD].words == "negative mover, as you named it"
    assert [role.name for role in found[HEAD].others] == ["mover"]
    assert found[0, 0].is_firm
    assert find_roles(MOVER, COPIES, given=[GivenRole(*HEAD, NO_ROLE)]) == {}


def test_a_mover_of_names_is_a_name_mover():
    assert find_roles(MOVER, COPIES, is_of_names=True)[HEAD].name == "name mover"
    assert find_roles(MOVER, COPIES)[HEAD].name == "mover"


def test_other_numbers_name_other_heads():
    weak = pair(to_answer=0.2, share=0.01)
    assert names(weak, COPIES) == {}
    assert names(weak, COPIES, bounds=RoleBounds(attention=0.1, attribution=0.005)) == {
        HEAD: "mover"
    }


def test_every_rule_can_be_read():
    letters = [role.letter for role in ROLES]
    assert len(set(letters)) == len(letters)
    for role in ROLES:
        words = role.words(USUAL)
        assert words.endswith(".")
        assert "{" not in words
    assert "2 %" in NAMED["mover"].words(USUAL)


@pytest.mark.parametrize("number", [-0.1, 1.5, float("nan")])
def test_numbers_out_of_range_are_refused(number):
    with pytest.raises(ValueError, match="compare with 0 to 1"):
        RoleBounds(attention=number)


def test_a_role_that_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="There is no role 'boss'"):
        GivenRole(0, 0, "boss")
