"""Sets of heads: gathered in the scatter plot, fed by senders, and the chain back from them."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QToolTip

from lensgui.jobs.answers.arrays import HeadEffects
from lensgui.jobs.requests import PathsInto, WhoFeeds
from lensgui.panes import theme
from lensgui.panes.menus import MENU
from lensgui.panes.patching.chain import Chain, link_name
from lensgui.panes.patching.necessary_sufficient import NOBODY, NecessaryPane
from lensgui.panes.patching.who_feeds import FeedersPane
from lensgui.panes.scatter.point_plot import LARGEST, SMALLEST
from lensgui.state.selection import Cursor, Selection
from lensgui.state.session import Session
from lensgui.state.views import FeedersView, Link
from tests import fakes
from tests.answering import last
from tests.panes.conftest import OF_PICTURES, PAIR, answer, in_session, tell
from tests.panes.test_attention_pictures import settle
from tests.pictures import move

LEFT, SHIFT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
PLACE = Cursor(4, 1, 3)
ACROSS = ((2, 3), (4, 0), (4, 2))

pytestmark = [
    pytest.mark.usefixtures("no_popup"),
    pytest.mark.qt_log_ignore("^This plugin does not support", extend=True),
]


def linked(pane, cursor=PLACE):
    """Let what a pane picks select, as the window does; return the selection."""
    selection = Selection(cursor, pane)
    pane.picked.connect(lambda fields: selection.move(**fields))
    selection.changed.connect(pane.show_cursor)
    pane.show_cursor(cursor)
    return selection


def necessary(document, show):
    pane = show(NecessaryPane())
    pane.show_document(document)
    return settle(pane, document), linked(pane)


def loop_around(scatter, numbers, qtbot):
    """Draw a loop around some points with Shift held, and what else is between them."""
    view, middles = scatter.plot.viewport(), [scatter.middle_of(number) for number in numbers]
    xs, ys = [at.x() for at in middles], [at.y() for at in middles]
    left, right, top, bottom = min(xs) - 9, max(xs) + 9, min(ys) - 9, max(ys) + 9
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top + 1)]
    qtbot.mousePress(view, LEFT, SHIFT, QPoint(*corners[0]))
    for corner in corners[1:]:
        move(view, QPoint(*corner), SHIFT, drags=True)
    qtbot.mouseRelease(view, LEFT, SHIFT, QPoint(*corners[-1]))
    every = [scatter.middle_of(number) for number in range(len(scatter.points.x))]
    return [
        number for number, at in enumerate(every) if left < at.x() < right and top < at.y() < bottom
    ]


def found(request):
    return last(fakes.FakeAnswerer().answer(request))


def head_of(pane, number):
    layer, head = pane.scatter.points.names[number][1:].split("H")
    return int(layer), int(head)


def test_a_loop_selects_the_heads_within_it(document, show, qtbot):
    pane, selection = necessary(document, show)
    order = np.argsort(pane.scatter.points.x)
    held = loop_around(pane.scatter, order[-3:], qtbot)
    assert selection.cursor.heads == tuple(head_of(pane, number) for number in held)
    assert pane.scatter.marks.together == set(held)
    assert pane.selected.words.text().startswith(f"{len(held)} heads: ")
    selection.back()
    assert pane.scatter.marks.together == set()


def test_a_loop_around_nobody_is_a_sentence_that_the_next_selection_takes_away(
    document, show, qtbot
):
    pane, selection = necessary(document, show)
    view = pane.scatter.plot.viewport()
    corner = pane.scatter.plot.getViewBox().sceneBoundingRect().topLeft().toPoint()
    before = selection.cursor
    qtbot.mousePress(view, LEFT, SHIFT, corner)
    for at in (QPoint(12, 0), QPoint(12, 1), QPoint(0, 1)):
        move(view, corner + at, SHIFT, drags=True)
    qtbot.mouseRelease(view, LEFT, SHIFT, corner)
    assert pane.message.text() == NOBODY
    assert selection.cursor == before
    pane.scatter.picked.emit(3)
    assert not pane.message.isVisible()


def test_escape_gives_a_loop_up(document, show, qtbot):
    pane, selection = necessary(document, show)
    view, before = pane.scatter.plot.viewport(), selection.cursor
    qtbot.mousePress(view, LEFT, SHIFT, QPoint(60, 5))
    for corner in ((view.width(), 5), (view.width(), view.height()), (60, view.height())):
        move(view, QPoint(*corner), SHIFT, drags=True)
    qtbot.keyClick(pane.scatter, Qt.Key.Key_Escape)
    qtbot.mouseRelease(view, LEFT, SHIFT, QPoint(60, 5))
    assert selection.cursor == before
    assert not pane.message.isVisible()


def test_click_shift_click_and_control_click(document, show, qtbot):
    pane, selection = necessary(document, show)
    view, apart = pane.scatter.plot.viewport(), np.argsort(pane.scatter.points.x)[[0, -1]]
    first, last = (pane.scatter.middle_of(number) for number in apart)
    qtbot.mouseClick(view, LEFT, pos=first)
    assert selection.cursor.selected == (head_of(pane, apart[0]),)
    qtbot.mouseClick(view, LEFT, SHIFT, last)
    assert selection.cursor.heads == tuple(head_of(pane, number) for number in apart)
    with qtbot.waitSignal(pane.pinned) as pinned:
        qtbot.mouseClick(view, LEFT, CONTROL, last)
    assert pinned.args == [Cursor(*head_of(pane, apart[1]))]
    qtbot.mouseClick(view, LEFT, SHIFT, last)
    assert selection.cursor.selected == (head_of(pane, apart[0]),)


def test_a_set_is_made_by_keyboard_alone(document, show, qtbot, monkeypatch):
    pane, selection = necessary(document, show)
    said = []
    speak = "lensgui.panes.scatter.scatter.announce"
    monkeypatch.setattr(speak, lambda part, words: said.append(words))
    order = np.argsort(pane.scatter.points.y).tolist()
    pane.scatter.picked.emit(order[5])
    qtbot.keyClick(pane.scatter, Qt.Key.Key_Up, SHIFT)
    qtbot.keyClick(pane.scatter, Qt.Key.Key_Up, SHIFT)
    assert selection.cursor.heads == tuple(head_of(pane, order[at]) for at in (5, 6, 7))
    qtbot.keyClick(pane.scatter, Qt.Key.Key_Space)
    assert selection.cursor.heads == tuple(head_of(pane, order[at]) for at in (5, 6))
    qtbot.keyClick(pane.scatter, Qt.Key.Key_Down)
    assert said[-1] == pane.scatter.accessibleDescription()
    assert len(said) == 3
    assert selection.cursor.selected == tuple(head_of(pane, order[at]) for at in (5, 6))


def test_what_is_known_later_colours_points_and_moves_nothing(document, show):
    pane = show(NecessaryPane())
    pane.show_document(document)
    pane.show_cursor(PLACE)
    requests = pane.requests(document, PLACE)
    for name in sorted(requests):
        tell(pane, name, found(requests[name]), request=requests[name])
    before = pane.scatter.plot.getViewBox().viewRange(), dict(pane.scatter.named)
    assert pane.scatter.points.shades is None
    settle(pane, document)
    effects, points = pane.known("roles", HeadEffects), pane.scatter.points
    assert (pane.scatter.plot.getViewBox().viewRange(), pane.scatter.named) == before
    np.testing.assert_array_equal(points.shades > theme.NEUTRAL, effects.attribution.ravel() > 0)
    assert points.shades[np.abs(effects.attribution).argmax()] in (1, 255)
    across = LARGEST * np.sqrt(effects.attention.ravel())
    np.testing.assert_allclose(points.sizes, across.clip(SMALLEST), rtol=1e-6)
    pane.show_reply("roles", None)
    other = pane.requests(document.having(clean="When John and Paul went"), PLACE)
    for name, request in other.items():  # a stale picture keeps its colours
        tell(pane, name, status="waiting", request=request)
    assert pane.scatter.is_stale
    assert pane.scatter.points.shades is not None


def test_outliers_are_named_whatever_is_pinned(document, show):
    pane, _ = necessary(document, show)
    pane.show_cursor(Cursor())
    named = dict(pane.scatter.named)
    assert named
    pins = tuple(Cursor(layer, head) for layer in range(3) for head in range(4))
    pane.show_document(document.having(pins=pins))
    assert {at: pane.scatter.named[at] for at in named} == named
    assert len(pane.scatter.named) > len(named)


def test_one_tooltip_stands_beside_its_point(document, show, monkeypatch):
    pane, _ = necessary(document, show)
    said = []
    monkeypatch.setattr(QToolTip, "showText", lambda where, words, *rest: said.append(where))
    scatter = pane.scatter
    number = int(np.argmax(scatter.points.x))
    middle = scatter.middle_of(number)
    move(scatter.plot.viewport(), middle + QPoint(1, 1))
    move(scatter.plot.viewport(), middle)
    (where,) = said
    radius = scatter.points.sizes[number] / 2
    away = where.y() - scatter.plot.viewport().mapToGlobal(middle).y()
    assert away >= int(radius) or away < -radius
    assert scatter.points.x_title == "restores →"
    assert scatter.points.y_title == "breaks →"


def test_what_a_set_can_be_asked(document, show, qtbot):
    pane, selection = necessary(document, show)
    selection.move(layer=4, head=2, heads=ACROSS)
    for button, title in (
        (pane.selected.average, "Attention"),
        (pane.selected.feeders, "Who feeds it"),
    ):
        with qtbot.waitSignal(pane.pane_requested) as asked:
            qtbot.mouseClick(button, LEFT)
        assert asked.args == [title]
    pins = {"pins": tuple(Cursor(*head) for head in ACROSS)}
    with qtbot.waitSignal(pane.edited) as edited:
        qtbot.mouseClick(pane.selected.pin, LEFT)
    assert edited.args == [pins]
    number = pane.scatter.points.names.index("L4H0")
    pane.scatter.menu_requested.emit(number, pane.rect().center())
    verbs = {action.text(): action for action in pane.findChild(QMenu, MENU).actions()}
    assert list(verbs) == [
        "Average their attention",
        "Who feeds them?",
        "Pin these 3 heads",
        "Ablate them together",
        "Intervene on these 3 heads",
        "Copy the value",
        "",
        *OF_PICTURES,
    ]
    with qtbot.waitSignal(pane.edited) as edited:
        verbs["Pin these 3 heads"].trigger()
    assert edited.args == [pins]
    verbs["Copy the value"].trigger()
    assert QGuiApplication.clipboard().text().startswith("L4H0 restores ")
    selection.move(layer=2)
    assert not pane.selected.feeders.isEnabled()


def feeders(document, show, heads=ACROSS):
    cursor = Cursor(*heads[-1], 3, heads=heads)
    pane = answer(show(FeedersPane()), document, cursor)
    in_session(pane, document)
    return pane, linked(pane, cursor)


def feeding(pane, selection):
    """What the pane asks now."""
    return pane.requests(pane._document, selection.cursor)["feeding"]


def test_a_set_is_fed_together_and_says_whom_senders_between_reach(document, show):
    pane, selection = feeders(document, show, ((4, 2), (2, 3), (4, 0)))
    assert pane.requests(document, selection.cursor) == {
        "totals": PathsInto(document.model, PAIR, ACROSS),
        "feeding": WhoFeeds(document.model, PAIR, ACROSS, "q", hear_each_other=False),
    }
    assert pane.legend.text().startswith("into 3 heads: L2H3, L4H0, L4H2 (q): ")
    assert pane.heatmap.describe(1, 1).startswith("L1H1 → 3 heads.q: restores ")
    assert pane.heatmap.describe(3, 1).endswith("; it comes before 2 heads: L4H0, L4H2 only")
    assert "none of the receiving heads" in pane.heatmap.describe(4, 0)


def test_receivers_of_several_layers_may_hear_each_other(document, show, qtbot):
    pane, selection = feeders(document, show)
    assert pane.hearing.isEnabled()
    pane.hearing.click()
    assert feeding(pane, selection).hear_each_other
    selection.move(layer=4, head=2, heads=((4, 0), (4, 2)))
    assert not pane.hearing.isEnabled()
    assert not feeding(pane, selection).hear_each_other


def test_totals_stand_where_nothing_moves_and_choose_the_input(document, show, qtbot):
    pane, selection = feeders(document, show)
    before = [button.geometry() for button in pane.input.buttons.values()]
    totals = found(PathsInto(document.model, PAIR, ACROSS))
    for button, share in zip(pane.input.buttons.values(), totals.shown, strict=True):
        assert button.text().endswith(f"{share:.0%}".replace("%", " %").replace("-", "−"))
        assert "do not add up" in button.toolTip()
    qtbot.mouseClick(pane.input.buttons["pattern"], LEFT)
    assert feeding(pane, selection).input == "pattern"
    tell(pane, "totals", status="late", request=PathsInto(document.model, PAIR, ((1, 1),)))
    assert pane.input.is_stale
    pane.show_reply("totals", None)
    texts = [button.text() for button in pane.input.buttons.values()]
    assert texts == ["q …", "k …", "v …", "pattern …"]
    assert not pane.input.is_stale
    assert [button.geometry() for button in pane.input.buttons.values()] == before


def test_the_chain_goes_back_from_sender_to_sender_and_returns(document, show, qtbot):
    pane, selection = feeders(document, show)
    middle = pane.heatmap.middle_of(1, 2).toPoint()
    qtbot.mouseClick(pane.heatmap, LEFT, pos=middle)
    assert selection.cursor == Cursor(1, 2, 3)
    assert feeding(pane, selection).heads == ACROSS
    qtbot.keyClick(pane.heatmap, Qt.Key.Key_Return)
    assert feeding(pane, selection).heads == ((1, 2),)
    pane.input.buttons["v"].click()
    pane.heatmap.picked.emit({"layer": 0, "head": 3})
    qtbot.keyClick(pane.heatmap, Qt.Key.Key_Return)
    links = [Link(ACROSS, "q"), Link(((1, 2),), "v"), Link(((0, 3),), "v")]
    assert list(pane.chain.links) == links
    assert [link_name(link) for link in links] == ["L2H3+L4H0+2.q", "L1H2.v", "L0H3.v"]
    pane.chain.buttons[0].click()
    assert selection.cursor.heads == ACROSS
    assert list(pane.chain.links) == links[:1]
    request = feeding(pane, selection)
    assert (request.heads, request.input) == (ACROSS, "q")


def test_a_selection_elsewhere_ends_the_chain(document, show):
    pane, selection = feeders(document, show)
    pane.heatmap.activated.emit(1, 2)
    assert len(pane.chain.links) == 2
    selection.move(layer=5, head=0)
    assert pane.chain.links == (Link(((5, 0),), "q"),)
    pane.heatmap.activated.emit(1, 4)  # an MLP has no inputs to ask about
    assert len(pane.chain.links) == 1


def test_the_chain_is_the_selections_that_it_was_made_for(document, show):
    pane, selection = feeders(document, show)
    pane.heatmap.picked.emit({"layer": 1, "head": 2})
    pane.heatmap.picked.emit({"layer": 3})  # an MLP
    assert feeding(pane, selection).heads == ACROSS
    selection.move(position=1)
    assert feeding(pane, selection).heads == ACROSS
    selection.move(layer=5, head=0)
    assert feeding(pane, selection).heads == ((5, 0),)
    selection.back()
    assert feeding(pane, selection).heads == ACROSS


def test_undo_takes_the_chain_back_and_walking_along_senders_is_one_step(document, show):
    pane, selection = feeders(document, show)
    stack = pane.findChild(Session).undo_stack
    for head in range(4):
        pane.heatmap.picked.emit({"layer": 1, "head": head})
    assert stack.count() == 2  # receivers are held, and then the sender is another one
    pane.heatmap.activated.emit(0, 3)
    assert feeding(pane, selection).heads == ((0, 3),)
    assert len(pane.chain.links) == 2
    stack.undo()
    selection.back()
    assert feeding(pane, selection).heads == ACROSS
    assert len(pane.chain.links) == 1
    stack.redo()
    selection.forward()
    assert [link.heads for link in pane.chain.links] == [ACROSS, ((0, 3),)]


def test_heads_that_another_model_lacks_are_left_out_of_the_chain(document, show):
    held = ((40, 1), (2, 3))
    before = (Link(((40, 0),), "q"), Link(((4, 1), (40, 2)), "k"))
    view = FeedersView(held=held, sender=Cursor(1, 2), before=before)
    pane = answer(show(FeedersPane()), document.having(feeders=view), Cursor(1, 2))
    assert pane.requests(pane._document, Cursor(1, 2))["feeding"].heads == ((2, 3),)
    assert pane.chain.links == (Link(((4, 1),), "k"), Link(((2, 3),), "q"))
    gone = FeedersView(held=((40, 1),), sender=Cursor(1, 2))
    pane.show_document(document.having(feeders=gone))
    assert pane.requests(pane._document, Cursor(1, 2))["feeding"].heads == ((1, 2),)


@pytest.mark.parametrize(("width", "shown"), [(900, 6), (330, 4), (150, 1)])
def test_a_chain_leaves_out_its_middle(show, width, shown):
    chain = show(Chain(), width, 30)
    chain.show_links([Link(((layer, 0),), "q") for layer in range(6, 0, -1)])
    seen = [button for button in chain.buttons if button.isVisible()]
    assert len(seen) <= shown
    assert seen[-1] is chain.buttons[-1]
    assert all(button.geometry().right() <= width for button in seen)
    assert chain.height() == 30
    if shown < 6:
        assert len(seen) < 6


def test_a_link_wider_than_its_room_is_shortened_and_written_out_where_there_is_room(show):
    chain = show(Chain(), 40, 30)
    chain.show_links([Link(((15, 12),), "pattern")])
    (link,) = chain.buttons
    assert link.geometry().right() <= 40
    assert "…" in link.text()
    assert "L15H12: pattern" in link.toolTip()
    chain.resize(300, 30)
    assert link.text() == "L15H12.pattern"
    before = link.width()
    font = link.font()
    font.setPointSizeF(2 * font.pointSizeF())
    link.setFont(font)
    chain.setFont(font)
    assert link.width() > before
    assert link.geometry().right() <= 300


def test_a_set_of_many_heads_is_a_number():
    assert link_name(Link(tuple((9, head) for head in range(7)), "k")) == "7 heads.k"
    assert link_name(Link(((23, 1), (23, 3)), "pattern")) == "L23H1+3.pattern"
