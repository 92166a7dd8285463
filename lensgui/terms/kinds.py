"""What can be asked for: kinds of sweeps, directions, sides, measures of attention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Extent = Literal["position", "all", "edge"]
Direction = Literal["denoising", "noising"]
VERBS: dict[Direction, str] = {"denoising": "restore", "noising": "break"}
"""What a direction does: clean into corrupted may restore the answer, the reverse break it."""
HeadInput = Literal["q", "k", "v", "pattern"]  # a pattern is queries and keys at once
OneSide = Literal["clean", "corrupted"]
Side = Literal["clean", "corrupted", "difference", "clean change", "corrupted change"]
Averaged = Literal["metric", "answer", "distractor"]  # what a lens reads of many pairs
Head = tuple[int, int]  # its layer, and its number there
AttentionMeasure = Literal["pattern", "scores", "values", "writes", "contribution"]


@dataclass(frozen=True, slots=True)
class Activation:
    """What is known of an activation without a model: a row of the table of what sweeps patch.

    Attributes:
        axes: Its axes but for the batch and, of all but patterns, the vector that it ends with.
        phrase: What it is, within a sentence.
        words: How it can be swept: for each extent what a menu says, and one sentence about it.
    """

    axes: tuple[str, ...]
    phrase: str
    words: Mapping[Extent, tuple[str, str]]


def _of_stream(name: str, tip: str) -> Activation:
    """Return a vector of each position."""
    return Activation(("position",), f"the {name}", {"position": (name, tip)})


def _of_heads(axis: str, phrase: str, name: str, everywhere: str, here: str) -> Activation:
    """Return a vector of each position and head, or key/value head."""
    at_one = (f"at one position: {name}", here)
    return Activation(("position", axis), phrase, {"all": (name, everywhere), "position": at_one})


_SHARED = "; the heads that share it are patched together."
ACTIVATIONS = {
    "resid_pre": _of_stream(
        "residual stream before attention",
        "The residual stream as a layer reads it, at one position: all that the layers before it "
        "have worked out there.",
    ),
    "resid_mid": _of_stream(
        "residual stream before the MLP",
        "The residual stream between a layer's attention and its MLP, at one position.",
    ),
    "resid_post": _of_stream(
        "residual stream after the layer",
        "The residual stream as a layer leaves it, at one position.",
    ),
    "attn_out": _of_stream(
        "attention output",
        "What all heads of a layer together add to the residual stream, at one position.",
    ),
    "mlp_out": _of_stream(
        "MLP output", "What a layer's MLP adds to the residual stream, at one position."
    ),
    "z": _of_heads(
        "head",
        "the head's output",
        "head output (z)",
        "What one head has gathered by looking, at all positions.",
        "What one head has gathered by looking, at the position of the slider.",
    ),
    "q": _of_heads(
        "head",
        "the head's queries",
        "queries (q)",
        "What one head looks for, at all positions.",
        "What one head looks for, from the position of the slider.",
    ),
    "k": _of_heads(
        "key_value_head",
        "the keys that the head reads",
        "keys (k)",
        "What one key/value head can be found by, at all positions" + _SHARED,
        "What the position of the slider can be found by" + _SHARED,
    ),
    "v": _of_heads(
        "key_value_head",
        "the values that the head reads",
        "values (v)",
        "What one key/value head hands on when it is looked at, at all positions" + _SHARED,
        "What the position of the slider hands on when it is looked at" + _SHARED,
    ),
    "pattern": Activation(
        ("head", "position", "source"),
        "the head's attention pattern",
        {
            "all": ("attention patterns", "Where one head looks, from all positions."),
            "position": (
                "at one position: attention pattern",
                "Where one head looks, from the position of the slider.",
            ),
            "edge": (
                "edges of the selected head",
                "One number of the selected head's attention pattern: from one position to one "
                "source.",
            ),
        },
    ),
}
"""Everything that sweeps patch, by its short name; `analysis.sweep.patches` has its torch side."""

_LEFT_OUT: dict[Extent, set[str]] = {
    "position": {"source"},
    "all": {"position", "source"},
    "edge": set(),
}


@dataclass(frozen=True, slots=True)
class SweepKind:
    """What one cell of a patching sweep replaces.

    Attributes:
        activation: "resid_pre", "resid_mid", "resid_post", "attn_out" or "mlp_out"; or of one head
            its output "z", its "q", "k" or "v" (one key/value head), or its "pattern".
        extent: "position": at one position, of a pattern one row; "all": of one head at all
            positions; "edge": one number of one head's pattern.

    Raises:
        ValueError: If there is no such sweep.
    """

    activation: str
    extent: Extent = "position"

    def __post_init__(self) -> None:
        """Refuse what does not exist."""
        if self.activation not in ACTIVATIONS:
            known = ", ".join(ACTIVATIONS)
            raise ValueError(f"There is no sweep of {self.activation!r}; there are {known}.")
        if self.extent not in self._known.words:
            if self.is_of_heads:
                raise ValueError(f"{self.activation} has no edges; only a pattern has.")
            raise ValueError(f"{self.activation} is swept position by position only.")

    @property
    def _known(self) -> Activation:
        return ACTIVATIONS[self.activation]

    @property
    def phrase(self) -> str:
        """What is replaced, within a sentence."""
        return self._known.phrase

    @property
    def words(self) -> tuple[str, str]:
        """What a menu says, and one sentence about it."""
        return self._known.words[self.extent]

    @property
    def is_of_heads(self) -> bool:
        """Whether a cell belongs to a head."""
        return len(self._known.axes) > 1

    @property
    def has_vectors(self) -> bool:
        """Whether the activation ends with a vector, of which a cell replaces all numbers."""
        return "source" not in self._known.axes

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes of its map, in order."""
        left_out = _LEFT_OUT[self.extent]
        return ("layer", *(axis for axis in self._known.axes if axis not in left_out))

    @property
    def within(self) -> tuple[int, ...]:
        """Which axes of the activation, vectors aside, lie within a cell."""
        return tuple(at for at, axis in enumerate(self._known.axes) if axis not in self.axes)

    def place(self, index: tuple[int, ...]) -> tuple[slice | int, ...]:
        """Return where a cell stands in its layer's activation, which has no batch dimension.

        Args:
            index: The cell, on the axes of the map after the layer.
        """
        at = dict(zip(self.axes[1:], index, strict=True))
        return tuple(at.get(axis, slice(None)) for axis in self._known.axes)

    def until(self, end: int) -> tuple[slice, ...]:
        """Return where an activation's numbers before a position stand in it."""
        places = ("position", "source")
        return tuple(slice(end if axis in places else None) for axis in self._known.axes)


RESID_PRE = SweepKind("resid_pre")
HEADS = SweepKind("z", "all")
SWEEP_KINDS = tuple(
    SweepKind(name, extent) for name, known in ACTIVATIONS.items() for extent in known.words
)
