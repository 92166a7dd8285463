from __future__ import annotations

from PySide6.QtCore import Qt

from lensgui.circuits.questions import PromptPair
from lensgui.panes.prompt import PromptPane
from lensgui.state.document import Document
from tests.panes.conftest import PAIR, answer


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
    assert pane.next["clean"].chips[0].note == "75 %"
    assert pane.difference.text() == "logit difference: clean +1.800, corrupted −6.200"
    assert pane.resolved["answer"].chips[0].text == "·Mary"


def test_an_empty_answer_names_its_default(document, show):
    pane = answer(show(PromptPane()), Document(document.model, PromptPair("a b")))
    assert pane.fields["answer"].placeholderText() == "likeliest: ·likeliest"
    assert pane.fields["distractor"].placeholderText() == "second: ·second"
    assert pane.difference.text() == "logit difference: clean +1.800"


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
    assert pane.warnings.isVisible()
    assert pane.warnings.text() == "The clean prompt ends in a space."
