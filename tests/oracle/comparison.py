"""lensgui's side: its answers to every question, beside those that are stored."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import lensgui
from tests.oracle import answers, circuits, decompositions, questions, subjects
from tests.oracle.differences import purpose

BAR = 1e-4  # largest difference allowed, in the units of the answer …
STEPS = 16  # … or in roundings of its largest number to float32, which are more above 50
FIXTURES = Path(__file__).parents[1] / "fixtures" / "oracle"
EPSILON = 2.0**-23
QUESTIONS = questions.QUESTIONS + decompositions.QUESTIONS + circuits.QUESTIONS


@dataclass(frozen=True, slots=True)
class Compared:
    """One answer beside the stored one.

    Attributes:
        name: processing/question/name.
        distance: The largest difference; infinite where only one side has an answer, or the
            shapes differ.
        purpose: Why they differ, if on purpose.
        scale: The largest stored number, at least 1.
    """

    name: str
    distance: float
    purpose: str | None
    scale: float = 1.0

    @property
    def holds(self) -> bool:
        """Whether the answers agree, or differ on purpose."""
        return self.purpose is not None or self.distance <= max(BAR, STEPS * EPSILON * self.scale)


def open_model(name: str, processing: str) -> Any:
    """Return a subject opened by lensgui, as a notebook would open it."""
    of = lensgui.HookedTransformer
    method = of.from_pretrained if processing == "folded" else of.from_pretrained_no_processing
    opener = partial(method, device="cpu", default_prepend_bos=questions.PREPEND_BOS)
    if name == subjects.DEMO:
        return opener(name)
    if name in subjects.FILES:
        with tempfile.TemporaryDirectory() as folder:
            return opener(str(subjects.folder_of(name, Path(folder))))
    return opener(hf_model=subjects.tiny_model(name), tokenizer=subjects.tokenizer(name))


def compare(
    name: str, stored: answers.Answers, asked: Iterable[Any] = QUESTIONS
) -> Iterator[Compared]:
    """Yield every answer about a subject beside the stored one; those of some questions only."""
    seen = set()
    for processing in questions.PROCESSINGS:
        model = open_model(name, processing)
        for key, value in questions.asked(lensgui, model, name, asked):
            key = f"{processing}/{key}"
            why = purpose(f"{name}/{key}")
            seen.add(key)
            if key in stored:
                distance = answers.distance(value, stored[key])
                whole = answers.whole_scale(value, stored[key])
                yield Compared(key, distance, why, max(whole, scale(key, stored)))
            else:
                yield Compared(key, float("inf"), why)
    about = {question.__name__ for question in asked}
    for key in stored.keys() - seen:
        if key.split("/")[1] not in about:
            continue
        yield Compared(key, float("inf"), purpose(f"{name}/{key}"))


def scale(key: str, stored: answers.Answers) -> float:
    """Return the largest number that went into an answer, at least 1.

    The residual stream is a sum that only grows: it keeps the rounding of its largest numbers,
    also behind the layer that takes them out again.
    """
    stream = re.match(r".*/hooks/blocks\.\d+\.hook_resid_", key)
    if stream is None:
        return answers.scale(stored[key])
    along = re.compile(rf"{key.split('/')[0]}/hooks/blocks\.\d+\.hook_resid_")
    return max(answers.scale(value) for name, value in stored.items() if along.match(name))


def worst_by_question(compared: Iterable[Compared]) -> dict[str, float]:
    """Return the largest difference of each question, those on purpose left out."""
    worst: dict[str, float] = {}
    for one in compared:
        if one.purpose is None:
            question = one.name.split("/")[1]
            worst[question] = max(worst.get(question, 0.0), one.distance)
    return worst
