"""What the inspector asks about a selection, and what it calls it."""

from __future__ import annotations

from dataclasses import replace

from lensgui.jobs.answers.readings import PairReading
from lensgui.jobs.request import Request
from lensgui.jobs.requests import LogitLens, ReadEdge, ReadHead, ReadMLP, ReadPair
from lensgui.panes.token_text import spelled
from lensgui.state.document import Document
from lensgui.state.selection import Cursor, place_name
from lensgui.terms.roles import Part

NOTHING = "Click a token of the prompt, a head, or a cell of any picture."
NO_POSITION = " (the last, as none is selected)"
BEYOND = " (the clean prompt has no such position)"


def resolved(cursor: Cursor, last: int | None) -> Cursor:
    """Return where a selection is read: a layer without a position at the prompt's last.

    Args:
        cursor: The selection.
        last: The last position of the clean prompt; None while it is not known.
    """
    if cursor.layer is None or cursor.position is not None:
        return cursor
    return replace(cursor, position=last)


def is_beyond(place: Cursor, last: int | None) -> bool:
    """Whether the clean prompt, whose last position is known, ends before a place."""
    return place.position is not None and last is not None and place.position > last


def questions(document: Document, place: Cursor, last: int | None) -> dict[str, Request]:
    """Return what a place is complete enough to ask; of none beyond the clean prompt anything.

    Args:
        document: The model and the prompts.
        place: The place.
        last: The last position of the clean prompt; None while it is not known.
    """
    model, pair = document.model, document.pair
    if not pair.clean:
        return {}
    needed: dict[str, Request] = {"pair": ReadPair(model, pair)}
    layer, head, position = place.layer, place.head, place.position
    if position is None or is_beyond(place, last):
        return needed
    if layer is not None and head is not None:
        needed["head"] = ReadHead(model, pair, layer, head, position)
        if place.source is not None and place.source <= position:
            needed["edge"] = ReadEdge(model, pair, layer, head, position, place.source)
    if layer is not None:
        needed["mlp"] = ReadMLP(model, pair, layer, position)
    needed["lens"] = LogitLens(model, pair, position)
    return needed


def described(
    cursor: Cursor,
    place: Cursor,
    pair: PairReading | None,
    last: int | None,
    part: Part | None = None,
) -> str:
    """Return what a selection is called, and where it is read if it leaves that open.

    Args:
        cursor: The selection.
        place: Where it is read.
        pair: The prompts' tokens, as far as they are known.
        last: The last position of the clean prompt; None until it is known.
        part: The role of the selected head, if it has one.
    """
    parts = []
    if place.layer is not None:
        role = f" ({part.name})" if part is not None else ""
        parts.append(place_name(Cursor(place.layer, place.head, neuron=place.neuron)) + role)
    for words, position in (("position", place.position), ("source", place.source)):
        if position is not None:
            parts.append(f"{words} {position}" + _spelled(pair, position))
            if words == "position" and cursor.position is None:
                parts[-1] += NO_POSITION
            elif words == "position" and is_beyond(place, last):
                parts[-1] += BEYOND
    return ", ".join(parts) or NOTHING


def _spelled(pair: PairReading | None, position: int) -> str:
    """Return the token at a position, of both prompts where they differ; "" if it is not known."""
    if pair is None or position >= len(pair.clean.tokens):
        return ""
    name = spelled(pair.clean.tokens)[position]
    if position in pair.differing and pair.corrupted is not None:
        name += f"|{spelled(pair.corrupted.tokens)[position]}"
    return f" ‘{name}’"
