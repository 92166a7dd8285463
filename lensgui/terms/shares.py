"""Whether a change can be given as a share of clean − corrupted. Free of torch."""

from __future__ import annotations

from typing import Any, Literal

MetricName = Literal[
    "logit difference",
    "probability difference",
    "probability",
    "log-probability",
    "rank",
    "KL divergence",
]
NEEDS_DISTRACTOR: tuple[MetricName, ...] = ("logit difference", "probability difference")
UNITS: dict[MetricName, str] = {
    "logit difference": "logits",
    "probability difference": "probability",
    "probability": "probability",
    "log-probability": "nats",
    "rank": "ranks",
    "KL divergence": "nats",
}


SMALLEST_DIFFERENCE: dict[MetricName, float] = {  # below which shares of it are noise
    "logit difference": 0.5,
    "probability difference": 0.02,
    "probability": 0.02,
    "log-probability": 0.1,
    "rank": 1.0,
    "KL divergence": 0.02,
}
LOWER_IS_BETTER = ("rank", "KL divergence")


def gain(clean: Any, corrupted: Any, metric: MetricName | None) -> Any:
    """Return how much better the clean run does, numbers or tensors; a pair is wrong at 0 or less.

    Args:
        clean: The metric of the clean run.
        corrupted: The metric of the corrupted run.
        metric: What it is; None for one that is not lensgui's, of which more is better.
    """
    return corrupted - clean if metric in LOWER_IS_BETTER else clean - corrupted


def divisor(clean: float, corrupted: float, metric: MetricName | None) -> float:
    """Return clean − corrupted, for changes to be divided by.

    Raises:
        ValueError: If a share of it has no meaning, as `refusal` says.
    """
    if reason := refusal(clean, corrupted, metric):
        raise ValueError(reason)
    return clean - corrupted


def refusal(clean: float, corrupted: float, metric: MetricName | None) -> str:
    """Return why a change can't be given as a share of clean − corrupted; "" if it can.

    Of a metric that is not lensgui's (None) a share is refused only where both runs are the same.
    """
    difference = clean - corrupted
    if difference != difference:  # NaN: nothing is known yet
        return ""
    unit = UNITS[metric] if metric else "its unit"
    if not difference:
        return (
            f"The {metric or 'metric'} is the same in both runs, so there is nothing to take a "
            f"share of: changes are in {unit}."
        )
    if metric is None:
        return ""
    better, least = gain(clean, corrupted, metric), SMALLEST_DIFFERENCE[metric]
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
