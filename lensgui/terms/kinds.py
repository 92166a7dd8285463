"""What can be asked for: kinds of sweeps, directions, sides, measures of attention, head scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Extent = Literal["position", "all", "edge"]
Direction = Literal["denoising", "noising"]
HeadInput = Literal["q", "k", "v"]
Side = Literal["clean", "corrupted", "difference"]
AttentionMeasure = Literal["pattern", "scores", "values", "writes", "contribution"]
HEAD_SCORES = (
    "position 0",
    "entropy",
    "previous token",
    "duplicate token",
    "induction",
    "strongest edge",
)

_RESIDUAL = ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out")
_OF_HEADS = ("z", "q", "k", "v", "pattern")


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
        if self.activation not in _RESIDUAL + _OF_HEADS:
            known = ", ".join(_RESIDUAL + _OF_HEADS)
            raise ValueError(f"There is no sweep of {self.activation!r}; there are {known}.")
        if self.extent != "position" and self.activation in _RESIDUAL:
            raise ValueError(f"{self.activation} is swept position by position only.")
        if self.extent == "edge" and self.activation != "pattern":
            raise ValueError(f"{self.activation} has no edges; only a pattern has.")

    @property
    def is_of_heads(self) -> bool:
        """Whether a cell belongs to a head."""
        return self.activation in _OF_HEADS

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes of its map, in order."""
        if not self.is_of_heads:
            return ("layer", "position")
        head = "key_value_head" if self.activation in ("k", "v") else "head"
        if self.extent == "all":
            return ("layer", head)
        if self.extent == "edge":
            return ("layer", head, "position", "source")
        is_pattern = self.activation == "pattern"
        return ("layer", head, "position") if is_pattern else ("layer", "position", head)


RESID_PRE = SweepKind("resid_pre")
HEADS = SweepKind("z", "all")
