"""How changes of a metric are shown: as shares of clean − corrupted, or raw where that is noise."""

from __future__ import annotations

from typing import Any

from lensgui.terms.metric import MetricName
from lensgui.terms.metrics import METRICS


def gain(clean: Any, corrupted: Any, metric: MetricName | None) -> Any:
    """Return how much better the clean run does, numbers or tensors; a pair is wrong at 0 or less.

    Args:
        clean: The metric of the clean run.
        corrupted: The metric of the corrupted run.
        metric: What it is; None for one that is not lensgui's, of which more is better.
    """
    is_less = metric is not None and METRICS[metric].is_lower_better
    return corrupted - clean if is_less else clean - corrupted


def refusal(clean: float, corrupted: float, metric: MetricName | None) -> str:
    """Return why a change can't be given as a share of clean − corrupted; "" if it can.

    Of a metric that is not lensgui's (None) a share is refused only where both runs are the same.
    """
    difference = clean - corrupted
    if difference != difference:  # NaN: nothing is known yet
        return ""
    unit = METRICS[metric].unit if metric else "its unit"
    if not difference:
        return (
            f"The {metric or 'metric'} is the same in both runs, so there is nothing to take a "
            f"share of: changes are in {unit}."
        )
    if metric is None:
        return ""
    better, least = gain(clean, corrupted, metric), METRICS[metric].least
    if better >= least:
        return ""
    change = f"{difference:+.3f}".replace("-", "−")
    if better > -least:
        return (
            f"Clean and corrupted differ by {change} ({unit}), less than {least}: a share "
            f"of that would be noise, so changes are in {unit}."
        )
    return (
        f"The clean run does worse than the corrupted run ({change} {unit}): a share of "
        f"that would have the wrong sign, so changes are in {unit}."
    )


class Shares:
    """How changes of a metric are shown: as shares of clean − corrupted, or raw if that is noise.

    For results that have the metric of both runs and its name.
    """

    __slots__ = ()
    clean: Any
    corrupted: Any
    metric: MetricName | None

    @property
    def ends(self) -> tuple[float, float]:
        """The metric of the clean and of the corrupted run."""
        return self.clean, self.corrupted

    @property
    def refusal(self) -> str:
        """Why a share of clean − corrupted would say nothing, as a sentence; "" if it would."""
        return refusal(*self.ends, self.metric)

    @property
    def scale(self) -> float:
        """What changes are divided by as they are shown: clean − corrupted, or 1 if refused."""
        clean, corrupted = self.ends
        return 1.0 if self.refusal else clean - corrupted

    def check_shares(self) -> None:
        """Refuse shares that have no meaning.

        Raises:
            ValueError: The message is `refusal`.
        """
        if reason := self.refusal:
            raise ValueError(reason)
