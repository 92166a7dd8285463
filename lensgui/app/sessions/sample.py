"""A few numbers of a file, worked out again on this machine and compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from lensgui.app.window.exchange import Exchange
from lensgui.jobs.answers.arrays import CellState, Sweep, Verification
from lensgui.jobs.answers.readings import PairReading
from lensgui.jobs.answers.reply import Answer, Reply
from lensgui.jobs.request import Request
from lensgui.jobs.requests import Patching, ReadPair, VerifyCell

MOST = 3  # sweeps of which a cell is worked out again
TOLERANCE = {"float64": 1e-6, "float32": 1e-3, "bfloat16": 0.1, "float16": 0.02}
DIFFERS = (
    "{name} has numbers that this machine does not find: {what} is {there:.4g} there and "
    "{here:.4g} here; click “from the file” on a pane to have it computed anew."
)


@dataclass(frozen=True, slots=True)
class Expected:
    """A number that a file has.

    Attributes:
        request: What is asked to find it here.
        what: What it is.
        value: The number.
        scale: How large numbers of its kind are.
    """

    request: Request
    what: str
    value: float
    scale: float


class Sample(QObject):
    """Asks for what is expected, and says whether it was found.

    Attributes:
        agreed: (sentence,) how many numbers were found again.
        differed: (sentence,) one was not.
    """

    agreed = Signal(str)
    differed = Signal(str)

    def __init__(self, exchange: Exchange, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._exchange, self._name, self._dtype = exchange, "", "float32"
        self._expected: dict[str, Expected] = {}
        self._found = 0
        exchange.replied.connect(self._compare)

    def begin(self, answers: Iterable[tuple[Request, Answer]], dtype: str, name: str) -> None:
        """Ask for a few of the numbers of a file.

        Args:
            answers: What the file has.
            dtype: The number format of the model here.
            name: What the file is called.
        """
        chosen = expected(answers)
        self._expected = {f"sample {number}": one for number, one in enumerate(chosen)}
        self._name, self._dtype, self._found = name, dtype, 0
        self._ask()

    def _ask(self) -> None:
        asked = {name: one.request for name, one in self._expected.items()}
        self._exchange.beside["sample"] = asked
        self._exchange.ask()

    @Slot(str, object)
    def _compare(self, name: str, reply: Reply | None) -> None:
        one = self._expected.get(name)
        if one is None or reply is None or reply.is_running or reply.request != one.request:
            return
        del self._expected[name]
        here = _number(reply.known)
        if here is not None and abs(here - one.value) > TOLERANCE[self._dtype] * one.scale:
            said = DIFFERS.format(name=self._name, what=one.what, there=one.value, here=here)
            self._expected = {}
            self.differed.emit(said)
        elif here is not None:
            self._found += 1
            if not self._expected:
                numbers = "A number" if self._found == 1 else f"{self._found} numbers"
                self.agreed.emit(f"{numbers} of the file, computed here, agree.")
        self._ask()


def expected(answers: Iterable[tuple[Request, Answer]]) -> list[Expected]:
    """Return some numbers of a file: of a pair its metric, of sweeps the strongest exact cell."""
    found, sweeps = [], 0
    for request, answer in answers:
        if isinstance(request, ReadPair) and isinstance(answer, PairReading):
            metric = answer.clean.metric
            if metric is not None and np.isfinite(metric):
                found.append(Expected(request, "the metric", metric, max(1.0, abs(metric))))
        elif isinstance(request, Patching) and isinstance(answer, Sweep) and not request.rows:
            cell = _strongest(answer)
            sweeps += 1
            if cell is not None and sweeps <= MOST:
                asked = VerifyCell(request, cell)
                found.append(Expected(asked, "a patched cell", *_of_cell(answer, cell)))
    return found


def _strongest(sweep: Sweep) -> tuple[int, ...] | None:
    sizes = np.where(sweep.states == CellState.EXACT, np.abs(sweep.values), -1.0)
    if not sizes.size or not np.nanmax(sizes) >= 0:
        return None
    return tuple(map(int, np.unravel_index(int(np.nanargmax(sizes)), sizes.shape)))


def _of_cell(sweep: Sweep, cell: tuple[int, ...]) -> tuple[float, float]:
    value = float(sweep.values[cell])
    return value, max(abs(value), abs(sweep.clean - sweep.corrupted), 1e-3)


def _number(answer: Answer | None) -> float | None:
    if isinstance(answer, Verification):
        return answer.value
    return answer.clean.metric if isinstance(answer, PairReading) else None
