"""An attribution graph of a file as a board: read only, of whatever model it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lensgui.models.attribution_graphs import AttributionGraph, GraphNode
from lensgui.panes.circuit.board import Board
from lensgui.panes.circuit.board_contents import BoardEdge, BoardNode, Contents
from lensgui.panes.token_text import visible
from lensgui.state.views import BoardView
from lensgui.terms.circuits.nodes import Node

MOST_NODES = 60  # that are drawn where none are pinned, the most influential
LONGEST = 22  # letters of a node's name
NO_LINKS = "There are no links among the nodes of this graph that are drawn."


def contents(graph: AttributionGraph, most: int) -> Contents:
    """Return its pinned nodes, or the most influential ones, and the strongest links among them.

    Args:
        graph: The graph.
        most: How many links are drawn at most.
    """
    shown = _shown(graph)
    names = _names(graph, shown)
    into = _owners(graph, names)
    there = np.zeros(len(graph.nodes), dtype=bool)
    there[list(names)] = True
    inside = np.flatnonzero(there[graph.links].all(axis=1))
    strongest = inside[np.argsort(-np.abs(graph.weights[inside]), kind="stable")]
    sums: dict[tuple[str, str], float] = {}
    counts: dict[tuple[str, str], int] = {}
    for at in strongest.tolist():
        sent, read = (into[end] for end in graph.links[at].tolist())
        if sent != read:
            sums[sent, read] = sums.get((sent, read), 0.0) + float(graph.weights[at])
            counts[sent, read] = counts.get((sent, read), 0) + 1
    listed = sorted(sums, key=lambda pair: -abs(sums[pair]))
    drawn, rest = listed[:most], listed[most:]
    weaker = {name: sum(name in pair for pair in rest) for name in set(into.values())}
    edges = [
        BoardEdge(pair, pair[1], "", sums[pair], count=counts[pair] if counts[pair] > 1 else 0)
        for pair in reversed(drawn)
    ]
    nodes = [
        _node(name, [graph.nodes[at] for at in shown if into[at] == name], weaker[name])
        for name in dict.fromkeys(into[at] for at in shown)
    ]
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
    which = "pinned nodes" if graph.pinned else "nodes of the greatest influence"
    return (
        f"attribution graph {graph.file}{of}, as the file has it: {len(found.edges)} of "
        f"{len(graph.links):,} links among its {len(_shown(graph))} {which} of "
        f"{len(graph.nodes):,}; read only, nothing of it is computed here"
    )


def _shown(graph: AttributionGraph) -> list[int]:
    """Return the nodes that are drawn, by their numbers, in the order of layers."""
    chosen = list(graph.pinned)
    if not chosen:
        influence = np.array([node.influence for node in graph.nodes])
        worth = np.where(np.isfinite(influence), np.abs(influence), _reach(graph))
        is_end = np.array([node.kind == "logit" for node in graph.nodes])
        chosen = np.argsort(-(worth + 1e9 * is_end), kind="stable")[:MOST_NODES].tolist()
    return sorted(chosen, key=lambda at: (_row(graph.nodes[at]), graph.nodes[at].position, at))


def _reach(graph: AttributionGraph) -> NDArray[np.float64]:
    """Return how much leaves each node, where the file names no influence, [node]."""
    found = np.zeros(len(graph.nodes))
    np.add.at(found, graph.links[:, 0], np.abs(graph.weights))
    return found / max(float(found.max(initial=0.0)), 1e-300)


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


def _node(name: str, members: list[GraphNode], weaker: int) -> BoardNode:
    """Return a node of the board, where its first member stands."""
    first = members[0]
    kind = Node("mlp", first.layer) if first.layer is not None else Node("logits")
    kind = Node("embed") if first.kind == "embedding" else kind
    return BoardNode(kind, first.position, weaker=weaker, called=name)
