"""The table of pairs, told by the fake answerer: every third pair or so is wrong there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication

from lensgui.jobs.answers.readings import PairsReading
from lensgui.jobs.requests import ReadPairs
from lensgui.panes.figures.shown import told
from lensgui.panes.pairs import pair_model, pair_table
from lensgui.panes.pairs.pair_table import PairTablePane
from lensgui.prompts import pair_files
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.prompts.tasks import DRAWN, TASKS
from lensgui.terms.interventions import Intervention, Site
from tests.counting import calls
from tests.panes.conftest import answer, tell
from tests.pictures import draws

IOI = TASKS[0]
ROWS = IOI.draw(12)
TEXT = pair_files.write_text(ROWS[:3])
Role = Qt.ItemDataRole


@pytest.fixture
def filled(document):
    pair = replace(document.pair, clean=ROWS[0].pair.clean, corrupted=ROWS[0].pair.corrupted)
    return replace(document, pair=pair, table=ROWS)


@pytest.fixture
def pane(show, filled):
    return answer(show(PairTablePane()), filled)


def cell(pane, row, column, role=Role.DisplayRole):
    return pane.model.index(row, column).data(role)


def test_each_row_shows_what_differs_and_its_metric(pane):
    assert pane.model.rowCount() == 12
    pair = ROWS[0].pair
    assert cell(pane, 0, pair_model.CLEAN) == pair.clean
    assert cell(pane, 0, pair_model.ANSWER) == pair.answer.replace(" ", "·")
    names = f"{pair.distractor.strip()} → {pair.answer.strip()}"
    assert cell(pane, 0, pair_model.CORRUPTED) == names
    assert cell(pane, 0, pair_model.ON_CORRUPTED) == "−2.00"
    assert {cell(pane, row, pair_model.MARK) for row in range(12)} == {"✓", "✗"}
    assert pair.corrupted in cell(pane, 0, pair_model.CORRUPTED, Role.ToolTipRole).replace("·", " ")
    headings = [
        pane.model.headerData(at, Qt.Orientation.Horizontal, Role.ToolTipRole) for at in range(8)
    ]
    assert all(tip.endswith(".") for tip in headings)
    assert "logits" in headings[pair_model.ON_CLEAN]


def test_asking_is_of_the_pairs_alone_so_that_ticks_ask_nothing_new(pane, filled):
    first = pane.requests(filled, None)["pairs"]
    assert first == ReadPairs(filled.model, tuple(row.pair for row in ROWS))
    unticked = replace(filled, table=tuple(replace(row, is_included=False) for row in ROWS))
    assert pane.requests(unticked, None)["pairs"] == first
    assert pane.requests(replace(filled, table=()), None) == {}


def test_under_interventions_the_rows_are_those_of_the_changed_model(pane, filled):
    off, none = Intervention(Site("z", 1, 0), "zero"), filled.pair.plain
    under = filled.having(interventions=(off, Intervention(Site("z", 2, 1), "mean"))).shown
    asked = pane.requests(under, None)["pairs"].pairs
    assert all(pair.interventions == under.pair.interventions for pair in asked)
    assert all(pair.reference == under.pair.reference != () for pair in asked)
    assert [pair.word_roles for pair in asked] == [row.roles for row in filled.table]
    answer(pane, under)
    assert "wrong under 2 interventions." in pane.counts.text()
    assert any(filled.table[at].is_included for at in pane.model.wrong)
    assert not pane.exclude.isEnabled()
    (shown,) = pane.shown()
    assert told(shown.prompts) == [
        "Under interventions: L1H0.z set to 0 (off-distribution); L2H1.z set to its mean over "
        f"{under.pair.others} prompts."
    ]
    assert "interventions=" in pane.python(under, None)
    answer(pane, replace(under, pair=none))
    assert "under" not in pane.counts.text()
    assert pane.exclude.isEnabled()
    assert told(pane.shown()[0].prompts) == []


def test_what_was_known_of_the_same_pairs_stays_dimmed_while_they_are_read_anew(pane, filled):
    numbers = [cell(pane, row, pair_model.ON_CLEAN) for row in range(12)]
    assert cell(pane, 0, pair_model.ON_CLEAN, Role.ForegroundRole) is None
    whole = pane.known("pairs", PairsReading)
    under = filled.having(interventions=(Intervention(Site("z", 1, 0), "zero"),))
    asked = pane.requests(under, None)["pairs"]
    pane.show_document(under)
    pane.show_reply("pairs", pane.reply("pairs").followed_by(asked))
    assert [cell(pane, row, pair_model.ON_CLEAN) for row in range(12)] == numbers
    assert cell(pane, 0, pair_model.ON_CLEAN, Role.ForegroundRole) is not None
    assert cell(pane, 0, pair_model.CLEAN, Role.ForegroundRole) is None
    assert "read anew" in cell(pane, 0, pair_model.ON_CLEAN, Role.ToolTipRole)
    assert "wrong" not in pane.counts.text()
    assert {row[4] for row in pane.model.sheet().rows} == {"…"}
    row = replace(whole.rows[0], clean=9.0)
    tell(pane, "pairs", PairsReading((row,), 12), "partial", request=asked)
    assert cell(pane, 0, pair_model.ON_CLEAN) == "+9.00"
    assert cell(pane, 0, pair_model.ON_CLEAN, Role.ForegroundRole) is None
    assert cell(pane, 1, pair_model.ON_CLEAN) == numbers[1]
    fewer = replace(under, table=under.table[1:])
    pane.show_document(fewer)
    assert cell(pane, 0, pair_model.ON_CLEAN) == "…"


def test_wrong_pairs_are_counted_and_left_out_in_one_step(pane, filled, qtbot):
    wrong = pane.model.wrong
    assert 0 < len(wrong) < 12
    assert f"The model gets {len(wrong)} wrong" in pane.counts.text()
    with qtbot.waitSignal(pane.edited) as edited:
        pane.exclude.click()
    table = edited.args[0]["table"]
    assert [at for at, row in enumerate(table) if not row.is_included] == list(wrong)
    pane.show_document(replace(filled, table=table))
    assert f"{12 - len(wrong)} of 12 pairs count" in pane.counts.text()
    assert cell(pane, 0, pair_model.ON_CORRUPTED) == "−2.00"  # what is known is kept
    assert not pane.exclude.isEnabled()


def test_a_tick_includes_or_leaves_out(pane, qtbot):
    index = pane.model.index(2, pair_model.CHECK)
    with qtbot.waitSignal(pane.edited) as edited:
        pane.model.setData(index, Qt.CheckState.Unchecked.value, Role.CheckStateRole)
    assert [row.is_included for row in edited.args[0]["table"]].count(False) == 1
    assert not edited.args[0]["table"][2].is_included


def test_clicking_a_row_makes_it_the_present_pair(pane, qtbot):
    place = pane.view.visualRect(pane.model.index(4, pair_model.CLEAN)).center()
    with qtbot.waitSignal(pane.edited) as edited:
        qtbot.mouseClick(pane.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert PromptPair(**edited.args[0]) == ROWS[4].pair
    with qtbot.waitSignal(pane.edited) as edited:
        qtbot.keyClick(pane.view, Qt.Key.Key_Return)
    assert PromptPair(**edited.args[0]) == ROWS[4].pair


def test_delete_removes_the_chosen_rows(pane, qtbot):
    pane.view.selectRow(1)
    with qtbot.waitSignal(pane.edited) as edited:
        qtbot.keyClick(pane.view, Qt.Key.Key_Delete)
    assert edited.args[0] == {"table": (ROWS[0], *ROWS[2:])}
    pane.view.selectAll()
    with qtbot.waitSignal(pane.edited) as edited:
        pane.delete.click()
    assert edited.args[0] == {"table": (), "is_average": False}


def test_pasting_adds_pairs_that_are_read_as_the_present_one(show, document, qtbot):
    document = document.having(metric="rank", bos=True)
    pane = answer(show(PairTablePane()), document)
    assert "paste lines" in pane.view.empty
    QGuiApplication.clipboard().setText(TEXT)
    with qtbot.waitSignal(pane.edited) as edited:
        qtbot.keyClick(pane.view, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    table = edited.args[0]["table"]
    assert [row.pair.clean for row in table] == [row.pair.clean for row in ROWS[:3]]
    assert {(row.pair.metric, row.pair.bos) for row in table} == {("rank", True)}


def test_copying_gives_what_pasting_takes(pane, qtbot):
    qtbot.keyClick(pane.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    rows = pair_files.read_text(QGuiApplication.clipboard().text(), "x")
    assert rows == ROWS


def test_what_is_copied_and_pasted_keeps_roles_and_ticks(pane, filled, qtbot):
    table = (replace(ROWS[0], is_included=False), *ROWS[1:])
    pane.show_document(replace(filled, table=table))
    pane.copy.click()
    pane.show_document(replace(filled, table=()))
    with qtbot.waitSignal(pane.edited) as edited:
        pane.paste.click()
    assert edited.args[0]["table"] == table
    assert table[0].roles


def test_rubbish_is_one_sentence_and_nothing_is_lost(pane, qtbot):
    with qtbot.assertNotEmitted(pane.edited):
        pane.take_text("what is this", "The pasted text")
    assert pane.message.text().startswith("The pasted text has a single column")
    assert pane.model.rowCount() == 12
    with qtbot.waitSignal(pane.edited):
        pane.take_text(TEXT, "The pasted text")
    assert pane.message.text() == ""


@pytest.mark.parametrize("is_file", [True, False])
def test_dropping_files_and_text(is_file, pane, qtbot, tmp_path):
    data = QMimeData()
    if is_file:
        path = tmp_path / "pairs.csv"
        path.write_text(TEXT, encoding="utf-8")
        data.setUrls([QUrl.fromLocalFile(str(path))])
    else:
        data.setText(TEXT)
    with qtbot.waitSignal(pane.edited) as edited:
        pane.dropEvent(dropping(data))
    assert len(edited.args[0]["table"]) == 15


def dropping(data):
    return QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )


def test_all_files_that_are_dropped_are_read_and_those_that_cannot_be_are_named(
    pane, qtbot, tmp_path
):
    (tmp_path / "a.csv").write_text(TEXT, encoding="utf-8")
    (tmp_path / "b.csv").write_text("prose", encoding="utf-8")
    (tmp_path / "c.json").write_text('[{"clean": "x", "corrupted": "y"}]', encoding="utf-8")
    urls = [QUrl.fromLocalFile(str(tmp_path / name)) for name in ("a.csv", "b.csv", "c.json")]
    data = QMimeData()
    data.setUrls([*urls, QUrl("https://example.org/far.csv")])
    with qtbot.waitSignal(pane.edited) as edited:
        pane.dropEvent(dropping(data))
    table = edited.args[0]["table"]
    assert [row.pair.clean for row in table[12:]] == [*(row.pair.clean for row in ROWS[:3]), "x"]
    named = [sentence.split(" ")[0] for sentence in pane.message.text().split("\n")]
    assert named == ["b.csv", "far.csv"]
    data.setUrls(urls[:1])
    pane.dropEvent(dropping(data))
    assert pane.message.text() == ""


def test_a_table_that_would_grow_too_large_takes_nothing(pane, qtbot, monkeypatch):
    monkeypatch.setattr(pair_files, "MOST_ROWS", 14)
    with qtbot.assertNotEmitted(pane.edited):
        pane.take_text(TEXT, "The pasted text")
    assert pane.message.text() == "A table holds at most 14 pairs: nothing was added."


def test_does_it_hold_draws_the_present_task_and_averages_in_one_step(pane, filled, qtbot):
    told = []
    pane.edited.connect(told.append)
    pane.hold.click()
    (changes,) = told
    assert changes.keys() == {"table", "is_average"}
    assert changes["is_average"]
    kept, drawn = changes["table"][:-DRAWN], changes["table"][-DRAWN:]
    assert [row.pair for row in kept] == [row.pair for row in filled.table]  # nothing is lost
    assert not any(row.is_included for row in kept)
    assert all(row.is_included for row in drawn)
    assert not {row.pair for row in drawn} & {row.pair for row in kept}
    assert all(IOI.recognises(row.pair) and row.roles for row in changes["table"])
    assert len(filled.having(**changes).rows) == DRAWN


def test_an_unknown_task_is_asked_for(show, document, qtbot):
    pane = answer(show(PairTablePane()), document.having(clean="Anything else"))
    menu = pane.hold.menu()
    assert [action.text() for action in menu.actions()] == [task.title for task in TASKS]
    with qtbot.waitSignal(pane.edited) as edited:
        menu.actions()[1].trigger()
    assert all(TASKS[1].recognises(row.pair) for row in edited.args[0]["table"])


def test_drawing_adds_pairs(pane, qtbot):
    with qtbot.waitSignal(pane.edited) as edited:
        pane.draw.menu().actions()[1].trigger()
    table = edited.args[0]["table"]
    assert table[:12] == ROWS
    assert len(table) == 12 + DRAWN


def test_averaging_is_a_switch(pane, filled, qtbot):
    with qtbot.waitSignal(pane.edited) as edited:
        pane.average.click()
    assert edited.args == [{"is_average": True}]
    pane.show_document(replace(filled, is_average=True))
    assert pane.average.isChecked()


def test_ten_thousand_rows_do_not_freeze(show, document):
    rows = tuple(PairRow(PromptPair(f"a {at}", f"b {at}", " x", " y")) for at in range(10_000))

    def work(count):
        full = replace(document, table=rows[:count])
        ticked = replace(full, table=(replace(rows[0], is_included=False), *full.table[1:]))
        pane = show(PairTablePane())
        return (
            calls(lambda: (answer(pane, full), draws(pane))),
            calls(lambda: (pane.show_document(ticked), pane.requests(ticked, None))),
        )

    for few, many in zip(work(1000), work(10_000), strict=True):
        assert many <= 10 * few


def test_everything_has_a_name_and_a_hint(pane):
    parts = (pane.draw, pane.open, pane.paste, pane.copy, pane.delete, pane.exclude, pane.hold)
    for part in (*parts, pane.average, pane.view):
        assert part.accessibleName()
        assert part.toolTip().endswith(".")


def test_both_prompts_are_read_whole_at_either(pane):
    pair = ROWS[0].pair
    for column in (pair_model.CLEAN, pair_model.CORRUPTED):
        said = cell(pane, 0, column, Role.ToolTipRole).replace("·", " ")
        assert pair.clean in said
        assert pair.corrupted in said


def test_the_clean_prompt_has_the_most_room(show, filled):
    pane = answer(show(PairTablePane(), 515, 400), filled)
    view = pane.view
    widths = [view.columnWidth(at) for at in range(view.model().columnCount())]
    assert widths[pair_model.CLEAN] == max(widths)
    assert widths[pair_model.CLEAN] >= 100
    assert sum(widths) <= view.viewport().width()


def test_a_long_table_says_how_far_it_is_read():
    assert pair_table.pace_words(2500, 10_000, 20.0) == "2,500 of 10,000 are read, about 60 s left."
    assert pair_table.pace_words(100, 10_000, 10.0) == "100 of 10,000 are read, about 17 min left."
    assert pair_table.pace_words(0, 10_000, 3.0) == "0 of 10,000 are read."
    assert pair_table.pace_words(10_000, 10_000, 80.0) == ""
    assert pair_table.pace_words(3, 12, 1.0) == ""


def test_how_far_it_is_read_stands_in_the_count_line(show, filled):
    table = tuple(ROWS[at % 12] for at in range(200))
    pane = show(PairTablePane())
    pane.show_document(replace(filled, table=table))
    tell(pane, "pairs", status="waiting")
    assert "0 of 200 are read." in pane.counts.text()
