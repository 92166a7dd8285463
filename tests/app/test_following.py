"""Attention and Lens follow a token that the model wrote, until they are let go."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from lensgui.jobs.answers.generation import Continuations
from lensgui.jobs.questions.lens_requests import ReadLens
from lensgui.jobs.requests import AttentionHead
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.generation.generation import WRITTEN, GenerationPane
from lensgui.panes.lens.lens import LensPane
from lensgui.prompts.pair import PairRow
from lensgui.state.views import AttentionView, GenerationView
from lensgui.terms.interventions import Intervention, Site
from tests.windows import pane_of

ZERO = Intervention(Site("z", 2, 1), "zero")


def settled(parts, qtbot, act):
    with qtbot.waitSignal(parts.runner.settled):
        act()


@pytest.fixture
def pane(window, parts, qtbot):
    settled(parts, qtbot, lambda: window.session.edit(interventions=(ZERO,)))
    settled(parts, qtbot, lambda: window.show_pane("Generation"))
    settled(parts, qtbot, lambda: window.selection.move(layer=1, head=2, position=2, source=1))
    return pane_of(window, GenerationPane)


@pytest.fixture
def attention(window, pane):
    return pane_of(window, AttentionPane)


def select(pane, of, token):
    text = pane.texts[of]
    QTest.mouseClick(text, Qt.MouseButton.LeftButton, pos=text.place_of(token).center().toPoint())


def asked(pane, name="head"):
    reply = pane.reply(name)
    return None if reply is None else reply.request


def ids(pane, of, count):
    found = pane.answer(WRITTEN, Continuations)
    side = (found.without, found.under)[of]
    return tuple(one.token.id for one in side.tokens[:count])


def bar(window, title="Attention"):
    button = window.docks[title].bar.written
    return button.text() if button.isVisible() else ""


def test_attention_shows_the_run_up_to_the_token_that_is_selected(
    window, parts, pane, attention, qtbot
):
    prompt = window.session.document.pair
    settled(parts, qtbot, lambda: select(pane, 1, 3))
    more = ids(pane, 1, 4)
    expected = replace(prompt, more=more)
    assert "Run under interventions." in window.docks["Attention"].bar.written.toolTip()
    assert asked(attention) == AttentionHead(
        asked(attention).model, expected, ((1, 2),), hide_first=asked(attention).hide_first
    )
    assert asked(attention, "grid").pair == asked(attention, "pair").pair == expected
    length = pane.answer(WRITTEN, Continuations).prompt
    assert len(attention.slice.axes[0]) == length + 4
    assert attention._cursor.position == length + 3
    assert bar(window) == "prompt + 4 written · show the prompt"
    # all else stays where it was
    assert window.session.document.pair == prompt
    assert window.selection.cursor.position == 2
    assert len(window.panes["Prompt"].reading.clean.tokens) == length
    others = [
        reply.request
        for (title, _), reply in parts.runner.replies.items()
        if title not in ("Attention", "Lens", "")
    ]
    assert not any(getattr(getattr(of, "pair", None), "more", ()) for of in others)


def test_keys_move_it_on_and_esc_goes_back(window, parts, pane, attention, qtbot):
    before = asked(attention)
    settled(parts, qtbot, lambda: select(pane, 1, 0))
    settled(parts, qtbot, lambda: QTest.keyClick(pane.texts[1], Qt.Key.Key_Right))
    assert asked(attention).pair.more == ids(pane, 1, 2)
    QTest.keyClick(pane.texts[1], Qt.Key.Key_Escape)
    assert pane.texts[1].chosen is None
    assert asked(attention) == before
    assert (bar(window), attention._cursor) == ("", window.selection.cursor)
    select(pane, 1, 1)  # and the same again
    assert asked(attention).pair.more == ids(pane, 1, 2)


def test_the_text_without_interventions_is_followed_plainly(window, parts, pane, attention, qtbot):
    settled(parts, qtbot, lambda: select(pane, 0, 3))
    prompt = window.session.document.pair
    assert asked(attention).pair == replace(prompt.plain, more=ids(pane, 0, 4))
    assert "Run without interventions." in window.docks["Attention"].bar.written.toolTip()
    settled(parts, qtbot, lambda: select(pane, 1, 3))
    assert asked(attention).pair.interventions == (ZERO,)
    window.setFocus()
    qtbot.keyPress(window, Qt.Key.Key_B)
    assert asked(attention).pair == replace(prompt.plain, more=ids(pane, 1, 4))
    qtbot.keyRelease(window, Qt.Key.Key_B)
    assert asked(attention).pair == replace(prompt, more=ids(pane, 1, 4))


@pytest.mark.parametrize(
    "changes", [{"clean": "When Paul and Mary went"}, {"generation": GenerationView("corrupted")}]
)
def test_another_prompt_goes_back(window, parts, pane, attention, changes, qtbot):
    settled(parts, qtbot, lambda: select(pane, 1, 3))
    settled(parts, qtbot, lambda: window.session.edit(**changes))
    assert asked(attention).pair == window.session.document.pair
    assert bar(window) == ""
    assert attention._cursor.position == window.selection.cursor.position


def test_another_strength_goes_back_until_the_text_is_written_anew(
    window, parts, pane, attention, qtbot
):
    settled(parts, qtbot, lambda: select(pane, 1, 3))
    other = Intervention(Site("z", 2, 1), "scale", strength=0.5)
    with qtbot.waitSignal(parts.runner.settled):
        window.session.edit(interventions=(other,))
        assert asked(attention).pair == window.session.document.pair
    expected = replace(window.session.document.pair, more=ids(pane, 1, 4))
    qtbot.waitUntil(lambda: asked(attention).pair == expected)


def test_where_generation_is_not_seen_nothing_is_followed(window, parts, pane, attention, qtbot):
    settled(parts, qtbot, lambda: select(pane, 1, 3))
    settled(parts, qtbot, lambda: window.show_pane("Inspector"))
    qtbot.waitUntil(lambda: asked(attention).pair == window.session.document.pair)
    assert (bar(window), pane.texts[1].chosen) == ("", None)


def test_the_title_has_the_way_back(window, parts, pane, attention, qtbot):
    settled(parts, qtbot, lambda: select(pane, 0, 1))
    assert bar(window) == "prompt + 2 written · show the prompt"
    window.docks["Attention"].bar.written.click()
    assert asked(attention).pair == window.session.document.pair
    assert (bar(window), pane.texts[0].chosen) == ("", None)
    assert not window.session.undo_stack.undoText().startswith("average")


def test_more_tokens_leave_it_where_it_is(window, parts, pane, attention, qtbot):
    settled(parts, qtbot, lambda: select(pane, 1, 3))
    before = asked(attention)
    settled(parts, qtbot, pane.controls.more.click)
    assert asked(attention) == before


def test_the_corrupted_prompt_is_followed_where_it_goes_on(window, parts, pane, attention, qtbot):
    document = window.session.document
    view = AttentionView("difference")
    settled(
        parts,
        qtbot,
        lambda: window.session.edit(generation=GenerationView("corrupted"), attention=view),
    )
    settled(parts, qtbot, lambda: select(pane, 1, 2))
    more = {"more": ids(pane, 1, 3), "more_behind": "corrupted"}
    assert (asked(attention).pair, asked(attention).side) == (
        replace(document.pair, **more),
        "corrupted",
    )
    attention.hide_first.click()  # the side that is shown meanwhile is not written down
    assert window.session.document.views.attention == replace(
        view, hides_first=not view.hides_first
    )
    settled(parts, qtbot, lambda: attention.side.chosen.emit({"side": "clean"}))
    assert (asked(attention).pair, asked(attention).side) == (document.pair, "clean")
    assert pane.texts[1].chosen is None


def test_clicks_in_a_pane_that_follows_stay_with_the_prompt(window, parts, pane, attention, qtbot):
    settled(parts, qtbot, lambda: select(pane, 1, 3))
    length = pane.answer(WRITTEN, Continuations).prompt
    attention.picked.emit({"position": length + 1, "source": 0})
    assert (window.selection.cursor.position, window.selection.cursor.source) == (2, 1)
    attention.picked.emit({"position": 1, "source": 0})
    assert (window.selection.cursor.position, window.selection.cursor.source) == (1, 0)
    assert attention._cursor.position == length + 3
    settled(parts, qtbot, lambda: attention.picked.emit({"layer": 2, "head": 0}))
    assert asked(attention).heads == ((2, 0),)
    assert asked(attention).pair.more


def test_means_are_not_followed(window, parts, pane, attention, qtbot):
    window.session.edit(table=_table(window), is_average=True)
    settled(parts, qtbot, lambda: select(pane, 0, 1))
    assert asked(attention, "grid").rows
    assert not asked(attention, "pair").pair.more
    assert bar(window) == ""


def _table(window):
    return tuple(PairRow(replace(window.session.document.pair, interventions=())) for _ in range(2))


def test_the_lens_follows_and_what_is_taken_home_says_so(window, parts, pane, qtbot):
    settled(parts, qtbot, lambda: select(pane, 1, 3))
    settled(parts, qtbot, lambda: window.show_pane("Lens"))
    lens = pane_of(window, LensPane)
    assert isinstance(asked(lens, "clean"), ReadLens)
    assert asked(lens, "clean").pair.more == ids(pane, 1, 4)
    length = pane.answer(WRITTEN, Continuations).prompt
    assert asked(lens, "selected").only == length + 3
    assert bar(window, "Lens") == "prompt + 4 written · show the prompt"
    window.docks["Lens"].bar.copy.click()
    assert f"more={ids(pane, 1, 4)}" in QGuiApplication.clipboard().text()
    captions = [of.figure.caption for of in parts.commands.exporting.pictures()]
    assert any("and 4 written tokens." in said for said in captions)
