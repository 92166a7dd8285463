"""How far the running jobs are, for the status bar."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic

from lensgui.jobs.answers.arrays import Atlas, Slice
from lensgui.jobs.answers.interventions import SetReading
from lensgui.jobs.answers.neurons import NeuronPlaces
from lensgui.jobs.answers.readings import PairsReading
from lensgui.jobs.answers.reply import Answer, Reply
from lensgui.jobs.kept import Name
from lensgui.jobs.request import Request

LATELY_S = 5.0  # seconds over which the pace is taken
LEAST_MARKS = 3


@dataclass(slots=True, eq=False)
class Job:
    """One request that somebody wants, as the window knows it.

    Attributes:
        ticket: Its number at the worker.
        reply: What was asked, and how that stands.
        name: Under which its answer is kept.
        channels: Who wants the answer.
        left: Who wanted it until they asked something else, where it is brought to its end.
    """

    ticket: int
    reply: Reply
    name: Name
    channels: set[object] = field(default_factory=set)
    left: set[object] = field(default_factory=set)
    _marks: deque[tuple[float, int]] = field(default_factory=deque)  # when how much was settled

    def take(self, reply: Reply) -> None:
        """Keep how it stands, and how far it was lately."""
        self.reply = reply
        if reply.answer is not None:
            now = monotonic()
            self._marks.append((now, count(reply.answer)[0]))
            while len(self._marks) > LEAST_MARKS and self._marks[0][0] < now - LATELY_S:
                self._marks.popleft()

    def seconds_left(self) -> float | None:
        """Guess how long the rest takes, from the pace of late: not all parts take as long."""
        done, total = count(self.reply.answer)
        if not self._marks or done >= total:
            return None
        then, before = self._marks[0]
        if done <= before:
            return None
        return (total - done) * (monotonic() - then) / (done - before)


@dataclass(frozen=True, slots=True)
class Progress:
    """What the status bar says.

    Attributes:
        what: The slowest kind of thing that runs, in words; "" when nothing does.
        done: How many parts of all things of that kind in view are settled, of the same prompts.
        total: How many parts they have; 0 when that is not known.
        seconds_left: A guess; None when there is nothing to guess from.
    """

    what: str = ""
    done: int = 0
    total: int = 0
    seconds_left: float | None = None


def count(answer: Answer | None) -> tuple[int, int]:
    """Return how many parts of an answer are settled, of how many; (0, 0) if it has none."""
    match answer:
        case Slice():
            return answer.done, answer.total
        case Atlas():
            return answer.layers, len(answer.axes[0])
        case PairsReading():
            return len(answer.rows), answer.total
        case SetReading():
            return answer.done, answer.total
        case NeuronPlaces():
            return len(answer.tokens), answer.total
        case _:
            return 0, 0


def measure(jobs: Iterable[Job]) -> Progress:
    """Return the progress of the slowest running job, and of those like it.

    Those that have ended are counted too: else the bar would go back whenever one of several ends.
    """
    jobs = list(jobs)
    running = [job for job in jobs if job.reply.is_running]
    if not running:
        return Progress()
    slowest = min(running, key=lambda job: job.reply.request.reported).reply.request
    alike = [job for job in jobs if _are_alike(job.reply.request, slowest)]
    counts = [count(job.reply.answer) for job in alike]
    done, total = (sum(part) for part in zip(*counts, strict=True))
    left = [job.seconds_left() for job in alike if job in running]
    known = [seconds for seconds in left if seconds is not None]
    return Progress(slowest.doing, done, total, max(known, default=None))


def _are_alike(one: Request, other: Request) -> bool:
    return one.doing == other.doing and one.about == other.about
