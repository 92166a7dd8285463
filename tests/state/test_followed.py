"""What panes show that follow a written token, and what a user means who sets them meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lensgui.jobs.questions.generation_requests import asked_of
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.state.document import Document
from lensgui.state.followed import Followed, written_behind
from lensgui.state.selection import Cursor
from lensgui.state.views import AttentionView, GenerationView, LensView
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.model_key import ModelKey

ZERO = Intervention(Site("z", 1, 0), "zero")
PAIR = PromptPair("one two three", "one six three", " a", " b", interventions=(ZERO,))
DOCUMENT = Document(ModelKey("fake"), PAIR)


def followed(document=DOCUMENT, *, is_under=True):
    return Followed(asked_of(written_behind(document)).beginning, is_under, (5, 9), 3)


def test_the_prompt_ends_with_the_token():
    shown = followed().document(DOCUMENT)
    assert shown.pair == replace(PAIR, more=(5, 9))
    assert shown.views == DOCUMENT.views
    plainly = followed(is_under=False).document(DOCUMENT)
    assert plainly.pair == replace(PAIR.plain, more=(5, 9))
    cursor = Cursor(1, 0, 2, 1)
    assert followed().cursor(cursor) == Cursor(1, 0, 4)


@pytest.mark.parametrize("is_under", [False, True])
@pytest.mark.parametrize("own", ["clean", "corrupted"])
def test_panes_read_the_prompt_that_goes_on(own, is_under):
    document = DOCUMENT.having(generation=GenerationView(own))
    for side in ("clean", "corrupted", "difference", "clean change", "corrupted change"):
        one = document.having(attention=AttentionView(side), lens=LensView(side=side))
        shown = followed(document, is_under=is_under).document(one)
        stays = side == own or (is_under and side == f"{own} change")
        assert {shown.views.attention.side, shown.views.lens.side} == {side if stays else own}
        assert shown.pair.more_behind == own
        (prompt,) = {p for p in (shown.pair.clean_prompt, shown.pair.corrupted_prompt) if p.more}
        assert prompt.text == getattr(PAIR, own)


def test_it_is_of_its_question_however_many_tokens_are_asked_for():
    one = followed()
    assert one.is_of(DOCUMENT.having(generation=GenerationView(count=40)))
    assert one.is_of(DOCUMENT.having(answer=" c", metric="rank"))
    others = [
        DOCUMENT.having(clean="one two"),
        DOCUMENT.having(interventions=()),
        DOCUMENT.having(generation=GenerationView("corrupted")),
        DOCUMENT.having(generation=GenerationView(temperature=1.0)),
        replace(DOCUMENT, model=ModelKey("other")),
    ]
    assert not any(map(one.is_of, others))


def test_a_pane_selects_positions_of_the_prompt_alone():
    one = followed()
    assert one.picked({"layer": 1, "position": 2}) == {"layer": 1, "position": 2}
    assert one.picked({"layer": 1, "head": 0, "position": 3}) == {"layer": 1, "head": 0}
    assert one.picked({"position": 4, "source": 1}) == {}
    assert one.picked({"position": None}) == {"position": None}


def test_the_side_that_is_shown_meanwhile_is_not_what_the_user_chose():
    document = DOCUMENT.having(attention=AttentionView("difference"))
    one, shown = followed(), followed().document(document)
    hidden = replace(shown.views.attention, hides_first=False)
    kept = {"attention": AttentionView("difference", hides_first=False)}
    assert one.meant(document, {"attention": hidden}) == (kept, True)
    change = {"attention": replace(hidden, side="clean change")}
    assert one.meant(document, change) == (change, True)
    other = {"attention": replace(hidden, side="corrupted")}
    assert one.meant(document, other) == (other, False)
    assert one.meant(document, {"clean": "x"}) == ({"clean": "x"}, True)


def test_rows_of_a_table_have_nothing_behind_them():
    row = PairRow(PAIR)
    assert row.under(()).pair.more == ()
