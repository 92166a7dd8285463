"""Made-up vectors, and what is to be known of interventions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lensgui.jobs.answers.interventions import (
    Followed,
    InterventionReading,
    InterventionsReading,
    MadeVectors,
    Part,
    SetReading,
    StrengthReading,
)
from lensgui.jobs.questions.intervention_requests import (
    AblateSet,
    AskStrength,
    MakeVector,
    ReadInterventions,
)
from lensgui.terms import vectors
from lensgui.terms.interventions import Intervention, Vector
from lensgui.terms.recipes import OfFile
from tests import fakes

UNIT = 2.0  # the strength that is one median norm
WIDTH = 8


def read(request: ReadInterventions) -> InterventionsReading:
    """Layers that the model lacks are a fault; means are over the prompts that are given."""
    return InterventionsReading(tuple(_reading(one, request) for one in request.pair.interventions))


def _reading(one: Intervention, request: ReadInterventions) -> InterventionReading:
    lacks = (one.site.layer or 0) >= fakes.LAYERS
    fault = f"{one.site}: this model has {fakes.LAYERS} layers, from 0 on." if lacks else ""
    unit = {"add": UNIT, "set": UNIT, "add_median": 1.0, "add_norm": 1.0}.get(one.op)
    return InterventionReading(fault, unit, len(request.pair.reference) * (one.op == "mean"))


def strength(request: AskStrength) -> Iterator[StrengthReading]:
    """Curves that grow: the metric at the least strength first, then random directions."""
    one = request.pair.interventions[request.which]
    unit = {"add": UNIT, "set": UNIT, "add_median": 1.0, "add_norm": 1.0}.get(one.op)
    asked = np.array(sorted({*request.strengths}), np.float64)
    parts: tuple[Part, ...] = ("answer", "distractor", "control")
    words = zip((" Mary", " John", " it"), parts, strict=True)
    followed = tuple(Followed(fakes.tokens(word)[0], part) for word, part in words)
    chances = fakes.noise(f"chances{asked}", len(asked), len(followed)) / len(followed)
    count = request.placebos if one.vector is not None else 0
    reading = StrengthReading(
        tuple((asked * (unit or 1.0)).tolist()),
        None if unit is None else tuple(asked.tolist()),
        request.pair.metric,
        2.0,
        followed,
        (2 + 3 * asked).astype(np.float32),
        (3 * asked**2).astype(np.float32),
        chances.astype(np.float32),
        np.full((count, len(asked)), np.nan, np.float32),
    )
    metric = np.where(asked == asked[0], reading.metric, np.nan).astype(np.float32)
    yield replace(reading, metric=metric)
    yield reading
    if count:
        shifts = np.linspace(-1, 1, count, dtype=np.float32)[:, None]
        yield replace(reading, placebos=np.float32(2) + shifts * np.abs(reading.metric - 2)[None])


def ablated(request: AblateSet) -> Iterator[SetReading]:
    """The whole set first, then each of it; of several pairs with intervals."""
    pairs = [row.pair for row in request.rows] or [request.pair]
    count, members = len(pairs), len(request.members)
    before: NDArray[np.float32] = np.full(count, 4.0, np.float32)
    after = before - 1 - fakes.noise(f"set{len(request.members)}", count)
    last = -fakes.noise(f"last{request.members}", members, count)
    ends = np.full(2, np.nan, np.float32)
    of_each = np.full((2, members), np.nan, np.float32)
    if count > 1:
        ends = (after - before).mean() + np.array([-0.1, 0.1], np.float32)
        of_each = last.mean(1)[None] + np.array([[-0.1], [0.1]], np.float32)
    names = tuple(pair.clean[-20:] for pair in pairs)
    whole = SetReading(
        names,
        request.pair.metric,
        before,
        after,
        last,
        np.float32(0.5) * last,
        ends,
        of_each.astype(np.float32),
    )
    unknown = np.full_like(last, np.nan)
    yield replace(whole, last=unknown, first=unknown, last_ends=np.full_like(of_each, np.nan))
    yield whole


def made(request: MakeVector) -> MadeVectors:
    """One vector; of a file one for each of two layers."""
    layers = (1, 2) if isinstance(request.recipe, OfFile) else (None,)
    found = []
    for layer in layers:
        numbers = fakes.noise(f"{request.recipe} {layer}", WIDTH) - np.float32(0.5)
        found.append((layer, Vector("a vector", vectors.keep("a vector", numbers))))
    return MadeVectors(tuple(found))
