"""What a handler may use of the bench: a model, and runs that it shares with other handlers."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from lensgui.circuits.answers import Answers
from lensgui.circuits.questions import ModelKey, Prompt, PromptPair
from lensgui.circuits.runs import Run
from lensgui.engine.model import HookedTransformer
from lensgui.jobs.requests import Patching


class Desk(Protocol):
    """One model at a time, and the runs of the prompts last asked about.

    Attributes:
        unfinished: What is known of sweeps that were left before their end, NaN where nothing is.
    """

    unfinished: dict[Patching, Tensor]

    def use(self, key: ModelKey) -> HookedTransformer:
        """Return a model, loading it in the place of another if need be."""
        ...

    def run(self, model: HookedTransformer, prompt: Prompt) -> Run:
        """Return a prompt's run, perhaps not yet complete."""
        ...

    def answers(self, pair: PromptPair, clean: Run) -> Answers:
        """Return a pair's answers; the clean run must be complete."""
        ...
