"""Every tour on the demo model: by clicks in the real window, and every number it quotes."""

from __future__ import annotations

import pytest

from lensgui.state.tours import tours
from tests.app.test_tours import check_numbers, walk
from tests.demo import demo_folder

__all__ = ["demo_folder"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", list(tours()))
def test_a_tour_runs_by_clicking_what_it_points_at(name, demo_folder, qtbot):
    assert walk(name, qtbot) == 7


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", list(tours()))
def test_the_numbers_that_a_tour_quotes_are_the_models(name, demo_folder):
    check_numbers([name], demo_folder)
