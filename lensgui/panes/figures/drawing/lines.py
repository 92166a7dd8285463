"""Numbers by layer of a figure as lines, with a key below."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lensgui.panes.figures.drawing import style as looks
from lensgui.panes.figures.drawing.marks import (
    Area,
    Mark,
    Stroke,
    fitting,
    widest,
    width_of,
    word,
)
from lensgui.panes.figures.drawing.plots import ticks
from lensgui.panes.figures.drawing.style import Style
from lensgui.panes.figures.figure import Lines
from lensgui.panes.pictures.curves import color_of

TALL = 0.6  # of the width
PALE = 0.8  # of the paper's colour in that of a spread
LINE = 1.0  # points
KEY = 2.2  # times the size of the text, how long a line of the key is
AROUND = 0.04  # of the range, that is left free above and below


def lines(panel: Lines, style: Style) -> tuple[list[Mark], float]:
    """Return the marks of lines on one axis, and how tall they are."""
    size, colors = style.size, style.colors
    ends = panel.limits or panel.ends
    if ends is None:
        return [word(0, size, "There are no numbers.", size, colors.faint)], size * 1.4
    around = AROUND * ((ends[1] - ends[0]) or 1.0)
    low, high = ends[0] - around, ends[1] + around
    named = [(tick, looks.number(tick)) for tick in ticks(low, high)]
    left = size * 1.4 + widest([text for _, text in named], size, "mono") + 5
    plot = _Plot(
        left, style.width - 2, 2.0, 2.0 + min(TALL * style.width, style.tall), low, high, panel
    )
    marks: list[Mark] = []
    for tick, text in named:
        y = plot.y(tick)
        marks.append(Stroke(((left, y), (plot.right, y)), colors.line, 0.5))
        base = y + size * 0.35
        marks.append(word(left - 3, base, text, size, colors.text, anchor="end", family="mono"))
    for at in range(len(panel.names)):
        marks += _line(plot, at, style)
    marks += _frame(plot, style)
    return _with_key(marks, panel, style, plot.bottom + size * 1.3)


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where numbers are drawn, in points."""

    left: float
    right: float
    top: float
    bottom: float
    low: float
    high: float
    panel: Lines

    @property
    def step(self) -> float:
        """From one place to the next."""
        return (self.right - self.left) / max(1, len(self.panel.places))

    def x(self, at: int) -> float:
        """Return where a place is."""
        across = self.panel.across
        if across is None:
            return self.left + (at + 0.5) * self.step
        share = float((across[at] - across[0]) / ((across[-1] - across[0]) or 1.0))
        return self.left + (share * (len(across) - 1) + 0.5) * self.step

    def y(self, value: float) -> float:
        """Return where a number is."""
        return self.bottom - (value - self.low) / (self.high - self.low) * (self.bottom - self.top)


def _frame(plot: _Plot, style: Style) -> list[Mark]:
    """Return the frame, and what both axes are called."""
    size, colors, panel = style.size, style.colors, plot.panel
    left, top, right, bottom = plot.left, plot.top, plot.right, plot.bottom
    corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
    marks: list[Mark] = [Stroke(corners, colors.outline, 0.5)]
    labels = list(panel.places.labels)
    needed = widest(labels, size, "mono") + size * 0.6
    last = -needed
    for at in range(len(labels)):
        if plot.x(at) - last < needed:
            continue
        last = plot.x(at)
        half = width_of(labels[at], size, "mono") / 2
        x, base = min(max(plot.x(at), half), style.width - half), bottom + size * 1.3
        marks.append(word(x, base, labels[at], size, colors.text, anchor="middle", family="mono"))
    title, middle = fitting(panel.counted, bottom - top, size), (top + bottom) / 2
    marks.append(word(size, middle, title, size, colors.text, anchor="middle", degrees=90))
    return marks


def _line(plot: _Plot, at: int, style: Style) -> list[Mark]:
    """Return the marks of one line, in stretches without a gap."""
    color, marks, panel = color_of(at, style.colors), list[Mark](), plot.panel
    thick = LINE * style.thicker
    values = panel.values[at]
    known = np.isfinite(values)
    for stretch in np.split(np.arange(len(values)), np.flatnonzero(np.diff(known)) + 1):
        if not len(stretch) or not known[stretch[0]]:
            continue
        places = stretch.tolist()
        if panel.spread is not None and len(places) > 1:
            around = np.nan_to_num(panel.spread[at])
            above = [(plot.x(one), plot.y(values[one] + around[one])) for one in places]
            below = [(plot.x(one), plot.y(values[one] - around[one])) for one in reversed(places)]
            marks.append(Area((*above, *below), _pale(color, style)))
        points = tuple((plot.x(one), plot.y(float(values[one]))) for one in places)
        points = points if len(points) > 1 else (points[0], (points[0][0] + LINE, points[0][1]))
        marks.append(Stroke(points, color, thick, is_dashed=at % 2 == 1))
    return marks


def _pale(color: str, style: Style) -> str:
    """Return a colour mixed with that of the paper."""
    parts = [
        round(PALE * int(paper, 16) + (1 - PALE) * int(ink, 16))
        for paper, ink in (
            (style.colors.surface[at : at + 2], color[at : at + 2]) for at in (1, 3, 5)
        )
    ]
    return "#" + "".join(f"{part:02x}" for part in parts)


def _with_key(
    marks: list[Mark], panel: Lines, style: Style, base: float
) -> tuple[list[Mark], float]:
    """Return marks with a line of the key for each name, and how tall all is."""
    size = style.size
    for at, name in enumerate(panel.names):
        base += style.line
        middle, color = base - size * 0.35, color_of(at, style.colors)
        ends = ((0.0, middle), (KEY * size, middle))
        marks.append(Stroke(ends, color, LINE * style.thicker, is_dashed=at % 2 == 1))
        left = (KEY + 0.6) * size
        text = fitting(name, style.width - left, size)
        marks.append(word(left, base, text, size, style.colors.text))
    return marks, base + size * 0.4
