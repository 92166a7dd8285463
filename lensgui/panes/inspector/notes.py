"""A place for the user's own words about what is selected."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QWidget

from lensgui.panes.controls.controls import Editor
from lensgui.panes.places import place_name
from lensgui.state.document import Document, Note
from lensgui.state.selection import Cursor


class NoteField(Editor):
    """The note about one place: a head if one is selected, else a position in a layer.

    Attributes:
        noted: (notes,) all notes of the document, this one changed.
    """

    noted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._notes: tuple[Note, ...] = ()
        self._place: Cursor | None = None
        self.setAccessibleName("Note about what is selected")
        self.setToolTip("Your own words about this place; they belong to the document.")
        self.typed.connect(self._note)
        self.show_cursor(Cursor())

    def show_document(self, document: Document) -> None:
        """Take note of the document's notes."""
        self._notes = document.notes
        self._show()

    def show_cursor(self, cursor: Cursor) -> None:
        """Show the note about another place."""
        self._place = place_of(cursor)
        self._show()

    def changeEvent(self, event: QEvent) -> None:
        """Be as tall as the text in another font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.fit()

    def _show(self) -> None:
        self.setEnabled(self._place is not None)
        name = "" if self._place is None else f"Note about {place_name(self._place)}"
        self.setPlaceholderText(name)
        self.show_text(next((note.text for note in self._notes if note.place == self._place), ""))

    def _note(self, text: str) -> None:
        if self._place is None:
            return
        others = tuple(note for note in self._notes if note.place != self._place)
        self.noted.emit((*others, Note(self._place, text)) if text else others)


def place_of(cursor: Cursor) -> Cursor | None:
    """Return the place that a note at a cursor is about; None if nothing is selected."""
    if cursor.layer is None:
        return None if cursor.position is None else Cursor(position=cursor.position)
    if cursor.head is not None:
        return Cursor(cursor.layer, cursor.head)
    return Cursor(cursor.layer, position=cursor.position)
