"""The real answerer on the toy model: what it is asked, and what it says at last."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lensgui.prompts.pair import PromptPair
from lensgui.terms.model_key import ModelKey

TOY = ModelKey("toy", device="cpu")
CLEAN = " table green seven music apple house river table green seven music"
PAIR = PromptPair(CLEAN, CLEAN.replace("apple", "stone"), " apple", " stone")


def last(answers: Iterable[Any]) -> Any:
    """The last thing that was said; a job may end in silent steps."""
    *_, answer = (answer for answer in answers if answer is not None)
    return answer
