"""Answers that nobody shows any more, kept for when they are asked for again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.request import Request
from lensgui.terms.model_key import ModelKey

Name = tuple[Request, object]
LIMIT_BYTES = 256 << 20
SAMPLED = 8  # things of a kind whose sizes are looked at
OBJECT_BYTES = 64  # of anything that is no array, about
PLAIN = frozenset({int, float, bool, type(None)})


class Kept:
    """Whole answers by their questions, the oldest forgotten first.

    A model that lies in memory may be changed by its owner: answers about it count for the version
    of its weights that they were made with.

    Attributes:
        limit: How many bytes of answers are kept, about.
        nbytes: How many are.
    """

    def __init__(
        self, limit: int = LIMIT_BYTES, version: Callable[[], object] = lambda: None
    ) -> None:
        """Keep nothing yet.

        Args:
            limit: How many bytes of answers are kept, about.
            version: Says which version of a model in memory there is now.
        """
        self.limit, self._version = limit, version
        self.nbytes = 0
        self._answers: OrderedDict[Name, tuple[Answer, int]] = OrderedDict()
        self._from_file: set[Name] = set()
        self._written: dict[ModelKey, int] = {}  # when each model's files were, as it was opened

    def shrink(self, limit: int) -> None:
        """Keep no more than so many bytes from now on; the oldest answers are forgotten."""
        self.limit = limit
        self._forget_oldest()

    def open(self, model: ModelKey) -> None:
        """Forget what is known of a model whose files are others than when it was opened before."""
        now = written(model.source)
        if self._written.setdefault(model, now) != now:
            for name in [name for name in self._answers if _model_of(name[0]) == model]:
                self._pop(name)
        self._written[model] = now

    def keep(self, name: Name, answer: Answer, *, is_from_file: bool = False) -> None:
        """Keep a whole answer, and forget others if there are too many.

        Args:
            name: What its question was called when it was asked.
            answer: The answer.
            is_from_file: Whether it is as a file had it.
        """
        size = size_of(answer)
        if not name[0].can_be_kept or size > self.limit:
            return
        self._pop(name)
        self.nbytes += size
        self._answers[name] = answer, size
        if is_from_file:
            self._from_file.add(name)
        self._forget_oldest()

    def is_from_file(self, request: Request) -> bool:
        """Whether the answer that `find` returns is as a file had it."""
        name = self._name_of_known(request)
        return name in self._from_file

    def forget(self, request: Request) -> None:
        """Know no answer to a question any more."""
        for fuller in answered_by(request):
            self._pop(self.name(fuller))

    def _pop(self, name: Name) -> None:
        self.nbytes -= self._answers.pop(name, (None, 0))[1]
        self._from_file.discard(name)

    def find(self, request: Request) -> Answer | None:
        """Return the answer to a question, or to one that asks for more; None if none is known."""
        name = self._name_of_known(request)
        if name is None:
            return None
        self._answers.move_to_end(name)
        return self._answers[name][0]

    def _name_of_known(self, request: Request) -> Name | None:
        names = map(self.name, answered_by(request))
        return next((name for name in names if name in self._answers), None)

    def _forget_oldest(self) -> None:
        """Forget answers until the rest is no more than may be kept."""
        while self.nbytes > self.limit:
            self._pop(next(iter(self._answers)))

    def name(self, request: Request) -> Name:
        """Return a question with the version of the model that it is asked about now."""
        model = _model_of(request)
        is_changeable = model is not None and model.is_in_memory
        return request, self._version() if is_changeable else None


def _model_of(request: Request) -> ModelKey | None:
    return getattr(request, "model", None)


def written(source: str) -> int:
    """Return when the newest file of a model's folder, or its one file, was written; 0 if none."""
    path = Path(source)
    try:
        files = [path, *path.iterdir()] if path.is_dir() else [path]
        return max(file.stat().st_mtime_ns for file in files)
    except OSError:
        return 0


def answered_by(request: Request) -> tuple[Request, ...]:
    """Return the questions whose answers say what is asked, the one that says most first."""
    found = [request]
    while (fuller := found[0].fuller) != found[0]:
        found.insert(0, fuller)
    return tuple(found)


def size_of(answer: Any) -> int:
    """Return how much memory an answer takes, about: its arrays, and something for all else."""
    if answer.__class__ in PLAIN:
        return OBJECT_BYTES
    if isinstance(answer, np.ndarray):
        return answer.nbytes + OBJECT_BYTES
    if isinstance(answer, str | bytes):
        return OBJECT_BYTES + len(answer)
    if isinstance(answer, dict):
        answer = (*answer, *answer.values())
    if isinstance(answer, tuple | list | frozenset | set):
        some = list(answer)[:: len(answer) // SAMPLED + 1]  # a long prompt has equals
        return OBJECT_BYTES + sum(map(size_of, some)) * len(answer) // max(1, len(some))
    parts = [size_of(getattr(answer, name)) for name in _parts(answer.__class__)]
    return OBJECT_BYTES + sum(parts)


@cache
def _parts(kind: Hashable) -> tuple[str, ...]:
    """Return the names of a dataclass's fields; of another type none."""
    return tuple(of.name for of in fields(kind)) if is_dataclass(kind) else ()
