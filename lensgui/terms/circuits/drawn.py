"""Circuits drawn at random, for a circuit to be compared with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lensgui.terms.circuits.graph import Graph, Mask


def random_like(graph: Graph, seed: int, rounds: int = 40) -> Graph:
    """Draw a circuit at random that a circuit may be compared with.

    It has as many edges from each layer to each, as far as they can be on paths from the embedding
    to the logits, among as many nodes in each layer, drawn at random: edges drawn at large keep no
    path, and are worth nothing until a fifth of the model is there.

    Args:
        graph: The circuit.
        seed: Of the draw.
        rounds: How often edges that came to lie on no path are drawn anew.
    """
    draw = np.random.default_rng(seed)
    graph = graph.pruned()
    sent, read = _layers(graph)
    wanted = _counts(graph.kept, sent, read)
    chosen = _drawn_nodes(graph, sent, draw)
    among = graph.exists & chosen[:, None] & _columns_of(graph, chosen)
    found = replace(graph, kept=np.zeros_like(graph.kept))
    for _ in range(rounds):
        missing = wanted - _counts(found.kept, sent, read)
        if not missing.any():
            break
        comes, goes = found.on_path()
        on_path = comes[:, None] & goes
        kept = found.kept.copy()
        for first, last in np.argwhere(missing > 0).tolist():
            free = among & ~kept & (sent[:, None] == first) & (read == last)
            for some in (free & on_path, free):
                places = np.flatnonzero(some & ~kept)
                count = min(missing[first, last], len(places))
                kept.ravel()[draw.choice(places, count, replace=False)] = True
                missing[first, last] -= count
        found = replace(found, kept=kept).pruned()
    return found


def _layers(graph: Graph) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the layer of each sender and receiver, counted from 1; the embedding's is 0."""
    last = graph.shape.n_layers + 1
    sent = [0 if node.layer is None else node.layer + 1 for node in graph.senders]
    read = [last if node.layer is None else node.layer + 1 for node in graph.receivers]
    return np.array(sent, dtype=np.intp), np.array(read, dtype=np.intp)


def _counts(kept: Mask, sent: NDArray[np.intp], read: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return how many edges go from each layer to each, [layer, layer]."""
    size = int(read.max()) + 1
    rows, columns = np.nonzero(kept)
    flat = np.bincount(sent[rows] * size + read[columns], minlength=size * size)
    return flat.reshape(size, size).astype(np.intp)


def _drawn_nodes(graph: Graph, sent: NDArray[np.intp], draw: np.random.Generator) -> Mask:
    """Return senders drawn at random, as many of each layer as the circuit has, [sender]."""
    own = np.zeros(len(graph.senders), dtype=bool)
    own[[graph.rows[node] for node in graph.nodes]] = True
    chosen = np.zeros_like(own)
    chosen[0] = True
    for layer in range(1, graph.shape.n_layers + 1):
        places = np.flatnonzero(sent == layer)
        chosen[draw.choice(places, int(own[places].sum()), replace=False)] = True
    return chosen


def _columns_of(graph: Graph, chosen: Mask) -> Mask:
    """Return which receivers are read through by some of the senders, [receiver]."""
    columns = np.asarray(chosen[graph.owners].any(axis=1))
    columns[-1] = True
    return columns
