"""Kinds of sweeps by the names that are typed, and the names of their files."""

from __future__ import annotations

from lensgui.terms.errors import ModelError
from lensgui.terms.kinds import ACTIVATIONS, Extent, SweepKind

OTHER_NAMES = {  # as `lensgui.patching` and notebooks call them
    "head_out": "z",
    "attn_head_out": "z",
    "attn_head_q": "q",
    "attn_head_k": "k",
    "attn_head_v": "v",
    "attn_head_pattern": "pattern",
    "query": "q",
    "key": "k",
    "value": "v",
}


def kinds_named(text: str) -> tuple[SweepKind, ...]:
    """Return the kinds that a list of names stands for, each once.

    Args:
        text: Names with commas between, of `ACTIVATIONS` or `OTHER_NAMES`, perhaps with an extent:
            "resid_pre,z,z:position". Heads are patched at all positions unless one says otherwise.

    Raises:
        ModelError: If there is no such kind.
    """
    return tuple(dict.fromkeys(kind_named(name.strip()) for name in text.split(",")))


def kind_named(name: str) -> SweepKind:
    """Return the kind of a name, as one of `kinds_named`.

    Raises:
        ModelError: If there is none.
    """
    said, _, extent = name.partition(":")
    activation = OTHER_NAMES.get(said, said)
    known = ACTIVATIONS.get(activation)
    if known is None:
        raise ModelError(f"There is no kind “{said}” to patch: choose of {', '.join(ACTIVATIONS)}.")
    extents: list[Extent] = list(known.words)
    if not extent:
        return SweepKind(activation, "all" if "all" in extents else "position")
    for each in extents:
        if each == extent:
            return SweepKind(activation, each)
    ways = ", ".join(f"{activation}:{each}" for each in extents)
    raise ModelError(f"{activation} can't be patched by “{extent}”: choose of {ways}.")


def file_name(kind: SweepKind) -> str:
    """Return what a kind's files are called: "resid_pre", "z", "z-position"."""
    is_usual = kind == kind_named(kind.activation)
    return kind.activation if is_usual else f"{kind.activation}-{kind.extent}"
