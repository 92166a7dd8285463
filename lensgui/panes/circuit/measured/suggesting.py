"""A circuit that is looked for: begun, followed, stopped at any time, and what is found of it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from lensgui.jobs.answers.circuits import SuggestionReading
from lensgui.jobs.answers.reply import Reply
from lensgui.jobs.questions.circuit_requests import ScoreEdges, SuggestCircuit
from lensgui.terms.circuits.kept import KeptCircuit
from lensgui.terms.model_key import ModelKey

STAGES = {
    "scoring": "scoring edges",
    "sizes": "trying circuits of the best edges, the smallest first",
    "pruning": "taking out edges that it stands without",
    "one by one": "measuring it without each of its edges",
    "done": "done",
}


class Suggesting(QObject):
    """Asks for a circuit until it is stopped or done, about the prompts that it was begun with.

    Attributes:
        question: What is asked; None while nothing is.
        reading: What is known of it.
        has_failed: Whether there is no answer; why stays until something is done.
        is_of_others: Whether the prompts, or what stands in, are others by now.
        found: (circuit,) what was found once it is stopped or done.
        altered: It was begun, or stopped.
    """

    found = Signal(object)
    altered = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.question: SuggestCircuit | None = None
        self.reading: SuggestionReading | None = None
        self.has_failed = self.is_of_others = False
        self._before: KeptCircuit | None = None  # that of the document when it was begun
        self._now: KeptCircuit | None = None

    @property
    def is_on(self) -> bool:
        """Whether a circuit is looked for."""
        return self.question is not None and not self.has_failed

    def begin(self, question: SuggestCircuit) -> None:
        """Look for a circuit."""
        self.question, self.reading = question, None
        self.has_failed = self.is_of_others = False
        self._before = self._now
        self.altered.emit()

    @Slot()
    def stop(self) -> None:
        """Take what there is, unless the document has another circuit by now."""
        if self.question is None:
            return
        circuit = self.reading.circuit if self.reading is not None else None
        self.question, self.reading, self.has_failed = None, None, False
        if circuit is not None and self._now == self._before:
            self.found.emit(circuit)
        self.altered.emit()

    def follow(self, model: ModelKey, kept: KeptCircuit | None, scored: ScoreEdges | None) -> None:
        """Let go of what failed once something was done, and of what is about another model.

        Args:
            model: The model that is open by now.
            kept: The circuit of the document.
            scored: What is asked of all edges by now.
        """
        self._now = kept
        if self.question is None:
            return
        of = self.question.pair, self.question.rows, self.question.stand_in
        self.is_of_others = scored is None or (scored.pair, scored.rows, scored.stand_in) != of
        if self.question.model != model:
            self.reading = None
        if self.has_failed or self.question.model != model:
            QTimer.singleShot(0, self, self.stop)

    def take(self, reply: Reply | None) -> None:
        """Take what is known by now; who begins again still has what was found before."""
        if reply is None or reply.request != self.question:
            return
        known = reply.known
        if isinstance(known, SuggestionReading):
            is_less = self.reading is not None and self.reading.circuit is not None
            self.reading = self.reading if is_less and known.circuit is None else known
        if reply.status == "failed" and (self.reading is None or self.reading.circuit is None):
            self.has_failed = True
            self.altered.emit()
        elif reply.status in ("whole", "failed") or (self.reading and self.reading.stage == "done"):
            QTimer.singleShot(0, self, self.stop)


def said(found: SuggestionReading | None) -> str:
    """Return how large the circuit is that is found, in a few words."""
    if found is None or found.circuit is None:
        return "looking for a circuit"
    return f"a circuit of {len(found.circuit.edges):,} edges so far"


def numbers(found: SuggestionReading | None) -> str:
    """Return how faithful it is where it was found, and elsewhere."""
    if found is None or found.circuit is None:
        return ""
    here, there = found.pairs
    on = f"the {here} pairs" if here > 1 else "the pair"
    where = f"faithfulness {found.faithfulness:.2f} on {on} it is found on"
    if not there:
        only = "this prompt’s circuit" if here == 1 else "no pairs are left to measure it on"
        return f"{where}; {only}"
    low, high = found.ends
    ends = f" (95 %: {low:.2f} to {high:.2f})" if np.isfinite(low) else ""
    return f"{where}, {found.measured:.2f}{ends} on {there} others".replace("-", "−")


def stage(found: SuggestionReading | None, *, is_of_others: bool) -> str:
    """Return what is being done, and whether it is about other prompts than those shown."""
    parts = ["about the prompts it was begun with"] if is_of_others else []
    parts.append(STAGES[found.stage if found is not None else "scoring"])
    if found is None:
        return "; ".join(parts)
    if found.sizes:
        tried = ", ".join(f"{count:,} edges {value:.2f}" for count, value in found.sizes)
        parts.append(f"by size: {tried}".replace("-", "−"))
    if found.tried:
        parts.append(f"{found.tried:,} circuits run")
    return "; ".join([*parts, *found.faults])
