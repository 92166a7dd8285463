"""Every question there is has a handler, and says what is known of its kind."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import replace

import pytest

import lensgui.jobs
from lensgui.jobs.handlers.dispatch import HANDLERS
from lensgui.jobs.questions.attribution_requests import (
    AttributeMetric,
    AttributeNeurons,
    AttributeSources,
)
from lensgui.jobs.request import Request, Urgency
from lensgui.jobs.requests import AttentionGrid, HeadRoles, Patching, ReadPair
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.terms.model_key import ModelKey

KEY, PAIR = ModelKey(), PromptPair("a", "b", " c", " d")
MODULES = [
    importlib.import_module(found.name)
    for found in pkgutil.walk_packages(lensgui.jobs.__path__, "lensgui.jobs.")
    if found.name.endswith("requests")
]
NAMED = {name: of for module in MODULES for name, of in vars(module).items()}
ALL = [of for of in NAMED.values() if isinstance(of, type) and issubclass(of, Request)]


def test_every_request_has_a_handler():
    assert set(HANDLERS) == set(ALL) - {Request}
    assert len(HANDLERS) == len(set(HANDLERS.values()))


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind is not Request])
def test_every_request_says_what_is_done(kind):
    assert kind.doing == kind.doing.strip() != ""
    assert isinstance(kind.of_its_kind, Urgency)


def test_a_mean_waits_longer_than_one_pair_and_needs_no_equal_lengths():
    grid = AttentionGrid(KEY, PAIR, "difference")
    mean = replace(grid, rows=(PairRow(PAIR),))
    assert (grid.urgency, mean.urgency) == (Urgency.VIEW, Urgency.SWEEP)
    assert (grid.is_slow, mean.is_slow) == (False, True)
    assert (grid.needs_equal_lengths, mean.needs_equal_lengths) == (True, False)
    assert not replace(grid, side="clean").needs_equal_lengths
    assert Patching(KEY, PAIR).needs_equal_lengths
    assert HeadRoles(KEY, PAIR).needs_equal_lengths
    assert not ReadPair(KEY, PAIR).needs_equal_lengths


def test_parts_are_compared_whatever_the_lengths_but_sources_are_not():
    assert not AttributeMetric(KEY, PAIR, "difference").needs_equal_lengths
    assert not AttributeNeurons(KEY, PAIR, 0, "difference").needs_equal_lengths
    assert AttributeSources(KEY, PAIR, 0, 0, "difference").needs_equal_lengths
