"""The bench: the loaded model, the runs it has made, and an answer to every request."""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import assert_never

import torch
from torch import Tensor

from lensgui.analysis.pairs.answers import Answers, answers, encode
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.averages import Average
from lensgui.checkpoints.loading import open_model
from lensgui.jobs.handlers import attention, heads, in_words, pairs, sweeps
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
    Request,
    VerifyCell,
    WhoFeeds,
)
from lensgui.jobs.results import Answer
from lensgui.prompts.pair import Prompt, PromptPair
from lensgui.terms.errors import ModelError
from lensgui.terms.model_key import ModelKey
from lensgui.transformer.model import HookedTransformer

RUNS_BUDGET = 1 << 30  # bytes of runs kept for the next question


class Bench:
    """What the worker's thread owns: one model, and the runs of the prompts last asked about."""

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
        self._model: HookedTransformer | None = None
        self._version = 0
        self._runs: OrderedDict[tuple[int, ...], Run] = OrderedDict()
        self.unfinished: dict[Patching, Tensor | Average] = {}

    def answer(self, request: Request) -> Iterator[Answer | None]:
        """Yield ever more of the answer to a request; None where only time has passed.

        Raises:
            ModelError: If the model can't be had.
            ValueError: If the question has no answer; the message is a sentence for the user.
        """
        match request:
            case OpenModel():
                return self._open_model(request)
            case ReadPair() | ReadPairs() | FindTokens() | FindReplacements():
                return pairs.answer(self, request)
            case AttentionGrid() | AttentionHead():
                return attention.answer(self, request)
            case Patching() | VerifyCell():
                return sweeps.answer(self, request)
            case HeadRoles() | WhoFeeds():
                return heads.answer_paths(self, request)
            case ReadHead() | ReadEdge() | ReadMLP() | LogitLens():
                return heads.answer(self, request)
        assert_never(request)

    def use(self, key: ModelKey) -> HookedTransformer:
        """Return a model, loading it in the place of another if need be."""
        if self._model is None or key != self._key:
            self._forget()
            self._model, self._key = None, None
            self._model = self._given.get(key) or self._opened(key)
            self._key, self._version = key, _version(self._model)
            gc.freeze()
        elif key.is_in_memory and _version(self._model) != self._version:
            self._forget()  # its owner has changed weights in place
            self._version = _version(self._model)
        return self._model

    def _forget(self) -> None:
        """Keep nothing that the model computed."""
        self._runs.clear()
        self.unfinished.clear()
        if self._model is not None:
            pairs.forget(self._model)

    def _opened(self, key: ModelKey) -> HookedTransformer:
        if key.is_in_memory:
            raise ModelError(
                "This model was handed over in memory, so it runs as it was made: change its "
                "weights, device or number format there, and open it again."
            )
        return open_model(key.source, key.folded, key.device, key.dtype)

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
        return answers(clean.model, pair, in_words.likeliest(clean, 2))

    def _open_model(self, request: OpenModel) -> Iterator[Answer | None]:
        yield None  # lets a newer job go first, and the window see that this one has begun
        yield in_words.model_card(request.model, self.use(request.model))


def _version(model: HookedTransformer) -> int:
    """Return how often weights were changed in place, as torch counts it."""
    return sum(weight._version for weight in model.parameters())
