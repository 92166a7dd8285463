"""An answerer without a model, and the made-up numbers that it answers with.

attention: Attention patterns.
answerer: What answers every request, its model card, tokens and axes.
heads: What one head, edge or MLP does.
activations: Hook points and what they hold.
attributions: What each part adds to the metric.
circuits: What edges of the model's graph are worth.
generation: What is written behind a prompt.
interventions: Vectors, and what is to be known of interventions.
lenses: A lens on every row and position.
models: Number formats.
neurons: Neurons of a layer.
pairs: Many pairs, words that fit and tokens that are sought.
sweeps: Patching, path patching and head roles.
"""

from tests.fakes.answerer import (
    GROUPS,
    HEADS,
    LAYERS,
    NEURONS,
    FakeAnswerer,
    axis,
    card,
    difference,
    noise,
    read_pair,
    tokens,
    tokens_of,
)

__all__ = [
    "GROUPS",
    "HEADS",
    "LAYERS",
    "NEURONS",
    "FakeAnswerer",
    "axis",
    "card",
    "difference",
    "noise",
    "read_pair",
    "tokens",
    "tokens_of",
]
