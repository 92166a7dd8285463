"""Whether a change can be given as a share of clean − corrupted. Free of torch."""

from __future__ import annotations

from lensgui.circuits.questions import UNITS, MetricName

SMALLEST_DIFFERENCE: dict[MetricName, float] = {  # below which shares of it are noise
    "logit difference": 0.5,
    "probability difference": 0.02,
    "probability": 0.02,
    "log-probability": 0.1,
    "rank": 1.0,
    "KL divergence": 0.02,
}
LOWER_IS_BETTER = ("rank", "KL divergence")


def refusal(clean: float, corrupted: float, metric: MetricName) -> str:
    """Return why a change can't be given as a share of clean − corrupted; "" if it can."""
    difference, least, unit = clean - corrupted, SMALLEST_DIFFERENCE[metric], UNITS[metric]
    if difference != difference:  # NaN: nothing is known yet
        return ""
    better = -difference if metric in LOWER_IS_BETTER else difference
    if better >= least:
        return ""
    if not difference:
        return (
            f"The {metric} is the same in both runs, so there is nothing to take a share of: "
            f"changes are shown in {unit}."
        )
    change = f"{difference:+.3f}".replace("-", "−")
    if better > -least:
        return (
            f"Clean and corrupted differ by {change} ({unit}), less than {least}: a share "
            f"of that would be noise, so changes are shown in {unit}."
        )
    return (
        f"The clean run does worse than the corrupted run ({change} {unit}): a share of "
        f"that would have the wrong sign, so changes are shown in {unit}."
    )
