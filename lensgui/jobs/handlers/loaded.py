"""What a handler may use of the bench: a model, and runs that it shares with other handlers."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from lensgui.analysis.pairs.answers import Answers
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.averages import Average
from lensgui.jobs.requests import Patching
from lensgui.prompts.pair import Prompt, PromptPair
from lensgui.terms.model_key import ModelKey
from lensgui.transformer.model import HookedTransformer

MOST_UNFINISHED = 4  # sweeps whose beginnings are kept


class Desk(Protocol):
    """One model at a time, and the runs of the prompts last asked about.

    Attributes:
        unfinished: What is known of sweeps that were left before their end: exact values, NaN where
            there are none; of a mean, that over the pairs so far.
    """

    unfinished: dict[Patching, Tensor | Average]

    def use(self, key: ModelKey) -> HookedTransformer:
        """Return a model, loading it in the place of another if need be."""
        ...

    def run(self, model: HookedTransformer, prompt: Prompt) -> Run:
        """Return a prompt's run, perhaps not yet complete."""
        ...

    def answers(self, pair: PromptPair, clean: Run) -> Answers:
        """Return a pair's answers; the clean run must be complete."""
        ...


def keep(desk: Desk, request: Patching, known: Tensor | Average) -> None:
    """Keep what is known of a sweep that is left, and forget the one that was left longest ago."""
    desk.unfinished[request] = known
    while len(desk.unfinished) > MOST_UNFINISHED:
        del desk.unfinished[next(iter(desk.unfinished))]
