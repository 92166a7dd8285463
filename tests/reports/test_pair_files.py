"""Tables of pairs with half characters or huge numbers: one sentence that says where."""

from __future__ import annotations

import pytest

from lensgui.prompts.pair_files import read_text

HUGE = "9" * 6000
PAIR = '"clean": "a", "corrupted": "b"'


@pytest.mark.parametrize("column", ["clean", "corrupted", "answer", "distractor"])
def test_half_a_character_is_refused_where_it_is_read(column):
    texts = {"clean": "a", "corrupted": "b", column: r"c\ud83d"}
    text = ", ".join(f'"{name}": "{value}"' for name, value in texts.items())
    with pytest.raises(ValueError, match=rf"^Pair 2 of x\.json has half .*D83D.* in its {column}"):
        read_text(f"[{{{PAIR}}}, {{{text}}}]", "x.json")


def test_a_whole_character_of_two_halves_is_read():
    (row,) = read_text(r'[{"clean": "\ud83d\ude00", "corrupted": "b"}]', "x.json")
    assert row.pair.clean == "\N{GRINNING FACE}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (rf'[{{{PAIR}, "roles": {{"\ud800": 1}}}}]', "Pair 1 of x has half a character .* roles"),
        (f'[{{{PAIR}, "roles": [1]}}]', "Pair 1 of x has roles that are not"),
        (f'[{{{PAIR}, "roles": {{"S": {HUGE}}}}}]', "x is not sound JSON: check its numbers"),
        (f'{{"pairs": [{HUGE}]}}', "x is not sound JSON: check its numbers"),
        (f'[{{{PAIR}, "included": {HUGE}}}]', "x is not sound JSON: check its numbers"),
        (f'[{{{PAIR}, "roles": {{"S": {HUGE[:400]}}}}}]', "Pair 1 of x has roles that are not"),
        (f'clean,corrupted,roles\na,b,"{{""S"": {HUGE}}}"', "Line 2 of x has roles that are not"),
    ],
)
def test_huge_numbers_and_odd_roles_are_named(text, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        read_text(text, "x")
    assert len(str(caught.value)) < 250
