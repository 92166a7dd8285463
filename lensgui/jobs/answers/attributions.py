"""What each part of the model adds to a metric directly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensgui.jobs.answers.arrays import Axis
from lensgui.terms.metric import MetricName

Numbers = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The logits that a metric reads, taken apart, as far as they are known; nobody writes to it.

    All are in logits: answer − distractor before any soft cap, or the answer's logit alone. Of a
    mean over pairs the means, each with its standard deviation over pairs.

    Attributes:
        axes: Layers, and what is in each: heads, then b_O, then the MLP if there is one.
        values: What each adds, [layer, part]; NaN where not yet known.
        deviation: Likewise the standard deviation; NaN of a single prompt.
        components: What each layer's attention, heads and bias together, and its MLP add,
            [layer, component].
        components_deviation: Likewise the standard deviation.
        outside: What stands outside layers, by name: "embedding", "positions", "final norm's bias",
            "b_U"; those that the model lacks are not there.
        cumulative: What the stream comes to that enters each layer, that between its attention and
            its MLP, and so on, at last the one after the last layer, at the final scale,
            [2 · layer + 1].
        cumulative_deviation: Likewise the standard deviation.
        logits: What all parts add up to, read through the final norm and the unembedding.
        capped: The same under the model's soft cap.
        metric: The metric itself, in its own unit.
        metric_name: What the metric is called.
        between: What lies between `logits` and `metric`; () where they are one number.
        pairs: How many prompts, or pairs of them, it is over so far.
        total: How many it is to be over.
    """

    axes: tuple[Axis, Axis]
    values: Numbers
    deviation: Numbers
    components: Numbers
    components_deviation: Numbers
    outside: Mapping[str, float]
    cumulative: Numbers
    cumulative_deviation: Numbers
    logits: float
    capped: float
    metric: float
    metric_name: MetricName
    between: tuple[str, ...] = ()
    pairs: int = 1
    total: int = 1

    @property
    def is_whole(self) -> bool:
        """Whether every part is known."""
        return bool(np.isfinite(self.values).all()) and self.pairs == self.total

    @property
    def sum(self) -> float:
        """All parts together."""
        return float(self.values.astype(np.float64).sum()) + sum(self.outside.values())


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """One part taken apart further; nobody writes to it.

    Attributes:
        axis: What the terms are: sources, or neurons, the strongest first, then what is left.
        values: What each adds, in logits, [term].
        notes: What else is known of each, in words; "" for nothing.
        whole: What they are the terms of, worked out by itself.
        remark: What has to be known of them, as a sentence; "" if nothing.
    """

    axis: Axis
    values: Numbers
    notes: tuple[str, ...]
    whole: float
    remark: str = ""
