"""What the ablation pane shows of a set: rows with their intervals, sentences, figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lensgui.jobs.answers.interventions import SetReading
from lensgui.panes.figures.figure import Bars, Data, numbered
from lensgui.panes.interventions import lines
from lensgui.panes.sweep_view.whiskers import Whisker
from lensgui.panes.token_text import signed
from lensgui.terms.interventions import Intervention
from lensgui.terms.metrics import METRICS

EACH, PAIRS = "each of the set", "each pair"


def unit(reading: SetReading) -> str:
    """Return the metric's unit, with a space before it; "" for none."""
    name = METRICS[reading.metric_name].unit
    return f" {name}" if name else ""


def said(reading: SetReading) -> str:
    """Return what the whole set does: before, after, and the change with its interval."""
    known = np.isfinite(reading.after)
    if not known.any():
        return ""
    before, after = (float(part[known].mean()) for part in (reading.before, reading.after))
    change = f"{reading.metric_name} {signed(before)} → {signed(after)}{unit(reading)}"
    count = int(known.sum())
    if len(reading.pairs) == 1:
        return f"{change} ({signed(after - before)})"
    low, high = (float(end) for end in reading.change_ends)
    of = f"mean of {count} pairs" if count == len(reading.pairs) else f"mean of {count} so far"
    ends = f", 95 %: {signed(low)} to {signed(high)}" if np.isfinite(low) else ""
    return f"{change} ({signed(after - before)}{ends}; {of})"


def members(reading: SetReading, listed: Sequence[Intervention]) -> tuple[Whisker, ...]:
    """Return a row for each of the set: what it changes last, the largest first."""
    found, called = [], _called(listed)
    for number, one in enumerate(listed):
        row = reading.last[number]
        known = np.isfinite(row)
        if not known.any():
            continue
        mean = float(row[known].mean())
        low, high = (float(end) for end in reading.last_ends[:, number])
        site = one.site
        places = {"layer": site.layer, "head": site.head, "neuron": site.neuron}
        fields = {name: at for name, at in places.items() if at is not None}
        alone = reading.first[number]
        words = f"{signed(mean)}{unit(reading)} as the last of the set"
        if np.isfinite(alone).any():
            words += f", {signed(float(np.nanmean(alone)))} alone"
        if np.isfinite(low):
            words += f"; 95 % of resamples of the pairs: {signed(low)} to {signed(high)}"
        else:
            low = high = mean
        found.append(Whisker(called[number], fields, mean, low, high, words))
    return tuple(sorted(found, key=lambda each: -abs(each.mean)))


def alone(
    rows: Sequence[Whisker], reading: SetReading, listed: Sequence[Intervention]
) -> list[float]:
    """Return what each of some rows changes alone, the mean over pairs."""
    places = {name: number for number, name in enumerate(_called(listed))}
    of_rows = [reading.first[places[row.name]] for row in rows]
    return [float(row.mean()) for row in of_rows]


def _called(listed: Sequence[Intervention]) -> list[str]:
    """Return what rows are called: places, and what is done there where several are at one."""
    places = [str(one.site) for one in listed]
    return [
        name
        if places.count(name) == 1
        else " ".join(filter(None, (name, lines.done(one), lines.where(one))))
        for name, one in zip(places, listed, strict=True)
    ]


def pairs(reading: SetReading) -> tuple[Whisker, ...]:
    """Return a row for each pair: what the whole set changes, in the table's order."""
    found = []
    for number, name in enumerate(reading.pairs):
        before, after = float(reading.before[number]), float(reading.after[number])
        if np.isfinite(after):
            words = f"{signed(before)} → {signed(after)}{unit(reading)}"
            change = after - before
            found.append(Whisker(name, {}, change, change, change, words))
    return tuple(found)


def panels(
    rows: Sequence[Whisker], reading: SetReading, more: Mapping[str, Sequence[float]]
) -> tuple[Bars, ...]:
    """Return rows as they are taken home; () for none.

    Args:
        rows: The rows.
        reading: What they are of.
        more: What else is known of each, by what it is.
    """
    if not rows:
        return ()
    called = [row.name for row in rows]
    values = np.array([row.mean for row in rows], np.float64)
    spans = np.array([[row.low, row.high] for row in rows], np.float64)
    words = [signed(row.mean) for row in rows]
    counted = f"change of {reading.metric_name},{unit(reading)}".removesuffix(",")
    columns = {"change": values, "low": spans[:, 0], "high": spans[:, 1]}
    columns |= {name: np.array(each, np.float64) for name, each in more.items()}
    data = Data((numbered("row", called),), columns)
    return (Bars("", called, values, words, counted, data, spans),)
