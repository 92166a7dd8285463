"""The window's handle on the worker: submit a request, hear how it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, QThread, QTimer, Signal, Slot

from lensgui.jobs.answerer import Answerer
from lensgui.jobs.answers.reply import Answer, Reply
from lensgui.jobs.board import Board
from lensgui.jobs.kept import Kept
from lensgui.jobs.progress import Job, measure
from lensgui.jobs.request import Request
from lensgui.jobs.tickets import Tickets
from lensgui.jobs.worker import Worker

QUIET_MS = 150
LATE_MS = 250  # after which an answer takes its time; a forward pass does not
STACK_BYTES = 16 << 20  # macOS gives a thread 512 KiB
STOPPED = "Stopped before it was complete: Run → Try again (F5) goes on."


class Runner(QObject):
    """Runs each request once, however many channels want it, and drops what nobody wants.

    A channel is any hashable name for a place where an answer is shown. It wants one request at a
    time: a newer one replaces the older, which is cancelled once no other channel wants it.

    Attributes:
        board: What is wanted and known.
        worker: What computes, on a thread of its own.
        replied: (channel, reply) whenever a question stands otherwise than before; None in the
            place of a reply once the channel wants nothing.
        settled: Nothing runs any more and nothing waits to run.
        progressed: (Progress,) whenever the status bar should say something else.
    """

    replied = Signal(object, object)
    settled = Signal()
    progressed = Signal(object)
    _begun = Signal(object, object)
    _closing = Signal()

    def __init__(self, make_answerer: Callable[[], Answerer], kept: Kept | None = None) -> None:
        super().__init__()
        self._tickets, self._was_busy = Tickets(), False
        self._replies: dict[Any, Reply] = {}
        self.board = Board(self._tickets, kept or Kept())
        self._quiet = QTimer(self, singleShot=True, interval=QUIET_MS)
        self._quiet.timeout.connect(self._start_waiting)
        self._late = QTimer(self, singleShot=True, interval=LATE_MS)
        self._late.timeout.connect(self._say_late)
        self.worker = Worker(make_answerer, self._tickets)
        self._thread = QThread(self)
        self._thread.setObjectName("lensgui-worker")
        self._thread.setStackSize(STACK_BYTES)
        self.worker.moveToThread(self._thread)
        self._begun.connect(self.worker.start)
        self._closing.connect(self.worker.stop)
        self.worker.answered.connect(self._answer)
        self.worker.failed.connect(self._fail)
        self.worker.finished.connect(self._finish)
        self._thread.start()

    @property
    def replies(self) -> Mapping[Any, Reply]:
        """How what each channel wants stands."""
        return self._replies

    @property
    def is_busy(self) -> bool:
        """Whether anything runs or waits to run that somebody waits for."""
        return any(reply.keeps_waiting for reply in self._replies.values())

    def submit(self, channel: object, request: Request, *, when_quiet: bool = False) -> None:
        """Want an answer; nothing happens if the channel wants just that already.

        Args:
            channel: Where the answer is to go.
            request: What is asked.
            when_quiet: Start only once nothing like it was asked for 150 ms: for slow questions
                that each keystroke changes.
        """
        if channel not in self._replies or self._replies[channel].request != request:
            self._begin(channel, request, when_quiet=when_quiet)

    def cancel(self, channel: object) -> None:
        """Want nothing for this channel any more."""
        if channel in self._replies:
            self.board.release(channel, self._replies[channel].request, finishes=False)
            del self._replies[channel]
            self.replied.emit(channel, None)
            self._report()

    def pause(self, channel: object) -> None:
        """Let a question rest, and keep what is known of it."""
        reply = self._replies[channel]
        self._release(channel)
        self._reply(channel, Reply(reply.request, reply.known, "paused"))
        self._report()

    def resume(self, channel: object) -> None:
        """Go on with a question that rests."""
        self._begin(channel, self._replies[channel].request)

    def stop(self) -> None:
        """Stop whatever runs; each channel receives a reply, and keeps what it has."""
        self._start_waiting()
        for job in self.board:
            if job.reply.is_running:
                self._fail(job.ticket, STOPPED)
                self._tickets.withdraw(job.ticket)

    def retry(self, *requests: Request) -> None:
        """Ask anew what failed or was stopped; or some questions, whatever is known of them."""
        meant = requests or [now.request for now in self.replies.values() if now.status == "failed"]
        again = {at: reply for at, reply in self._replies.items() if reply.request in meant}
        for channel, reply in again.items():
            self._release(channel)
            self.board.forget(reply.request)
        for channel, reply in again.items():
            self._begin(channel, reply.request)

    def close(self, wait_ms: int = 900) -> bool:
        """End the thread; return whether it ended in that time: importing torch can't be left."""
        self._quiet.stop()
        self._late.stop()
        for job in self.board:
            self._tickets.withdraw(job.ticket)
        self._closing.emit()
        return self._thread.wait(wait_ms)

    def _begin(self, channel: object, request: Request, *, when_quiet: bool = False) -> None:
        self._release(channel)
        reply = self._replies.get(channel, Reply(request)).followed_by(request)
        if when_quiet and request not in self.board:
            self._quiet.start()
        else:
            reply = self._join(channel, reply)
        self._late.start()
        self._reply(channel, reply)
        self._report()

    def _join(self, channel: object, reply: Reply) -> Reply:
        """Want an answer; return how the question stands then."""
        job, is_new = self.board.join(channel, reply)
        if is_new:
            self._begun.emit(job.ticket, reply.request)
        return reply if job.reply.is_waiting else job.reply.or_else(reply)

    def _release(self, channel: object) -> None:
        if channel in self._replies:
            self.board.release(channel, self._replies[channel].request)

    def _reply(self, channel: object, reply: Reply) -> None:
        if self._replies.get(channel) is not reply:
            self._replies[channel] = reply
            self.replied.emit(channel, reply)

    @Slot()
    def _start_waiting(self) -> None:
        self._quiet.stop()
        for channel, reply in list(self._replies.items()):
            if reply.is_running:
                self._reply(channel, self._join(channel, reply))  # another may have been quicker
        self._report()

    @Slot()
    def _say_late(self) -> None:
        for channel, reply in list(self._replies.items()):
            if reply.status == "waiting":
                self._reply(channel, replace(reply, status="late"))

    @Slot(object, object)
    def _answer(self, ticket: int, answer: Answer) -> None:
        self._settle(ticket, answer=answer, status="partial")

    @Slot(object, str)
    def _fail(self, ticket: int, sentence: str) -> None:
        self._settle(ticket, status="failed", sentence=sentence)

    @Slot(object)
    def _finish(self, ticket: int) -> None:
        self._settle(ticket, status="whole")

    def _settle(self, ticket: int, **changes: Any) -> None:
        """Tell everyone who wants a job's answer how it stands now."""
        job = self.board.job(ticket)
        if job is None or not job.reply.is_running:
            return
        job.take(replace(job.reply, **changes))
        for channel in list(job.channels):
            if channel in job.channels:  # still: the receiver may have requested something else
                self._reply(channel, job.reply.or_else(self._replies[channel]))
        self._tell_left(job)
        self._report()

    def _tell_left(self, job: Job) -> None:
        """Give what was begun before to those who wait for something else by now."""
        for channel in list(job.left):
            now = self._replies.get(channel)
            if now is not None and job.reply.answer is not None and now.yields_to(job.reply):
                self._reply(channel, replace(now, answer=job.reply.answer, of=job.reply.request))
        self.board.let_go(job)

    def _report(self) -> None:
        self.progressed.emit(measure(self.board))
        was_busy, self._was_busy = self._was_busy, self.is_busy
        if was_busy and not self._was_busy:
            self.settled.emit()
