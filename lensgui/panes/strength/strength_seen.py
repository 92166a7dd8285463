"""What a strength pane draws, as curves on three axes, and in words."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lensgui.jobs.answers.arrays import Axis
from lensgui.jobs.answers.interventions import Followed, StrengthReading
from lensgui.panes.figures.figure import Data, Lines, numbered
from lensgui.panes.token_text import spell
from lensgui.terms.interventions import OFF_DISTRIBUTION, STRENGTHS, Intervention, Op
from lensgui.terms.metrics import METRICS

Floats = NDArray[np.float64]
MOST_TOKENS = 12  # whose probabilities are drawn
USUAL = tuple(share for share in STRENGTHS if abs(share) <= 1)
WIDE = tuple(sorted({*STRENGTHS, *(sign * size for sign in (-1, 1) for size in (1.5, 3.0, 4.0))}))
OF_NUMBERS: dict[Op, tuple[float, ...]] = {
    "scale": (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0),
    "noise": (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0),
    "exchange": (0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0),
}
FARTHER = 2.0  # times as far go numbers that are no shares, where more is wanted
RANDOM = "random directions"
METRIC = (  # in a script, alone, and with what is beside it
    "curve.metric[None]",
    "torch.stack([curve.metric, torch.stack(beside).amin(0), torch.stack(beside).amax(0)])",
)
OTHERS = ("curve.probabilities.T", "curve.divergence[None]")


def strengths(one: Intervention, *, is_wide: bool) -> tuple[float, ...]:
    """Return how strong an intervention is asked to be: shares of the median norm, or numbers."""
    if one.op in OF_NUMBERS:
        usual = OF_NUMBERS[one.op]
        ends = usual[-1], FARTHER * usual[-1]
        more = [FARTHER * strength for strength in usual if ends[0] < FARTHER * strength <= ends[1]]
        return (*usual, *more) if is_wide and one.op != "exchange" else usual
    return WIDE if is_wide else USUAL


@dataclass(frozen=True, slots=True, eq=False)
class Plot:
    """Curves on one axis.

    Attributes:
        title: What is counted, with its unit.
        names: What each curve is of.
        values: [curve, strength]; NaN where nothing is known.
        low: What the lower end stands for.
        high: What the upper end does.
        band: Least and largest of what is beside the first curve, [2, strength]; None for nothing.
        level: A number with a line of its own; None for none.
    """

    title: str
    names: tuple[str, ...]
    values: Floats
    low: float
    high: float
    band: Floats | None = None
    level: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What is drawn of a reading.

    Attributes:
        reading: What is known.
        across: Where each strength stands on the common axis, [strength].
        labels: How it is written.
        counted: What the common axis counts.
        plots: The metric, probabilities, and KL.
    """

    reading: StrengthReading
    across: Floats
    labels: tuple[str, ...]
    counted: str
    plots: tuple[Plot, ...]

    def words(self, at: int) -> str:
        """Return all that is known at a strength."""
        reading = self.reading
        said = [f"strength {self.labels[at]}{self._share}"]
        if not np.isfinite(reading.metric[at]):
            return f"{said[0]}: not yet known"
        said.append(f"{reading.metric_name} {reading.metric[at]:+.3f}")
        band = self.plots[0].band
        if band is not None and np.isfinite(band[:, at]).all():
            count = known_placebos(reading)
            said.append(f"{count} {RANDOM} {band[0, at]:+.3f} to {band[1, at]:+.3f}")
        said.append(f"KL {reading.divergence[at]:.3g} nats")
        if reading.is_off_distribution[at]:
            said.append("off-distribution")
        names = self.plots[1].names
        chances = [f"{name} {reading.probabilities[at, n]:.3g}" for n, name in enumerate(names)]
        return f"{said[0]}: {'; '.join([*said[1:], *chances[:4]])}"

    @property
    def _share(self) -> str:
        return " of the median norm" if self.reading.shares is not None else ""


def with_random(reading: StrengthReading, other: StrengthReading | None) -> StrengthReading:
    """Return a reading with the random directions of another one, where it is of the same curve."""
    is_so = other is not None and other.strengths == reading.strengths
    return replace(reading, placebos=other.placebos) if is_so and other is not None else reading


def seen(reading: StrengthReading) -> Seen:
    """Return what is drawn of a reading."""
    across = np.array(reading.shares or reading.strengths, np.float64)
    labels = tuple(f"{strength:.3g}".replace("-", "−") for strength in across.tolist())
    counted = "strength, as a share of the stream's median norm"
    if reading.shares is None:
        counted = "strength"
    plots = (_of_metric(reading), _of_probabilities(reading), _of_divergence(reading))
    return Seen(reading, across, labels, counted, plots)


def _of_metric(reading: StrengthReading) -> Plot:
    values = reading.metric.astype(np.float64)[None]
    known = np.isfinite(reading.placebos).all(1) if len(reading.placebos) else np.zeros(0, bool)
    beside = reading.placebos[known].astype(np.float64)
    band = np.stack([beside.min(0), beside.max(0)]) if len(beside) else None
    every = np.concatenate([values.ravel(), [reading.without], *([] if band is None else band)])
    low, high = _around(every)
    unit = METRICS[reading.metric_name].unit
    title = f"{reading.metric_name}, {unit}" if unit else reading.metric_name
    return Plot(title, (reading.metric_name,), values, low, high, band, reading.without)


def _of_probabilities(reading: StrengthReading) -> Plot:
    names = tuple(map(name_of, reading.followed[:MOST_TOKENS]))
    values = reading.probabilities.T[:MOST_TOKENS].astype(np.float64)
    return Plot("probability", names, values, 0.0, 1.0)


def _of_divergence(reading: StrengthReading) -> Plot:
    values = reading.divergence.astype(np.float64)[None]
    _, high = _around(np.concatenate([values.ravel(), [OFF_DISTRIBUTION]]))
    title = "KL(without ‖ with), nats"
    high = max(high, 1.2 * OFF_DISTRIBUTION)
    return Plot(title, ("KL",), values, 0.0, high, level=OFF_DISTRIBUTION)


def _around(values: Floats) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    room = 0.06 * (high - low) or 1.0
    return low - room, high + room


def name_of(followed: Followed) -> str:
    """Return what a token that is followed is called: with why it is."""
    part = {"answer": "answer", "distractor": "distractor", "control": "control"}.get(followed.part)
    name = spell(followed.token)
    return f"{name} ({part})" if part is not None else name


def tokens(reading: StrengthReading) -> tuple[int, ...]:
    """Return the tokens whose probabilities are drawn."""
    return tuple(followed.token.id for followed in reading.followed[:MOST_TOKENS])


def known_placebos(reading: StrengthReading) -> int:
    """Return of how many random directions all is known."""
    return int(np.isfinite(reading.placebos).all(1).sum()) if len(reading.placebos) else 0


def said(found: Seen | None, beside: str) -> str:
    """Return what is said above the curves: what the metric is without, what is off, what beside.

    Args:
        found: What is drawn.
        beside: What stands beside it, or why nothing does.
    """
    if found is None:
        return ""
    reading = found.reading
    parts = [f"without it {reading.without:+.3f}"]
    off = [found.labels[at] for at in np.flatnonzero(reading.is_off_distribution)]
    if off:
        parts.append(f"shaded: off-distribution (KL > {OFF_DISTRIBUTION:g} nats)")
    parts.append(beside)
    return " · ".join(filter(None, parts))


def said_beside(reading: StrengthReading, *, has_vector: bool, is_like_stream: bool) -> str:
    """Return how many random directions stand beside a vector, or why none do; "" before any."""
    if not has_vector:
        return "no vector, so no random directions beside it"
    if not len(reading.placebos):
        return ""
    count = f"{known_placebos(reading)} of {len(reading.placebos)}"
    return f"{count} {RANDOM}{' like the stream' * is_like_stream} beside it"


def panels(found: Seen) -> tuple[Lines, ...]:
    """Return the curves as they are taken home."""
    places = Axis("strength", tuple(range(len(found.labels))), found.labels)
    result = []
    for plot in found.plots:
        names, values = list(plot.names), plot.values
        if plot.band is not None:
            names += [f"{RANDOM}: least", f"{RANDOM}: largest"]
            values = np.concatenate([values, plot.band])
        data = Data((numbered("line", names), places), {"value": values})
        result.append(Lines("", places, names, values, plot.title, data, across=found.across))
    return tuple(result)
