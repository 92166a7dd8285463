"""What tokens and positions are called: one name for one thing, in every pane."""

from __future__ import annotations

from lensgui.jobs.answers.readings import PairReading, PromptReading, Token
from lensgui.panes.inspector.selection_requests import described
from lensgui.panes.token_text import names, spelled
from lensgui.state.examples import about_pair, examples
from lensgui.state.selection import Cursor
from tests import fakes

PART = "\ufffd"


def pieces(text: str, *sizes: int) -> list[Token]:
    """A character as tokenizers cut it that know bytes only."""
    raw, found, at = text.encode(), [], 0
    for size in sizes:
        found.append(Token(at, PART, raw[at : at + size]))
        at += size
    return found


def test_pieces_of_a_character_are_the_character_and_which_piece():
    tokens = [
        Token(0, "in", b"in"),
        *pieces("国", 2, 1),
        *pieces("é", 1, 1),
        *pieces("😀", 1, 2, 1),
    ]
    assert spelled(tokens) == ["in", "国 ½", "国 2/2", "é ½", "é 2/2", "😀 ⅓", "😀 ⅔", "😀 3/3"]


def test_bytes_that_are_no_character_stay_bytes():
    assert spelled([Token(0, PART, b"\xe5"), Token(1, "a", b"a")]) == ["<0xE5>", "a"]
    assert spelled(pieces("国", 2, 1)[:1]) == ["<0xE5><0x9B>"]
    assert spelled([Token(0, PART, b"")]) == [PART]


def reading_of(text: str) -> PromptReading:
    return PromptReading(fakes.tokens(text))


CLEAN, CORRUPTED = reading_of("When John gave John"), reading_of("When Mary gave John")
PAIR = PairReading(CLEAN, CORRUPTED, (1,))


def test_a_place_where_prompts_differ_has_one_name_in_every_pane():
    for reading in (CLEAN, CORRUPTED):
        axis = fakes.axis("position", [token.text for token in reading.tokens])
        assert names(axis, reading, PAIR) == ["When", "·John|·Mary", "·gave", "·John"]
        assert names(axis, reading)[1] in ("·John", "·Mary")
    place = Cursor(2, 1, 1)
    assert described(place, place, PAIR, 3) == "L2H1, position 1 ‘·John|·Mary’"
    alone = PairReading(CLEAN)
    assert described(place, place, alone, 3) == "L2H1, position 1 ‘·John’"


def test_examples_bear_the_fields_names_and_can_be_told_by_their_pair():
    titles = " ".join(example.title for example in examples())
    for name in ("IOI", "Greater-than", "Docstring", "Induction", "Fact recall"):
        assert name in titles
    for example in examples():
        if example.name != "toy":
            assert about_pair(example.document.pair) == example.about
            assert None not in (example.cursor.layer, example.cursor.head, example.cursor.position)
    assert about_pair(examples()[0].document.having(clean="Other").pair) == ""
