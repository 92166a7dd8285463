"""Words of a table are named by hand, or as their answers suggest."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QDialog

from lensgui.panes.pairs.pair_table import PairTablePane
from lensgui.panes.pairs.word_roles import WordRoles, named, suggested
from lensgui.prompts.pair import PairRow, PromptPair, Role, words_of
from lensgui.prompts.tasks import TASKS
from tests.panes.conftest import answer
from tests.pictures import draws

IOI = PairRow(
    PromptPair(
        "When John and Mary went to the store, John gave a drink to",
        "When John and Mary went to the store, Mary gave a drink to",
        " Mary",
        " John",
    )
)
LONGER = PairRow(
    PromptPair("Then Ann and Tom went to the old store, Ann gave a drink to", "", " Tom", " Ann")
)
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


def said(row):
    return {role.name: row.pair.clean[: role.end].split()[-1].strip(",") for role in row.roles}


def test_answers_suggest_what_words_are_called():
    assert said(suggested(IOI)) == {"S1": "John", "IO": "Mary", "S2": "John", "end": "to"}
    assert said(suggested(LONGER)) == {"S1": "Ann", "IO": "Tom", "S2": "Ann", "end": "to"}
    by_hand = named(IOI, 0, "start")
    assert suggested(by_hand) is by_hand
    assert suggested(PairRow(PromptPair(""))) == PairRow(PromptPair(""))


def test_suggestions_are_the_generators_own_names():
    row = TASKS[0].draw(1)[0]
    ends = {role.end for role in suggested(PairRow(row.pair)).roles}
    assert ends == {role.end for role in row.roles if role.name in ("IO", "S1", "S2", "end")}


def test_a_name_belongs_to_one_word_and_a_word_has_one_name():
    row = named(named(IOI, 1, "S1"), 3, "IO")
    assert said(row) == {"S1": "John", "IO": "Mary"}
    assert said(named(row, 2, "IO")) == {"S1": "John", "IO": "and"}
    assert said(named(row, 3, "S2")) == {"S1": "John", "S2": "Mary"}
    assert said(named(row, 3, "")) == {"S1": "John"}


def test_the_dialog_names_the_same_word_of_rows_that_are_alike(qtbot):
    alike = PairRow(PromptPair(IOI.pair.clean.replace("John", "Ann"), "", " Mary", " Ann"))
    dialog = WordRoles((IOI, LONGER, alike), 0)
    qtbot.addWidget(dialog)
    dialog.show()
    assert "1 of 3 rows have another number of words" in dialog.remark.text()
    changed = []
    dialog.changed.connect(changed.append)
    dialog.words.clicked.emit(3)
    dialog.name.setEditText("IO")
    dialog._name()
    assert [said(row) for row in changed[-1]] == [{"IO": "Mary"}, {}, {"IO": "Mary"}]
    dialog.all_rows.setChecked(False)
    dialog.words.clicked.emit(len(words_of(IOI.pair.clean)) - 1)
    dialog.name.setEditText("end")
    dialog._name()
    assert said(changed[-1][0]) == {"IO": "Mary", "end": "to"}
    assert said(changed[-1][2]) == {"IO": "Mary"}
    dialog.suggest.click()
    assert said(changed[-1][1]) == {"S1": "Ann", "IO": "Tom", "S2": "Ann", "end": "to"}
    draws(dialog)


def test_the_table_asks_and_takes_the_names_as_one_step(document, show, qtbot):
    pane = answer(show(PairTablePane()), document.having(table=(IOI, LONGER)))
    pane.name_words.click()
    dialog = pane.findChild(QDialog)
    with qtbot.waitSignal(pane.edited) as edited:
        dialog.suggest.click()
    (changes,) = edited.args
    assert set(changes) == {"table"}
    assert changes["table"][0].roles[0] == Role("S1", 9)
    dialog.close()
    assert not answer(show(PairTablePane()), document).name_words.isEnabled()
