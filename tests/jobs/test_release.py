"""A model that is no longer wanted is gone, whatever was asked of it and however it was left."""

from __future__ import annotations

import contextlib
import gc
import weakref
from dataclasses import replace

import pytest

from lensgui.jobs import requests as ask_for
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.runner import Runner
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.state.examples import TOY, find
from lensgui.terms.kinds import SweepKind
from lensgui.terms.model_key import ModelKey

RAW, FOLDED = ModelKey(TOY), ModelKey(TOY, folded=True)
PAIR = find(TOY).document.pair
ROWS = (PairRow(PAIR), PairRow(replace(PAIR, clean=PAIR.clean.replace("apple", "music"))))
HEADS = SweepKind("z", "all")
REQUESTS = [
    ask_for.ReadPair(RAW, PAIR),
    ask_for.ReadPairs(RAW, (PAIR, ROWS[1].pair)),
    ask_for.FindTokens(RAW, PAIR.clean_prompt, "a"),
    ask_for.FindReplacements(RAW, replace(PAIR, corrupted=PAIR.corrupted + " apple")),
    ask_for.AttentionGrid(RAW, PAIR, "difference"),
    ask_for.AttentionHead(RAW, PAIR, ((1, 2), (0, 1)), "difference", "contribution"),
    *[ask_for.Patching(RAW, PAIR, SweepKind(of)) for of in ("resid_pre", "resid_mid", "mlp_out")],
    *[
        ask_for.Patching(RAW, PAIR, SweepKind(of, "all"), "noising")
        for of in ("q", "k", "v", "pattern")
    ],
    ask_for.Patching(RAW, PAIR, SweepKind("pattern", "edge"), layer=1, head=2),
    ask_for.Patching(RAW, PAIR, SweepKind("z")),
    ask_for.Patching(RAW, PromptPair("", metric=PAIR.metric), HEADS, rows=ROWS),
    ask_for.VerifyCell(ask_for.Patching(RAW, PAIR, HEADS), (1, 2)),
    ask_for.HeadRoles(RAW, PAIR, ROWS),
    ask_for.WhoFeeds(RAW, PAIR, ((1, 2),)),
    ask_for.ReadHead(RAW, PAIR, 1, 2, 10),
    ask_for.ReadEdge(RAW, PAIR, 1, 2, 10, 4),
    ask_for.ReadMLP(RAW, PAIR, 1, 10),
    ask_for.LogitLens(RAW, PAIR, 10),
]
FAILING = [  # once the model is loaded, and some once prompts have run
    ask_for.ReadHead(RAW, PAIR, 1, 99, 10),
    ask_for.LogitLens(RAW, PAIR, 10_000),
    ask_for.ReadEdge(RAW, PAIR, 1, 2, 10, 10_000),
    ask_for.Patching(RAW, replace(PAIR, corrupted=" apple"), HEADS),
    ask_for.Patching(RAW, replace(PAIR, distractor=PAIR.answer), HEADS),
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


@pytest.fixture
def worker(qapp):
    """A runner, and the dispatcher that its thread makes."""
    made = []
    runner = Runner(lambda: made.append(Dispatcher(threads=1)) or made[0])
    yield runner, made
    assert runner.close(10_000)


def ask(answerer, request, most=None):
    """Take so many steps of an answer, and leave it."""
    steps = answerer.answer(request)
    with contextlib.suppress(ValueError):
        for count, _ in enumerate(steps):
            if count == most:
                break
    steps.close()


@pytest.mark.parametrize("most", [1, 2, 4, None])
def test_a_model_goes_when_another_is_opened(most, uncollected):
    answerer = Dispatcher(threads=1)
    for request in [*REQUESTS, *FAILING]:
        model = weakref.ref(answerer.loaded.use(RAW))
        ask(answerer, request, most)
        ask(answerer, ask_for.OpenModel(FOLDED))
        assert model() is None, request


def test_runs_of_two_prompts_together_can_be_left_half_way(uncollected):
    answerer = Dispatcher(threads=1)
    model = weakref.ref(answerer.loaded.use(RAW))
    sweep = answerer.answer(ask_for.Patching(RAW, PAIR))
    next(sweep)
    sweep.close()
    ask(answerer, ask_for.ReadPair(RAW, PAIR), 1)
    ask(answerer, ask_for.OpenModel(FOLDED))
    assert model() is None


@pytest.mark.parametrize("of_many", [False, True])
def test_the_workers_thread_keeps_no_model_either(of_many, uncollected, worker, qtbot):
    """With jobs that go on while others begin, that fail, and that nobody wants any more."""
    runner, made = worker
    with qtbot.waitSignal(runner.settled, timeout=60_000):
        runner.submit("model", ask_for.OpenModel(RAW))
    model = weakref.ref(made[0].loaded.model)
    with qtbot.waitSignal(runner.settled, timeout=60_000):
        for channel, request in enumerate([*REQUESTS, *FAILING] * (1 + of_many)):
            runner.submit(channel % 7 if of_many else channel, request)
    with qtbot.waitSignal(runner.settled, timeout=60_000):
        for channel in range(len(REQUESTS) + len(FAILING)):
            runner.cancel(channel)
        runner.submit("model", ask_for.OpenModel(FOLDED))
    assert made[0].loaded.model is not None
    assert model() is None
