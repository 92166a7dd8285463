"""An attribution graph of a file as a board: read only, of whatever model it is."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lensgui.models.attribution_graphs import AttributionGraph, GraphNode
from lensgui.panes.circuit.board import Board
from lensgui.panes.circuit.board_contents import BoardEdge, BoardNode, Contents
from lensgui.panes.token_text import visible
from lensgui.state.views import BoardView
from lensgui.terms.circuits.kept import EdgeName
from lensgui.terms.circuits.nodes import Node

MOST_NODES, MOST_PINNED = 60, 300  # that are drawn: where none are pinned, and of these
LONGEST = 22  # letters of a node's name
NO_LINKS = "There are no links among the nodes of this graph that are drawn."


@lru_cache(maxsize=2)
def contents(graph: AttributionGraph, most: int) -> Contents:
    """Return its pinned nodes, or those that matter most, and the strongest links among them.

    Args:
        graph: The graph.
        most: How many links are drawn at most.
    """
    shown = _shown(graph)
    into = _owners(graph, _names(graph, shown))
    there = np.zeros(len(graph.nodes), dtype=bool)
    there[shown] = True
    inside = np.flatnonzero(there[graph.links].all(axis=1))
    sums, counts = dict[EdgeName, float](), Counter[EdgeName]()
    for (sent, read), weight in zip(
        graph.links[inside].tolist(), graph.weights[inside].tolist(), strict=True
    ):
        pair = into[sent], into[read]
        if pair[0] != pair[1]:
            sums[pair] = sums.get(pair, 0.0) + weight
            counts[pair] += 1
    listed = sorted(sums, key=lambda pair: -abs(sums[pair]))
    weaker = Counter(name for pair in listed[most:] for name in pair)
    edges = [
        BoardEdge(pair, pair[1], "", sums[pair], count=counts[pair] if counts[pair] > 1 else 0)
        for pair in reversed(listed[:most])
    ]
    first: dict[str, GraphNode] = {}
    for at in shown:
        first.setdefault(into[at], graph.nodes[at])
    nodes = [_node(name, node, weaker[name]) for name, node in first.items()]
    labels = tuple(visible(token) for token in graph.tokens)
    return Contents(tuple(nodes), tuple(edges), labels=labels, is_foreign=True)


def draw(board: Board, graph: AttributionGraph, view: BoardView) -> str:
    """Draw it, and return what every number of it must be shown with."""
    found = contents(graph, view.most)
    board.show_contents(found, graph.layers, {}, graph, is_free=False, fades=view.fades)
    board.show_stale(False)
    return said(graph, found)


def said(graph: AttributionGraph, found: Contents) -> str:
    """Return what every number of it must be shown with."""
    of = f" of {graph.model}" if graph.model else ""
    which = "pinned nodes" if graph.pinned else "nodes that matter most"
    return (
        f"attribution graph {graph.file}{of}, as the file has it: {len(found.edges)} of "
        f"{len(graph.links):,} links among {len(_shown(graph))} of its {which} "
        f"({len(graph.nodes):,} in all); read only, nothing of it is computed here"
    )


@lru_cache(maxsize=2)
def _shown(graph: AttributionGraph) -> list[int]:
    """Return the nodes that are drawn, by their numbers, in the order of layers."""
    nodes = graph.nodes
    influence = np.array([node.influence for node in nodes])
    is_end = np.array([node.kind == "logit" for node in nodes])
    reach = _reach(graph)
    # a node's influence counts all that matter more too, so the least matters most
    order = np.lexsort((-reach, np.where(np.isfinite(influence), influence, np.inf), ~is_end))
    ranked = order.tolist()
    pinned = frozenset(graph.pinned)
    chosen = [at for at in ranked if at in pinned][:MOST_PINNED] or ranked[:MOST_NODES]
    return sorted(chosen, key=lambda at: (_row(nodes[at]), nodes[at].position, at))


def _reach(graph: AttributionGraph) -> NDArray[np.float64]:
    """Return how much leaves each node, which ranks those without an influence, [node]."""
    found = np.zeros(len(graph.nodes))
    np.add.at(found, graph.links[:, 0], np.abs(graph.weights))
    return found


def _row(node: GraphNode) -> int:
    if node.layer is not None:
        return node.layer
    return -1 if node.kind == "embedding" else 10**6


def _names(graph: AttributionGraph, shown: list[int]) -> dict[int, str]:
    """Return what each node that is drawn is called, each by a name of its own."""
    found: dict[int, str] = {}
    taken = {name for name, _ in graph.supernodes}
    for at in shown:
        node = graph.nodes[at]
        token = visible(graph.tokens[node.position]) if graph.tokens else ""
        plain = node.label or (token if node.kind == "embedding" else node.name)
        name = wanted = plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…"
        count = 1
        while name in taken:
            count += 1
            name = f"{wanted} {count}"
        taken.add(name)
        found[at] = name
    return found


def _owners(graph: AttributionGraph, names: dict[int, str]) -> dict[int, str]:
    """Return what each node is drawn as: itself, or the supernode that it is in."""
    found = dict(names)
    for name, members in graph.supernodes:
        inside = [member for member in members if member in names]
        if name and len(inside) > 1:
            found |= dict.fromkeys(inside, name)
    return found


def _node(name: str, first: GraphNode, weaker: int) -> BoardNode:
    """Return a node of the board, where its first member stands."""
    kind = Node("mlp", first.layer) if first.layer is not None else Node("logits")
    kind = Node("embed") if first.kind == "embedding" else kind
    return BoardNode(kind, first.position, weaker=weaker, called=name)
