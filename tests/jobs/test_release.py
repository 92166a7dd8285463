"""A model that is no longer wanted is gone, whatever was asked of it and however it was left."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import pytest

from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.requests import (
    AttentionGrid,
    AttentionHead,
    FindReplacements,
    FindTokens,
    HeadRoles,
    LogitLens,
    OpenModel,
    Patching,
    ReadEdge,
    ReadHead,
    ReadMLP,
    ReadPair,
    ReadPairs,
    VerifyCell,
    WhoFeeds,
)
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.state.examples import TOY, find
from lensgui.terms.kinds import SweepKind
from lensgui.terms.model_key import ModelKey

RAW, FOLDED = ModelKey(TOY), ModelKey(TOY, folded=True)
PAIR = find(TOY).document.pair
ROWS = (PairRow(PAIR), PairRow(replace(PAIR, clean=PAIR.clean.replace("apple", "music"))))
HEADS = SweepKind("z", "all")
REQUESTS = [
    ReadPair(RAW, PAIR),
    ReadPairs(RAW, (PAIR, ROWS[1].pair)),
    FindTokens(RAW, PAIR.clean_prompt, "a"),
    FindReplacements(RAW, replace(PAIR, corrupted=PAIR.corrupted + " apple")),
    AttentionGrid(RAW, PAIR, "difference"),
    AttentionHead(RAW, PAIR, ((1, 2), (0, 1)), "difference", "contribution"),
    *[Patching(RAW, PAIR, SweepKind(of)) for of in ("resid_pre", "resid_mid", "mlp_out")],
    *[Patching(RAW, PAIR, SweepKind(of, "all"), "noising") for of in ("q", "k", "v", "pattern")],
    Patching(RAW, PAIR, SweepKind("pattern", "edge"), layer=1, head=2),
    Patching(RAW, PAIR, SweepKind("z")),
    Patching(RAW, PromptPair("", metric=PAIR.metric), HEADS, rows=ROWS),
    VerifyCell(Patching(RAW, PAIR, HEADS), (1, 2)),
    HeadRoles(RAW, PAIR, ROWS),
    WhoFeeds(RAW, PAIR, 1, 2),
    ReadHead(RAW, PAIR, 1, 2, 10),
    ReadEdge(RAW, PAIR, 1, 2, 10, 4),
    ReadMLP(RAW, PAIR, 1, 10),
    LogitLens(RAW, PAIR, 10),
]


@pytest.fixture
def uncollected():
    """As in the app, nothing is collected on the worker's thread."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    yield
    gc.unfreeze()
    if was_enabled:
        gc.enable()


def ask(answerer, request, most=None):
    """Take so many steps of an answer, and leave it."""
    steps = answerer.answer(request)
    for count, _ in enumerate(steps):
        if count == most:
            break
    steps.close()


@pytest.mark.parametrize("most", [1, 2, 4, None])
def test_a_model_goes_when_another_is_opened(most, uncollected):
    answerer = Dispatcher(threads=1)
    for request in REQUESTS:
        model = weakref.ref(answerer.loaded.use(RAW))
        ask(answerer, request, most)
        ask(answerer, OpenModel(FOLDED))
        assert model() is None, request


def test_runs_of_two_prompts_together_can_be_left_half_way(uncollected):
    answerer = Dispatcher(threads=1)
    model = weakref.ref(answerer.loaded.use(RAW))
    sweep = answerer.answer(Patching(RAW, PAIR))
    next(sweep)
    sweep.close()
    ask(answerer, ReadPair(RAW, PAIR), 1)
    ask(answerer, OpenModel(FOLDED))
    assert model() is None
