"""A circuit that is kept beside prompts: its edges by their labels, and where it is from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lensgui.terms.circuits.graph import Graph
from lensgui.terms.circuits.nodes import Architecture, Shape, node_of
from lensgui.terms.kinds import Head

EdgeName = tuple[str, str]
"""What sends and what receives, by their labels: ("L3H1", "L5H0.q")."""

MOST_KEPT = 20_000  # edges: each is written out in session files


@dataclass(frozen=True, slots=True)
class KeptCircuit:
    """A circuit of edges.

    Attributes:
        edges: Its edges, the strongest first.
        said: Where it is from, in a phrase.
        found_on: The clean prompts that it was found on; () where that is not known.
        scores: What each edge was worth there, positive where it helps; () where that is not known.
    """

    edges: tuple[EdgeName, ...]
    said: str
    found_on: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what can't be kept.

        Raises:
            ValueError: If there are no edges, too many, or not as many scores.
        """
        _check_count(len(self.edges))
        if self.scores and len(self.scores) != len(self.edges):
            raise ValueError(f"{len(self.edges)} edges have {len(self.scores)} scores.")

    @classmethod
    def of(cls, graph: Graph, said: str, found_on: Iterable[str] = ()) -> KeptCircuit:
        """Return the circuit of a graph, its strongest edges first.

        Raises:
            ValueError: As for the class.
        """
        _check_count(graph.count)
        places = np.argwhere(graph.kept)
        scores: tuple[float, ...] = ()
        if graph.scores is not None:
            worth = graph.worth[graph.kept]
            places = places[np.argsort(-worth, kind="stable")]
            scores = tuple(graph.scores[tuple(places.T)].tolist())
        sent, read = (list(map(str, of)) for of in (graph.senders, graph.receivers))
        names = tuple((sent[row], read[column]) for row, column in places.tolist())
        return cls(names, said, tuple(found_on), scores)

    def graph(self, cfg: Architecture) -> Graph:
        """Return it as a graph of a model.

        Raises:
            ValueError: If that model lacks an edge.
        """
        return graph_of(self.edges, Shape.of(cfg))

    @property
    def heads(self) -> tuple[Head, ...]:
        """Its heads, in the order of the model: those that send something."""
        return heads_of(self.edges)


def _check_count(count: int) -> None:
    if not count:
        raise ValueError("This circuit has no edges: nothing leads to the logits.")
    if count > MOST_KEPT:
        raise ValueError(
            f"This circuit has {count:,} edges; circuits of up to {MOST_KEPT:,} are kept: take "
            "fewer of the best."
        )


@lru_cache(maxsize=8)
def graph_of(edges: tuple[EdgeName, ...], shape: Shape) -> Graph:
    """Return the circuit of some edges.

    Raises:
        ValueError: If the model lacks one.
    """
    return Graph.of_edges(shape, ((node_of(one), node_of(other)) for one, other in edges))


def heads_of(edges: Iterable[EdgeName]) -> tuple[Head, ...]:
    """Return the heads that send along some edges, in order."""
    places = {node_of(sender).place for sender, _ in edges}
    return tuple(sorted(place for place in places if place is not None))
