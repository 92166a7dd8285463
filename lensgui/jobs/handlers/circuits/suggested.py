"""A circuit that stands for the model, found on some prompts and measured on others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from lensgui.analysis.circuits.suggest import Fit, Suggestion, halves, suggest_circuit
from lensgui.jobs.answers.circuits import SuggestionReading
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.handlers.circuits.edges import growing, prompts_of
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.questions.circuit_requests import STEPS, SuggestCircuit
from lensgui.prompts.pair import PairRow
from lensgui.terms.circuits.graph import Graph
from lensgui.terms.circuits.kept import KeptCircuit


def suggest(loaded: Loaded, request: SuggestCircuit) -> Iterator[Answer | None]:
    """Yield ever smaller circuits."""
    find_rows, measure_rows = halves(request.rows)
    find = yield from prompts_of(loaded, replace(request, rows=tuple(find_rows)))
    measure, faults = None, find.faults
    if measure_rows:
        others = yield from prompts_of(loaded, replace(request, rows=tuple(measure_rows)))
        measure, faults = others.runs, [*faults, *others.faults]
    steps = suggest_circuit(find.runs, measure, request.band, request.by, STEPS, scored=find.scored)
    texts = _clean(find_rows) or (request.pair.clean,)
    pairs = find.runs.count, measure.count if measure is not None else 0
    about = _About(texts, pairs, tuple(faults))
    yield from growing(steps, about.reading)


def _clean(rows: list[PairRow]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.pair.clean for row in rows))


@dataclass(slots=True)
class _About:
    """What every answer says of the prompts, and the circuit that was written out last."""

    texts: tuple[str, ...]
    pairs: tuple[int, int]
    faults: tuple[str, ...]
    of: Graph | None = None
    circuit: KeptCircuit | None = None

    def reading(self, found: Suggestion) -> SuggestionReading:
        """Return what is known by now."""
        measured, ends = _numbers(found.measured)
        if found.circuit is not None and found.circuit is not self.of:
            self.of = found.circuit
            said = _said(found, measured, ends)
            self.circuit = KeptCircuit.of(found.circuit, said, self.texts)
        return SuggestionReading(
            found.stage,
            found.sizes,
            self.circuit,
            _numbers(found.found)[0],
            measured,
            ends,
            self.pairs,
            found.tried,
            self.faults,
        )


def _numbers(fit: Fit | None) -> tuple[float, tuple[float, float]]:
    """Return the faithfulness and its interval; NaN where there is none."""
    if fit is None:
        return np.nan, (np.nan, np.nan)
    return fit.faithfulness, fit.interval or (np.nan, np.nan)


def _said(found: Suggestion, measured: float, ends: tuple[float, float]) -> str:
    """Return where the circuit is from, with what it is worth."""
    assert found.found is not None
    worth = f"{found.found.faithfulness:.2f}" if found.measured is None else f"{measured:.2f}"
    if np.isfinite(ends[0]):
        worth += f" (95 %: {ends[0]:.2f} to {ends[1]:.2f})"
    return f"suggested: {found.caption}; faithfulness there {worth}"
