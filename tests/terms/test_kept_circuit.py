"""Circuits that are kept: edges by their labels, the strongest first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lensgui.terms.circuits import kept
from lensgui.terms.circuits.graph import Graph
from lensgui.terms.circuits.kept import KeptCircuit
from lensgui.terms.circuits.nodes import Shape

SHAPE = Shape(3, 4, 2)


def scored():
    whole = Graph.whole(SHAPE)
    values = np.linspace(-1, 2, whole.exists.size).reshape(whole.exists.shape)
    scores = np.where(whole.exists, values, np.nan)
    return replace(whole, scores=scores)


def test_a_graph_is_kept_and_made_again():
    graph = scored().largest(9)
    circuit = KeptCircuit.of(graph, "here", ["a prompt"])
    again = circuit.graph(SHAPE)
    assert np.array_equal(again.kept, graph.kept)
    sizes = [abs(score) for score in circuit.scores]
    assert sizes == sorted(sizes, reverse=True)
    assert dict(zip(circuit.edges, circuit.scores, strict=True)) == {
        (str(one), str(other)): graph.of(one, other) for one, other in graph.edges
    }
    assert circuit.found_on == ("a prompt",)
    assert KeptCircuit.of(replace(graph, scores=None), "here").scores == ()


def test_its_heads_are_those_that_send():
    edges = (("L2H3", "logits"), ("embed", "L2H1.q"), ("L0H1", "L2H3.q"), ("MLP 1", "logits"))
    assert KeptCircuit(edges, "").heads == ((0, 1), (2, 3))


def test_what_can_not_be_kept_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="no edges"):
        KeptCircuit((), "")
    with pytest.raises(ValueError, match="1 scores"):
        KeptCircuit((("embed", "logits"), ("MLP 0", "logits")), "", scores=(1.0,))
    with pytest.raises(ValueError, match="L9H0"):
        KeptCircuit((("L9H0", "logits"),), "").graph(SHAPE)
    monkeypatch.setattr(kept, "MOST_KEPT", 3)
    with pytest.raises(ValueError, match="4 edges; circuits of up to 3"):
        KeptCircuit.of(scored().largest(4), "")
