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


class Selection(QObject):
    """The cursor that all panes share.

    Attributes:
        changed: (Cursor,) when it has moved.
    """

    changed = Signal(object)

    def __init__(self, cursor: Cursor | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cursor = cursor or Cursor()
        self._sizes: dict[str, int] = {}

    @property
    def cursor(self) -> Cursor:
        """Where it is now."""
        return self._cursor

    def move(self, **places: int | None) -> None:
        """Point somewhere else.

        Args:
            places: Cursor fields; a name that is none of them selects nothing.
        """
        known = {name: place for name, place in places.items() if name in FIELDS}
        cursor = self._within_sizes(replace(self._cursor, **known))
        if cursor != self._cursor:
            self._cursor = cursor
            self.changed.emit(cursor)

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

    def _within_sizes(self, cursor: Cursor) -> Cursor:
        bounded = {
            name: min(place, size - 1) if size else None
            for name, size in self._sizes.items()
            if (place := getattr(cursor, name)) is not None
        }
        return replace(cursor, **bounded)
