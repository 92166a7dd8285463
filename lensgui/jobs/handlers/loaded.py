"""What handlers share: one model at a time, and what it has worked out for earlier questions."""

from __future__ import annotations

import gc
import logging
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lensgui.analysis.checks import check_unhooked
from lensgui.analysis.continuation import Continuation
from lensgui.analysis.interventions.listed import Interventions
from lensgui.analysis.interventions.reference import Reference
from lensgui.analysis.pairs.answers import Answers, answers, encode
from lensgui.analysis.pairs.averages import Average
from lensgui.analysis.run.run import Run, shared
from lensgui.checkpoints.devices import devices
from lensgui.checkpoints.loading import open_model
from lensgui.checkpoints.locate import locate
from lensgui.jobs.answerer import Limits
from lensgui.jobs.answers.arrays import ModelScores
from lensgui.jobs.answers.readings import RowReading
from lensgui.jobs.handlers.attention.strips import Drawn
from lensgui.jobs.handlers.in_words import likeliest
from lensgui.jobs.handlers.interventions.under import RunsUnder
from lensgui.jobs.questions.generation_requests import Generate
from lensgui.jobs.requests import Patching
from lensgui.models import store
from lensgui.prompts.pair import Prompt, PromptPair
from lensgui.terms.errors import ModelError
from lensgui.terms.interventions import Intervention
from lensgui.terms.model_key import ABSENT, BEST_DEVICE, ModelKey
from lensgui.terms.roles import ModelMeasures
from lensgui.transformer.edits.intervened import itself
from lensgui.transformer.model import HookedTransformer

SCORES = "heads"  # the folder of what is known of heads whatever the prompt
MEASURES = ("previous", "duplicate", "induction", "copying")
RAW, COPIED = "raw copying", "copied"  # likewise what no rule compares
log = logging.getLogger(__name__)
MOST_DRAWN = 4
SHORT = 64  # rows that are run sooner than they are missed
SHARE_OF_MEANS = 4  # runs of prompts that means are over take so much less than the user's own
MOST_UNFINISHED = 16  # sweeps whose beginnings are kept
MOST_CONTINUED = 2  # prompts behind which one can go on writing


class Loaded:
    """One model at a time, and the runs of the prompts last asked about.

    Attributes:
        unfinished: What is known of sweeps that were left before their end: exact values, NaN where
            there are none; of a mean, that over the pairs so far.
        readings: The rows of tables that have been read.
        drawn: What the last grids of attention leave to those of prompts that begin alike.
        timed: Models and lengths of prompts of which a sweep's time was noted.
        circuits: The prompts that circuits were measured on last, by what stood in and which.
    """

    def __init__(
        self,
        threads: int | None = None,
        given: Mapping[ModelKey, HookedTransformer] | None = None,
    ) -> None:
        """Start without a model open.

        Args:
            threads: How many threads torch may use; None to leave one core to the window.
            given: Models in memory, by their keys.
        """
        self._threads = threads or max(1, torch.get_num_threads() - 1)
        torch.set_num_threads(self._threads)
        gc.freeze()
        self._given = dict(given or {})
        self._key: ModelKey | None = None
        self.model: HookedTransformer | None = None
        self._version = 0
        self._runs_bytes = Limits().runs_bytes
        self._runs: OrderedDict[tuple[int, ...], Run] = OrderedDict()
        self._under = RunsUnder(self._plain_runs)
        self.unfinished: dict[Patching, Tensor | Average] = {}
        self.readings: dict[PromptPair, RowReading] = {}
        self.drawn: deque[Drawn] = deque(maxlen=MOST_DRAWN)
        self.timed: set[tuple[ModelKey, int]] = set()
        self.circuits: OrderedDict[tuple[object, ...], Any] = OrderedDict()
        self._continued: OrderedDict[Generate, tuple[Continuation, ...]] = OrderedDict()

    def use(self, key: ModelKey, may_be_hooked: bool = False) -> HookedTransformer:
        """Return a model, loading it instead of another if need be.

        Args:
            key: Which.
            may_be_hooked: Whether hooks on a model that was given don't matter.

        Raises:
            ModelError: If it can't be had.
            ValueError: If hooks are attached to it: an answer would be another model's.
        """
        if self.model is None or key != self._key:
            self._forget()
            self.model, self._key = None, None
            self.model = self._given.get(key) or self._opened(key)
            self._key, self._version = key, weights_version(self.model)
        elif key.is_in_memory and weights_version(self.model) != self._version:
            self._forget()  # its owner has changed weights in place
            self._version = weights_version(self.model)
        if key.is_in_memory and not may_be_hooked:
            check_unhooked(self.model)
        return self.model

    def beside(self, key: ModelKey) -> HookedTransformer:
        """Return a model without forgetting the one that is open, which it may be.

        Raises:
            ModelError: If it can't be had, or both don't fit into memory.
        """
        return self.model if self.model is not None and key == self._key else self._opened(key)

    def run(self, model: HookedTransformer, prompt: Prompt) -> Run:
        """Return a prompt's run, perhaps not yet complete, from those kept if it is there.

        Raises:
            ValueError: If a prompt can't be read.
        """
        if prompt.under is None:
            return self.run_of(model, encode(model, prompt))
        return self._under.run(model, prompt.under, prompt.more)

    def _plain_runs(self, model: HookedTransformer, pair: PromptPair) -> tuple[Run, Run | None]:
        plain = pair.plain.typed
        corrupted = self.run(model, plain.corrupted_prompt) if plain.corrupted else None
        return self.run(model, plain.clean_prompt), corrupted

    def faults(self, model: HookedTransformer, pair: PromptPair) -> dict[Intervention, str]:
        """Return why each of a pair's interventions can't be done, as a sentence; "" where it can.

        Raises:
            ValueError: If a prompt can't be read.
        """
        return self._under.faults(model, pair)

    def given(self, model: HookedTransformer, pair: PromptPair) -> Interventions:
        """Return a pair's interventions that can be done, with the prompts that means are over.

        Raises:
            ValueError: If a prompt can't be read.
        """
        return self._under.given(model, pair)

    def reference(self, model: HookedTransformer, pair: PromptPair) -> Reference:
        """Return the prompts that a pair's means are over, with what has been read of them."""
        return self._under.reference(model, pair)

    def before(self, model: HookedTransformer, pair: PromptPair) -> Iterator[None]:
        """Run what has to be known before a pair's interventions are done, yielding on the way."""
        return self._under.before(model, pair)

    def under_beside(self, clean: Run, corrupted: Run | None) -> RunsUnder:
        """Return what gives the runs of a pair under interventions, of which nothing is kept.

        Args:
            clean: Its clean prompt's run without them.
            corrupted: Its corrupted prompt's; None without one.
        """
        return self._under.beside(lambda model, pair: (clean, corrupted))

    def run_of(self, model: HookedTransformer, tokens: Tensor) -> Run:
        """Return the run of token ids, [position], likewise."""
        name = tuple(tokens.tolist())
        for failed in [of for of, run in self._runs.items() if run.has_failed]:
            del self._runs[failed]
        if name not in self._runs:
            self._runs[name] = Run(model, tokens, leader=self._leader(name))
        self._runs.move_to_end(name)
        self._forget_runs()
        return self._runs[name]

    def _leader(self, name: tuple[int, ...]) -> Run | None:
        """Return the kept run that shares most tokens with a prompt; None if none helps.

        One that is not complete is run first, so it should share much of what it still has to run,
        or be short: a long prompt that somebody has left may share no more than its first token.
        """

        def helps(other: tuple[int, ...]) -> bool:
            run = self._runs[other]
            rows = 0 if run.is_complete else len(other) - run.start
            return rows <= max(SHORT, 2 * shared(name, other))

        found = filter(helps, self._runs)
        nearest = max(found, key=lambda other: shared(name, other), default=None)
        return None if nearest is None else self._runs[nearest]

    def limit(self, limits: Limits) -> None:
        """Use no more of the machine than that; torch counts threads for each that calls it."""
        torch.set_num_threads(limits.threads or self._threads)
        self._runs_bytes = limits.runs_bytes
        self._under.limit(limits.runs_bytes // SHARE_OF_MEANS)
        self._forget_runs()

    def _forget_runs(self) -> None:
        """Forget the oldest runs until they are few enough; the last two are always needed."""
        most = self._runs_bytes
        while len(self._runs) > 2 and sum(run.nbytes for run in self._runs.values()) > most:
            self._runs.popitem(last=False)

    def answers(self, pair: PromptPair, clean: Run) -> Answers:
        """Return a pair's answers, whatever is done to the model or stands behind its prompts.

        The run of its clean prompt must be complete.
        """
        model, count = itself(clean.model), len(pair.clean_prompt.more)
        if count:
            plain = self.run_of(model, clean.tokens[:-count])
        else:
            plain = self._runs.get(clean.ids, clean)
        return answers(model, pair, likeliest(plain.complete(), 2))

    def keep(self, request: Patching, known: Tensor | Average) -> None:
        """Keep what is known of a sweep that is left; the one that was left first is forgotten."""
        self.unfinished[_as_left(request)] = known
        while len(self.unfinished) > MOST_UNFINISHED:
            del self.unfinished[next(iter(self.unfinished))]

    def left(self, request: Patching) -> Tensor | Average | None:
        """Return what is known of a sweep that was left, which is then kept no more."""
        return self.unfinished.pop(_as_left(request), None)

    def has_left(self, request: Patching) -> bool:
        """Return whether anything is known of a sweep that was left."""
        return _as_left(request) in self.unfinished

    def begin(self, request: Generate, found: tuple[Continuation, ...]) -> None:
        """Keep what is written behind a prompt, to go on from it; the oldest are forgotten."""
        self._continued[request.beginning] = found
        while len(self._continued) > MOST_CONTINUED:
            self._continued.popitem(last=False)

    def begun(self, request: Generate) -> tuple[Continuation, ...] | None:
        """Return what was written before, with which settings; None if that is not kept."""
        found = self._continued.pop(request.beginning, None)
        if found is None or any(one.has_failed for one in found):
            return None
        self._continued[request.beginning] = found
        return found

    def _forget(self) -> None:
        """Keep nothing that the model computed."""
        self._continued.clear()
        self._runs.clear()
        self._under.forget()
        self.unfinished.clear()
        self.readings.clear()
        self.drawn.clear()
        self.circuits.clear()

    def _opened(self, key: ModelKey) -> HookedTransformer:
        if key.is_in_memory:
            raise ModelError(
                "This model was handed over in memory, so it runs as it was made: change its "
                "weights, device or number format there, and open it again."
            )
        if key.is_absent:
            name = key.source.removeprefix(ABSENT)
            raise ModelError(f"{name} is not on this machine: get it, or open another model.")
        if key.device not in (BEST_DEVICE, *devices()):
            raise ModelError(
                f"This machine has no {key.device} to run models on: choose another device in "
                "Edit ▸ Settings."
            )
        return open_model(key.source, key.folded, key.device, key.dtype)


def _as_left(request: Patching) -> Patching:
    """Return a sweep as the same one that is asked in another way is called, too."""
    return replace(request, is_estimated=True, is_whole=True)


def weights_version(model: HookedTransformer) -> int:
    """Return how often weights were changed in place, as torch counts it."""
    return sum(weight._version for weight in model.parameters())


def read_scores(key: ModelKey, model: HookedTransformer) -> ModelScores | None:
    """Return the scores of a model's heads; None if they are not kept, or are of other heads."""
    if key.is_in_memory:
        return None
    stored = store.read_measured(SCORES, locate(key.source), _name(key, model))
    shape = model.cfg.n_layers, model.cfg.n_heads
    try:
        arrays = [_array(stored[name], shape) for name in MEASURES] if stored else []
        if not stored or not arrays:
            return None
        queries = tuple(int(count) for count in stored["queries"])
        raw, copied = _array(stored[RAW], shape), _array(stored[COPIED], (2, *shape))
        counts = int(stored["prompts"]), raw, copied, int(stored["tokens"])
        return ModelScores(ModelMeasures(*arrays), queries, *counts)
    except (KeyError, TypeError, ValueError):
        return None  # somebody else's file: they are worked out anew


def write_scores(key: ModelKey, model: HookedTransformer, scores: ModelScores) -> None:
    """Keep the scores of a model's heads, if there is room."""
    if key.is_in_memory:
        return
    known = {name: getattr(scores.measures, name) for name in MEASURES}
    known |= {RAW: scores.raw_copying, COPIED: scores.copied}
    facts: dict[str, Any] = {
        name: array.astype(float).tolist() for name, array in known.items() if array is not None
    }
    facts |= {"queries": list(scores.queries), "prompts": scores.prompts, "tokens": scores.tokens}
    try:
        store.write_measured(SCORES, locate(key.source), _name(key, model), facts)
    except ModelError as error:
        log.info("scores of heads are not kept: %s", error)


def _name(key: ModelKey, model: HookedTransformer) -> str:
    dtype = str(model.cfg.dtype).removeprefix("torch.")
    return f"{dtype}{'-folded' * key.folded}"


def _array(rows: object, shape: tuple[int, ...]) -> NDArray[np.float32]:
    array = np.array(rows, np.float32)
    if array.shape != shape:
        raise ValueError(f"{array.shape} scores, and {shape} heads")
    array.flags.writeable = False
    return array
