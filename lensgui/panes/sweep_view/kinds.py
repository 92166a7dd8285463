"""What can be patched, and which way, in the words of the window."""

from __future__ import annotations

from lensgui.panes.controls.chooser import Groups, Option
from lensgui.terms.kinds import SWEEP_KINDS, Direction, SweepKind

KINDS: Groups[SweepKind] = tuple(
    (
        title,
        tuple(
            Option(kind, *kind.words)
            for kind in SWEEP_KINDS
            if (kind.is_of_heads, kind.extent) == (of_heads, extent)
        ),
    )
    for title, of_heads, extent in (
        ("layer × position", False, "position"),
        ("layer × head, all positions", True, "all"),
        ("layer × head, at one position", True, "position"),
        ("destination × source", True, "edge"),
    )
)
DIRECTIONS: Groups[Direction] = (
    (
        "",
        (
            Option(
                "denoising",
                "restore: clean → corrupted",
                "Denoising: parts of the clean run are put into the corrupted one; {positive} "
                "places are enough to bring the clean answer back.",
            ),
            Option(
                "noising",
                "break: corrupted → clean",
                "Noising: parts of the corrupted run are put into the clean one; {negative} "
                "places are needed for the clean answer.",
            ),
        ),
    ),
)


def phrase(kind: SweepKind) -> str:
    """Return what a kind of sweep replaces, within a sentence."""
    return kind.phrase


def effect(kind: SweepKind, direction: Direction) -> str:
    """Return what patching a place says about it, in one sentence."""
    where = "at all positions" if kind.extent == "all" else "at this place"
    if direction == "denoising":
        return (
            f"How far {kind.phrase}, taken from the clean run and put into the corrupted one "
            f"{where}, restores the clean answer."
        )
    return (
        f"How far {kind.phrase}, taken from the corrupted run and put into the clean one "
        f"{where}, breaks the clean answer."
    )
