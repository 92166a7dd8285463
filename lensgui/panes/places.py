"""What places in a model and a prompt are called."""

from __future__ import annotations

from lensgui.state.selection import Cursor


def place_name(place: Cursor) -> str:
    """Return a place's short name: L23H3, L23 · position 13, L23H3 · 13 → 5."""
    parts = []
    if place.layer is not None:
        parts.append(f"L{place.layer}" + ("" if place.head is None else f"H{place.head}"))
    if place.position is not None and place.source is not None:
        parts.append(f"{place.position} → {place.source}")
    elif place.position is not None:
        parts.append(f"position {place.position}")
    return " · ".join(parts) or "nothing"


def pinnable(cursor: Cursor) -> tuple[Cursor, ...]:
    """Return the places at a cursor that can be pinned: its head, its cell, its edge."""
    if cursor.layer is None:
        return ()
    found = []
    if cursor.head is not None:
        found.append(Cursor(cursor.layer, cursor.head))
    if cursor.position is not None:
        found.append(Cursor(cursor.layer, position=cursor.position))
        if cursor.head is not None:
            found.append(Cursor(cursor.layer, cursor.head, cursor.position))
            if cursor.source is not None:
                found.append(cursor)
    return tuple(found)


def toggled(pins: tuple[Cursor, ...], place: Cursor) -> tuple[Cursor, ...]:
    """Return pins with a place added, or taken away if it was among them."""
    if place in pins:
        return tuple(pin for pin in pins if pin != place)
    return (*pins, place)


def heads_of(pins: tuple[Cursor, ...]) -> list[tuple[int, int]]:
    """Return layer and head of each pinned place that belongs to a head."""
    places = ((pin.layer, pin.head) for pin in pins)
    return [(layer, head) for layer, head in places if layer is not None and head is not None]


def edges_of(pins: tuple[Cursor, ...], heads: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    """Return position and source of each pinned edge of some heads."""
    edges = [(pin.position, pin.source) for pin in pins if (pin.layer, pin.head) in heads]
    return [(row, column) for row, column in edges if row is not None and column is not None]
