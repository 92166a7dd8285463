"""What can be patched, and which way, in the words of the window."""

from __future__ import annotations

from lensgui.panes.controls.chooser import Groups, Option
from lensgui.terms.kinds import Direction, SweepKind

_SHARED = "; the heads that share it are patched together."

KINDS: Groups[SweepKind] = (
    (
        "layer × position",
        (
            Option(
                SweepKind("resid_pre"),
                "residual stream before attention",
                "The residual stream as a layer reads it, at one position: all that the layers "
                "before it have worked out there.",
            ),
            Option(
                SweepKind("resid_mid"),
                "residual stream before the MLP",
                "The residual stream between a layer's attention and its MLP, at one position.",
            ),
            Option(
                SweepKind("resid_post"),
                "residual stream after the layer",
                "The residual stream as a layer leaves it, at one position.",
            ),
            Option(
                SweepKind("attn_out"),
                "attention output",
                "What all heads of a layer together add to the residual stream, at one position.",
            ),
            Option(
                SweepKind("mlp_out"),
                "MLP output",
                "What a layer's MLP adds to the residual stream, at one position.",
            ),
        ),
    ),
    (
        "layer × head, all positions",
        (
            Option(
                SweepKind("z", "all"),
                "head output (z)",
                "What one head has gathered by looking, at all positions.",
            ),
            Option(
                SweepKind("q", "all"),
                "queries (q)",
                "What one head looks for, at all positions.",
            ),
            Option(
                SweepKind("k", "all"),
                "keys (k)",
                "What one key/value head can be found by, at all positions" + _SHARED,
            ),
            Option(
                SweepKind("v", "all"),
                "values (v)",
                "What one key/value head hands on when it is looked at, at all positions" + _SHARED,
            ),
            Option(
                SweepKind("pattern", "all"),
                "attention patterns",
                "Where one head looks, from all positions.",
            ),
        ),
    ),
    (
        "layer × head, at one position",
        (
            Option(
                SweepKind("z"),
                "at one position: head output (z)",
                "What one head has gathered by looking, at the position of the slider.",
            ),
            Option(
                SweepKind("q"),
                "at one position: queries (q)",
                "What one head looks for, from the position of the slider.",
            ),
            Option(
                SweepKind("k"),
                "at one position: keys (k)",
                "What the position of the slider can be found by" + _SHARED,
            ),
            Option(
                SweepKind("v"),
                "at one position: values (v)",
                "What the position of the slider hands on when it is looked at" + _SHARED,
            ),
            Option(
                SweepKind("pattern"),
                "at one position: attention pattern",
                "Where one head looks, from the position of the slider.",
            ),
        ),
    ),
    (
        "destination × source",
        (
            Option(
                SweepKind("pattern", "edge"),
                "edges of the selected head",
                "One number of the selected head's attention pattern: from one position to one "
                "source.",
            ),
        ),
    ),
)
DIRECTIONS: Groups[Direction] = (
    (
        "",
        (
            Option(
                "denoising",
                "clean → corrupted",
                "Denoising: parts of the clean run are put into the corrupted one; blue places are "
                "enough to bring the clean answer back.",
            ),
            Option(
                "noising",
                "corrupted → clean",
                "Noising: parts of the corrupted run are put into the clean one; red places are "
                "needed for the clean answer.",
            ),
        ),
    ),
)
_PHRASES = {
    "resid_pre": "the residual stream before attention",
    "resid_mid": "the residual stream before the MLP",
    "resid_post": "the residual stream after the layer",
    "attn_out": "the attention output",
    "mlp_out": "the MLP output",
    "z": "the head's output",
    "q": "the head's queries",
    "k": "the keys that the head reads",
    "v": "the values that the head reads",
    "pattern": "the head's attention pattern",
}


def phrase(kind: SweepKind) -> str:
    """Return what a kind of sweep replaces, within a sentence."""
    return _PHRASES[kind.activation]


def effect(kind: SweepKind, direction: Direction) -> str:
    """Return what patching a place says about it, in one sentence."""
    where = "at all positions" if kind.extent == "all" else "at this place"
    if direction == "denoising":
        return (
            f"How far {phrase(kind)}, taken from the clean run and put into the corrupted one "
            f"{where}, restores the clean answer."
        )
    return (
        f"How far {phrase(kind)}, taken from the corrupted run and put into the clean one "
        f"{where}, takes the clean answer away."
    )
