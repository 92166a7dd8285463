"""Made-up answers about what each part adds to the metric."""

from __future__ import annotations

import numpy as np

from lensgui.jobs.answers.arrays import Axis
from lensgui.jobs.answers.attributions import Parts, Terms
from lensgui.jobs.questions.attribution_requests import (
    AttributeMetric,
    AttributeNeurons,
    AttributeSources,
)
from lensgui.prompts.sides import one_side
from tests import fakes

NEURONS = 24


def parts(request: AttributeMetric) -> Parts:
    """Parts that add up, as a mean over all rows if there are any."""
    layers, heads = fakes.LAYERS, fakes.HEADS
    values = fakes.noise(f"parts{request}", layers, heads + 2) - 0.5
    count = len(request.rows) or 1
    spread = np.nan if count == 1 else 0.25
    components = np.stack([values[:, :-1].sum(1), values[:, -1]], 1)
    outside = {"embedding": 0.5, "final norm's bias": 0.0, "b_U": 0.0}
    so_far = 0.5 + np.concatenate([[0.0], components.reshape(-1).cumsum()])
    whole = float(so_far[-1])
    labels = (*(f"H{head}" for head in range(heads)), "b_O", "MLP")
    return Parts(
        (
            Axis("layer", tuple(range(layers)), tuple(f"L{layer}" for layer in range(layers))),
            Axis("head", (*range(heads), None, None), labels),
        ),
        values,
        np.full_like(values, spread),
        components,
        np.full_like(components, spread),
        outside,
        so_far.astype(np.float32),
        np.full(len(so_far), spread, np.float32),
        whole,
        whole,
        whole,
        request.pair.metric,
        (),
        count,
        count,
    )


def sources(request: AttributeSources) -> Terms:
    """A number for each source."""
    tokens = fakes.tokens(getattr(request.pair, one_side(request.side)))
    labels = tuple(token.text for token in tokens)
    values = fakes.noise(f"sources{request}", len(labels)) - 0.5
    axis = Axis("source", tuple(range(len(labels))), labels)
    return Terms(axis, values, ("",) * len(labels), float(values.sum()))


def neurons(request: AttributeNeurons) -> Terms:
    """The strongest neurons, the others, and a bias."""
    values = fakes.noise(f"neurons{request}", NEURONS + 2) - 0.5
    places = tuple(range(100, 100 + NEURONS))
    labels = (*(f"N{place}" for place in places), "1,000 others", "b_out")
    axis = Axis("neuron", (*places, None, None), labels)
    return Terms(axis, values, ("activation 0.500",) * len(labels), float(values.sum()))
