"""The document being worked on, its history, and the one command that changes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from lensgui.state.changes import CONTINUED, changed, strengths, words
from lensgui.state.document import Document
from lensgui.terms.model_key import ModelKey

EDIT_ID = 1


class Edit(QUndoCommand):
    """A step from one document to the next; typing or dragging on stays one step.

    Attributes:
        before: The earlier document.
        after: The later one.
        paths: The fields in which they differ.
        is_whole: Whether later edits are steps of their own.
    """

    def __init__(self, session: Session, after: Document, called: str = "") -> None:
        super().__init__(called or words(session.document, after))
        self._called = called
        self._session = session
        self.before, self.after = session.document, after
        self.paths = changed(self.before, after)
        self.is_whole = False

    def id(self) -> int:
        """Return what kind of command this is: only equal kinds merge."""
        return EDIT_ID

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Swallow a later edit of the same text or slider; a choice is a step of its own."""
        if self.is_whole or not isinstance(other, Edit) or self._called or other._called:
            return False
        if other.paths != self.paths or len(self.paths) != 1:
            return False
        is_dragged = bool(self.strengthened) and self.strengthened == other.strengthened
        if not (CONTINUED.issuperset(self.paths) or self._is_of_one_note(other) or is_dragged):
            return False
        self.after = other.after
        self.setText(words(self.before, self.after))
        self.setObsolete(self.after == self.before)
        return True

    @property
    def strengthened(self) -> frozenset[int]:
        """Which interventions have another strength, if that is all that it did to them."""
        return strengths(self.before.pair.interventions, self.after.pair.interventions)

    def rewrite(self, other: Callable[[Document], Document]) -> None:
        """Have other documents in place of these; a step that does nothing then is none."""
        self.before, self.after = other(self.before), other(self.after)
        self.paths = changed(self.before, self.after)
        self.setText(self._called or words(self.before, self.after))
        self.setObsolete(self.after == self.before)

    def _is_of_one_note(self, other: Edit) -> bool:
        """Whether both changed the note of one place, which then stands last."""
        notes = self.after.notes[-1:], other.after.notes[-1:]
        return self.paths == ("notes",) and all(notes) and notes[0][0].place == notes[1][0].place

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
        changed_at: When it was changed last; None while it is as it was made.
    """

    changed = Signal(object)

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.undo_stack = QUndoStack(self)
        self.changed_at: datetime | None = None

    @property
    def document(self) -> Document:
        """The document as it is now."""
        return self._document

    def edit(self, **changes: Any) -> None:
        """Change fields of the document, of its pair or of its views, as one step to be undone.

        Where its model runs is no part of a step: the whole history runs there from now on.

        Raises:
            TypeError: If no such field exists.
        """
        after = self._document.having(**changes)
        device = after.model.device
        if after.model.on(self._document.model.device) != after.model:
            before, after = self._document, after.on(device)
            self._rewrite(lambda document: document.on(device))
            if after == self._document != before:
                self.changed.emit(after)
        self.step_to(after)

    def step_to(self, after: Document, called: str = "") -> None:
        """Have another document about the same model, as one step to be undone.

        Args:
            after: The document.
            called: What the step is called; "" for what it changes.
        """
        if after == self._document:
            return
        edit, stack, last = Edit(self, after, called), self.undo_stack, self._last
        # The stack merges what is pushed by itself, but PySide keeps whatever was pushed for good.
        if isinstance(last, Edit) and last.mergeWith(edit):
            self.show(after)
            if last.isObsolete():
                stack.undo()  # which takes it off
        else:
            stack.push(edit)

    def seal(self) -> None:
        """Let what comes next be a step of its own, so that undo comes back to what is there."""
        last = self._last
        if isinstance(last, Edit):
            last.is_whole = True

    @property
    def _last(self) -> QUndoCommand | None:
        """The last step, unless some were taken back."""
        stack = self.undo_stack
        return stack.command(stack.index() - 1) if stack.index() == stack.count() else None

    def keep_model(self, gone: ModelKey, kept: ModelKey) -> None:
        """Name a model that is open wherever the history names one that can't be opened.

        Else undo would ask for that one again, and be taken back in turn.
        """
        before, is_placed = self._document, kept.on(gone.device) != kept

        def other(document: Document) -> Document:
            model = kept if document.model == gone else document.model
            document = document.having(model=model)
            return document.on(kept.device) if is_placed else document

        self._rewrite(other)
        if self._document != before:
            self.changed.emit(self._document)

    def _rewrite(self, other: Callable[[Document], Document]) -> None:
        """Have other documents in the history, and now; nobody is told."""
        stack = self.undo_stack
        for at in range(stack.count()):
            edit = stack.command(at)
            if isinstance(edit, Edit):
                edit.rewrite(other)
        last = self._last
        if last is not None and last.isObsolete():
            stack.undo()  # which takes it off
        self._document = other(self._document)

    def begin(self, document: Document, changed_at: datetime | None = None) -> None:
        """Take another document, with no history.

        Args:
            document: The document.
            changed_at: When it was changed last; None if it never was.
        """
        self.undo_stack.clear()
        self.show(document)
        self.changed_at = changed_at

    def show(self, document: Document) -> None:
        """Take a document as the present one without recording a step."""
        if document != self._document:
            self._document = document
            self.changed_at = datetime.now(UTC)
            self.changed.emit(document)
