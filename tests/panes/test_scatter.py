"""Points and their names, at any size of the plot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip

from lensgui.panes.patching.necessary_sufficient import NecessaryPane
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.scatter.point_labels import NAMED, inside, outliers
from lensgui.panes.scatter.point_plot import Points
from lensgui.panes.scatter.scatter import Scatter
from lensgui.state.selection import Cursor
from lensgui.state.views import PatchingView
from lensgui.terms.kinds import SweepKind
from tests.panes.conftest import answer
from tests.pictures import draws, move

WITH_ESTIMATES = PatchingView(shows_estimates=True)


def crowd():
    draw = np.random.default_rng(3)
    x = np.concatenate([draw.normal(0, 0.02, 200), [0.9, 0.5, -0.4, 0.89]])
    y = np.concatenate([draw.normal(0, 0.02, 200), [0.95, 0.3, -0.5, 0.1]])
    names = [f"L{at // 9}H{at % 9}" for at in range(len(x))]
    return Points(x, y, names, str, "exact", "estimate")


def plotted(show, size=(380, 150)):
    scatter = show(Scatter("Some points", "Some points."), *size)
    scatter.show_points(crowd())
    draws(scatter)
    return scatter


def dots(scatter):
    """The middles of all dots, as the plot itself places them, in pixels of its inside."""
    box, points = scatter.plot.getViewBox(), scatter.points
    room = box.size()
    (left, right), (low, high) = box.viewRange()
    down = (high - points.y) / (high - low)
    across = (points.x - left) / (right - left) * room.width()
    return across, down * room.height()


@pytest.mark.parametrize("size", [(380, 150), (220, 116), (900, 600)])
def test_names_are_inside_and_on_nothing_else(show, size):
    scatter = plotted(show, size)
    room = scatter.plot.getViewBox().size()
    inside = QRectF(0, 0, room.width(), room.height())
    x, y = dots(scatter)
    boxes = list(scatter.named.items())
    assert boxes
    for at, box in boxes:
        assert inside.contains(box)
        assert not any(box.intersects(other) for name, other in boxes if name != at)
        assert not any(box.contains(*dot) for dot in zip(x, y, strict=True))


def test_the_most_extreme_point_is_named(show):
    scatter = plotted(show)
    assert 200 in scatter.named
    assert len(scatter.named) <= NAMED


def test_names_and_ranges_are_there_at_first(show):
    scatter = show(Scatter("Some points", "Some points."), 380, 150)
    scatter.show_points(crowd())
    draws(scatter)
    ranges, named = scatter.plot.getViewBox().viewRange(), dict(scatter.named)
    assert ranges[0][1] > 0.9
    scatter.show_chosen(3)
    scatter.show_chosen(None)
    draws(scatter)
    assert scatter.plot.getViewBox().viewRange() == ranges
    assert scatter.named == named


def test_a_selected_and_a_pinned_point_are_named_and_outlined_in_any_crowd(show):
    scatter = plotted(show)
    plain = scatter.grab().toImage()
    scatter.show_chosen(5, [7])
    assert {5, 7} <= scatter.named.keys()
    assert scatter.grab().toImage() != plain


def test_pins_are_outlined_in_both_plots(document, show):
    pinned = document.having(pins=(Cursor(4, 2),))
    heads = answer(show(NecessaryPane()), pinned).scatter
    assert {heads.points.names[at] for at in heads.marks.pinned} == {"L4H2"}
    shown = pinned.having(kind=SweepKind("z", "all"), patching=WITH_ESTIMATES)
    pane = answer(show(PatchingPane()), shown)
    found = pane.view.estimates.scatter
    assert {found.points.names[at] for at in found.marks.pinned} == {"L4H2"}


def test_a_plot_of_one_position_says_which_and_what_the_correlation_is_of(document, show):
    shown = document.having(kind=SweepKind("z"), patching=WITH_ESTIMATES)
    pane = answer(show(PatchingPane()), shown)
    assert "position 3" in pane.view.estimates.scatter.points.x_title
    assert "cells at all positions" in pane.view.remarks.text()


def test_axes_have_true_minus_signs(show):
    axis = plotted(show).plot.getAxis("left")
    assert "−0.5" in axis.tickStrings([-0.5, 0.0, 0.5], 1.0, 0.5)


@pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
def test_a_pointer_that_rests_is_told_what_is_there_now(show):
    scatter = plotted(show)
    said = []
    scatter.hovered.connect(said.append)
    where = scatter.middle_of(200)
    move(scatter.plot.viewport(), where + QPoint(1, 1))
    move(scatter.plot.viewport(), where)
    points = scatter.points
    scatter.show_points(replace(points, describe=lambda number: f"now {number}"))
    scatter.show_points(replace(points, describe=lambda number: f"now {number}"))
    scatter.show_points(None)
    assert said == ["200", "now 200", ""]


def test_axes_say_what_they_count(show, monkeypatch):
    scatter = show(Scatter("Some points", "The hint."), 380, 150)
    scatter.show_points(replace(crowd(), x_tip="What x is.", y_tip="What y is."))
    draws(scatter)
    said = []
    monkeypatch.setattr(QToolTip, "showText", lambda where, words, *rest: said.append(words))
    view, inside = scatter.plot.viewport(), scatter.plot.getViewBox().sceneBoundingRect()
    corner = inside.topLeft() + QPointF(3, 3)
    for place in (QPointF(200, inside.bottom() + 12), QPointF(inside.left() - 12, 60), corner):
        event = QHelpEvent(QEvent.Type.ToolTip, place.toPoint(), view.mapToGlobal(place.toPoint()))
        QApplication.sendEvent(view, event)
    assert said == ["What x is.", "What y is.", "The hint."]


def test_outliers_stand_out_from_a_bulk_that_they_do_not_widen():
    points = crowd()
    assert outliers(points.x, points.y)[:4] == [200, 203, 202, 201]
    flat = np.zeros(50)
    flat[7] = 1e-3
    assert outliers(flat, np.zeros(50))[0] == 7
    assert outliers(np.empty(0), np.empty(0)) == []


def test_a_loop_holds_what_is_within_it():
    middles = np.array([[5.0, 5.0], [15.0, 5.0], [5.0, 15.0]])
    triangle = [QPointF(0, 0), QPointF(12, 0), QPointF(0, 12)]
    assert inside(middles, triangle) == (0,)
    assert inside(middles, [QPointF(0, 0), QPointF(20, 20)]) == ()
