"""Tours: they run by clicking what they point at, and every number they quote is the model's."""

from __future__ import annotations

import re

import pytest
from PySide6.QtCore import QRect, Qt

from lensgui.__main__ import make_answerer
from lensgui.app import start
from lensgui.app.tours import touring as module
from lensgui.app.tours.places import place_of
from lensgui.models import known_models
from lensgui.panes.patching.patching import PatchingPane
from lensgui.state.examples import examples, find
from lensgui.state.tours import Target, tours
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.model_key import ModelKey
from tests.demo import demo_folder
from tests.tour_numbers import Numbers
from tests.windows import pane_of

__all__ = ["demo_folder"]
PATIENCE_MS = 60_000
SHARE = ("agreement", "capital")  # the shortest; the soak has all


class Here:
    is_here = True


@pytest.fixture
def touring(window, parts, monkeypatch):
    """Tours in a window whose model is called what examples ask for."""
    monkeypatch.setattr(known_models, "find", lambda name: Here())
    window.resize(1280, 800)
    return parts.commands.touring


@pytest.fixture
def started(touring, window, parts, qtbot):
    touring.start("ioi")
    qtbot.waitUntil(lambda: not parts.runner.is_busy)
    return touring


def test_every_example_has_a_tour_of_four_to_eight_steps_with_numbers():
    named = [example.name for example in examples()][:10]
    assert list(tours()) == named
    for tour in tours().values():
        assert 4 <= len(tour.steps) <= 8
        assert sum(len(step.quotes) for step in tour.steps) >= 8
        assert tour.steps[-1].target == Target()
        for step in tour.steps:
            assert "{" not in step.says
            assert all(value in step.says for _, value in step.quotes)
            assert step.says.endswith(".")


def test_no_number_stands_in_a_tour_unquoted():
    for tour in tours().values():
        for step in tour.steps:
            rest = step.says
            for _, value in step.quotes:
                rest = rest.replace(value, "", 1)
            assert not re.search(r"[+−]\d|\d ?%|\d\.\d", rest), (tour.name, rest)


def check_numbers(names, folder):
    from lensgui import open_model

    model = open_model(str(folder))
    for name in names:
        numbers = Numbers(model, find(name).document.pair)
        for step in tours()[name].steps:
            for quantity, value in step.quotes:
                assert numbers.text(quantity) == value, (name, quantity)


@pytest.mark.demo
def test_the_numbers_that_two_tours_quote_are_the_models(demo_folder):
    check_numbers(SHARE, demo_folder)


def run_by_clicks(touring, window, parts, qtbot):
    """Click what each step points at; every click goes on."""
    count = 0
    while touring.step.target.kind:
        at = touring.at

        def is_pointed():
            touring._look()
            return touring.ring.isVisible()

        qtbot.waitUntil(is_pointed)
        assert not touring.coach.geometry().intersects(touring.ring.geometry())
        assert window.rect().contains(touring.coach.geometry())
        middle = touring.ring.geometry().center()
        widget = window.childAt(middle)
        where = widget.mapFrom(window, middle)
        qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, pos=where)
        qtbot.waitUntil(lambda before=at: touring.at == before + 1)
        qtbot.waitUntil(lambda: not parts.runner.is_busy, timeout=PATIENCE_MS)
        count += 1
    return count


def walk(name, qtbot):
    """Run a tour on the demo model in a window of its own."""
    parts = start.build(start.Options(safe_mode=True), make_answerer)
    parts.faults.release()
    try:
        window = parts.window
        window.resize(1280, 800)
        window.show()
        parts.commands.touring.start(name)
        qtbot.waitUntil(lambda: not parts.runner.is_busy, timeout=PATIENCE_MS)
        return run_by_clicks(parts.commands.touring, window, parts, qtbot)
    finally:
        assert start.leave(parts, 5)


@pytest.mark.demo
@pytest.mark.parametrize("name", SHARE)
def test_a_tour_runs_by_clicking_what_it_points_at(name, demo_folder, qtbot):
    assert walk(name, qtbot) == 7


def test_next_and_back_go_through_all_steps(started, window):
    steps = tours()["ioi"].steps
    for at in range(len(steps)):
        assert started.at == at
        assert started.coach.words.text() == steps[at].says
        assert started.coach.before.isEnabled() == (at > 0)
        started.coach.next.click()
        if at == len(steps) - 1:
            started.forward()
    assert started.at is None
    assert not started.coach.isVisible()
    assert window.session.document.pair.interventions[0].is_on


def test_back_shows_the_step_before(started):
    started.forward()
    started.forward()
    started.back()
    assert started.at == 1
    started.back()
    started.back()
    assert started.at == 0


def test_what_is_pointed_at_is_a_cell_of_the_map(started, window, qtbot):
    heatmap = pane_of(window, PatchingPane).view.heatmap
    where = place_of(window, Target("cell", (1, 2)))
    middle = heatmap.mapFrom(window, where.center())
    assert heatmap.cell_at(middle.toPointF()) == (1, 2)
    assert place_of(window, Target("cell", (99, 2))) == QRect()
    window.show_pane("All kinds at once")
    qtbot.waitUntil(lambda: place_of(window, Target("cell", (1, 2))) == QRect())


def test_a_tour_can_be_left_at_any_time_and_all_stays(started, window, qtbot):
    started.forward()
    before = window.session.document, window.selection.cursor
    qtbot.keyClick(started.coach, Qt.Key.Key_Escape)
    assert started.at is None
    assert not started.ring.isVisible()
    assert (window.session.document, window.selection.cursor) == before


def test_another_prompt_ends_the_tour_and_an_intervention_does_not(started, window):
    window.session.edit(interventions=(Intervention(Site("z", 0, 0), "zero"),))
    assert started.at == 0
    window.session.edit(clean="Another prompt")
    assert started.at is None


def test_why_there_is_no_tour_is_said(touring, window, monkeypatch):
    said = []
    touring.said.connect(said.append)
    window.session.edit(clean="No example")
    touring.start_here()
    assert said == [module.NO_TOUR]
    Gone = type("Gone", (), {"is_here": False})
    monkeypatch.setattr(known_models, "find", lambda name: Gone())
    touring.start("ioi")
    assert said[-1] == module.NOT_HERE
    assert touring.at is None


def test_the_tour_of_the_open_example_begins(touring, window):
    window.session.edit(pair=find("days").document.pair)
    touring.start_here()
    assert touring.coach.title.text().startswith(find("days").title)


@pytest.mark.demo
def test_a_step_that_is_gone_back_to_can_be_clicked_again(demo_folder, qtbot):
    parts = start.build(start.Options(safe_mode=True), make_answerer)
    parts.faults.release()
    try:
        window, touring = parts.window, parts.commands.touring
        window.resize(1280, 800)
        window.show()
        touring.start("agreement")
        for _ in range(4):
            touring.forward()
        window.show_pane("Interventions")
        touring.back()
        touring.back()
        assert touring.at >= 2
        while touring.at > 2:
            touring.back()
        qtbot.waitUntil(lambda: not parts.runner.is_busy, timeout=PATIENCE_MS)
        assert run_by_clicks(touring, window, parts, qtbot) == 5
    finally:
        assert start.leave(parts, 5)


def test_another_model_ends_the_tour(started, window):
    window.session.edit(model=ModelKey("other"))
    assert started.at is None


def test_nothing_is_pointed_at_in_a_pane_that_floats(started, window, qtbot):
    assert not place_of(window, Target("cell", (0, 1))).isEmpty()
    window.docks[PatchingPane.title].setFloating(True)
    assert place_of(window, Target("cell", (0, 1))) == QRect()
    window.docks[PatchingPane.title].setFloating(False)
