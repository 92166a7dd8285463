"""How a question stands: its answer so far, and why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from lensgui.jobs.answers import (
    activations,
    arrays,
    attributions,
    circuits,
    generation,
    interventions,
    lenses,
    models,
    neurons,
    readings,
)
from lensgui.jobs.request import Request, Urgency

Answer = (
    arrays.Slice
    | arrays.Atlas
    | arrays.Evidence
    | arrays.HeadEffects
    | arrays.HeadRows
    | arrays.ModelScores
    | arrays.Verification
    | readings.PairReading
    | readings.HeadReading
    | readings.EdgeReading
    | readings.MLPReading
    | readings.LensReading
    | attributions.Parts
    | attributions.Terms
    | circuits.EdgeTable
    | circuits.EdgeChecks
    | circuits.CircuitReading
    | circuits.CurveReading
    | circuits.SuggestionReading
    | circuits.OpenedCircuit
    | circuits.OpenedGraph
    | circuits.SavedCircuit
    | activations.ModelMap
    | interventions.MadeVectors
    | interventions.InterventionsReading
    | interventions.SetReading
    | interventions.StrengthReading
    | lenses.LensGrid
    | lenses.LensMean
    | neurons.NeuronRanking
    | neurons.NeuronProducts
    | neurons.NeuronWords
    | neurons.NeuronPlaces
    | models.ModelCard
    | models.FormatReadings
    | readings.PairsReading
    | readings.TokenMatches
    | readings.Replacements
    | generation.Continuations
)

Status = Literal["waiting", "late", "partial", "whole", "failed", "paused"]


@dataclass(frozen=True, slots=True)
class Reply:
    """How a question stands.

    Attributes:
        request: The question.
        answer: What is known so far; while there is nothing, what was known of the question asked
            before it in the same place. None if there is neither.
        status: "waiting" for the first answer; "late" once that takes its time; "partial" while
            more is to come; "whole"; "failed", or "paused" by the user, with what was known then.
        sentence: Why it failed; else "".
        of: The question that the answer belongs to, where that is one asked before.
        is_from_file: Whether the answer is as a file had it: nobody has worked it out here.
    """

    request: Request
    answer: Answer | None = None
    status: Status = "waiting"
    sentence: str = ""
    of: Request | None = None
    is_from_file: bool = False

    @property
    def is_waiting(self) -> bool:
        """Whether there is no answer yet."""
        return self.status in ("waiting", "late")

    @property
    def is_old(self) -> bool:
        """Whether the answer, if any, is to a question before."""
        return self.is_waiting or self.of is not None

    @property
    def is_stale(self) -> bool:
        """Whether an answer is old, and of other prompts, or stays so long enough to be seen."""
        if self.answer is None or not self.is_old:
            return False
        return self.status != "waiting" or not _is_alike(self.request, self.of)

    def yields_to(self, older: Reply) -> bool:
        """Whether an older question's answer is shown until there is one to this.

        That is so while there is none, or it has only begun and that one says enough of the same
        prompts.
        """
        is_ahead = is_enough(older.answer) and _is_alike(self.request, older.request)
        return self.is_waiting or (is_ahead and self.status == "partial")

    @property
    def known(self) -> Answer | None:
        """What is known of this very question."""
        return None if self.is_old else self.answer

    @property
    def is_running(self) -> bool:
        """Whether more is to come."""
        return self.is_waiting or self.status == "partial"

    @property
    def keeps_waiting(self) -> bool:
        """Whether somebody waits for more."""
        return self.is_running and self.request.urgency < Urgency.LAST

    def followed_by(self, request: Request) -> Reply:
        """Return how another question stands that is asked in the place of this one."""
        if self.answer is None:
            return Reply(request)
        answered = self.of or self.request
        if answered == request:
            return Reply(request, self.answer, "partial")
        return Reply(request, self.answer, of=answered)

    def or_else(self, before: Reply) -> Reply:
        """Return this; while it has no answer, with what was known before.

        Where it has failed, only what was known of other prompts stays: one types on, and may come
        back to what has an answer. While it has only begun, and enough was known of the same
        prompts, it stands as before: so far it says their tokens.
        """
        answered = before.of or before.request
        has_begun = self.status == "partial" and not is_enough(self.answer)
        is_ahead = before.is_old and is_enough(before.answer)
        if has_begun and is_ahead and _is_alike(self.request, answered):
            return before
        is_over = self.status == "failed" and _is_alike(self.request, answered)
        if self.answer is not None or before.answer is None or is_over:
            return self
        return replace(self, answer=before.answer, of=answered)


def is_enough(answer: Answer | None) -> bool:
    """Whether an answer says all that others wait for: next tokens and the metric."""
    return isinstance(answer, readings.PairReading) and answer.complete


def _is_alike(request: Request, other: Request | None) -> bool:
    """Whether two questions are about the same prompts; None is like all."""
    return other is None or request.about == other.about
