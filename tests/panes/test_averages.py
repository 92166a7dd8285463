"""What panes say and draw of means: their intervals, what is left out, and the way back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt

from lensgui.jobs.answers.arrays import Axis, CellState, Spread, Sweep
from lensgui.jobs.requests import Patching
from lensgui.panes import theme
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.inspector.inspector import InspectorPane
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.sweep_view import cells, sweep_footer
from lensgui.panes.sweep_view.whiskers import Whiskers, whiskers
from lensgui.panes.theme import Pictures
from lensgui.prompts.pair import PairRow
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import HEADS
from tests import fakes
from tests.answering import last
from tests.panes.conftest import PAIR, answer, in_session, tell
from tests.pictures import draws

ROWS = (PairRow(PAIR), PairRow(replace(PAIR, clean="When Ann and Tom went")))
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


@pytest.fixture
def mean(document) -> Sweep:
    """A mean of which the strongest cells are exact, the others estimated."""
    sweep = last(fakes.FakeAnswerer().answer(Patching(document.model, PAIR, HEADS)))
    size = np.abs(sweep.values)
    is_exact = size >= np.sort(size.ravel())[-6]
    low, high = (np.where(is_exact, sweep.shown + by, np.nan) for by in (-0.1, 0.2))
    return replace(
        sweep,
        states=np.where(is_exact, CellState.EXACT, CellState.ESTIMATE).astype(np.uint8),
        estimates=sweep.values,
        spread=Spread(32, 32, 0, low, high, (2, "Pair “x”: it is empty."), (400, 9000)),
    )


def test_whiskers_are_the_exact_cells_the_strongest_first(mean):
    found = whiskers(mean, 1)
    assert len(found) == 6
    sizes = [abs(one.mean) for one in found]
    assert sizes == sorted(sizes, reverse=True)
    for one in found:
        place = one.fields["layer"], one.fields["head"]
        assert one.mean == pytest.approx(float(mean.shown[place]))
        assert (one.low, one.high) == pytest.approx((one.mean - 0.1, one.mean + 0.2), abs=1e-6)
        assert "95 % of resamples" in one.words
    assert whiskers(replace(mean, spread=None), 1) == ()


def test_whiskers_are_drawn_and_chosen(mean, show, qtbot):
    rows = show(Whiskers(), 320, 240)
    rows.show_sweep(mean, 1, Cursor())
    draws(rows)
    with qtbot.waitSignal(rows.picked) as picked:
        qtbot.mouseClick(rows, Qt.MouseButton.LeftButton, pos=rows.place_of(1).center().toPoint())
    assert picked.args == [rows.shown[1].fields]
    rows.show_sweep(mean, 1, Cursor(**rows.shown[1].fields))
    assert rows.chosen_row() == 1
    rows.setFocus()
    assert "95 % of resamples" in rows.accessibleDescription()
    rows.show_sweep(None, 1, Cursor())
    draws(rows)


def test_whiskers_are_named_as_spaces_look_now(mean, show, monkeypatch):
    positions = Axis("position", (0, 1, 2, 3), (" a", " b", " c", " d"))
    found = replace(mean, axes=(mean.axes[0], positions))
    rows = show(Whiskers(), 320, 240)
    rows.show_sweep(found, 1, Cursor())
    before = [rows.words(row) for row in range(rows.count())]
    assert all("‘·" in words for words in before)
    monkeypatch.setattr(theme._NOW, "pictures", Pictures(space="␣"))
    rows.show_sweep(found, 1, Cursor())
    after = [rows.words(row) for row in range(rows.count())]
    assert after == [words.replace("‘·", "‘␣") for words in before]


def test_what_is_exact_what_is_estimated_and_what_is_left_out_is_said(mean):
    said = " · ".join(sweep_footer.remarks(mean, is_paused=True))
    assert "paused at 4 %" in said
    assert "mean of 32 of 32 pairs, 2 left out" in said
    assert "pale, dotted: first-order estimate" in said
    assert "Left out: Pair “x”: it is empty." in sweep_footer.tip(mean)
    for index in np.ndindex(mean.values.shape):
        words = cells.cell_words(mean, *index)
        is_exact = mean.states[index] == CellState.EXACT
        assert words.startswith("estimate: ") != is_exact
        assert ("95 % of resamples" in words) == is_exact
    plain = replace(mean, estimates=None)
    assert "the mean so far" in " · ".join(sweep_footer.remarks(plain, is_paused=False))


def test_the_plot_of_intervals_opens_where_there_is_a_mean(mean, document, show):
    many = document.having(table=ROWS, is_average=True, kind=HEADS)
    pane = answer(show(PatchingPane(), 520, 640), many)
    in_session(pane, many)
    tell(pane, "sweep", mean)
    assert not pane.view.whiskers.isVisible()
    pane.view.tools.intervals.click()
    assert pane.view.whiskers.isVisible()
    assert len(pane.view.whiskers.shown) == 6
    single = answer(show(PatchingPane()), document)
    assert not single.view.tools.intervals.isEnabled()


@pytest.mark.parametrize("kind", [AttentionPane, PatchingPane])
def test_panes_that_average_say_so(kind, document, show):
    pane, modes = answer(show(kind()), document), []
    pane.moded.connect(modes.append)
    pane.show_mode(document.having(table=ROWS, is_average=True))
    pane.show_mode(document.having(table=ROWS))
    assert modes == ["mean of 2 pairs", ""]
    other = show(InspectorPane())
    other.moded.connect(modes.append)
    other.show_mode(document.having(table=ROWS, is_average=True))
    assert modes[-1] == ""
