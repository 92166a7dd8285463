"""The thread that computes: one step of one job at a time."""

from __future__ import annotations

import logging
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic

from PySide6.QtCore import QObject, Qt, QThread, Signal, Slot

from lensgui.jobs.answerer import Answerer, Limits
from lensgui.jobs.answers.reply import Answer, is_enough
from lensgui.jobs.request import Request, Urgency
from lensgui.jobs.requests import ReadPair
from lensgui.jobs.tickets import Tickets
from lensgui.terms.errors import ModelError, is_out_of_memory
from lensgui.terms.resources import damage

SECONDS_BETWEEN_ANSWERS = 1 / 30
SECONDS_OF_A_TURN = 0.008  # of short steps, so that the event loop is not most of the work

OUT_OF_MEMORY = (
    "Memory ran out: close other programs, shorten the prompts, or choose a smaller model or "
    "number format, and try again (F5)."
)

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Running:
    """A job under way.

    Attributes:
        ticket: Whose answer it is.
        request: What was asked.
        answers: Its generator; None before its first step.
        unsent: Its newest answer, while that has not been sent.
        says_enough: Whether what it has answered is all that others wait for.
    """

    ticket: int
    request: Request
    answers: Iterator[Answer | None] | None = None
    unsent: Answer | None = None
    says_enough: bool = False

    def close(self) -> None:
        """Leave the generator, so that what it holds is let go."""
        getattr(self.answers, "close", lambda: None)()  # a fake one's may have none


class Worker(QObject):
    """Steps through jobs on its own thread: the urgent first, of these the newest, then in turn.

    A turn is one queued event: a long step, or short silent ones for a few milliseconds. Starting
    takes effect between turns, cancelling between steps. Answers are sent at most 30 times a second
    over all jobs, but a job's last answer always is.

    Attributes:
        answered: (ticket, answer) of a job that is still needed.
        failed: (ticket, sentence); the traceback is in the log.
        finished: (ticket,) after the job's last answer.
    """

    answered = Signal(object, object)
    failed = Signal(object, str)
    finished = Signal(object)
    _due = Signal()

    def __init__(self, make_answerer: Callable[[], Answerer], tickets: Tickets) -> None:
        super().__init__()
        self._make_answerer = make_answerer
        self._tickets = tickets
        self._answerer: Answerer | None = None
        self._limits: Limits | None = None
        self._jobs: deque[Running] = deque()
        self._scheduled = False
        self._sent = 0.0
        self._due.connect(self.step, Qt.ConnectionType.QueuedConnection)

    @Slot(object, object)
    def start(self, ticket: int, request: Request) -> None:
        """Take on a job; its first step comes before the next one of any job not more urgent."""
        self._jobs.appendleft(Running(ticket, request))
        self._schedule()

    @Slot(object)
    def limit(self, limits: Limits) -> None:
        """Use no more of the machine than that, from the next turn on."""
        self._limits = limits
        if self._answerer is not None:
            self._answerer.limit(limits)

    @Slot()
    def step(self) -> None:
        """Take one job some steps further."""
        self._scheduled = False
        job = self._next_valid()
        if job is None:
            return
        try:
            if job.answers is None:
                job.answers = self._open_answerer().answer(job.request)
            self._advance(job, job.answers)
        except StopIteration:
            self._finish(job)
        except Exception as error:
            self._fail(job, error)
        else:
            self._jobs.append(job)
            self._send_what_is_due()
        self._schedule()

    def _advance(self, job: Running, answers: Iterator[Answer | None]) -> None:
        """Take steps until there is something to say, or time is up, or nobody wants it."""
        over = monotonic() + SECONDS_OF_A_TURN
        said: Answer | None = None
        while said is None and monotonic() < over and self._tickets.is_valid(job.ticket):
            said = next(answers)
        job.unsent = said or job.unsent
        job.says_enough |= is_enough(said)

    @Slot()
    def stop(self) -> None:
        """Leave every job and end the thread."""
        while self._jobs:
            self._close(self._jobs.popleft())
        self._answerer = None
        QThread.currentThread().quit()

    def _open_answerer(self) -> Answerer:
        if self._answerer is None:
            self._answerer = self._make_answerer()
            if self._limits is not None:
                self._answerer.limit(self._limits)
        return self._answerer

    def _schedule(self) -> None:
        if self._jobs and not self._scheduled:
            self._scheduled = True
            self._due.emit()

    def _next_valid(self) -> Running | None:
        """Take the most urgent job that is still needed; of equals, the one whose turn it is."""
        for left in [job for job in self._jobs if not self._tickets.is_valid(job.ticket)]:
            self._jobs.remove(left)
            self._close(left)
        job = min(self._jobs, key=_waiting_time, default=None)
        if job is not None:
            self._jobs.remove(job)
        return job

    def _send_what_is_due(self) -> None:
        if monotonic() - self._sent >= SECONDS_BETWEEN_ANSWERS:
            waiting = next((job for job in self._jobs if job.unsent is not None), None)
            if waiting is not None:
                self._send(waiting)

    def _send(self, job: Running) -> None:
        if job.unsent is not None and self._tickets.is_valid(job.ticket):
            self._sent = monotonic()
            self.answered.emit(job.ticket, job.unsent)
        job.unsent = None

    def _finish(self, job: Running) -> None:
        self._send(job)
        self.finished.emit(job.ticket)

    def _fail(self, job: Running, error: Exception) -> None:
        """Report a failure as text: a traceback that left would take its frames along."""
        self._send(job)
        name = type(job.request).__name__
        if isinstance(error, ModelError | ValueError):
            log.info("%s: %s", name, error)
        else:
            log.error("%s failed\n%s", name, "".join(traceback.format_exception(error)))
        self.failed.emit(job.ticket, sentence(error))
        traceback.clear_frames(error.__traceback__)

    def _close(self, job: Running) -> None:
        try:
            job.close()
        except Exception as error:
            log.exception("%s failed while it was left", type(job.request).__name__)
            traceback.clear_frames(error.__traceback__)


def _waiting_time(job: Running) -> tuple[int, int]:
    """Return how long a job may wait; what reads a prompt says its tokens at once.

    What is brought to its end once it has begun goes before all that was asked since.
    """
    request, is_new = job.request, job.answers is None
    if is_new and isinstance(request, ReadPair):
        return -1, 0
    is_awaited = request.finishes and not (is_new or job.says_enough)
    is_first = is_awaited or request.urgency == Urgency.VIEW
    return (Urgency.VIEW, job.ticket) if is_first else (request.urgency, 0)


def sentence(error: Exception) -> str:
    """Return what the user is told about an error."""
    if is_out_of_memory(error):
        return OUT_OF_MEMORY
    first_line = (str(error).strip().splitlines() or [""])[0]
    if isinstance(error, ModelError | ValueError) and first_line:
        return first_line
    if isinstance(error, ImportError | OSError) and damage():
        return damage()
    return (
        f"This could not be computed: {type(error).__name__}: {first_line}; the log has the details"
    )
