"""What the user points at, in every pane at once."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from PySide6.QtCore import QObject, Signal


@dataclass(frozen=True, slots=True)
class Cursor:
    """One place in a model and a prompt; None where nothing is chosen.

    Attributes:
        layer: Of the model, from 0.
        head: Of the layer, from 0.
        position: Of the prompt, beginning-of-sequence included; the destination of attention.
        source: Of the prompt; where attention looks.
    """

    layer: int | None = None
    head: int | None = None
    position: int | None = None
    source: int | None = None


FIELDS = frozenset(field.name for field in fields(Cursor))


MOST_REMEMBERED = 200


class Selection(QObject):
    """The cursor that all panes share, and where it has been.

    Attributes:
        changed: (Cursor,) when it has moved.
    """

    changed = Signal(object)

    def __init__(self, cursor: Cursor | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cursor = cursor or Cursor()
        self._sizes: dict[str, int] = {}
        self._before: list[Cursor] = []
        self._after: list[Cursor] = []

    @property
    def cursor(self) -> Cursor:
        """Where it is now."""
        return self._cursor

    def move(self, **places: int | None) -> None:
        """Point somewhere else; what is not named stays selected.

        But a place that names a layer and no head, such as a cell of the residual stream, belongs
        to no head: none stays selected, nor the source that it looks at.

        Args:
            places: Cursor fields; a name that is none of them selects nothing.
        """
        known = {name: place for name, place in places.items() if name in FIELDS}
        if "layer" in known and "head" not in known:
            known = {"head": None, "source": None, **known}
        cursor = self._within_sizes(replace(self._cursor, **known))
        if cursor != self._cursor:
            self._before = [*self._before[1 - MOST_REMEMBERED :], self._cursor]
            self._after = []
            self._show(cursor)

    def step(self, name: str, by: int) -> None:
        """Move along one of the cursor's fields; a head stays selected in another layer.

        Args:
            name: The field; where nothing is selected of it, its first place is.
            by: How many places, backwards if negative; it stops at either end.
        """
        place = getattr(self._cursor, name)
        kept = {"head": self._cursor.head} if name == "layer" else {}
        self.move(**kept, **{name: 0 if place is None else max(0, place + by)})

    def back(self) -> None:
        """Return to where the cursor was before, like a browser."""
        self._retrace(self._before, self._after)

    def forward(self) -> None:
        """Go again to where the cursor was before it went back."""
        self._retrace(self._after, self._before)

    def limit(self, **sizes: int) -> None:
        """Say how many layers, heads … there are; a cursor beyond them moves to the last one.

        Args:
            sizes: Cursor fields, each with the number of its places.
        """
        self._sizes.update(sizes)
        self.move()

    def forget(self, *names: str) -> None:
        """Say that it is not known any more how many places there are.

        Args:
            names: Cursor fields.
        """
        for name in names:
            self._sizes.pop(name, None)

    def _retrace(self, past: list[Cursor], other: list[Cursor]) -> None:
        """Show the last different place of one history, and remember this one in the other."""
        while past:
            cursor = self._within_sizes(past.pop())
            if cursor != self._cursor:
                other.append(self._cursor)
                self._show(cursor)
                return

    def _show(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self.changed.emit(cursor)

    def _within_sizes(self, cursor: Cursor) -> Cursor:
        bounded = {
            name: min(place, size - 1) if size else None
            for name, size in self._sizes.items()
            if (place := getattr(cursor, name)) is not None
        }
        return replace(cursor, **bounded)
