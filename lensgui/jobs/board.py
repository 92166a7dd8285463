"""Which requests are wanted, each once, and by whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lensgui.jobs.progress import Job
from lensgui.jobs.requests import Request
from lensgui.jobs.results import Reply
from lensgui.jobs.tickets import Tickets


class Board:
    """The jobs that run or wait to run, and those that have ended and are still shown.

    A job that nobody wants any more is dropped, unless it has begun and is of a kind that is
    brought to its end: then whoever wanted it hears of it, as of an older question.
    """

    def __init__(self, tickets: Tickets) -> None:
        self._tickets = tickets
        self._jobs: dict[Request, Job] = {}

    def __iter__(self) -> Iterator[Job]:
        """Yield every job."""
        return iter(list(self._jobs.values()))

    def __contains__(self, request: Request) -> bool:
        """Whether somebody wants an answer already."""
        return request in self._jobs

    def job(self, ticket: int) -> Job | None:
        """Return a job by its ticket; None once it is dropped."""
        return next((job for job in self._jobs.values() if job.ticket == ticket), None)

    def join(self, channel: object, reply: Reply) -> tuple[Job, bool]:
        """Want an answer for a channel, which may want it already.

        Args:
            channel: Who wants it.
            reply: How the question stands there.

        Returns:
            The job, and whether it has to be begun.
        """
        is_new = reply.request not in self._jobs
        if is_new:
            begun = replace(reply, answer=reply.known, of=None)
            self._jobs[reply.request] = Job(self._tickets.issue(), begun)
        job = self._jobs[reply.request]
        job.channels.add(channel)
        return job, is_new

    def release(self, channel: object, request: Request) -> None:
        """Want an answer no more for a channel."""
        job = self._jobs.get(request)
        if job is None:
            return
        job.channels.discard(channel)
        if job.channels:
            return
        if request.finishes and job.reply.status == "partial":
            job.left = channel
        else:
            self.drop(job)

    def drop(self, job: Job) -> None:
        """Forget a job, and leave it where it is."""
        self._tickets.withdraw(job.ticket)
        self._jobs.pop(job.reply.request, None)
