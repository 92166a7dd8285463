"""What is known of each head of the grid, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lensgui.jobs.answers.arrays import Atlas, Axis
from lensgui.panes.token_text import percent, signed
from lensgui.terms.scores import PROMPT_SCORES

NOT_FINITE = "not a finite number"
UNITS = {"entropy": " bits"}


def head_name(number: int, heads: int) -> str:
    """Return the name of a head by its number, counted layer by layer: L9H6."""
    return f"L{number // heads}H{number % heads}"


def share_words(atlas: Atlas) -> str:
    """Return how much attention position 0 holds, on average over the heads known so far."""
    known = atlas.first_share[: atlas.layers]
    known = known[np.isfinite(known)]
    is_said = known.size and not atlas.is_difference
    return f" ({percent(float(known.mean()))})" if is_said else ""


def score_words(atlas: Atlas, layer: int, head: int) -> list[str]:
    """Return each score of a head with its name."""
    found = []
    for name, value in zip(PROMPT_SCORES, atlas.scores[:, layer, head], strict=True):
        if value != value:  # NaN, which equals nothing
            is_broken = atlas.is_broken(layer, head)
            found.append(f"{name}: {NOT_FINITE if is_broken else 'nothing to score here'}")
            continue
        number = signed(float(value), 2)
        if not atlas.is_difference:
            number = number.removeprefix("+")
        found.append(f"{name} {number}{UNITS.get(name, '')}")
    return found


def card(atlas: Atlas, layer: int, head: int, tokens: Sequence[str]) -> tuple[str, list[str]]:
    """Return a head's name, and lines about it.

    Args:
        atlas: What is known.
        layer: The head's layer.
        head: The head.
        tokens: What each position of the axes is called.
    """
    name = f"L{layer}H{head}"
    if layer >= atlas.layers:
        return name, ["not computed yet"]
    lines = score_words(atlas, layer, head)
    share = float(atlas.first_share[layer, head])
    if share == share:
        holds = "difference on position 0: " if atlas.is_difference else "position 0 holds "
        lines[0] = holds + (signed(share, 2) if atlas.is_difference else percent(share))
    axis = atlas.axes[2]
    is_pooled = len(axis) > 1 and axis.coordinates[1] not in (1, None)
    names = () if is_pooled else tokens  # of pooled cells, the tokens name several positions each
    position, source = map(int, atlas.strongest[layer, head])
    if position >= 0:
        lines[-1] += f": {_place(position, axis, names)} → {_place(source, axis, names)}"
    else:
        lines[-1] = "strongest edge: none"
    return name, lines


def _place(position: int, axis: Axis, tokens: Sequence[str]) -> str:
    if position >= len(tokens):
        return f"({position})"
    is_role = axis.coordinates[position] is None
    return f"‘{tokens[position]}’" + ("" if is_role else f" ({position})")
