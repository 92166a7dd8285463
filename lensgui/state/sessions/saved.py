"""What a session file holds, as values of the app."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.request import Request
from lensgui.models.recognised import name_of
from lensgui.state.document import Document
from lensgui.state.layout import AT_FIRST, Layout
from lensgui.state.selection import Cursor
from lensgui.terms.model_key import ModelKey

SUFFIX = ".lens"
NO_PATH = r"^(?!\.{1,2}(/|$)|~|[A-Za-z]:)[^/\\\x00-\x1f]+(/[^/\\\x00-\x1f]+)?\Z"
"""What the name of a model may look like: never like a place on disk, which a file could name."""


NOWHERE = Cursor()


@dataclass(frozen=True, slots=True)
class ModelReference:
    """Which model a session is about, as far as that means anything on another machine.

    Attributes:
        name: What it is called; of a folder or file its last part only.
        content_id: What its weights are recognised by; "" if that is not known.
        folded: As of `ModelKey`.
        dtype: Likewise.
    """

    name: str
    content_id: str = ""
    folded: bool = False
    dtype: str = "float32"

    @classmethod
    def to(cls, key: ModelKey, content_id: str = "") -> ModelReference:
        """Return the reference to a model; where it lies on this machine is nobody's business."""
        return cls(_plain_name(key.source), content_id, key.folded, key.dtype)

    @property
    def key(self) -> ModelKey:
        """What to open as long as nothing better is known than the name."""
        return ModelKey(self.name, self.folded, dtype=self.dtype)


def _plain_name(source: str) -> str:
    name = name_of(source)
    if re.match(NO_PATH, name) and not os.path.exists(name):
        return name
    last = (PureWindowsPath(name) if "\\" in name else PurePosixPath(name)).name
    return last if re.match(NO_PATH, last) else "a folder"


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """All that a session file holds.

    Attributes:
        document: What the user works on. As read from a file, it is about the model of that name.
        model: Which model it is about.
        changed: When it was last changed, with its time zone.
        cursor: What is selected.
        layout: Where panes stand.
        answers: Questions about that model with their whole answers; of those that are given to
            be written, the ones that a file can keep are.
        unknown: Sections of the file that a newer lensgui wrote, by name, as they stand there.
        is_lossy: Whether the file says more than this, which writing it again would lose.
        remark: What the user must know of that, as a sentence; "" if nothing.
    """

    document: Document
    model: ModelReference
    changed: datetime
    cursor: Cursor = NOWHERE
    layout: Layout = AT_FIRST
    answers: tuple[tuple[Request, Answer], ...] = ()
    unknown: tuple[tuple[str, bytes], ...] = ()
    is_lossy: bool = False
    remark: str = ""

    def about(self, model: ModelKey) -> Saved:
        """Return the same about a model that was found to be the one that is meant."""
        before, kept = self.document.model, self.document.kept
        if kept is not None and kept.model == before:
            kept = replace(kept, model=model)
        return replace(
            self,
            document=replace(self.document, model=model, kept=kept),
            answers=tuple((asked_of(model, request), answer) for request, answer in self.answers),
        )


def asked_of(model: ModelKey, request: Any) -> Request:
    """Return a question about another model."""
    asked: Request = replace(request, model=model)
    return asked
