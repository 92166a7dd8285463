"""Which requests are wanted, each once, and by whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lensgui.jobs.answers.reply import Answer, Reply, is_enough
from lensgui.jobs.kept import Kept, answered_by
from lensgui.jobs.progress import Job
from lensgui.jobs.request import Request
from lensgui.jobs.requests import OpenModel
from lensgui.jobs.tickets import Tickets


class Board:
    """The jobs that run or wait to run, and those that have ended and are still shown.

    What was known of others is kept for when it is asked for again.

    A job that nobody wants any more is dropped, unless it has begun and is of a kind that is
    brought to its end: then whoever wanted it hears of it, as of an older question.
    """

    def __init__(self, tickets: Tickets, kept: Kept) -> None:
        self._tickets, self._kept = tickets, kept
        self._jobs: dict[Request, Job] = {}

    def __iter__(self) -> Iterator[Job]:
        """Yield every job."""
        return iter(list(self._jobs.values()))

    def __contains__(self, request: Request) -> bool:
        """Whether an answer is known, or wanted by somebody already."""
        return request in self._jobs or self.known(request) is not None

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
        request, is_new = reply.request, False
        if request not in self._jobs:
            if isinstance(request, OpenModel):
                self._kept.open(request.model)
            known = self.known(request)
            is_new = known is None
            begun = replace(reply, answer=reply.known, of=None)
            if known is not None:
                from_file = self._kept.is_from_file(request)
                begun = Reply(request, known, "whole", is_from_file=from_file)
            self._jobs[request] = Job(self._tickets.issue(), begun, self._kept.name(request))
        job = self._jobs[request]
        job.channels.add(channel)
        job.left.discard(channel)
        return job, is_new

    def take(self, request: Request, answer: Answer) -> None:
        """Know an answer as a file has it, unless it is known already."""
        if request not in self:
            self._kept.keep(self._kept.name(request), answer, is_from_file=True)

    def forget(self, request: Request) -> None:
        """Forget the answer to a question, whoever shows it."""
        job = self._jobs.pop(request, None)
        if job is not None:
            self._tickets.withdraw(job.ticket)
        self._kept.forget(request)

    def known(self, request: Request) -> Answer | None:
        """Return a whole answer that is known; None if there is none."""
        for fuller in answered_by(request):
            job = self._jobs.get(fuller)
            if job is not None and job.reply.status == "whole":
                return job.reply.answer
        return self._kept.find(request)

    def release(self, channel: object, request: Request, *, finishes: bool = True) -> None:
        """Want an answer no more for a channel.

        Args:
            channel: Who wanted it.
            request: What was asked.
            finishes: Whether the channel asks something else, which an older answer is shown for.
        """
        job = self._jobs.get(request)
        if job is None:
            return
        job.channels.discard(channel)
        is_begun = request.finishes and job.reply.status == "partial"
        is_begun &= not is_enough(job.reply.answer)  # what follows is of no use then
        if finishes and is_begun and not any(channel in other.left for other in self):
            job.left.add(channel)  # one at a time: who asks on and on sees each that is done
        if not (job.channels or job.left):
            self.drop(job)

    def let_go(self, job: Job) -> None:
        """Let nobody wait on for a job that is over, or says enough; forget it where nobody does.

        Who left it waits for no more, and what it says next would keep them from later ones.
        """
        if job.reply.is_running and not is_enough(job.reply.answer):
            return
        job.left.clear()
        if not job.channels:
            self.drop(job)

    def drop(self, job: Job) -> None:
        """Forget a job, but for its answer if it is whole, and leave it where it is."""
        if job.reply.status == "whole" and job.reply.answer is not None:
            from_file = job.reply.is_from_file
            self._kept.keep(job.name, job.reply.answer, is_from_file=from_file)
        self._tickets.withdraw(job.ticket)
        self._jobs.pop(job.reply.request, None)
