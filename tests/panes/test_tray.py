"""The tray of interventions: its lines, its switches and sliders, its menus."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QMenu

from lensgui.jobs.questions.intervention_requests import ReadInterventions
from lensgui.panes.interventions import verbs
from lensgui.panes.interventions.tray import InterventionsPane, dropped_vectors
from lensgui.panes.menus import MENU
from lensgui.panes.prompt.prompt import PromptPane
from lensgui.panes.token_text import visible as visible_text
from lensgui.prompts.pair import PairRow
from lensgui.state.selection import Cursor
from lensgui.terms.interventions import Intervention, Site, Vector
from lensgui.terms.recipes import OfFile, OfHead, OfPairs, OfToken, Unmade
from tests.panes.conftest import answer, in_session

ZERO = Intervention(Site("z", 2, 1), "zero")
SCALED = Intervention(Site("mlp_out", 3), "scale", strength=0.5)
ADDED = Intervention(Site("resid_post", 3), "add", strength=1.0, vector=Vector("v", "0" * 32))
MEAN = Intervention(Site("z", 1, 0), "mean")
BEYOND = Intervention(Site("z", 90, 0), "zero")


@pytest.fixture
def tray(show, document):
    """The tray with three interventions, all known, in a session of its own."""
    pane = show(InterventionsPane())
    listed = document.having(interventions=(ZERO, SCALED, ADDED))
    pane.session = in_session(pane, listed)
    answer(pane, listed)
    return pane


def visible(pane):
    return [line for line in pane.lines if line.isVisibleTo(pane)]


def test_without_interventions_it_says_how_to_add_one(show, document):
    pane = answer(show(InterventionsPane()), document)
    assert pane.empty.isVisible()
    assert "Right-click" in pane.empty.text()
    assert not visible(pane)
    assert not pane.before.isEnabled()
    assert list(pane.requests(document, Cursor())) == ["pair"]


def test_each_has_a_line_and_only_what_is_done_by_degrees_a_slider(tray):
    texts = [line.label.text() for line in visible(tray)]
    assert texts == ["#1 L2H1.z → 0", "#2 L3.mlp_out ×", "#3 + “v” · L3.resid_post"]
    assert [line.slider.isVisible() for line in visible(tray)] == [False, True, True]
    assert tray.count.text() == "3 of 3 on"
    assert "0.5 of the stream's median norm" in visible(tray)[2].slider.toolTip()


def test_a_line_is_switched_and_undo_switches_it_back(tray, qtbot):
    visible(tray)[0].switch.click()
    assert tray.listed[0] == ZERO.on(False)
    assert tray.session.undo_stack.undoText() == "L2H1.z off again"
    assert tray.count.text() == "2 of 3 on"
    tray.session.undo_stack.undo()
    assert visible(tray)[0].switch.isChecked()


def test_a_dragged_strength_is_one_step_of_the_history(tray, qtbot):
    line = visible(tray)[1]
    for step in (120, 130, 150):
        line.slider.setValue(step)
    assert tray.listed[1].strength == 1.2  # told at once, and then no more often than is seen
    qtbot.waitUntil(lambda: tray.listed[1].strength == 1.5)
    assert line.slider.value() == 150
    assert tray.session.undo_stack.count() == 1
    assert tray.session.undo_stack.undoText() == "L3.mlp_out: strength 1.5"
    visible(tray)[2].slider.setValue(0)
    assert tray.session.undo_stack.count() == 2
    assert tray.listed[2].strength == -2.0  # one median norm, which is 2 here
    tray.session.undo_stack.undo()
    tray.session.undo_stack.undo()
    assert tray.listed == (ZERO, SCALED, ADDED)


def test_a_strength_is_typed_beyond_the_slider(tray):
    visible(tray)[1].number.setValue(7.5)
    assert tray.listed[1].strength == 7.5
    assert visible(tray)[1].number.value() == 7.5


def test_with_shift_a_slider_goes_four_times_as_far(tray, qtbot):
    slider = visible(tray)[1].slider
    qtbot.mousePress(
        slider, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, slider.rect().center()
    )
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton)
    assert "to 8" in slider.toolTip()
    assert tray.listed[1].strength == pytest.approx(4.0, abs=0.3)


def test_all_are_switched_at_once_and_removed_at_once(tray):
    tray.all.click()
    assert not any(one.is_on for one in tray.listed)
    tray.all.click()
    assert all(one.is_on for one in tray.listed)
    tray.clear.click()
    assert tray.listed == ()
    tray.session.undo_stack.undo()
    assert len(tray.listed) == 3


def test_a_fault_marks_its_line_and_is_said_below(show, document):
    pane = answer(show(InterventionsPane()), document.having(interventions=(ZERO, BEYOND)))
    first, second = visible(pane)
    assert "⚠" not in first.label.text()
    assert second.label.text().startswith("⚠ #2 L90H0.z: this")
    assert "this model has 6 layers" in pane.message.text()


def test_a_mean_says_over_how_many_prompts_it_is(show, document):
    rows = tuple(PairRow(replace(document.pair, clean=f"{at} and so on")) for at in range(9))
    listed = document.having(interventions=(MEAN,), table=rows)
    pane = answer(show(InterventionsPane()), listed)
    asked = pane.requests(listed, Cursor())["interventions"]
    assert isinstance(asked, ReadInterventions)
    assert len(asked.pair.reference) == 10  # nine clean ones, and the corrupted one of all
    assert visible(pane)[0].label.text().endswith("mean of 10 prompts")


def test_those_that_are_alike_are_switched_and_unfolded_together(show, document):
    pane = show(InterventionsPane())
    heads = tuple(Intervention(Site("z", 1, head), "scale", strength=0.5) for head in range(4))
    session = in_session(pane, document.having(interventions=heads))
    (line,) = visible(pane)
    assert "4 heads · z" in line.label.text()
    line.slider.setValue(0)
    assert {one.strength for one in session.document.pair.interventions} == {0.0}
    line.switch.click()
    assert not any(one.is_on for one in session.document.pair.interventions)
    line.fold.click()
    assert len(visible(pane)) == 5
    visible(pane)[2].switch.click()
    assert [one.is_on for one in session.document.pair.interventions] == [False, True, False, False]
    assert visible(pane)[0].switch.checkState() == Qt.CheckState.PartiallyChecked


def chosen(pane, *names):
    """Choose a line of the pane's open menu, or of a menu in it."""
    menu = pane.findChild(object, MENU)
    for name in names[:-1]:
        menu = next(action.menu() for action in menu.actions() if action.text() == name)
    next(action for action in menu.actions() if action.text() == names[-1]).trigger()
    pane.findChild(object, MENU).close()


@pytest.mark.qt_log_ignore("plugin does not support (raise|grabbing)")
def test_a_lines_menu_changes_what_is_done_where_and_in_which_order(tray):
    line = visible(tray)[0]
    line.more.click()
    chosen(tray, "What is done", "as in the other prompt")
    assert tray.listed[0].op == "resample"
    line.more.click()
    chosen(tray, "Where", "The last position")
    assert tray.listed[0].where == "last"
    line.more.click()
    chosen(tray, "Prompts", "The clean prompt only")
    assert tray.listed[0].runs == "clean"
    line.more.click()
    chosen(tray, "Remove")
    assert tray.listed == (SCALED, ADDED)


def test_a_click_on_a_line_selects_its_place(tray, qtbot):
    with qtbot.waitSignal(tray.picked) as picked:
        line = visible(tray)[0]
        qtbot.mouseClick(line, Qt.MouseButton.LeftButton, pos=line.rect().topLeft() * 2)
    assert picked.args == [{"layer": 2, "head": 1}]


def test_what_can_be_added_is_about_the_selected_place(tray, document):
    tray.show_cursor(Cursor(2, 1, 3))
    names = [verb.name for verb in tray.additions()]
    assert names[0] == "Intervene on L2H1"
    assert names[-2:] == ["Direct path only", "Vectors of a file…"]
    tray.show_cursor(Cursor())
    assert tray.additions()[0].name == "Steer with a token"


def everything(found):
    """Yield each line of a menu, and of those in it."""
    for verb in found:
        yield from everything(verb.choices) if verb.choices else [verb]


@pytest.mark.parametrize(
    "place", [Cursor(2, 1), Cursor(2, 1, 3, 1), Cursor(2, position=3), Cursor(0, neuron=5)]
)
def test_each_line_of_a_places_menu_asks_for_what_can_be_made(tray, place, document):
    asked = []
    tray.intervened.connect(asked.append)
    found = list(everything(verbs.of_place(tray, place)))
    for verb in found:
        verb.act()
    assert len(asked) == len(found) > 3
    for additions in asked:
        for one in additions:
            assert isinstance(one, Intervention | Unmade)
            layer = one.site.layer if one.site is not None else place.layer
            assert layer == place.layer
    made = {type(one.recipe) for all_ in asked for one in all_ if isinstance(one, Unmade)}
    if place.position is not None:
        assert made == ({OfHead} if place.head is not None else {OfPairs})


def test_several_heads_are_changed_at_once(tray):
    asked = []
    tray.intervened.connect(asked.append)
    heads = ((1, 0), (2, 3))
    verbs.of_heads(tray, heads).choices[1].act()
    assert asked == [tuple(Intervention(Site("z", *head), "mean") for head in heads)]


def test_a_token_steers_before_a_layer(tray, document):
    asked = []
    tray.intervened.connect(asked.append)
    token = answer(tray, document).answer("pair", object).answer
    for layer, site in ((0, Site("resid_pre", 0)), (3, Site("resid_post", 2))):
        verbs.steering_with(tray, token, layer).choices[0].act()
        (one,) = asked[-1]
        assert one == Unmade(OfToken(token.id), "add_median", 0.25, site)


def test_a_file_of_vectors_is_dropped(tray, tmp_path):
    path = tmp_path / "calm.gguf"
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    assert dropped_vectors(data) == ""
    path.write_bytes(b"")
    assert dropped_vectors(data) == str(path)
    asked = []
    tray.intervened.connect(asked.append)
    tray._add_vectors(str(path))
    assert asked == [(Unmade(OfFile(str(path)), "add"),)]


@pytest.mark.qt_log_ignore("plugin does not support (raise|grabbing)")
def test_a_likely_next_token_steers_by_its_menu(show, document, qtbot):
    pane = answer(show(PromptPane(), 1000), document)
    asked, row = [], pane.next["clean"]
    pane.intervened.connect(asked.append)
    pane.show_cursor(Cursor(3))
    row.menu_requested.emit(0, row.mapToGlobal(row.rect().center()))
    token = pane.reading.clean.top[0].token
    chosen(pane, f"Steer with “{visible_text(token.text)}”", f"Add “{visible_text(token.text)}”")
    assert asked == [(Unmade(OfToken(token.id), "add_median", 0.25, Site("resid_post", 2)),)]
    row.menu_requested.emit(0, row.mapToGlobal(row.rect().center()))
    with qtbot.waitSignal(pane.edited) as edited:
        chosen(pane, "Make it the distractor")
    assert edited.args == [{"distractor": token.text}]


def test_what_is_set_elsewhere_is_not_set_back_by_a_drag_before_it(tray, qtbot):
    line = visible(tray)[1]
    line.slider.setValue(120)
    line.number.setValue(0.123)
    assert not line._pace.isActive()
    line.slider.setValue(130)
    tray.session.undo_stack.undo()
    assert not line._pace.isActive()
    assert tray.listed[1] == SCALED
    assert tray.session.undo_stack.canRedo()


def test_a_drag_ends_where_its_line_is_of_another_one(tray, qtbot):
    line = visible(tray)[1]
    middle = line.slider.rect().center()
    qtbot.mousePress(line.slider, Qt.MouseButton.LeftButton, pos=middle)
    assert line.slider.isSliderDown()
    line.slider.setValue(120)
    tray.edited.emit({"interventions": (ZERO, ADDED)})
    assert line.line.numbers == (1,)
    assert not line.slider.isSliderDown()
    qtbot.mouseMove(line.slider, middle + QPoint(20, 0))
    assert tray.listed == (ZERO, ADDED)


@pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
def test_a_lines_menu_is_closed_once_it_is_about_another_list(tray):
    visible(tray)[0].more.click()
    menu = tray.findChild(QMenu, MENU)
    assert menu.isVisible()
    tray.edited.emit({"interventions": (SCALED,)})
    assert not menu.isVisible()


def test_what_is_known_of_other_interventions_is_said_of_none(tray):
    tray.edited.emit({"interventions": (BEYOND, ADDED, SCALED)})  # nothing is known of these yet
    assert "median norm" not in visible(tray)[1].slider.toolTip()


def test_its_button_is_let_go_where_the_tray_is_hidden(tray, qtbot):
    said = []
    tray.held.connect(said.append)
    qtbot.mousePress(tray.before, Qt.MouseButton.LeftButton)
    tray.hide()
    assert said == [True, False]


def test_tab_goes_from_the_buttons_to_the_lines_in_their_order(tray):
    part, found = tray.clear, []
    for _ in range(40):
        part = part.nextInFocusChain()
        found.append(part)
    switches = [found.index(line.switch) for line in visible(tray)]
    assert switches == sorted(switches)
    between = found[: switches[0]]
    assert all(tray.lines[0].isAncestorOf(one) for one in between)


def drag(qtbot, line, to):
    """Take a line by its words, draw it to a height of the screen and let go there."""
    words, left = line.label, Qt.MouseButton.LeftButton
    at = words.rect().center()
    qtbot.mousePress(words, left, pos=at)
    end = QPoint(at.x(), words.mapFromGlobal(QPoint(0, to)).y())
    for place in (at + QPoint(0, 3), (at + end) / 2, end):
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            QPointF(place),
            QPointF(words.mapToGlobal(place)),
            Qt.MouseButton.NoButton,
            left,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(words, event)
    yield
    qtbot.mouseRelease(words, left, pos=end)
    yield


def edge(line, *, below):
    rect = line.rect()
    return line.mapToGlobal(rect.bottomLeft() if below else rect.topLeft()).y()


def test_a_line_is_dragged_to_another_place_of_the_list_in_one_step(tray, qtbot):
    first, _, last = visible(tray)
    dragging = drag(qtbot, first, edge(last, below=True) + 5)
    next(dragging)
    assert tray.mark.isVisible()
    assert tray.mark.geometry().top() > last.geometry().center().y()
    assert tray.listed == (ZERO, SCALED, ADDED)
    next(dragging)
    assert not tray.mark.isVisible()
    assert tray.listed == (SCALED, ADDED, ZERO)
    assert tray.session.undo_stack.undoText() == "Order of interventions"
    assert [*drag(qtbot, visible(tray)[2], edge(visible(tray)[0], below=False))] == [None, None]
    assert tray.listed == (ZERO, SCALED, ADDED)


def test_a_line_that_comes_back_to_where_it_was_changes_nothing(tray, qtbot):
    before = tray.session.undo_stack.count()
    line = visible(tray)[1]
    assert [*drag(qtbot, line, edge(line, below=True))] == [None, None]
    assert tray.session.undo_stack.count() == before


def test_a_list_that_is_another_by_now_is_left_as_it_is(tray, qtbot):
    dragging = drag(qtbot, visible(tray)[0], edge(visible(tray)[2], below=True) + 5)
    next(dragging)
    tray.session.edit(interventions=(SCALED, ADDED))
    next(dragging)
    assert tray.listed == (SCALED, ADDED)
    assert not tray.mark.isVisible()
