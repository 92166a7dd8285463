"""Points and their names, at any size of the plot."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRectF

from lensgui.panes.patching.necessary_sufficient import NecessaryPane
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.pictures.point_labels import NAMED
from lensgui.panes.pictures.point_plot import Points
from lensgui.panes.pictures.scatter import Scatter
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import SweepKind
from tests.panes.conftest import answer, viewing
from tests.pictures import draws


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
    pane = answer(show(PatchingPane()), viewing(pinned, kind=SweepKind("z", "all")))
    pane.view.tools.estimate.click()
    found = pane.view.estimates.scatter
    assert {found.points.names[at] for at in found.marks.pinned} == {"L4H2"}


def test_a_plot_of_one_position_says_which_and_what_the_correlation_is_of(document, show):
    pane = answer(show(PatchingPane()), viewing(document, kind=SweepKind("z")))
    pane.view.tools.estimate.click()
    assert "position 3" in pane.view.estimates.scatter.points.x_title
    assert "cells at all positions" in pane.view.remarks.text()


def test_axes_have_true_minus_signs(show):
    axis = plotted(show).plot.getAxis("left")
    assert "−0.5" in axis.tickStrings([-0.5, 0.0, 0.5], 1.0, 0.5)
