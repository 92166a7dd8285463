"""What can be done with interventions that stand in the tray, as new lists of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from lensgui.panes.interventions.strengths import AT_FIRST
from lensgui.panes.verb import Verb, submenu
from lensgui.terms.interventions import (
    ALONG,
    HAVE_STRENGTH,
    OF_ATTENTION,
    OF_WORDS,
    SCALES,
    STREAMS,
    TWO_VECTORS,
    Intervention,
    Op,
    Runs,
    Where,
)

Listed = tuple[Intervention, ...]
Change = Callable[[Intervention], Intervention]
SET_OR_SCALED: tuple[Op, ...] = ("zero", "mean", "resample", "scale", "freeze")
ALONG_ONE: tuple[Op, ...] = ("add", "add_median", "add_norm", "remove", "set")
PROMPTS: dict[Runs, str] = {
    "both": "Both prompts",
    "clean": "The clean prompt only",
    "corrupted": "The corrupted prompt only",
}
WHERE: dict[Where, str] = {
    "all": "All positions",
    "last": "The last position",
    "generated": "Tokens that are generated only",
}
MOST_TOKENS = 48  # positions that a menu lists


def changed(listed: Listed, numbers: Sequence[int], change: Change) -> Listed:
    """Return a list with some of it changed."""
    return tuple(change(one) if at in numbers else one for at, one in enumerate(listed))


def without(listed: Listed, numbers: Sequence[int]) -> Listed:
    """Return a list without some of it."""
    return tuple(one for at, one in enumerate(listed) if at not in numbers)


def put(listed: Listed, numbers: Sequence[int], before: int) -> Listed:
    """Return a list with some of it taken out and put elsewhere, in their order.

    Args:
        listed: The interventions.
        numbers: Which of them.
        before: The number of the one that comes behind them; the list's length for none.
    """
    chosen = set(numbers)
    first = [one for at, one in enumerate(listed[:before]) if at not in chosen]
    last = [one for at, one in enumerate(listed) if at >= before and at not in chosen]
    return (*first, *(listed[at] for at in sorted(chosen)), *last)


def moved(listed: Listed, number: int, by: int) -> Listed | None:
    """Return a list with one put before the last, or behind the next, at the same place.

    Elsewhere the order has no effect: the model comes to one place after the other.

    Args:
        listed: The interventions.
        number: Which of them.
        by: −1 for earlier, 1 for later.

    Returns:
        The list; None where there is no such place to put it.
    """
    one = listed[number]
    at = number + by
    while 0 <= at < len(listed) and not _meets(listed[at], one):
        at += by
    if not 0 <= at < len(listed):
        return None
    rest = [*listed[:number], *listed[number + 1 :]]
    rest.insert(at, one)
    return tuple(rest)


def _meets(one: Intervention, other: Intervention) -> bool:
    """Whether both are at one place of the model, or at places that have some of it in common."""
    site, of = one.site, other.site
    heads, neurons = {site.head, of.head}, {site.neuron, of.neuron}
    is_there = (site.name, site.layer) == (of.name, of.layer)
    return is_there and all(len(both) == 1 or None in both for both in (heads, neurons))


def ways(one: Intervention) -> tuple[Op, ...]:
    """Return the ops that an intervention could have instead, its own among them."""
    name = one.site.name
    if one.op in TWO_VECTORS or one.op in ("cap", "noise", "knock_out") or name in SCALES:
        return (one.op,)
    if one.op in ALONG:
        return ALONG_ONE
    if name in OF_ATTENTION:
        return ("zero", "freeze")
    return SET_OR_SCALED


def with_op(one: Intervention, op: Op) -> Intervention:
    """Return an intervention with another op, at the strength that this begins with."""
    if op == one.op:
        return one
    sources = one.sources if op == "zero" else ()
    strength = AT_FIRST.get(op, 1.0) if op in HAVE_STRENGTH else 1.0
    return replace(one, op=op, strength=strength, sources=sources)


def turned(one: Intervention, position: int) -> Intervention:
    """Return an intervention at one position more, or less if it was there."""
    at = one.where if isinstance(one.where, tuple) else ()
    rest = tuple(of for of in at if of != position)
    found = rest if len(rest) < len(at) else tuple(sorted((*at, position)))
    return replace(one, where=found or "all")


def of_line(
    listed: Listed,
    numbers: Sequence[int],
    tokens: Sequence[str],
    edit: Callable[[Listed], None],
    select: Callable[[Intervention], None],
) -> list[Verb]:
    """Return what can be done with some interventions that share a line.

    Args:
        listed: All of them.
        numbers: Those of the line.
        tokens: The names of the clean prompt's tokens.
        edit: Takes another list.
        select: Selects the place of one.
    """

    def changing(name: str, tip: str, change: Change, *, is_chosen: bool) -> Verb:
        return Verb(name, tip, lambda: edit(changed(listed, numbers, change)), is_chosen=is_chosen)

    one = listed[numbers[0]]
    what = [
        changing(OF_WORDS[op], "Do that instead.", partial(with_op, op=op), is_chosen=op == one.op)
        for op in ways(one)
    ]
    where = [
        changing(name, "Act there.", partial(replace, where=at), is_chosen=one.where == at)
        for at, name in WHERE.items()
    ]
    positions, tip = one.where, "Act at this position too, or no longer."
    where += [
        changing(
            f"{at}  {name}",
            tip,
            partial(turned, position=at),
            is_chosen=isinstance(positions, tuple) and at in positions,
        )
        for at, name in enumerate(tokens[:MOST_TOKENS])
    ]
    runs = [
        changing(name, "Act on it.", partial(replace, runs=run), is_chosen=one.runs == run)
        for run, name in PROMPTS.items()
    ]
    found = [submenu("What is done", "Set it to 0, to its mean, …", what)] if len(what) > 1 else []
    if one.site.name not in SCALES:
        found.append(submenu("Where", "At which positions it acts.", where))
    found.append(submenu("Prompts", "On which prompt it acts.", runs))
    if one.op in ALONG:
        found.append(
            changing(
                "Skip control tokens",
                "Leave out the beginning of the sequence and the like.",
                partial(replace, skips_special=not one.skips_special),
                is_chosen=one.skips_special,
            )
        )
    if len(numbers) == 1:
        found += _order(listed, numbers[0], edit)
        if one.site.name in (*STREAMS, "q", "k", "v", "z", "post", *OF_ATTENTION):
            tip = "Select its layer, its head and its position."
            found.append(Verb("Go to its place", tip, lambda: select(one)))
    count = f" all {len(numbers)}" * (len(numbers) > 1)
    tip = "Take it out of the list; Undo brings it back."
    found.append(Verb(f"Remove{count}", tip, lambda: edit(without(listed, numbers))))
    return found


def _order(listed: Listed, number: int, edit: Callable[[Listed], None]) -> list[Verb]:
    """Return the verbs that put one before or behind another at its place, where there is one."""
    found = []
    for by, name in ((-1, "Do it earlier"), (1, "Do it later")):
        after = moved(listed, number, by)
        if after is not None:
            tip = "Before or behind the other one at its place, whose result it reads or replaces."
            found.append(Verb(name, tip, partial(edit, after)))
    return found
