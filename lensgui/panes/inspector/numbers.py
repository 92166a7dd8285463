"""The numbers that other panes have for the selected place, and what each of them is of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from lensgui.jobs.answers.arrays import (
    Atlas,
    CellState,
    Feeding,
    HeadEffects,
    HeadSlice,
    Slice,
    Sweep,
)
from lensgui.jobs.answers.reply import Answer, Reply
from lensgui.jobs.request import Request
from lensgui.jobs.requests import AttentionGrid, AttentionHead, HeadRoles, Patching, WhoFeeds
from lensgui.panes.attention.head_numbers import NAMES, amount
from lensgui.panes.head_grid.cards import card
from lensgui.panes.pane import Channel
from lensgui.panes.sweep_view.cells import SHARED_AXIS, WORDS, cell_name, cell_words
from lensgui.panes.sweep_view.compare import KEPT
from lensgui.panes.sweep_view.kinds import effect, phrase
from lensgui.panes.token_text import shorten, signed, visible
from lensgui.prompts.sides import CAPTIONS
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import SWEEP_KINDS, VERBS

EXTENTS = {"position": " at this position", "all": " at all positions", "edge": " at this edge"}
ORDER = (Patching, WhoFeeds, HeadRoles, AttentionHead)
NAME_LETTERS = 28  # of a prompt that is not the present one
PATH = (
    "The path from this sender straight into the head is taken from the clean run, all else from "
    "the corrupted run (path patching)."
)
DIRECTLY = (
    "Direct logit attribution of the head at the last position, for answer − distractor, the final "
    "norm's scale frozen."
)
WITHOUT = (
    "How the metric of the clean run changes when the head's output at each position is replaced "
    "by its mean over prompts."
)
TAKEN = "What the head takes from the selected source to the selected position, as Attention shows."


@dataclass(frozen=True, slots=True)
class Number:
    """One number.

    Attributes:
        name: What it counts, and what it is of.
        words: What it says.
        tip: What that means, in a sentence.
        is_settled: Whether it is more than an estimate, or nothing yet.
    """

    name: str
    words: str
    tip: str
    is_exact: bool = True


Replies = Mapping[Channel, Reply]
Place = tuple[Cursor, int, Document | None]  # where, how many heads share keys, what is looked at


def numbers(
    replies: Replies, cursor: Cursor, group: int, document: Document | None
) -> list[Number]:
    """Return what panes know of the place at a cursor, each number under a name of its own.

    Args:
        replies: The replies of the panes, by pane and question.
        cursor: The place.
        group: How many heads share a key/value head.
        document: What the panes look at.
    """
    known = sorted(
        (channel for channel, reply in replies.items() if isinstance(reply.request, ORDER)),
        key=lambda at: (*_rank(replies[at].request), at[1] == KEPT, at[0]),
    )
    request = {replies[title, name].request for title, name in known if name != KEPT}
    found: dict[str, Number] = {}
    for title, name in known:
        reply, is_kept = replies[title, name], name == KEPT
        if is_kept and reply.request in request:
            continue  # the same sweep, which was kept and is still shown
        for number in _said(reply, (cursor, group, document), is_kept=is_kept):
            before = found.get(number.name)
            if before is None or (number.is_exact and not before.is_exact):
                found[number.name] = number
    return list(found.values())


def _rank(request: Request) -> tuple[int, int]:
    """Return where a number stands: by what is asked, and which kind of sweep it is."""
    kind = SWEEP_KINDS.index(request.kind) if isinstance(request, Patching) else 0
    return ORDER.index(type(request)), kind


def head_scores(
    replies: Replies, cursor: Cursor, document: Document | None
) -> tuple[str, list[str]] | None:
    """Return what the selected head's scores are of, and each score; None while they are coming."""
    grids = [reply for reply in replies.values() if isinstance(reply.request, AttentionGrid)]
    for reply in grids:
        asked, atlas, layer, head = reply.request, _usable(reply), cursor.layer, cursor.head
        if not (isinstance(asked, AttentionGrid) and isinstance(atlas, Atlas)):
            continue
        if layer is None or head is None:
            continue
        if layer < atlas.layers and head < len(atlas.axes[1]):
            tokens = [visible(label) for label in atlas.axes[2].labels]
            of = _joined(CAPTIONS[asked.side], scope(asked, document))
            return of, card(atlas, layer, head, tokens)[1]
    is_coming = any(reply.is_running and _usable(reply) is None for reply in grids)
    return None if is_coming else ("", [])


def others(replies: Replies, title: str) -> Replies:
    """Return what there are numbers of, without those of one pane, `title`, itself."""
    return {
        channel: reply
        for channel, reply in replies.items()
        if channel[0] != title and isinstance(reply.request, (*ORDER, AttentionGrid))
    }


def are_coming(replies: Replies) -> bool:
    """Whether there are to be numbers of a question of which none is known yet."""
    asked = (reply for reply in replies.values() if isinstance(reply.request, ORDER))
    return any(map(_is_coming, asked))


def are_alike(some: Replies, others: Replies) -> bool:
    """Whether the same numbers can be read off both."""
    return [*map(_gist, some.items())] == [*map(_gist, others.items())]


def _gist(item: tuple[Channel, Reply]) -> tuple[object, ...]:
    channel, reply = item
    is_paused = reply.status == "paused"
    return channel, reply.request, is_paused, _is_coming(reply), id(_usable(reply))


def _is_coming(reply: Reply) -> bool:
    return reply.is_running and _usable(reply) is None


def _usable(reply: Reply) -> Answer | None:
    """Return what is known; of all heads' attention nothing until it is whole."""
    is_part = isinstance(reply.known, Atlas) and not reply.known.is_whole
    return None if is_part else reply.known


def scope(request: Request, document: Document | None) -> str:
    """Return whether a question is about a mean or one pair; "" where there is no doubt."""
    rows = getattr(request, "rows", ())
    if rows:
        return f"mean of {len(rows)} pair{'s' * (len(rows) != 1)}"
    if document is None or not document.rows:
        return ""
    return "this pair" if getattr(request, "pair", None) == document.pair else "one pair"


def index_of(slice_: Slice, cursor: Cursor, group: int) -> tuple[int, ...] | None:
    """Return the indices at which a cursor stands in a slice; None if it does not."""
    index = []
    for axis in slice_.axes:
        shared = axis.name == SHARED_AXIS
        place = cursor.head if shared else getattr(cursor, axis.name, None)
        if place is None:
            return None
        place = place // group if shared else place
        if place not in axis.coordinates:
            return None
        index.append(axis.coordinates.index(place))
    return tuple(index)


def _said(reply: Reply, place: Place, *, is_kept: bool) -> Iterator[Number]:
    """Yield what one answer says of a place."""
    cursor, _, document = place
    of = scope(reply.request, document)
    match reply.request, reply.known:
        case Patching() as request, Sweep() as found:
            is_paused = reply.status == "paused"
            yield from _patched(request, found, place, is_kept=is_kept, is_paused=is_paused)
        case WhoFeeds(), Feeding() as found:
            yield from _fed(found, cursor, of)
        case HeadRoles(), HeadEffects() as found:
            yield from _roles(found, cursor, of)
        case AttentionHead() as request, HeadSlice() as found:
            yield from _taken(request, found, cursor, of)


def _patched(
    request: Patching, sweep: Sweep, place: Place, *, is_kept: bool, is_paused: bool
) -> Iterator[Number]:
    """Yield what patching does, of the sweep that is shown or of the one kept as A."""
    cursor, group, document = place
    index = index_of(sweep, cursor, group)
    if index is None or (request.layer, request.head) not in (
        (None, None),
        (cursor.layer, cursor.head),  # else its edges are another head's
    ):
        return
    where = EXTENTS[request.kind.extent] if request.kind.is_of_heads else ""
    words, tip = cell_words(sweep, *index), effect(request.kind, request.direction)
    kept = ""
    if is_kept:
        pair = request.pair
        clean, corrupted = (shorten(text, 60) for text in (pair.clean, pair.corrupted))
        is_other = document is not None and pair != document.asked and not request.rows
        kept = f"A (kept, “{shorten(clean, NAME_LETTERS)}”)" if is_other else "A (kept)"
        tip += f" Of “{clean}” against “{corrupted}”." if not request.rows else ""
    of = "" if "mean of" in words else scope(request, document)
    what = f"{phrase(request.kind).removeprefix('the ')}{where}"
    name = _joined(what, VERBS[request.direction], kept, of, "paused" if is_paused else "")
    yield Number(name, words, tip, _is_exact(sweep, index))


def _fed(found: Feeding, cursor: Cursor, of: str) -> Iterator[Number]:
    """Yield what the paths from a head, and from its layer's MLP, into the receiver carry."""
    rows, columns = (axis.coordinates for axis in found.axes)
    if cursor.layer not in rows:
        return
    row = rows.index(cursor.layer)
    for head in dict.fromkeys((cursor.head, None)):  # the MLP's column selects no head
        if head not in columns or found.states[row, columns.index(head)] == CellState.MASKED:
            continue
        index = row, columns.index(head)
        name = f"path {cell_name(found, *index)} → {found.receiver}"
        yield Number(_joined(name, of), cell_words(found, *index), PATH, _is_exact(found, index))


def _roles(found: HeadEffects, cursor: Cursor, of: str) -> Iterator[Number]:
    """Yield what a head writes itself, and what the model loses without it."""
    layer, head = cursor.layer, cursor.head
    layers, heads = found.ablation.shape
    if layer is None or head is None or layer >= layers or head >= heads:
        return
    place = layer, head
    if found.attribution is not None and np.isfinite(found.attribution[place]):
        direct = f"{signed(float(found.attribution[place]))} logits"
        yield Number(_joined("direct attribution at the last position", of), direct, DIRECTLY)
    if np.isfinite(found.ablation[place]):
        change = f"{signed(float(found.ablation[place]))} {found.unit}"
        name = f"mean ablation over {found.prompts} prompts"
        yield Number(_joined(name, of), change, WITHOUT)


def _taken(request: AttentionHead, found: HeadSlice, cursor: Cursor, of: str) -> Iterator[Number]:
    """Yield what Attention shows of the selected edge."""
    index = index_of(found, cursor, 1)
    if index is None or (cursor.layer, cursor.head) not in request.heads:
        return
    state = CellState(int(found.states[index]))
    if state not in (CellState.EXACT, CellState.NOT_FINITE):
        return
    several = f"mean of {len(request.heads)} heads" if len(request.heads) > 1 else ""
    hidden = "position 0 left out" if request.hide_first and request.measure == "pattern" else ""
    words = WORDS.get(state) or amount(found, float(found.values[index]))
    yield Number(
        _joined(NAMES[request.measure], CAPTIONS[request.side], several, of, hidden), words, TAKEN
    )


def _is_exact(sweep: Sweep, index: tuple[int, ...]) -> bool:
    return bool(sweep.states[index] > CellState.ESTIMATE)


def _joined(*parts: str) -> str:
    return ", ".join(filter(None, parts))
