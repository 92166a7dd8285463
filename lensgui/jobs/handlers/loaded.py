"""What handlers share: one model at a time, and what it has worked out for earlier questions."""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import Tensor

from lensgui.analysis.checks import check_unhooked
from lensgui.analysis.pairs.answers import Answers, answers, encode
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.averages import Average
from lensgui.checkpoints.loading import open_model
from lensgui.jobs.handlers.in_words import likeliest
from lensgui.jobs.requests import Patching
from lensgui.jobs.results import RowReading
from lensgui.prompts.pair import Prompt, PromptPair
from lensgui.terms.errors import ModelError
from lensgui.terms.model_key import ModelKey
from lensgui.transformer.model import HookedTransformer

RUNS_BUDGET = 1 << 30  # bytes of runs kept for the next question
MOST_UNFINISHED = 4  # sweeps whose beginnings are kept


class Loaded:
    """One model at a time, and the runs of the prompts last asked about.

    Attributes:
        unfinished: What is known of sweeps that were left before their end: exact values, NaN where
            there are none; of a mean, that over the pairs so far.
        readings: The rows of tables that have been read.
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
        torch.set_num_threads(threads or max(1, torch.get_num_threads() - 1))
        gc.freeze()
        self._given = dict(given or {})
        self._key: ModelKey | None = None
        self.model: HookedTransformer | None = None
        self._version = 0
        self._runs: OrderedDict[tuple[int, ...], Run] = OrderedDict()
        self.unfinished: dict[Patching, Tensor | Average] = {}
        self.readings: dict[PromptPair, RowReading] = {}

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

    def run(self, model: HookedTransformer, prompt: Prompt) -> Run:
        """Return a prompt's run, perhaps not yet complete, from those kept if it is there."""
        tokens = encode(model, prompt)
        name = tuple(tokens.tolist())
        if name not in self._runs:
            self._runs[name] = Run(model, tokens)
        self._runs.move_to_end(name)
        while len(self._runs) > 2 and sum(run.nbytes for run in self._runs.values()) > RUNS_BUDGET:
            self._runs.popitem(last=False)
        return self._runs[name]

    def answers(self, pair: PromptPair, clean: Run) -> Answers:
        """Return a pair's answers; the clean run must be complete."""
        return answers(clean.model, pair, likeliest(clean, 2))

    def keep(self, request: Patching, known: Tensor | Average) -> None:
        """Keep what is known of a sweep that is left; the one that was left first is forgotten."""
        self.unfinished[request] = known
        while len(self.unfinished) > MOST_UNFINISHED:
            del self.unfinished[next(iter(self.unfinished))]

    def _forget(self) -> None:
        """Keep nothing that the model computed."""
        self._runs.clear()
        self.unfinished.clear()
        self.readings.clear()

    def _opened(self, key: ModelKey) -> HookedTransformer:
        if key.is_in_memory:
            raise ModelError(
                "This model was handed over in memory, so it runs as it was made: change its "
                "weights, device or number format there, and open it again."
            )
        return open_model(key.source, key.folded, key.device, key.dtype)


def weights_version(model: HookedTransformer) -> int:
    """Return how often weights were changed in place, as torch counts it."""
    return sum(weight._version for weight in model.parameters())
