"""How far a slider of strength goes, and what stands where on it."""

from __future__ import annotations

from dataclasses import dataclass

from lensgui.terms.interventions import Intervention, Op

STEPS = 200  # of a slider from one end to the other
WIDE = 4.0  # times as far, with Shift
AT_FIRST: dict[Op, float] = {
    "scale": 0.5,
    "noise": 3.0,
    "add": 1.0,
    "add_median": 0.25,
    "add_norm": 0.25,
    "set": 0.0,
    "exchange": 1.0,
}
ENDS: dict[Op, tuple[float, float]] = {
    "scale": (0.0, 2.0),
    "noise": (0.0, 6.0),
    "add_median": (-1.0, 1.0),
    "add_norm": (-1.0, 1.0),
    "exchange": (0.0, 1.0),
}
SHARES: frozenset[Op] = frozenset({"add", "add_median", "add_norm", "set"})
"""Whose strength is a length along the stream, or a share of one."""


@dataclass(frozen=True, slots=True)
class Reach:
    """From where to where a slider goes.

    Attributes:
        low: The strength at its left end.
        high: That at its right end.
    """

    low: float
    high: float

    def at(self, step: int) -> float:
        """Return the strength at a step of the slider, to three digits of its reach."""
        found = self.low + (self.high - self.low) * step / STEPS
        return float(f"{found:.3g}") if abs(found) > 1e-9 * (self.high - self.low) else 0.0

    def step(self, strength: float) -> int:
        """Return the step that is nearest to a strength; an end for one beyond it."""
        share = (strength - self.low) / (self.high - self.low)
        return round(STEPS * min(1.0, max(0.0, share)))

    def holds(self, strength: float) -> bool:
        """Whether a strength lies within."""
        return self.low <= strength <= self.high


def reach(one: Intervention, unit: float | None, *, is_wide: bool = False) -> Reach:
    """Return how far a slider goes for an intervention: further where its strength lies beyond.

    Args:
        one: The intervention.
        unit: Which strength is one median norm of the stream; None where that is not known.
        is_wide: Whether it goes four times as far.
    """
    low, high = ENDS.get(one.op, (0.0, 0.0))
    if one.op in ("add", "set"):
        high = unit or 2 * max(1.0, abs(one.strength))
        low = -high
    usual = Reach(low, high)
    wide = Reach(WIDE * low, WIDE * high)
    return wide if is_wide or not usual.holds(one.strength) else usual


def share(one: Intervention, unit: float | None) -> str:
    """Return what share of the stream's median norm a strength is; "" where that says nothing."""
    if one.op not in ("add", "set") or not unit:
        return ""
    return f"{one.strength / unit:.2g} of the stream's median norm"
