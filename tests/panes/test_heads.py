"""The heads pane: what is asked, listed, sorted, filtered and said of all heads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QItemSelectionModel, QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu

from lensgui.jobs.answers.arrays import Atlas, CellState, Evidence, ModelScores, Sweep
from lensgui.jobs.requests import (
    AttentionFrom,
    AttentionGrid,
    OpenModel,
    OutputNorms,
    Patching,
    ReadEvidence,
    ReadPair,
    ScoreHeads,
)
from lensgui.panes.heads.heads import NO_PROMPT, NOTHING, HeadsPane
from lensgui.panes.menus import MENU
from lensgui.panes.pane import NO_MODEL, OPENING
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.state.document import Note
from lensgui.state.selection import Cursor
from lensgui.state.views import HeadsView
from lensgui.terms.kinds import HEADS
from lensgui.terms.roles import NAMED, Part
from lensgui.terms.scores import PROMPT_SCORES, SCORES, TABLE_SCORES
from tests import fakes
from tests.panes.conftest import CURSOR, OF_PICTURES, PAIR, answer, in_session, reply, tell

pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
EDGE = replace(CURSOR, source=1)
COUNT = fakes.LAYERS * fakes.HEADS


@pytest.fixture
def pane(document, show):
    """The pane, with answers about a pair and an edge."""
    return answer(show(HeadsPane(), 900), document, EDGE)


def viewing(document, **changes):
    return document.having(heads=HeadsView(**changes))


def listed(pane):
    return [divmod(int(at), fakes.HEADS) for at in pane.model.order]


def column(pane, name):
    return pane.model.rows.numbers(name)[pane.model.order]


def test_each_question_is_asked_once_and_only_if_a_column_needs_it(document, qtbot):
    pane = HeadsPane()
    qtbot.addWidget(pane)
    model = document.model
    assert pane.requests(document, EDGE) == {
        "scores": ScoreHeads(model),
        "estimated scores": ScoreHeads(model, from_a_part=True),
        "grid": AttentionGrid(model, PAIR),
        "edge": AttentionFrom(model, PAIR, 3),
        "evidence": ReadEvidence(model, (PAIR,)),
        "restores": Patching(model, PAIR, HEADS),
        "breaks": Patching(model, PAIR, HEADS, "noising"),
        "norms": OutputNorms(model, PAIR),
        "pair": ReadPair(model, PAIR),
    }
    few = viewing(document, columns=("copying",))
    assert set(pane.requests(few, EDGE)) == {"scores", "estimated scores"}
    assert set(pane.requests(viewing(document, columns=(), sort="norm here"), EDGE)) == {"norms"}
    by_filter = viewing(document, columns=(), filter="entropy > 1, layer < 2")
    assert set(pane.requests(by_filter, EDGE)) == {"grid"}
    alone = document.having(pair=PromptPair("one prompt"))
    assert set(pane.requests(alone, Cursor())) == {
        *("scores", "estimated scores", "grid", "evidence", "norms")
    }
    assert pane.requests(document.having(pair=PromptPair("")), EDGE) == {}
    looking = replace(document.views.attention, measure="values", hides_first=False)
    grid = pane.requests(document.having(attention=looking), EDGE)["grid"]
    assert grid == AttentionGrid(model, PAIR, "clean", False, (), "values")


def test_over_a_table_all_that_depends_on_prompts_is_a_mean(document, show):
    rows = tuple(PairRow(replace(PAIR, answer=answer)) for answer in (" Mary", " John"))
    averaging = document.having(table=rows, is_average=True)
    pane = answer(show(HeadsPane()), averaging, EDGE)
    asked = pane.requests(averaging, EDGE)
    assert all(asked[name].rows == rows for name in ("grid", "edge", "restores", "breaks", "norms"))
    assert len(asked["evidence"].pairs) == 2
    for name in ("norm here", "entropy here", "edge", "restores"):
        assert "mean of 2 pairs" in pane.model.rows.rankings[name].remark
    assert "pairs" not in pane.model.rows.rankings["induction"].remark


def test_columns_are_the_very_numbers_that_rank_the_grid(pane):
    scores, evidence = pane.answer("scores", ModelScores), pane.answer("evidence", Evidence)
    sweep, atlas = pane.answer("breaks", Sweep), pane.answer("grid", Atlas)
    expected = {
        "induction": scores.measures.induction,
        "copying": scores.measures.copying,
        "raw copying": scores.raw_copying,
        "top 5": scores.copied[0],
        "bottom 5": scores.copied[1],
        "attribution": evidence.attribution,
        "breaks": -sweep.shown,
        "entropy here": atlas.scores[PROMPT_SCORES.index("entropy")],
        "distance here": atlas.scores[PROMPT_SCORES.index("distance")],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(column(pane, name), values.ravel(), rtol=1e-6)
    assert pane.model.columnCount() == 2 + len(TABLE_SCORES)
    assert pane.model.rowCount() == COUNT


def test_every_heading_and_every_number_says_what_it_is(pane):
    for at, name in enumerate(pane.model.rows.columns):
        tip = pane.model.headerData(at, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
        assert len(tip) > 40
        if at > 1:
            assert "In " in tip or "A share: no unit." in tip
            words = pane.model.index(0, at).data(Qt.ItemDataRole.AccessibleTextRole)
            assert words.startswith("L0H0: ")
            title = next(score.title for score in SCORES if score.key == name)
            assert title in words


def test_a_click_on_a_heading_sorts_then_turns_then_puts_back(pane, document):
    session = in_session(pane, document)
    section = pane.model.rows.columns.index("induction")
    for expected in (("induction", True), ("induction", False), ("", True)):
        pane.view.horizontalHeader().sectionClicked.emit(section)
        view = session.document.views.heads
        assert (view.sort, view.is_descending) == expected
        values = column(pane, "induction")
        if view.sort:
            steps = np.diff(values)
            assert (steps <= 0).all() if view.is_descending else (steps >= 0).all()
        else:
            assert listed(pane) == sorted(listed(pane))
    assert not pane.controls.direction.isEnabled()
    pane.controls.sort.chosen.emit("copying")
    assert pane.controls.direction.isEnabled()
    pane.controls.direction.click()
    assert session.document.views.heads == HeadsView(sort="copying", is_descending=False)


def test_a_column_that_sorts_is_brought_into_view(document, show):
    pane = answer(show(HeadsPane(), 400), document, EDGE)
    session = in_session(pane, document)
    for key in ("norm here", "previous token"):
        session.edit(heads=HeadsView(sort=key))
        across = pane.view.horizontalHeader()
        section = pane.model.rows.columns.index(key)
        left = across.sectionViewportPosition(section)
        assert 0 <= left <= pane.view.viewport().width() - across.sectionSize(section)


def test_rows_stay_where_they_are_while_numbers_stream_in(document, show):
    view = viewing(document, sort="restores", filter="restores > -9")
    pane = answer(show(HeadsPane()), view, EDGE)
    whole, request = pane.answer("restores", Sweep), pane.reply("restores").request
    sorted_by = listed(pane)
    assert sorted_by != sorted(sorted_by)
    states = np.full(whole.states.shape, CellState.UNKNOWN, np.uint8)
    for known in (1, 3):
        states = states.copy()
        states[:known] = CellState.EXACT
        part = replace(whole, states=states, values=whole.values[::-1].copy())
        tell(pane, "restores", part, "partial", request=request)
        assert listed(pane) == sorted_by
        for at, (layer, _) in zip(pane.model.order, listed(pane), strict=True):
            assert (pane.model.rows.text("restores", at) == "…") == (layer >= known)
    tell(pane, "restores", replace(whole, values=whole.values[::-1].copy()), request=request)
    assert listed(pane) != sorted_by


def test_what_is_not_known_yet_filters_nothing_out(document, show):
    pane = show(HeadsPane())
    view = viewing(document, filter="restores > 99")
    tell(pane, "model", fakes.card(OpenModel(document.model)), request=OpenModel(document.model))
    pane.show_document(view)
    assert len(listed(pane)) == COUNT
    assert "coming: " in pane.said.text()
    reply(pane, "restores", pane.requests(view, EDGE)["restores"])
    assert listed(pane) == []
    assert "loosen one" in pane.view.empty


def test_a_filter_is_typed_and_a_bad_one_is_one_sentence(pane, document, qtbot):
    session = in_session(pane, document)
    qtbot.keyClicks(pane.controls.filter, "induction > .2 and layer < 3")
    assert session.document.views.heads.filter == "induction > .2 and layer < 3"
    values, layers = column(pane, "induction"), [layer for layer, _ in listed(pane)]
    assert 0 < len(values) < COUNT
    assert (values > 0.2).all()
    assert max(layers) < 3
    assert pane.said.text().startswith(f"{len(values)} of {COUNT} heads")
    kept = listed(pane)
    session.edit(heads=HeadsView(filter="charm > 2"))
    assert pane.said.text().startswith("There is no column ‘charm’. ")
    assert listed(pane) == kept, "what was meant before stays"
    session.edit(heads=HeadsView())
    assert len(listed(pane)) == COUNT


def test_words_filter_and_sort_too(pane, document):
    session = in_session(pane, document)
    pane.show_roles({(2, 1): Part(NAMED["induction"]), (4, 2): Part(NAMED["mover"])}, ())
    session.edit(notes=(Note(Cursor(1, 2), "odd one"),), heads=HeadsView(filter="role = mover"))
    assert listed(pane) == [(4, 2)]
    session.edit(heads=HeadsView(filter="role = ''", sort="label"))
    assert len(listed(pane)) == COUNT - 2
    assert listed(pane)[0] == (1, 2)
    session.edit(heads=HeadsView(filter="label = odd"))
    assert listed(pane) == [(1, 2)]
    session.edit(heads=HeadsView(sort="role"))
    assert listed(pane)[:2] == [(2, 1), (4, 2)]


def test_a_label_is_the_note_of_its_head(pane, document):
    session = in_session(pane, document)
    at = pane.model.index(5, pane.model.rows.columns.index("label"))
    assert pane.model.flags(at) & Qt.ItemFlag.ItemIsEditable
    assert not pane.model.flags(at.siblingAtColumn(3)) & Qt.ItemFlag.ItemIsEditable
    assert pane.model.setData(at, " name mover ")
    assert session.document.notes == (Note(Cursor(*listed(pane)[5]), "name mover"),)
    assert at.data() == "name mover"
    pane.model.setData(at, "")
    assert session.document.notes == ()


def test_selection_is_linked_both_ways(pane, document):
    picked = []
    pane.picked.connect(picked.append)
    pane.view.selectRow(7)
    layer, head = listed(pane)[7]
    assert picked == [{"layer": layer, "head": head, "heads": ()}]
    flags = QItemSelectionModel.SelectionFlag
    index = pane.model.index(3, 0)
    pane.view.selectionModel().setCurrentIndex(index, flags.Select | flags.Rows)
    assert picked[-1]["heads"] == (listed(pane)[7], listed(pane)[3])
    assert (picked[-1]["layer"], picked[-1]["head"]) == listed(pane)[3]
    count = len(picked)
    pane.show_cursor(Cursor(4, 2, heads=((1, 0), (4, 2))))
    assert len(picked) == count, "what is shown is not said"
    rows = {index.row() for index in pane.view.selectionModel().selectedRows()}
    assert {listed(pane)[row] for row in rows} == {(1, 0), (4, 2)}
    assert listed(pane)[pane.view.currentIndex().row()] == (4, 2)
    assert pane.reading.text().startswith("L4H2: ")


def test_a_selected_head_that_is_filtered_out_is_said(pane, document):
    session = in_session(pane, document)
    session.edit(heads=HeadsView(filter="layer > 3"))
    assert "L2H1 selected, but filtered out" in pane.said.text()
    assert not pane.view.selectionModel().selectedRows()


def test_arrows_move_and_enter_shows_the_attention(pane, qtbot):
    picked, wanted = [], []
    pane.picked.connect(picked.append)
    pane.pane_requested.connect(wanted.append)
    before = pane.view.currentIndex().row()
    qtbot.keyClick(pane.view, Qt.Key.Key_Down)
    assert (picked[-1]["layer"], picked[-1]["head"]) == listed(pane)[before + 1]
    qtbot.keyClick(pane.view, Qt.Key.Key_Return)
    assert wanted == ["Attention"]
    assert pane.view.accessibleDescription().startswith("L")


def test_a_right_click_offers_what_can_be_done_with_a_head_and_with_a_set(pane):
    pane.show_cursor(Cursor(1, 0, heads=((0, 1), (1, 0))))
    where = pane.view.visualRect(pane.model.index(1, 3)).center()
    event = QContextMenuEvent(
        QContextMenuEvent.Reason.Mouse, where, pane.view.viewport().mapToGlobal(where)
    )
    QApplication.sendEvent(pane.view.viewport(), event)
    menu = pane.findChild(QMenu, MENU)
    names = [action.text() for action in menu.actions() if action.text()]
    assert names[:3] == ["Average their attention", "Who feeds them?", "Pin these 2 heads"]
    assert {"Go to its attention", "Pin L0H1", "Role of L0H1", "Copy the value"} < set(names)
    assert names[-3:] == list(OF_PICTURES)
    menu.close()


def test_pinned_heads_are_marked(pane, document):
    pane.show_document(document.having(pins=(Cursor(0, 1),)))
    names = [
        pane.model.headerData(at, Qt.Orientation.Vertical, Qt.ItemDataRole.DisplayRole)
        for at in (0, 1)
    ]
    assert names == ["L0H0", "L0H1 •"]


def test_what_a_prompt_or_a_pair_lacks_is_said_once(pane, document):
    request = pane.reply("evidence").request
    sentence = "Direct attribution is to answer − distractor: choose two answers."
    tell(pane, "evidence", None, "failed", sentence, request=replace(request, pairs=()))
    assert f"attribution: {sentence.rstrip('.')}" in pane.said.text()
    assert pane.model.rows.text("attribution", 0) == "–"
    assert not pane.message.isVisible()
    pane.show_reply("edge", None)
    pane.show_cursor(CURSOR)
    assert "edge: Select an edge" in pane.said.text()


def test_columns_are_chosen_in_the_menu(pane, document):
    session = in_session(pane, document)
    pane.controls.boxes["copying"].setChecked(False)
    pane.controls.boxes["strongest edge here"].setChecked(True)
    columns = session.document.views.heads.columns
    assert "copying" not in columns
    assert columns[-1] == "strongest edge here"
    assert pane.model.rows.scores == columns
    assert set(pane.controls.boxes) == {score.key for score in SCORES}


def test_old_numbers_are_dimmed_and_stay(pane, document):
    before = pane.model.rows.text("entropy here", 3)
    other = document.having(pair=replace(PAIR, clean="When Ann and Mary went"))
    for name, request in pane.requests(other, EDGE).items():
        if request != pane.reply(name).request:
            tell(pane, name, status="late", request=request)
    assert pane.model.rows.text("entropy here", 3) == before
    assert "entropy here" in pane.model.rows.stale
    assert "induction" not in pane.model.rows.stale
    assert "of an older question" in pane.model.rows.words("entropy here", 3)


def test_the_pane_says_what_to_do_while_there_is_no_model(document, show):
    pane = show(HeadsPane())
    assert pane.view.empty == NOTHING
    pane.show_document(document)
    for status, words in (("failed", NO_MODEL), ("asked", OPENING)):
        tell(pane, "model", status=status)
        assert pane.view.empty == words


def test_without_a_prompt_heads_are_listed_and_the_pane_says_what_to_type(document, show):
    empty = document.having(pair=PromptPair(""), notes=(Note(Cursor(1, 0), "mine"),))
    pane = answer(show(HeadsPane()), empty)
    assert len(listed(pane)) == COUNT
    assert NO_PROMPT in pane.said.text()
    assert pane.model.rows.text("induction", 0) == "–"
    assert pane.model.rows.text("label", fakes.HEADS) == "mine"


def test_the_menu_of_a_head_is_shown_by_keys_too(pane):
    pane.view.selectRow(2)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(0, 0), QPoint(0, 0))
    QApplication.sendEvent(pane.view.viewport(), event)
    menu = pane.findChild(QMenu, MENU)
    assert "Pin L0H2" in [action.text() for action in menu.actions()]
    menu.close()


def test_a_figure_has_all_columns_of_the_heads_that_are_listed(pane, document):
    pane.show_document(viewing(document, sort="induction", filter="induction > .2"))
    (shown,) = pane.shown()
    data = shown.panels[0].data
    assert list(data.columns) == [*TABLE_SCORES, "layer", "head of it"]
    assert set(data.words) == {"role", "label"}
    assert (np.diff(data.columns["induction"]) <= 0).all()
    assert "sorted by induction; induction > .2." in shown.says
