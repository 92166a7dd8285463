from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette, QTextCursor
from PySide6.QtWidgets import QDialogButtonBox

from lensgui.jobs.answers.readings import PairReading
from lensgui.panes.prompt.message_line import MessageLine
from lensgui.panes.prompt.prompt import PromptPane
from lensgui.panes.prompt.replace_dialog import ReplaceDialog, replaced, swapped
from lensgui.prompts.pair import PromptPair
from lensgui.prompts.tasks import TASKS
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.metrics import METRICS
from tests.answering import last
from tests.fakes import FakeAnswerer
from tests.panes.conftest import PAIR, answer, in_session, tell
from tests.pictures import draws

OFFSCREEN_POPUPS = pytest.mark.qt_log_ignore("plugin does not support (raise|grabbing)")


def test_the_prompt_pane_shows_tokens_next_tokens_and_the_metric(document, show):
    pane = answer(show(PromptPane(), 900, 220), document)
    assert [chip.text for chip in pane.tokens["clean"].row.chips] == [
        "When",
        "·John",
        "·and",
        "·Mary",
        "·went",
    ]
    assert [chip.is_marked for chip in pane.tokens["corrupted"].row.chips] == [
        False,
        True,
        False,
        False,
        False,
    ]
    assert "position 1" in pane.tokens["clean"].row.chips[1].hover
    assert "id " in pane.tokens["clean"].row.chips[1].hover
    assert pane.next["clean"].chips[0].detail == "75 %"
    assert pane.difference.text() == "clean +1.800, corrupted −6.200 logits"
    assert pane.resolved["answer"].chips[0].text == "·Mary"


def test_an_empty_answer_names_its_default(document, show):
    pane = answer(show(PromptPane()), Document(document.model, PromptPair("a b")))
    assert pane.fields["answer"].placeholderText() == "likeliest: ·likeliest"
    assert pane.fields["distractor"].placeholderText() == "second: ·second"
    assert pane.difference.text() == "clean +1.800 logits"


def test_typing_tells_the_whole_text(document, show, qtbot):
    pane = answer(show(PromptPane()), document)
    with qtbot.waitSignal(pane.edited) as edited:
        qtbot.keyClicks(pane.editors["clean"], "!")
    assert edited.args == [{"clean": PAIR.clean + "!"}]
    with qtbot.waitSignal(pane.edited) as edited:
        qtbot.keyClicks(pane.fields["answer"], "s")
    assert edited.args == [{"answer": " Marys"}]


def test_showing_a_document_tells_nothing(document, show, qtbot):
    pane = show(PromptPane())
    with qtbot.assertNotEmitted(pane.edited):
        pane.show_document(document)
        pane.show_document(Document(document.model, PromptPair("x\ny", "z")))


def test_swap_exchanges_prompts_and_answers(document, show, qtbot):
    pane = answer(show(PromptPane()), document)
    with qtbot.waitSignal(pane.edited) as edited:
        pane.swap.click()
    changes = edited.args[0]
    assert document.having(**changes).pair == PromptPair(
        PAIR.corrupted, PAIR.clean, " John", " Mary"
    )


def test_bos_is_none_the_tokenizers_or_another(document, show, qtbot):
    pane = answer(show(PromptPane()), document)
    assert [pane.bos.itemData(at) for at in range(pane.bos.count())] == [False, True, "<|other|>"]
    with qtbot.waitSignal(pane.edited) as edited:
        pane.bos.setCurrentIndex(2)
        pane.bos.activated.emit(2)
    assert edited.args == [{"bos": "<|other|>"}]


def test_clicking_a_token_selects_its_position(document, show, qtbot):
    pane = answer(show(PromptPane(), 900, 220), document)
    row = pane.tokens["clean"].row
    with qtbot.waitSignal(pane.picked) as picked:
        qtbot.mouseClick(row, Qt.MouseButton.LeftButton, pos=row.place_of(2).center().toPoint())
    assert picked.args == [{"position": 2}]


def test_warnings_are_listed(document, show):
    pane = answer(show(PromptPane()), Document(document.model, PromptPair("a b ")))
    assert pane.remarks.label.text() == "The clean prompt ends in a space."
    assert pane.remarks.label.foregroundRole() == QPalette.ColorRole.BrightText


def test_prompts_of_different_lengths_are_aligned_and_words_that_fit_are_offered(
    document, show, qtbot
):
    longer = document.having(corrupted="When Mary Ann and Mary went")
    pane = show(PromptPane(), 900, 220)
    with qtbot.waitSignal(pane.altered):
        answer(pane, longer)
    clean, corrupted = (pane.tokens[side].row.chips for side in ("clean", "corrupted"))
    assert [chip.is_marked for chip in clean] == [False, True, False, False, False]
    assert [chip.detail for chip in corrupted] == ["", "", "+", "", "", ""]
    line = pane.remarks
    assert not line.fitting.chips
    assert line.drop.isVisible()
    answer(pane, longer)
    assert line.fitting.chips[0].text == "other"
    with qtbot.waitSignal(pane.edited) as edited:
        line.fitting.clicked.emit(0)
    assert edited.args == [{"corrupted": PAIR.clean + "!"}]
    with qtbot.waitSignal(pane.edited) as edited:
        line.drop.click()
    assert edited.args == [{"corrupted": ""}]
    answer(pane, document)
    pane.show_reply("fitting", None)
    assert not line.fitting.chips
    assert not line.drop.isVisible()
    assert "fitting" not in pane.requests(document, Cursor())


def test_names_are_swapped(document, show, qtbot):
    pair = PromptPair("When John and Mary went, John ran", "", " Mary", " John")
    pane = answer(show(PromptPane()), Document(document.model, pair))
    with qtbot.waitSignal(pane.edited) as edited:
        pane.names.click()
    assert edited.args == [{"corrupted": "When Mary and John went, Mary ran"}]


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        (PromptPair("A John saw Mary", "A Mary saw Mary"), "A Mary saw John"),
        (PromptPair("John saw Mary", "", " Mary", " John"), "Mary saw John"),
        (PromptPair("John saw Johnny", "", " John", " Johnny"), "Johnny saw John"),
        (PromptPair("John saw him", "", " Mary", " John"), None),
        (PromptPair("the city", "the town"), None),
        (PromptPair("a b"), None),
    ],
)
def test_which_names_are_swapped(pair, expected):
    assert swapped(pair) == expected


@pytest.mark.parametrize(
    ("old", "new", "only_last", "expected"),
    [
        ("a", "b", False, "b cbt b"),
        ("a", "b", True, "a cat b"),
        ("x", "b", True, "a cat a"),
        ("", "b", False, "a cat a"),
    ],
)
def test_replacing_words(old, new, only_last, expected):
    assert replaced("a cat a", old, new, only_last=only_last) == expected


def test_the_corrupted_prompt_is_made_by_replacing(document, show, qtbot):
    pane = answer(show(PromptPane()), document)
    pane.replace.click()
    dialog = pane.findChild(ReplaceDialog)
    button = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
    qtbot.keyClicks(dialog.old, "Joan")
    assert dialog.result_label.text() == "The clean prompt has no “Joan”."
    assert not button.isEnabled()
    dialog.old.setText("John")
    qtbot.keyClicks(dialog.new, "Kate")
    assert dialog.result_label.text() == "When Kate and Mary went"
    assert dialog.counts.text() == ""  # until they are read
    request = pane.requests(document, Cursor())["considered"]
    assert request.pair.corrupted == "When Kate and Mary went"
    reading = last(FakeAnswerer().answer(request))
    tell(pane, "considered", reading, request=request)
    expected = reading.corrupted.top[0].token
    assert dialog.counts.text().startswith("clean 5, corrupted 5 tokens: as many tokens · next ")
    with qtbot.waitSignal(pane.edited) as edited:
        button.click()
    assert edited.args == [{"corrupted": "When Kate and Mary went", "distractor": expected.text}]
    assert "considered" not in pane.requests(document, Cursor())


@pytest.mark.parametrize("has_failed", [False, True])
def test_the_dialog_waits_for_the_distractor_that_it_is_to_take(document, show, qtbot, has_failed):
    pane, edited = answer(show(PromptPane()), document), []
    pane.edited.connect(edited.append)
    pane.editors["clean"].selectAll()
    pane.replace.click()
    dialog = pane.findChild(ReplaceDialog)
    dialog.new.setText("When Kate and Mary went")
    dialog.buttons.button(QDialogButtonBox.StandardButton.Ok).click()
    assert edited == []
    request = pane.requests(document, Cursor())["considered"]
    first, *_, whole = FakeAnswerer().answer(request)
    tell(pane, "considered", first, "partial", request=request)
    assert edited == []
    if has_failed:
        tell(pane, "considered", None, "failed", "It is too long.", request=request)
    else:
        tell(pane, "considered", whole, request=request)
    made = {"corrupted": "When Kate and Mary went"}
    if not has_failed:
        made["distractor"] = whole.corrupted.top[0].token.text
    assert edited == [made]


def test_the_dialog_asks_at_once_about_words_that_are_merely_taken_out(document, show):
    pane = answer(show(PromptPane()), document)
    cursor = pane.editors["clean"].textCursor()
    cursor.setPosition(0)
    cursor.setPosition(5, QTextCursor.MoveMode.KeepAnchor)
    pane.editors["clean"].setTextCursor(cursor)
    pane.replace.click()
    considered = pane.requests(document, Cursor())["considered"]
    assert considered.pair.corrupted == document.pair.clean[5:]


def test_the_dialog_says_that_there_are_too_many_tokens_and_may_leave_the_distractor(
    document, show, qtbot
):
    pane = answer(show(PromptPane()), document)
    pane.replace.click()
    dialog = pane.findChild(ReplaceDialog)
    dialog.old.setText("John")
    dialog.new.setText("Kate Ann")
    request = pane.requests(document, Cursor())["considered"]
    tell(pane, "considered", last(FakeAnswerer().answer(request)), request=request)
    assert "clean 5, corrupted 6 tokens: not as many" in dialog.counts.text()
    assert dialog.counts.foregroundRole() == QPalette.ColorRole.BrightText
    dialog.takes_distractor.setChecked(False)
    with qtbot.waitSignal(pane.edited) as edited:
        dialog.buttons.button(QDialogButtonBox.StandardButton.Ok).click()
    assert edited.args == [{"corrupted": "When Kate Ann and Mary went"}]


def test_a_metric_is_chosen_with_its_unit_for_the_table_too(document, show, qtbot):
    rows = TASKS[0].draw(2)
    document = replace(document, table=rows)
    pane = answer(show(PromptPane()), document)
    measure = pane.answers.measure
    assert [measure.itemText(at) for at in range(measure.count())] == list(METRICS)
    with qtbot.waitSignal(pane.edited) as edited:
        measure.activated.emit(3)
    after = document.having(**edited.args[0])
    assert after.pair.metric == "log-probability"
    assert {row.pair.metric for row in after.table} == {"log-probability"}
    answer(pane, after)
    assert pane.difference.text() == "clean +1.800, corrupted −6.200 nats"
    assert measure.toolTip().endswith(".")


def test_surprisal_colours_chips_on_demand_with_a_scale(document, show):
    pane = answer(show(PromptPane()), document)
    clean = replace(pane.reading.clean, surprisals=(None, 8.0, 0.5, 40.0, 2.0))
    tell(pane, "pair", replace(pane.reading, clean=clean))
    chips = pane.tokens["clean"].row.chips
    assert [chip.tint for chip in chips] == [None] * 5
    assert pane.switch.scale.isHidden()
    assert "probability 0.707 · surprisal 0.50 bits" in chips[2].hover
    assert "surprisal" not in chips[0].hover
    session = in_session(pane, document)
    pane.surprisal.click()
    tints = [chip.tint for chip in pane.tokens["clean"].row.chips]
    assert tints == [None, 0.5, 0.03125, 1, 0.125]
    assert pane.switch.scale.isVisible()
    session.undo_stack.undo()
    assert [chip.tint for chip in pane.tokens["clean"].row.chips] == [None] * 5
    assert pane.switch.scale.isHidden()


def test_averaging_is_said(document, show):
    rows = TASKS[0].draw(3)
    pane = answer(show(PromptPane()), replace(document, table=rows, is_average=True))
    label = pane.remarks.label
    assert "Panes average over 3 pairs of the table" in label.text()
    assert label.foregroundRole() == QPalette.ColorRole.PlaceholderText


def test_the_first_sentence_is_read_and_the_others_are_counted(show):
    line = show(MessageLine())
    line.show_sentences(("One thing is wrong.", "Another too."), ("And this is so.",))
    assert line.label.text() == "One thing is wrong. (and 2 more)"
    assert line.label.accessibleDescription().splitlines()[2] == "And this is so."
    line.show_sentences((), ())
    assert line.label.text() == ""


LONG = " ".join(["word"] * 60)


@pytest.mark.parametrize(
    "pair",
    [
        PromptPair(""),
        PromptPair("a"),
        PromptPair(LONG),
        PromptPair(LONG, LONG + " more"),
        PromptPair("a\nb\nc\nd", "a b "),
        PromptPair("When Mary and Mary went", "When Mary and Mary went to"),
    ],
)
def test_no_text_and_no_answer_changes_the_height_of_anything(document, show, pair):
    pane = show(PromptPane(), 900, 230)
    parts = (*pane.editors.values(), *pane.tokens.values(), pane.answers, pane.remarks)
    before = [part.geometry() for part in parts]
    hints = pane.sizeHint().height(), pane.minimumSizeHint().height()
    other = Document(document.model, pair)
    pane.show_document(other)
    for _ in range(2):
        answer(pane, other)
        assert [part.geometry() for part in parts] == before
    assert (pane.sizeHint().height(), pane.minimumSizeHint().height()) == hints


def test_folded_prompts_are_told_in_one_line(document, show):
    pane, told = show(PromptPane()), []
    pane.summarised.connect(told.append)
    answer(pane, document)
    assert told[-1].startswith("·John → ·Mary")
    assert told[-1].endswith("clean +1.800, corrupted −6.200 logits")


def test_under_interventions_chips_and_metric_say_what_was_before(document, show):
    off = Intervention(Site("z", 1, 1), "zero")
    pane = answer(show(PromptPane(), 1400, 220), document.having(interventions=(off,)))
    chips = pane.next["clean"].chips
    assert [chip.detail for chip in chips] == ["75 % (−19)", "12 % (+12)"]
    assert "(75 % under interventions; 94 % without)" in chips[0].hover
    whole = "clean +1.800 (was +4.100), corrupted −6.200 (was −7.250) logits"
    assert pane.difference.text() == whole
    assert whole in pane.difference.toolTip()
    assert "and +4.100 without interventions" in pane.shown()[0].says
    answer(pane, document)
    assert [chip.detail for chip in pane.next["clean"].chips] == ["75 %", "12 %"]
    assert pane.difference.text() == "clean +1.800, corrupted −6.200 logits"
    assert "was" not in pane.difference.toolTip()


def test_a_metric_without_room_for_both_says_what_it_is_now(document, show):
    off = Intervention(Site("z", 1, 1), "zero")
    pane = answer(show(PromptPane(), 1400, 220), document)
    line = pane.difference
    line.setFixedWidth(line.fontMetrics().horizontalAdvance(line.text()) + 4)
    before = draws(line)
    answer(pane, document.having(interventions=(off,)))
    assert draws(line) == before
    line.setFixedWidth(line.fontMetrics().horizontalAdvance(line.text()) + 4)
    assert draws(line) != before


def test_what_failed_is_said_in_the_place_of_remarks(document, show):
    under = document.having(interventions=(Intervention(Site("z", 1, 0), "zero"),))
    pane = answer(show(PromptPane(), 1200, 260), under)
    where = pane.remarks.geometry()
    assert pane.remarks.isVisible()
    tell(pane, "pair", None, "failed", "The prompt has 9001 tokens: shorten it.")
    assert not pane.remarks.isVisible()
    assert pane.message.isVisible()
    tell(pane, "pair", pane.answer("pair", PairReading))
    assert pane.remarks.isVisible()
    assert pane.remarks.geometry() == where
