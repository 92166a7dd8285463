"""The menu of tasks that pairs are drawn from."""

from __future__ import annotations

from dataclasses import replace

from lensgui.jobs.requests import OpenModel
from lensgui.panes.pairs.pair_table import PairTablePane
from lensgui.prompts.tasks import TASKS
from lensgui.terms.model_key import ModelKey
from tests import fakes
from tests.panes.conftest import tell


def test_only_tasks_that_suit_the_vocabulary_are_offered(show):
    pane = show(PairTablePane())

    def offered():
        return {action.text() for action in pane.draw.menu().actions() if action.isVisible()}

    by_one, by_two = (next(task for task in TASKS if task.digits == count) for count in (1, 2))
    for digits, wanted, other in ((1, by_one, by_two), (2, by_two, by_one)):
        card = fakes.card(OpenModel(ModelKey("fake")))
        tell(pane, "model", replace(card, digits=digits))
        assert wanted.title in offered()
        assert other.title not in offered()
    assert len(offered()) == len(TASKS) - 1
