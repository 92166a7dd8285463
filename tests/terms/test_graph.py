"""Graphs as values: which edges there are, rank and prune, and draws to compare a circuit with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lensgui.terms.circuits.drawn import random_like
from lensgui.terms.circuits.graph import Graph
from lensgui.terms.circuits.nodes import Node, Shape, node_of

SHAPE = Shape(4, 4, 2, model_name="tiny")
EMBED, LOGITS = Node("embed"), Node("logits")


def head(layer, number=0):
    return Node("head", layer, number)


def scored(seed=0, shape=SHAPE):
    whole = Graph.whole(shape)
    scores = np.random.default_rng(seed).normal(size=whole.exists.shape)
    return replace(whole, scores=np.where(whole.exists, scores, np.nan))


def test_a_node_has_a_label_that_names_it():
    whole = Graph.whole(SHAPE)
    for node in {*whole.senders, *whole.receivers}:
        assert node_of(str(node)) == node
    for name in ("L1", "L1H2.z", "mlp 3", "", "embed "):
        with pytest.raises(ValueError, match="names no node"):
            node_of(name)


def test_edges_go_from_what_writes_to_what_reads_later():
    whole = Graph.whole(SHAPE)
    assert whole.total == whole.count == len(whole.edges)
    assert whole.has((head(0), Node("k", 1, 1)))
    assert whole.at((EMBED, LOGITS)) == (0, len(whole.receivers) - 1)
    parallel = Graph.whole(Shape(4, 4, 4, parallel_attn_mlp=True))
    assert not parallel.exists[parallel.rows[head(1)], parallel.columns[Node("mlp", 1)]]
    bare = Graph.whole(Shape(2, 2, 2, attn_only=True))
    assert {node.kind for node in bare.senders} == {"embed", "head"}
    with pytest.raises(ValueError, match=r"tiny has no edge from L1H0 to L1H0\.q"):
        whole.has((head(1), Node("q", 1, 0)))


def test_circuits_are_made_of_edges_and_of_nodes():
    edges = [(EMBED, Node("v", 0, 0)), (head(0, 1), LOGITS)]
    circuit = Graph.of_edges(SHAPE, edges)
    assert set(circuit.edges) == set(edges)
    assert circuit.nodes == (EMBED, head(0, 0), head(0, 1))  # both read the shared values
    assert circuit.members == tuple(
        node for node in circuit.nodes if node != EMBED and circuit.kept[circuit.rows[node]].any()
    )
    among = Graph.among(SHAPE, [head(1, 3), Node("mlp", 2)])
    assert among.has((head(1, 3), Node("mlp", 2)))
    assert among.has((EMBED, Node("k", 1, 1)))
    assert not among.has((EMBED, Node("q", 1, 2)))
    assert among.count == 3 + 1 + 1 + 1 + 2
    assert among.without(among.edges).count == 0
    with pytest.raises(ValueError, match="no sender L9H0"):
        Graph.among(SHAPE, [head(9)])


def test_edges_are_ranked_by_size_or_by_sign():
    graph = scored()
    flat = graph.scores[graph.exists]
    for by, best in (("size", np.sort(np.abs(flat))[-5:]), ("sign", np.sort(flat)[-5:])):
        chosen = graph.largest(5, by)
        found = [graph.of(*edge) for edge in chosen.edges]
        assert np.allclose(np.sort(np.abs(found)), np.sort(np.abs(best)))
        assert [score for _, _, score in graph.listed(5, by)] == sorted(
            found, key=(abs if by == "size" else float), reverse=True
        )
    assert graph.largest(10**6).count == graph.total
    assert graph.largest(0).count == 0
    sized = replace(graph, sizes=np.where(graph.exists, 1.0 / (1 + np.abs(graph.scores)), np.nan))
    assert not set(sized.largest(5).edges) & set(graph.largest(5).edges)
    assert sized.largest(5, "sign").edges == graph.largest(5, "sign").edges
    with pytest.raises(ValueError, match="have no scores"):
        Graph.whole(SHAPE).largest(3)


def test_pruning_takes_what_is_on_no_path_and_nothing_else():
    path = [(EMBED, Node("k", 0, 0)), (head(0, 1), Node("mlp", 2)), (Node("mlp", 2), LOGITS)]
    dead = [
        (EMBED, Node("q", 1, 0)),  # heard by nobody
        (head(2, 2), LOGITS),  # fed by nobody
        (head(2, 2), Node("mlp", 3)),
    ]
    circuit = Graph.of_edges(SHAPE, [*path, *dead])
    assert set(circuit.pruned().edges) == set(path)
    assert circuit.is_connected
    assert not Graph.of_edges(SHAPE, dead).is_connected
    assert Graph.whole(SHAPE).pruned().count == Graph.whole(SHAPE).total


@pytest.mark.parametrize("shape", [SHAPE, Shape(5, 3, 3, parallel_attn_mlp=True)])
def test_circuits_drawn_at_random_are_alike_in_size_and_on_paths(shape):
    circuit = scored(3, shape).largest(60).pruned()
    drawn = [random_like(circuit, seed) for seed in range(6)]

    def by_layer(graph):
        found = {}
        for sender, receiver in graph.edges:
            key = (sender.layer, receiver.layer)
            found[key] = found.get(key, 0) + 1
        return found

    for one in drawn:
        assert one.pruned().count == one.count
        assert all(count <= by_layer(circuit)[key] for key, count in by_layer(one).items())
        assert one.count >= 0.8 * circuit.count
        shared = (one.kept & circuit.kept).sum() / circuit.count
        assert shared < 0.8
    assert len({one.kept.tobytes() for one in drawn}) == 6
    assert (random_like(circuit, 1).kept == drawn[1].kept).all()


def test_arrays_of_another_model_are_a_sentence():
    whole = Graph.whole(SHAPE)
    with pytest.raises(ValueError, match="and these are numbers of 3 × 2"):
        Graph(SHAPE, np.zeros((3, 2), dtype=bool))
    with pytest.raises(ValueError, match="tiny has no edge from"):
        Graph(SHAPE, np.ones_like(whole.exists))
    with pytest.raises(ValueError, match="no edge from MLP 3 to MLP 1"):
        Graph.of_edges(SHAPE, [(Node("mlp", 3), Node("mlp", 1))])
