"""What the user points at, in every pane at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from lensgui.terms.kinds import Head


@dataclass(frozen=True, slots=True)
class Cursor:
    """One place in a model and a prompt; None where nothing is chosen.

    A place belongs to one head, or to several that are looked at together, or to a neuron: never to
    both, since what is said of a place is said of one thing.

    Attributes:
        layer: Of the model, from 0.
        head: Of the layer, from 0.
        position: Of the prompt, beginning-of-sequence included; the destination of attention.
        source: Of the prompt; where attention looks.
        heads: (layer, head) of all heads that are selected together, this one among them; () while
            it is the only one.
        neuron: Of the layer, from 0; of experts one expert after the other. None while a head is
            selected.
        token: Of the vocabulary, by its id; it stays selected wherever else one goes.
    """

    layer: int | None = None
    head: int | None = None
    position: int | None = None
    source: int | None = None
    heads: tuple[Head, ...] = ()
    neuron: int | None = None
    token: int | None = None

    @property
    def selected(self) -> tuple[Head, ...]:
        """The heads that are selected: all of the set, or the one; () for none."""
        if self.heads or self.layer is None or self.head is None:
            return self.heads
        return ((self.layer, self.head),)


def place_name(place: Cursor) -> str:
    """Return a place's short name: L23H3, L5N123, L23 · position 13, L23H3 · 13 → 5."""
    parts = []
    if place.layer is not None:
        of_neuron = "" if place.neuron is None else f"N{place.neuron}"
        parts.append(f"L{place.layer}" + (of_neuron if place.head is None else f"H{place.head}"))
    if place.position is not None and place.source is not None:
        parts.append(f"{place.position} → {place.source}")
    elif place.position is not None:
        parts.append(f"position {place.position}")
    return " · ".join(parts) or "nothing"


def gathered(heads: Iterable[Head]) -> dict[str, Any]:
    """Return the Cursor fields that select some heads together; the last is the one head."""
    chosen = tuple(dict.fromkeys(heads))
    layer, head = chosen[-1] if chosen else (None, None)
    return {"layer": layer, "head": head, "heads": chosen if len(chosen) > 1 else ()}


def extended(heads: tuple[Head, ...], head: Head) -> dict[str, Any]:
    """Return the Cursor fields that select one head more, or one less if it was among them."""
    rest = tuple(one for one in heads if one != head)
    return gathered(rest if len(rest) < len(heads) else (*heads, head))


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

    def move(self, **places: Any) -> None:
        """Point somewhere else; what is not named stays selected.

        But a place that names a layer and no head, such as a cell of the residual stream, belongs
        to no head: none stays selected, nor the source that it looks at. A set of heads stays
        selected while the place is one of its heads'. A neuron is selected alone: with it no head,
        and with a head, or in another layer, no neuron.

        Args:
            places: Cursor fields; a name that is none of them selects nothing.
        """
        known = {name: place for name, place in places.items() if name in FIELDS}
        if "layer" in known and "head" not in known:
            known = {"head": None, "source": None, **known}
        if known.get("neuron") is not None and known.get("head") is None:
            known = {**known, "head": None, "source": None, "heads": ()}
        elif known.get("head") is not None or "layer" in known:
            known = {**known, "neuron": None}
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
        bounded: dict[str, Any] = {
            name: min(place, size - 1) if size else None
            for name, size in self._sizes.items()
            if (place := getattr(cursor, name)) is not None
        }
        cursor = replace(cursor, **bounded)
        if cursor.layer is None or cursor.head is not None:
            cursor = replace(cursor, neuron=None)
        if (cursor.layer, cursor.head) in cursor.heads:
            heads = tuple(head for head in cursor.heads if self._is_there(*head))
            return replace(cursor, heads=heads if len(heads) > 1 else ())
        return replace(cursor, heads=())

    def _is_there(self, layer: int, head: int) -> bool:
        """Whether the model has a head, as far as is known."""
        return all(
            place < self._sizes.get(name, place + 1)
            for name, place in (("layer", layer), ("head", head))
        )
