"""Made-up readings of edges and MLPs, for the fake answerer."""

from __future__ import annotations

from lensgui.jobs.requests import ReadEdge, ReadMLP
from lensgui.jobs.results import EdgeReading, MLPReading, Neuron, Token

WORDS = tuple((Token(at, f" word{at}"), 3.0 - at) for at in range(6))


def edge(request: ReadEdge) -> EdgeReading:
    return EdgeReading(0.25, 0.5, WORDS[:3], WORDS[:2:-1])


def mlp(request: ReadMLP) -> MLPReading:
    neurons = (Neuron(17, 1.5, 0.25), Neuron(3, -0.5, -0.125))
    return MLPReading(-0.75, WORDS[:3], WORDS[:2:-1], neurons)
