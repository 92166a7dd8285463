"""The token that the model wrote which panes follow: they show the run up to it, and say so.

It is no part of the document: nothing of it is saved or undone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lensgui.jobs.questions.generation_requests import Generate, asked_of
from lensgui.prompts.pair import PromptPair
from lensgui.prompts.sides import SUMMANDS, unchanged
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import Side

VIEWS = ("attention", "lens")  # of the panes that follow: each says which prompt is read


def written_behind(document: Document) -> Generate:
    """Return what is asked of a document to see how its prompt goes on."""
    view = document.views.generation
    drawn = view.temperature, view.top_k, view.top_p, view.seed
    return Generate(document.model, document.pair, view.side, view.count, *drawn)


@dataclass(frozen=True, slots=True)
class Followed:
    """A token that the model wrote, with all that stands before it.

    Attributes:
        question: What was asked, however many tokens of it.
        is_under: Whether it stands in the text under interventions.
        tokens: The ids of what was written up to it, itself the last.
        prompt: How many tokens the prompt has.
    """

    question: Generate
    is_under: bool
    tokens: tuple[int, ...]
    prompt: int

    @property
    def position(self) -> int:
        """Where it stands."""
        return self.prompt + len(self.tokens) - 1

    def is_of(self, document: Document) -> bool:
        """Whether it was written behind the prompt of a document, as it is asked about now."""
        return asked_of(written_behind(document)).beginning == self.question

    def document(self, document: Document) -> Document:
        """Return a document as panes show it that follow: the prompt ends with this token.

        A pane that reads the other prompt, or both, reads this one.
        """
        pair = document.pair if self.is_under else document.pair.plain
        pair = replace(pair, more=self.tokens, more_behind=self.question.side)
        views = {name: getattr(document.views, name) for name in VIEWS}
        read = {
            name: replace(view, side=self._side(pair, view.side)) for name, view in views.items()
        }
        return document.having(pair=pair, **read)

    def _side(self, pair: PromptPair, side: Side) -> Side:
        """Return which prompts are read instead of those of a side, which stays if it can."""
        own = self.question.side
        reads_it = all(one.prompt == own for one in SUMMANDS[side])
        return side if reads_it and not unchanged(pair, side) else own

    def cursor(self, cursor: Cursor) -> Cursor:
        """Return what is selected as panes show it that follow."""
        return replace(cursor, position=self.position, source=None)

    def picked(self, places: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a pane that follows may select for all: positions of the prompt itself."""
        at = [places.get(name) for name in ("position", "source")]
        is_behind = any(place is not None and place >= self.prompt for place in at)
        without = ("position", "source") if is_behind else ()
        return {name: place for name, place in places.items() if name not in without}

    def meant(self, document: Document, changes: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        """Return what a user changes of a document by setting a pane that follows.

        Args:
            document: The document, without what was written.
            changes: The changes as the pane says them, of what it shows.

        Returns:
            The changes, and whether this token is to be followed still: another prompt was not
            chosen.
        """
        shown, found, stays = self.document(document), dict(changes), True
        for name in VIEWS:
            if name not in changes:
                continue
            own, seen = (getattr(of.views, name).side for of in (document, shown))
            side: Side = changes[name].side
            if side == seen:
                found[name] = replace(changes[name], side=own)
            elif self._side(shown.pair, side) != side:
                stays = False
        return found, stays
