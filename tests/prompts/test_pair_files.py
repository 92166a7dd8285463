"""Tables of pairs are read from text, and what can't be read is said in one sentence."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensgui.prompts import pair_files
from lensgui.prompts.pair import TYPED, PairRow, PromptPair, Role
from tests.counting import calls

LINES = 'clean,corrupted,answer,distractor\n"When, John",When Mary, Mary, John\n'
PAIR = PromptPair("When, John", "When Mary", " Mary", " John")


def test_csv_with_a_heading_keeps_spaces_and_commas():
    assert pair_files.read_text(LINES, "x") == (PairRow(PAIR),)


def test_columns_may_stand_in_any_order_and_others_are_ignored():
    text = "id;answer;corrupted;clean\n7; yes;b c;a c\n"
    assert pair_files.read_text(text, "x") == (PairRow(PromptPair("a c", "b c", " yes")),)


def test_pasted_lines_need_no_heading():
    rows = pair_files.read_text("a c\tb c\t yes\t no\n\nd\te\n", "x")
    assert [row.pair.clean for row in rows] == ["a c", "d"]
    assert rows[0].pair.distractor == " no"


def test_json_may_name_roles():
    entry = {"clean": "John ran", "corrupted": "Mary ran", "roles": {"S1": 4}}
    for held in ([entry], {"pairs": [entry]}):
        (row,) = pair_files.read_text(json.dumps(held), "x")
        assert row == PairRow(PromptPair("John ran", "Mary ran"), (Role("S1", 4),))


def test_what_is_written_can_be_read():
    rows = (PairRow(PAIR), PairRow(PromptPair('a "b"\nc', "x\ty", " é", "|")))
    assert pair_files.read_text(pair_files.write_text(rows), "x") == rows


@st.composite
def tables(draw):
    """Rows of any text that is not blank, some with roles, some left out."""
    texts = st.text(st.characters(codec="utf-8", exclude_characters="\0")).filter(str.strip)
    rows = []
    for clean, corrupted, answer, distractor in draw(
        st.lists(st.tuples(texts, texts, texts | st.just(""), texts | st.just("")), min_size=1)
    ):
        ends = draw(st.dictionaries(st.text(), st.integers(1, len(clean)), max_size=3))
        roles = tuple(Role(name, end) for name, end in ends.items())
        pair = PromptPair(clean, corrupted, answer, distractor)
        rows.append(PairRow(pair, roles, draw(st.booleans())))
    return tuple(rows)


@given(tables())
def test_roles_and_inclusion_are_written_and_read_back(rows):
    assert pair_files.read_text(pair_files.write_text(rows), "x") == rows
    entries = [
        {
            **{column: getattr(row.pair, column) for column in TYPED},
            "roles": {role.name: role.end for role in row.roles},
            "included": row.is_included,
        }
        for row in rows
    ]
    assert pair_files.read_text(json.dumps(entries), "x") == rows


def test_columns_that_say_nothing_are_not_written():
    rows = (PairRow(PAIR), PairRow(PAIR, (Role("S1", 4),)))
    heading = [pair_files.write_text(some).splitlines()[0] for some in (rows[:1], rows)]
    assert heading == [LINES.splitlines()[0], LINES.splitlines()[0] + ",roles"]


@pytest.mark.parametrize(("word", "is_included"), [("", True), (" Yes", True), ("FALSE", False)])
def test_inclusion_may_be_spelled_in_several_ways(word, is_included):
    text = f"clean,corrupted,included\na,b,{word}\n"
    assert pair_files.read_text(text, "x") == (PairRow(PromptPair("a", "b"), (), is_included),)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "x is empty"),
        (" \n ", "x is empty"),
        ("clean,corrupted\n", "no pairs below its first line"),
        ("clean,answer\na,b\n", "no column corrupted"),
        ("prose without any mark", "single column"),
        ("clean,corrupted\na\n", "Line 2 of x has 1 columns and not 2"),
        ("clean,corrupted\na,b,c\n", "Line 2 of x has 3 columns and not 2"),
        ("clean,corrupted\na,\n", "Line 2 of x has no corrupted prompt"),
        ('clean,corrupted\n"a,b\n', "can't be split into columns"),
        ("[1, 2", "not sound JSON in line 1"),
        ("[" * 100_000, "not sound JSON"),
        ('{"rows": []}', "no list of pairs"),
        ("[]", "no pairs"),
        ("[3]", "Pair 1 of x is not an object"),
        ('[{"clean": "a"}]', "Pair 1 of x has no corrupted"),
        ('[{"clean": "a", "corrupted": 5}]', "a corrupted that is not text"),
        ('[{"clean": "a", "corrupted": "b", "roles": {"S": 9}}]', "roles that are not ends"),
        ('[{"clean": "a", "corrupted": "b", "roles": []}]', "roles that are not ends"),
        ("clean,corrupted,roles\na,b,S1\n", "Line 2 of x has roles that are not ends"),
        ('clean;corrupted;roles\na;b;"{""S1"": 2}"\n', "Line 2 of x has roles that are not ends"),
        ("clean,corrupted,included\na,b,maybe\n", "Line 2 of x does not say whether"),
        ('[{"clean": "a", "corrupted": "b", "included": 7}]', "Pair 1 of x does not say whether"),
        ("a,b\n" * (pair_files.MOST_ROWS + 1), "more than 20,000 pairs"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(text, match):
    with pytest.raises(ValueError, match=match) as caught:
        pair_files.read_text(text, "x")
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("raw", "match"),
    [
        (LINES.encode("utf-16"), "pairs.csv is written in UTF-16: save it as UTF-8"),
        (LINES.replace("John", "Jörg").encode("latin-1"), "not UTF-8 in line 2"),
        (b"\x89PNG\0\0\1", "not a text file"),
        (b"", "pairs.csv is empty"),
    ],
)
def test_files_in_the_wrong_encoding_are_named(raw, match, tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=match):
        pair_files.read_pairs(path)


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text(LINES, encoding="utf-8-sig")
    assert pair_files.read_pairs(path) == (PairRow(PAIR),)
    with pytest.raises(ValueError, match=r"none\.csv can't be read"):
        pair_files.read_pairs(tmp_path / "none.csv")


def test_ten_thousand_rows_take_ten_times_the_work_of_a_thousand():
    def read(count):
        text = LINES + '"When, John",When Mary, Mary, John\n' * (count - 1)
        assert len(pair_files.read_text(text, "x")) == count

    assert calls(lambda: read(10_000)) <= 10 * calls(lambda: read(1000))
