"""The tokens of two prompts as chips: where they differ, and how surprising each is."""

from __future__ import annotations

from math import isfinite

from lensgui.circuits.differences import changed_spans
from lensgui.jobs.reports import Likely, PairReading, PromptReading, Token
from lensgui.panes.chips import Chip
from lensgui.panes.spelling import bytes_of, percent, shorten, signed, spell, visible

SIDES = ("clean", "corrupted")
MOST_NEXT = 5
MOST_BITS = 16.0  # of surprisal fill a chip; 16 bits is a probability of 0.000 015
ONLY_HERE = {"clean": "−", "corrupted": "+"}  # taken away, put in

Notes = dict[int, str]


def differences(reading: PairReading | None) -> dict[str, Notes]:
    """Return the positions of each prompt that differ, with a sign where the other has none."""
    found: dict[str, Notes] = {side: {} for side in SIDES}
    if reading is None or reading.corrupted is None:
        return found
    sides = reading.clean.tokens, reading.corrupted.tokens
    if len(sides[0]) == len(sides[1]):
        return {side: dict.fromkeys(reading.differing, "") for side in SIDES}
    ids = [[token.id for token in side] for side in sides]
    for first, end, other_first, other_end in changed_spans(ids[0], ids[1]):
        shared = min(end - first, other_end - other_first)
        for side, start, stop in (("clean", first, end), ("corrupted", other_first, other_end)):
            for position in range(start, stop):
                found[side][position] = ONLY_HERE[side] if position - start >= shared else ""
    return found


def token_chips(prompt: PromptReading | None, marked: Notes, *, by_surprisal: bool) -> list[Chip]:
    """Return a chip for each token of a prompt.

    Args:
        prompt: The prompt; None for no chips.
        marked: The positions that differ, each with its sign.
        by_surprisal: Whether chips fill with −log2 p.
    """
    if prompt is None:
        return []
    bits = prompt.surprisals or (None,) * len(prompt.tokens)
    return [
        Chip(
            text=spell(token),
            hover=_words(token, position, bits[position]),
            note=marked.get(position, ""),
            is_marked=position in marked,
            is_control=token.special,
            share=_filled(bits[position]) if by_surprisal else 0.0,
        )
        for position, token in enumerate(prompt.tokens)
    ]


def next_chips(top: tuple[Likely, ...]) -> list[Chip]:
    """Return a chip for each of the likeliest next tokens, none where they can't be said."""
    return [
        Chip(
            text=shorten(spell(likely.token), 12),
            note=percent(likely.probability),
            hover=f"‘{spell(likely.token)}’ comes next with probability {likely.probability:.4f}; "
            f"logit {signed(likely.logit)}; id {likely.token.id}",
            share=likely.probability,
        )
        for likely in top[:MOST_NEXT]
        if isfinite(likely.probability)  # else any token might stand here
    ]


def _filled(bits: float | None) -> float:
    """Return how much of a chip a surprisal fills; none where it is unknown or not a number."""
    return min(1.0, bits / MOST_BITS) if bits is not None and bits == bits else 0.0


def _words(token: Token, position: int, bits: float | None) -> str:
    words = (
        f"position {position} · ‘{visible(token.text)}’ · id {token.id} · bytes {bytes_of(token)}"
    )
    if bits is None:
        return words
    if bits != bits:  # NaN, which equals nothing
        return f"{words} · surprisal not a number"
    return f"{words} · probability {2**-bits:.3g} · surprisal {bits:.2f} bits"
