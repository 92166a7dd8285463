"""A circuit suggested on 32 indirect-object pairs: how soon, how small, how faithful on the others.

    python -m tests.bench.suggesting [SECONDS [SEED]]

Sixteen pairs to find it on and sixteen to measure it on, from corrupted prompts; pruning is stopped
after so many seconds.
"""

import sys
import time

from transformers.utils import logging

from lensgui.analysis.circuits.runs import CircuitRuns
from lensgui.analysis.circuits.suggest import Suggestion, suggest_circuit
from lensgui.analysis.pairs.cases import case_of
from lensgui.checkpoints.loading import open_model
from lensgui.models.known_models import DEMO
from lensgui.prompts.tasks import TASKS

PAIRS, BAND, FIRST = 32, 0.1, 60.0


def told(step: Suggestion, seconds: float) -> str:
    """One line of what is known."""
    assert step.circuit is not None
    assert step.found is not None
    assert step.measured is not None
    assert step.measured.interval is not None
    low, high = step.measured.interval
    share = step.circuit.count / step.circuit.total
    return (
        f"  {seconds:5.1f} s  {step.stage}: {step.circuit.count} edges ({share:.2%}), f "
        f"{step.found.faithfulness:.3f} where found, {step.measured.faithfulness:.3f} "
        f"({low:.3f} to {high:.3f}) on the others, {step.tried} circuits run"
    )


def main(seconds: float = 120.0, seed: int = 0) -> bool:
    """Print what is suggested as it gets smaller; return whether the bars hold."""
    logging.disable_progress_bar()
    model = open_model(DEMO.name, folded=False, device="cpu", dtype="float32")
    cases = [case_of(model, row) for row in TASKS[0].draw(PAIRS, seed=seed)]
    half = PAIRS // 2
    find, measure = (CircuitRuns.of_cases(model, some) for some in (cases[:half], cases[half:]))
    begun, first, last = time.perf_counter(), float("inf"), Suggestion("scoring")
    for step in suggest_circuit(find, measure, BAND):
        taken = time.perf_counter() - begun
        if step is not None and step.circuit is not None:
            first = min(first, taken)
            if last.circuit is None or step.circuit.count < last.circuit.count:
                print(told(step, taken), flush=True)
            last = step
        if taken > seconds:
            break
    assert last.measured is not None
    holds = first <= FIRST and abs(1 - last.measured.faithfulness) <= BAND
    print(f"first answer after {first:.1f} s (bar {FIRST:g}); {'holds' if holds else 'MISSED'}")
    return holds


if __name__ == "__main__":
    arguments = sys.argv[1:]
    limit, which = [*arguments, "120", "0"][:2] if len(arguments) != 1 else (arguments[0], "0")
    sys.exit(not main(float(limit), int(which)))
