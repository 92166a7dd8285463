"""The lens pane: what is asked, drawn, written and said of layers and positions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog

from lensgui.jobs.answers.arrays import CellState
from lensgui.jobs.answers.lenses import LensGrid
from lensgui.jobs.questions.lens_requests import LensMetric, ReadLens
from lensgui.jobs.request import Urgency
from lensgui.jobs.requests import OpenModel, ReadPair
from lensgui.models import lenses
from lensgui.panes.lens import lens_values
from lensgui.panes.lens.lens import LensPane
from lensgui.panes.lens.lens_values import KINDS, SIGNED
from lensgui.panes.lens.lens_words import NO_DIFFERENCE, NO_TOKEN, NOTHING
from lensgui.panes.pane import NO_MODEL, OPENING
from lensgui.prompts.pair import PromptPair
from lensgui.state.selection import Cursor
from lensgui.state.views import LensView
from tests import fakes
from tests.answering import last
from tests.panes.conftest import CURSOR, PAIR, answer, in_session, tell

VALUES = [kind.option.value for kind in KINDS]


@pytest.fixture
def pane(document, show):
    """The pane, with answers about a pair."""
    return answer(show(LensPane()), document)


def viewing(document, **changes):
    return document.having(lens=LensView(**changes))


def test_the_metric_is_asked_apart_and_all_else_once(document, qtbot):
    pane = LensPane()
    qtbot.addWidget(pane)
    asked = pane.requests(document, CURSOR)
    assert asked == {
        "pair": ReadPair(document.model, PAIR),
        "clean": ReadLens(document.model, PAIR, "clean"),
        "selected": ReadLens(document.model, PAIR, "clean", only=CURSOR.position),
    }
    assert asked["clean"].start == CURSOR.position
    asked = pane.requests(viewing(document, value="metric", side="difference"), Cursor())
    assert set(asked) == {"pair", "clean", "corrupted", "metric clean", "metric corrupted"}
    assert asked["metric corrupted"] == LensMetric(document.model, PAIR, "corrupted")
    alone = document.having(pair=PromptPair("one prompt"))
    assert set(pane.requests(alone, Cursor())) == {"pair", "clean"}
    assert pane.requests(viewing(alone, side="corrupted"), CURSOR) == {}
    assert pane.requests(viewing(alone, side="difference"), CURSOR) == {}


def test_the_selected_position_is_known_before_its_turn_comes(document, show):
    pane = show(LensPane())
    tell(pane, "model", fakes.card(OpenModel(document.model)), request=OpenModel(document.model))
    pane.show_document(document)
    asked = pane.requests(document, Cursor(position=1))
    assert asked["selected"].urgency == Urgency.TYPING
    assert asked["clean"].urgency == Urgency.SWEEP
    column = last(fakes.FakeAnswerer().answer(asked["selected"]))
    first, _ = fakes.FakeAnswerer().answer(replace(asked["clean"], start=3))
    tell(pane, "selected", column, request=asked["selected"])
    known = pane.heatmap.picture.states == CellState.EXACT
    assert known[:, 1].all()
    assert not np.delete(known, 1, 1).any()
    tell(pane, "clean", first, "partial", request=asked["clean"])
    known = pane.heatmap.picture.states == CellState.EXACT
    assert known[:, [1, 3]].all()
    assert not np.delete(known, [1, 3], 1).any()
    assert "not computed" not in pane._words(2, 1)
    assert (first.states[:, 1] == CellState.UNKNOWN).all(), "answers stay as they were"


def test_beside_a_fitted_lens_the_logit_lens_is_asked_of_one_prompt(document, qtbot):
    pane = LensPane()
    qtbot.addWidget(pane)
    asked = pane.requests(viewing(document, lens="a.safetensors"), CURSOR)
    assert asked["clean"] == ReadLens(document.model, PAIR, "clean", "a.safetensors")
    assert asked["logit lens"] == ReadLens(document.model, PAIR, "clean")
    assert asked["logit lens"] != asked["clean"]
    both = pane.requests(viewing(document, side="difference", lens="a.safetensors"), CURSOR)
    assert "logit lens" not in both


def test_what_a_fitted_lens_is_worth_stands_below_the_legend(document, show):
    pane = answer(show(LensPane()), viewing(document, lens="a.safetensors"))
    fitted, plain = pane._seen.grid, pane.answer("logit lens", LensGrid)
    means = [float(of.divergence[:-1].mean()) for of in (fitted, plain)]
    said = pane.legend.text().splitlines()[1]
    assert f"KL to the model {means[0]:.2f} nats, the logit lens's {means[1]:.2f}" in said
    for name in ("worth", "logit lens's worth"):
        pane.show_reply(name, None)
    better = replace(fitted, divergence=plain.divergence / 2, remark="Another model's.")
    request = pane.reply("clean").request
    tell(pane, "clean", better, request=request)
    said = pane.legend.text().splitlines()[1]
    assert "worse" not in said
    assert said.endswith(". Another model's.")
    bad = plain.divergence.copy()
    bad[2] += 1
    tell(pane, "clean", replace(fitted, divergence=bad), request=request)
    assert "worse at L2: it does not fit this model there." in pane.legend.text()


def test_a_fitted_lens_is_never_asked_between_attention_and_mlp(document, show):
    pane = answer(show(LensPane()), viewing(document, mid=True, lens="a.safetensors"))
    assert not pane.controls.boxes["mid"].isEnabled()
    assert not pane.reply("clean").request.mid
    assert answer(show(LensPane()), viewing(document, mid=True)).reply("clean").request.mid


def test_rows_that_the_lens_was_not_fitted_for_are_hatched_and_said(document, show):
    pane = answer(show(LensPane()), viewing(document, lens="a.safetensors"))
    grid = pane._seen.grid
    states = grid.states.copy()
    states[0] = CellState.UNKNOWN
    lacking = replace(grid, states=states, unread=frozenset({0}))
    tell(pane, "clean", lacking, request=pane.reply("clean").request)
    assert (pane.heatmap.picture.states[0] == CellState.UNKNOWN).all()
    assert "the lens was not fitted here" in pane._words(0, 1)


def test_lenses_that_are_here_are_offered_and_another_is_imported(
    document, show, home, monkeypatch, tmp_path
):
    lenses.folder().mkdir(parents=True)
    (lenses.folder() / "mine.safetensors").touch()
    pane = answer(show(LensPane()), document)
    session, wanted = in_session(pane, document), []
    pane.import_requested.connect(wanted.append)
    texts = [pane.controls.lens.itemText(at) for at in range(pane.controls.lens.count())]
    assert texts == ["logit lens", "mine", "Import a lens…"]
    pane.controls.lens.activated.emit(1)
    assert session.document.views.lens.lens == "mine.safetensors"
    for path in ("", str(tmp_path / "x.pt")):
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *words, path=path: (path, ""))
        pane.controls.lens.activated.emit(2)
        assert pane.controls.lens.currentText() == "mine"
    assert wanted == [str(tmp_path / "x.pt")]
    (lenses.folder() / "x-1.safetensors").touch()
    pane.take_lens("x-1.safetensors")
    assert session.document.views.lens.lens == "x-1.safetensors"
    assert pane.controls.lens.currentText() == "x-1"
    session.edit(lens=LensView(lens="gone.safetensors"))
    assert pane.controls.lens.currentText() == "gone"


def test_a_lens_is_dropped(document, show, tmp_path):
    pane, wanted = answer(show(LensPane()), document), []
    pane.import_requested.connect(wanted.append)
    folder = tmp_path / "tuned"
    folder.mkdir()
    (folder / "params.pt").touch()
    for path, is_taken in (
        (tmp_path / "x.pt", True), (folder, True), (tmp_path, False), (tmp_path / "x.txt", False),
    ):  # fmt: skip
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
        drop = QDropEvent(QPointF(5, 5), action, data, button, Qt.KeyboardModifier.NoModifier)
        pane.dropEvent(drop)
        assert (wanted[-1:] == [str(path)]) is is_taken


def test_where_one_begins_makes_no_other_question(document):
    here, there = (ReadLens(document.model, PAIR, "clean", start=start) for start in (3, 5))
    assert here == there
    assert hash(here) == hash(there)


def test_what_arrives_is_drawn_and_the_rest_is_not_made_up(document, show):
    pane = answer(show(LensPane()), document)
    request = pane.requests(document, CURSOR)["clean"]
    first, whole = fakes.FakeAnswerer().answer(request)
    tell(pane, "clean", first, "partial", request=request)
    states = pane.heatmap.picture.states
    assert (states[:, CURSOR.position] == CellState.EXACT).all()
    assert (np.delete(states, CURSOR.position, 1) == CellState.UNKNOWN).all()
    tell(pane, "clean", whole, request=request)
    assert (pane.heatmap.picture.states == CellState.EXACT).all()
    assert pane.heatmap.picture.row_names[-1] == "end"


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("side", ["clean", "corrupted", "difference"])
def test_every_value_of_every_side_is_drawn_and_said(document, show, value, side):
    if value == "token" and side == "difference":
        pytest.skip("it has none")
    pane = answer(show(LensPane()), viewing(document, value=value, side=side))
    picture = pane.heatmap.picture
    known = picture.values[picture.states == CellState.EXACT]
    assert np.isfinite(known).all()
    if value == "surprisal":
        assert (picture.states[:, -1] == CellState.MASKED).all()
    is_signed = side == "difference" or value in SIGNED
    assert (known < 0).any() == is_signed
    assert pane._seen.read.is_signed is is_signed
    words = pane._words(2, 1)
    assert words.startswith("before layer 2, position 1 ‘")
    assert pane._words(fakes.LAYERS, 0).startswith("at the end, position 0")
    if side != "difference" and value != "token":
        assert "entropy" in words
        assert "KL to the model" in words
    assert {"clean − corrupted": "difference"}.get(side, side) in (
        pane.legend.text() if side != "difference" else side
    )


def test_a_difference_is_clean_minus_corrupted(document, show):
    drawn = {}
    for side in ("clean", "corrupted", "difference"):
        pane = answer(show(LensPane()), viewing(document, value="entropy", side=side))
        drawn[side] = pane.heatmap.picture.values
    np.testing.assert_allclose(drawn["difference"], drawn["clean"] - drawn["corrupted"], atol=1e-5)


def test_the_likeliest_token_stands_in_its_cell_and_words_only_leaves_others_out(document, show):
    pane = answer(show(LensPane()), document)
    grid = last(fakes.FakeAnswerer().answer(pane.requests(document, CURSOR)["clean"]))
    wordy = answer(show(LensPane()), viewing(document, words_only=True))
    for row, column in np.ndindex(grid.states.shape):
        first, *_ = grid.tokens[row, column].tolist()
        assert pane._seen.text(row, column) == ("·word", ",", "·other")[first]
        assert wordy._seen.text(row, column) in ("·word", "·other")


def test_of_two_prompts_the_likeliest_token_has_no_difference(document, show):
    pane = answer(show(LensPane()), viewing(document, side="difference"))
    assert pane.heatmap.picture is None
    assert pane.heatmap.empty == NO_DIFFERENCE


def test_a_token_that_is_not_one_is_said(document, show):
    pane = show(LensPane())
    seen = viewing(document, value="rank", token=1)
    answer(pane, seen)
    request = pane.requests(seen, CURSOR)["clean"]
    *_, grid = fakes.FakeAnswerer().answer(request)
    lacking = type(grid)(
        **{name: getattr(grid, name) for name in grid.__slots__} | {"chosen": grid.chosen[:1]}
    )
    tell(pane, "clean", lacking, request=request)
    assert pane.heatmap.picture is None
    assert pane.heatmap.empty == NO_TOKEN.format(which="distractor")


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "1"), (0.5, "0.5"), (-13.42, "-13.4"), (999.4, "999"), (3751, "3,751"), (49151, "49,151")],
)
def test_an_end_of_a_scale_is_a_number_that_is_read_at_a_glance(number, text):
    assert lens_values.end_text(number) == text


def test_the_pane_says_what_to_do_while_there_is_nothing(document, show):
    pane = show(LensPane())
    pane.show_document(document.having(pair=PromptPair("")))
    assert pane.heatmap.empty == NOTHING
    for status, words in (("failed", NO_MODEL), ("asked", OPENING)):
        tell(pane, "model", status=status)
        assert pane.heatmap.empty == words
    assert not answer(pane, document).heatmap.empty


def test_a_cell_is_picked_and_the_place_shown(pane, document, qtbot):
    picked = []
    pane.picked.connect(picked.append)
    point = pane.heatmap.middle_of(2, 3).toPoint()
    qtbot.mouseClick(pane.heatmap, Qt.MouseButton.LeftButton, pos=point)
    assert picked == [{"layer": 2, "position": 3}]
    pane.show_cursor(Cursor(2, position=3))
    assert pane.reading.text() == pane._words(2, 3)
    end = pane.heatmap.middle_of(fakes.LAYERS, 3).toPoint()
    qtbot.mouseClick(pane.heatmap, Qt.MouseButton.LeftButton, pos=end)
    assert picked[-1] == {"position": 3}


def test_what_is_pointed_at_is_read_below_and_then_the_selected_cell_again(pane):
    pane.show_cursor(Cursor(1, position=2))
    selected = pane.reading.text()
    pane.heatmap.hovered.emit("something else")
    assert pane.reading.text() == "something else"
    pane.heatmap.hovered.emit("")
    assert pane.reading.text() == selected


def test_choices_are_edits_and_switched_off_where_they_mean_nothing(pane, document):
    session = in_session(pane, document)
    controls = pane.controls
    words_only = controls.boxes["words_only"]
    assert not controls.token.isEnabled()
    assert words_only.isEnabled()
    controls.value.chosen.emit("rank")
    controls.token.activated.emit(1)
    controls.side.activated.emit(2)
    assert session.document.views.lens == LensView("rank", "difference", token=1)
    assert controls.token.isEnabled()
    assert not words_only.isEnabled()
    controls.value.chosen.emit("token")
    words_only.click()
    assert session.document.views.lens.words_only


def test_a_fitted_scale_leaves_a_few_cells_beyond_and_a_fixed_one_none(document, show):
    pane = answer(show(LensPane()), viewing(document, value="entropy"))
    assert "fitted" in pane.legend.text()
    assert 0 < pane.heatmap.picture.overflow.mean() < 0.05
    pane = answer(show(LensPane()), document)
    assert "colours to 1, fixed" in pane.legend.text()
    assert not pane.heatmap.picture.overflow.any()


@pytest.mark.parametrize(
    ("value", "number", "is_signed", "text"),
    [
        ("rank", 1234.0, False, "1234"),
        ("entropy", 0.123, False, "0.12"),
        ("logit", -13.27, True, "−13.3"),
        ("logit", 113.27, True, "+113"),
        ("entropy", float("nan"), False, ""),
    ],
)
def test_numbers_have_as_many_digits_as_a_cell_has_room_for(value, number, is_signed, text):
    assert lens_values.number_text(value, number, is_signed=is_signed) == text


def test_a_caption_says_which_lens_it_is_and_no_sentence_of_worth(document, show):
    pane = answer(show(LensPane()), document)
    shown = pane.shown()[0]
    assert "as it is (logit lens, nostalgebraist 2020)" in shown.says
    pane = answer(show(LensPane()), viewing(document, lens="a.safetensors"))
    grid = replace(pane._seen.grid, through="tuned lens, of some/model, 9 prompts")
    tell(pane, "clean", grid, request=pane.reply("clean").request)
    shown = pane.shown()[0]
    assert "through a tuned lens, of some/model, 9 prompts, with the final norm" in shown.says
    assert "\n" not in shown.says
    words = dict(shown.panels[0].data.words)
    assert words["token"][0] == pane._seen.text(0, 0)
