"""The window's handle on the worker: submit a request, hear of its answers."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QThread, QTimer, Signal, Slot

from lensgui.jobs.progress import Job, measure
from lensgui.jobs.requests import Request
from lensgui.jobs.results import Answer, Answerer
from lensgui.jobs.tickets import Tickets
from lensgui.jobs.worker import Worker

QUIET_MS = 150
STACK_BYTES = 16 << 20  # macOS gives a thread 512 KiB
STOPPED = "Stopped before it was complete: Run → Try again (F5) goes on."


class Runner(QObject):
    """Runs each request once, however many channels want it, and drops what nobody wants.

    A channel is any hashable name for a place where an answer is shown. It wants one request at a
    time: a newer one replaces the older, which is cancelled once no other channel wants it.

    Attributes:
        arrived: (channel, answer), each answer more complete than the one before.
        failed: (channel, sentence).
        finished: (channel,) after its last answer.
        settled: Nothing runs any more and nothing waits to run.
        progressed: (Progress,) whenever the status bar should say something else.
    """

    arrived = Signal(object, object)
    failed = Signal(object, str)
    finished = Signal(object)
    settled = Signal()
    progressed = Signal(object)
    _begun = Signal(object, object)
    _closing = Signal()

    def __init__(
        self, make_answerer: Callable[[], Answerer], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._tickets = Tickets()
        self._wanted: dict[object, Request] = {}
        self._jobs: dict[Request, Job] = {}
        self._waiting: dict[object, Request] = {}
        self._was_busy = False
        self._quiet = QTimer(self, singleShot=True, interval=QUIET_MS)
        self._quiet.timeout.connect(self._start_waiting)
        self._worker = Worker(make_answerer, self._tickets)
        self._thread = QThread(self)
        self._thread.setObjectName("lensgui-worker")
        self._thread.setStackSize(STACK_BYTES)
        self._worker.moveToThread(self._thread)
        self._begun.connect(self._worker.start)
        self._closing.connect(self._worker.stop)
        self._worker.answered.connect(self._answer)
        self._worker.failed.connect(self._fail)
        self._worker.finished.connect(self._finish)
        self._thread.start()

    @property
    def is_busy(self) -> bool:
        """Whether anything runs or waits to run."""
        return bool(self._waiting) or any(job.is_running for job in self._jobs.values())

    def wanted(self, channel: object) -> Request | None:
        """Return what a channel wants at present."""
        return self._wanted.get(channel)

    def is_running(self, channel: object) -> bool:
        """Whether a channel has more to expect."""
        request = self._wanted.get(channel)
        job = self._jobs.get(request) if request is not None else None
        return channel in self._waiting or (job is not None and job.is_running)

    def submit(self, channel: object, request: Request, *, when_quiet: bool = False) -> None:
        """Want an answer; nothing happens if the channel wants just that already.

        Args:
            channel: Where the answer is to go.
            request: What is asked.
            when_quiet: Start only once nothing like it was asked for 150 ms: for slow questions
                that each keystroke changes.
        """
        if self._wanted.get(channel) == request:
            return
        self._release(channel)
        self._wanted[channel] = request
        if when_quiet and request not in self._jobs:
            self._waiting[channel] = request
            self._quiet.start()
        else:
            self._join(channel, request)
        self._report()

    def cancel(self, channel: object) -> None:
        """Want nothing for this channel any more."""
        self._release(channel)
        self._report()

    def stop(self) -> None:
        """Stop whatever runs; each channel is told, and keeps what it has."""
        self._start_waiting()
        for job in list(self._jobs.values()):
            if job.is_running:
                self._tickets.withdraw(job.ticket)
                self._tell_failure(job, STOPPED)

    def retry(self) -> None:
        """Forget failures and stops, so that the same requests may be submitted again."""
        for job in list(self._jobs.values()):
            if job.failure:
                for channel in list(job.channels):
                    self._release(channel)

    def close(self, wait_ms: int = 900) -> bool:
        """End the thread; return whether it ended in that time: importing torch can't be left."""
        self._quiet.stop()
        for job in self._jobs.values():
            self._tickets.withdraw(job.ticket)
        self._closing.emit()
        return self._thread.wait(wait_ms)

    def _join(self, channel: object, request: Request) -> None:
        job = self._jobs.get(request)
        if job is None:
            job = self._jobs[request] = Job(self._tickets.issue(), request, {channel})
            self._begun.emit(job.ticket, request)
            return
        job.channels.add(channel)
        if job.latest is not None:
            self.arrived.emit(channel, job.latest)
        if job.failure:
            self.failed.emit(channel, job.failure)
        elif job.done:
            self.finished.emit(channel)

    def _release(self, channel: object) -> None:
        self._waiting.pop(channel, None)
        request = self._wanted.pop(channel, None)
        job = self._jobs.get(request) if request is not None else None
        if job is None or request is None:
            return
        job.channels.discard(channel)
        if not job.channels:
            self._tickets.withdraw(job.ticket)
            del self._jobs[request]

    def _find(self, ticket: int) -> Job | None:
        if not self._tickets.is_wanted(ticket):
            return None
        return next((job for job in self._jobs.values() if job.ticket == ticket), None)

    @Slot()
    def _start_waiting(self) -> None:
        self._quiet.stop()
        waiting, self._waiting = self._waiting, {}
        for channel, request in waiting.items():
            self._join(channel, request)
        self._report()

    @Slot(object, object)
    def _answer(self, ticket: int, answer: Answer) -> None:
        job = self._find(ticket)
        if job is not None:
            job.take(answer)
            for channel in list(job.channels):
                self.arrived.emit(channel, answer)
            self._report()

    @Slot(object, str)
    def _fail(self, ticket: int, sentence: str) -> None:
        job = self._find(ticket)
        if job is not None:
            self._tell_failure(job, sentence)

    @Slot(object)
    def _finish(self, ticket: int) -> None:
        job = self._find(ticket)
        if job is not None:
            job.done = True
            for channel in list(job.channels):
                self.finished.emit(channel)
            self._report()

    def _tell_failure(self, job: Job, sentence: str) -> None:
        job.failure = sentence
        for channel in list(job.channels):
            self.failed.emit(channel, sentence)
        self._report()

    def _report(self) -> None:
        self.progressed.emit(measure(self._jobs.values()))
        busy, was_busy = self.is_busy, self._was_busy
        self._was_busy = busy
        if was_busy and not busy:
            self.settled.emit()
