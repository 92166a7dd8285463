"""How long a sweep is likely to take: as it took, or scaled from the most similar model."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lensgui.app.models import words
from lensgui.jobs.answers.arrays import Sweep
from lensgui.jobs.handlers import dispatch
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.requests import Patching
from lensgui.models import speeds, store
from lensgui.models.speeds import Guess, Swept
from lensgui.state.examples import TOY, find
from lensgui.terms.kinds import SweepKind

pytestmark = pytest.mark.usefixtures("home")
SMALL = Swept("small", 100_000_000, 12, 14, "cpu", "float32", 2, 4.0)


def test_a_model_that_was_swept_takes_as_long_as_it_did():
    for seconds in (90.0, 4.0, 5.0, 6.0, 4.5, 4.4):  # the latest five count
        speeds.note(replace(SMALL, seconds=seconds))
    speeds.note(replace(SMALL, dtype="bfloat16", seconds=50.0))
    assert speeds.of_model(("x", "small"), "float32") == Guess(4.5, 14)
    assert words.speed(Guess(4.5, 14)) == "A residual sweep of 14 tokens takes about 4 s here."
    assert speeds.of_model(("x",), "float32") is None
    assert speeds.of_model(("small",), "float64") is None


def test_another_model_is_scaled_from_the_most_similar_one():
    speeds.note(SMALL)
    speeds.note(replace(SMALL, source="tiny", parameters=1_000_000, seconds=0.01))
    assert speeds.scaled(200_000_000, 24, "float32") == Guess(16.0, 14, "small")
    assert words.speed(Guess(16.0, 14, "small")).endswith("about 16 s here, scaled from small.")
    assert speeds.scaled(0, 24, "float32") is None
    assert speeds.scaled(200_000_000, 24, "bfloat16") is None


def test_what_is_remembered_is_bounded_and_what_can_not_be_read_is_nothing(home, monkeypatch):
    for _ in range(3):
        speeds.note(SMALL)
    monkeypatch.setattr(speeds, "MOST", 2)
    speeds.note(SMALL)
    assert len(json.loads((home / speeds.FILE).read_text())) == 2
    for text in ("{", "[1]", '[{"source": 1}]', "[" * 100_000):
        (home / speeds.FILE).write_text(text)
        assert speeds.read() == ()
    monkeypatch.setenv(store.HOME_VARIABLE, str(home / speeds.FILE / "no"))
    speeds.note(SMALL)


@pytest.fixture
def sweep(monkeypatch):
    """Sweeps the toy with a clock of its own, in which each step takes half a second."""
    for most in ("MOST_ROWS", "MERGED_ROWS"):
        monkeypatch.setattr(f"lensgui.analysis.sweep.grouping.{most}", 4)
    now = iter(range(10**6))
    monkeypatch.setattr(dispatch, "perf_counter", lambda: next(now) / 2)
    dispatcher = Dispatcher(threads=1)
    use = dispatcher.loaded.use

    def slowly(key, **settings):
        for _ in range(2000 * (dispatcher.loaded.model is None)):
            next(now)
        return use(key, **settings)

    monkeypatch.setattr(dispatcher.loaded, "use", slowly)
    document = find(TOY).document
    request = Patching(document.model, document.pair)

    def run(is_left=False, **changes):
        answers = dispatcher.answer(replace(request, **changes))
        for answer in answers:
            if is_left and isinstance(answer, Sweep) and 0 < answer.done < answer.total:
                break
        answers.close()
        assert bool(dispatcher.loaded.unfinished) == is_left

    run.forget = lambda: setattr(dispatcher.loaded, "model", None)
    return run


def test_a_whole_residual_sweep_is_noted_once(sweep):
    sweep(is_left=True)
    sweep()  # which goes on with it
    sweep(kind=SweepKind("attn_out"))
    assert speeds.read() == ()
    sweep.forget()
    sweep()
    sweep()
    (noted,) = speeds.read()
    assert (noted.source, noted.layers, noted.device, noted.threads) == ("toy", 2, "cpu", 1)
    assert noted.tokens > 5
    assert 1 < noted.seconds < 500  # opening the model, 1,000 s of this clock, is no part of it
    assert 100_000 < noted.parameters < 200_000
