"""What the user works on, and the one command that changes it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from lensgui.jobs.requests import Patching
from lensgui.prompts.pair import TYPED, PairRow, PromptPair
from lensgui.state.selection import Cursor
from lensgui.state.views import AT_FIRST, VIEW_FIELDS, Views
from lensgui.terms.kinds import RESID_PRE, Direction, SweepKind
from lensgui.terms.model_key import ModelKey
from lensgui.terms.roles import USUAL, GivenRole, RoleBounds

PAIR_FIELDS = frozenset(field.name for field in fields(PromptPair))
EDIT_ID = 1


@dataclass(frozen=True, slots=True)
class SweepChoice:
    """A sweep of whatever prompts there are.

    Attributes:
        kind: What a cell of the sweep replaces.
        direction: "denoising" patches clean into corrupted, "noising" corrupted into clean.
    """

    kind: SweepKind = RESID_PRE
    direction: Direction = "denoising"


@dataclass(frozen=True, slots=True)
class Note:
    """What the user wrote about a place."""

    place: Cursor
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """Everything that decides what is computed, and what the user keeps.

    Attributes:
        model: The model in question.
        pair: The prompts and answers.
        table: Many pairs, to average over; () if there are none.
        is_average: Whether panes average over the included pairs of the table.
        kind: What a cell of the sweep that is looked at replaces.
        direction: Which way every pane patches: "denoising" puts clean into corrupted, "noising"
            corrupted into clean.
        kept: A sweep kept for comparison, as it was asked; None if nothing is compared.
        against: What is compared with instead of the kept one; None for that.
        pins: Heads, cells and positions to keep an eye on: outlined in every pane.
        notes: What the user wrote, at most one note for a place.
        roles: Roles that the user gave heads, at most one for a head.
        bounds: The numbers in the rules by which roles are proposed.
        views: How each pane is set.
    """

    model: ModelKey
    pair: PromptPair
    table: tuple[PairRow, ...] = ()
    is_average: bool = False
    kind: SweepKind = RESID_PRE
    direction: Direction = "denoising"
    kept: Patching | None = None
    against: SweepChoice | None = None
    pins: tuple[Cursor, ...] = ()
    notes: tuple[Note, ...] = ()
    roles: tuple[GivenRole, ...] = ()
    bounds: RoleBounds = USUAL
    views: Views = AT_FIRST

    @property
    def rows(self) -> tuple[PairRow, ...]:
        """The pairs that are averaged over; () while panes show the one pair."""
        return tuple(row for row in self.table if row.is_included) if self.is_average else ()

    @property
    def asked(self) -> PromptPair:
        """The pair that questions are about: while averaging, no more of it than its metric."""
        return PromptPair("", metric=self.pair.metric) if self.rows else self.pair

    def patching(
        self, kind: SweepKind | None = None, direction: Direction | None = None
    ) -> Patching:
        """Return what is asked to sweep a kind one way; those that are looked at by default."""
        kind, direction = kind or self.kind, direction or self.direction
        return Patching(self.model, self.asked, kind, direction, self.rows)

    @property
    def compared(self) -> Patching | None:
        """What is asked for comparison, A; None if nothing of this model is compared."""
        if self.kept is not None and self.against is not None:
            return self.patching(self.against.kind, self.against.direction)
        return self.kept if self.kept is not None and self.kept.model == self.model else None

    def having(self, **changes: Any) -> Document:
        """Return a copy with changes to its own fields, to those of the pair, or to panes' views.

        Raises:
            TypeError: If no such field exists.
        """
        of_pair = {name: value for name, value in changes.items() if name in PAIR_FIELDS}
        of_views = {name: value for name, value in changes.items() if name in VIEW_FIELDS}
        parts = of_pair.keys() | of_views.keys()
        own = {name: value for name, value in changes.items() if name not in parts}
        if of_pair:
            own["pair"] = replace(own.get("pair", self.pair), **of_pair)
        if of_views:
            own["views"] = replace(own.get("views", self.views), **of_views)
        return replace(self, **own)


class Edit(QUndoCommand):
    """A step from one document to the next; typing on in the same field stays one step."""

    def __init__(self, session: Session, after: Document, names: frozenset[str]) -> None:
        super().__init__("Edit " + " and ".join(sorted(names)))
        self._session = session
        self.names = names
        self.before = session.document
        self.after = after

    def id(self) -> int:
        """Return what kind of command this is: only equal kinds merge."""
        return EDIT_ID

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Swallow a later edit of the same single text; a choice is a step of its own."""
        if not isinstance(other, Edit) or other.names != self.names or len(self.names) != 1:
            return False
        if not (self.names <= {*TYPED} or self._is_of_one_note(other)):
            return False
        self.after = other.after
        self.setObsolete(self.after == self.before)
        return True

    def replace_model(self, gone: ModelKey, kept: ModelKey) -> None:
        """Name one model where another was named; a step that did nothing else is none."""
        for name in ("before", "after"):
            document: Document = getattr(self, name)
            if document.model == gone:
                setattr(self, name, document.having(model=kept))
        self.setObsolete(self.after == self.before)

    def _is_of_one_note(self, other: Edit) -> bool:
        """Whether both changed the note of one place, which then stands last."""
        notes = self.after.notes[-1:], other.after.notes[-1:]
        return self.names == {"notes"} and all(notes) and notes[0][0].place == notes[1][0].place

    def redo(self) -> None:
        """Show the later document."""
        self._session.show(self.after)

    def undo(self) -> None:
        """Show the earlier document."""
        self._session.show(self.before)


class Session(QObject):
    """The document being worked on, with its history.

    Attributes:
        changed: (Document,) after every edit, undo and redo.
        undo_stack: The history.
    """

    changed = Signal(object)

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.undo_stack = QUndoStack(self)

    @property
    def document(self) -> Document:
        """The document as it is now."""
        return self._document

    def edit(self, **changes: Any) -> None:
        """Change fields of the document or of its pair, as one step that can be undone.

        Raises:
            TypeError: If no such field exists.
        """
        after = self._document.having(**changes)
        if after == self._document:
            return
        edit, stack = Edit(self, after, frozenset(changes)), self.undo_stack
        last = stack.command(stack.index() - 1) if stack.index() == stack.count() else None
        # The stack merges what is pushed by itself, but PySide keeps whatever was pushed for good.
        if isinstance(last, Edit) and last.mergeWith(edit):
            self.show(after)
            if last.isObsolete():
                stack.undo()  # which takes it off
        else:
            stack.push(edit)

    def keep_model(self, gone: ModelKey, kept: ModelKey) -> None:
        """Name a model that is open wherever the history names one that can't be opened.

        Else undo would ask for that one again, and be taken back in turn.
        """
        stack = self.undo_stack
        for at in range(stack.count()):
            edit = stack.command(at)
            if isinstance(edit, Edit):
                edit.replace_model(gone, kept)
        last = stack.command(stack.index() - 1) if stack.index() == stack.count() else None
        if last is not None and last.isObsolete():
            stack.undo()  # which takes it off
        if self._document.model == gone:
            self.show(self._document.having(model=kept))

    def show(self, document: Document) -> None:
        """Take a document as the present one without recording a step."""
        if document != self._document:
            self._document = document
            self.changed.emit(document)
