"""Which nodes and edges of the model's graph are on the board, and what is said of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from lensgui.jobs.answers.circuits import EdgeChecks, EdgeTable
from lensgui.jobs.questions.circuit_requests import STEPS
from lensgui.panes.figures.figure import Data, numbered
from lensgui.panes.token_text import signed
from lensgui.state.selection import Cursor
from lensgui.state.views import BoardView
from lensgui.terms.circuits.graph import Graph, Mask
from lensgui.terms.circuits.kept import EdgeName, KeptCircuit
from lensgui.terms.circuits.nodes import Node, Shape, node_of
from lensgui.terms.kinds import Head
from lensgui.terms.metrics import METRICS

EMBED, LOGITS = Node("embed"), Node("logits")
MOST_EDGES = 200  # that are drawn; more are counted


@dataclass(frozen=True, slots=True)
class BoardNode:
    """A node on the board.

    Attributes:
        node: "embed", a head, an MLP, or "logits".
        position: Where most of what it sends is; None where that is not known.
        share: How much of it is there, 0 to 1.
        weaker: How many edges that leave or enter it are not drawn.
        is_pinned: Whether the user keeps an eye on it.
        called: The name of the group that it stands for; "" for a single node.
        members: Those that it stands for; () for itself.
    """

    node: Node
    position: int | None = None
    share: float = 0.0
    weaker: int = 0
    is_pinned: bool = False
    called: str = ""
    members: tuple[Node, ...] = ()

    @property
    def name(self) -> str:
        """Its label."""
        return self.called or str(self.node)

    @property
    def heads(self) -> tuple[Head, ...]:
        """The head that it is, or the heads of a group."""
        places = (node.place for node in self.members or (self.node,))
        return tuple(place for place in places if place is not None)


@dataclass(frozen=True, slots=True)
class BoardEdge:
    """An edge on the board.

    Attributes:
        name: What sends and what receives, by their labels.
        into: The node that it is drawn to: of heads that share keys and values one of them.
        port: The receiver's kind.
        score: By attribution, in the metric's unit; positive helps.
        change: The metric without it − with it, exactly; None while that is not known.
        ends: Where the mean of that lies in 95 % of resamples of the pairs; None for one pair.
        count: How many edges it stands for, where it is of a group.
    """

    name: EdgeName
    into: str
    port: str
    score: float
    change: float | None = None
    ends: tuple[float, float] | None = None
    count: int = 0

    @property
    def helps(self) -> float:
        """What the edge adds to the metric: exactly where that is known, else by attribution."""
        return self.score if self.change is None else -self.change


@dataclass(frozen=True, slots=True)
class Contents:
    """What is on the board.

    Attributes:
        nodes: In the order of the model.
        edges: The weakest first.
        unit: The metric's, with a space before it; "" for none.
        labels: What positions are called; () of several pairs.
        is_of_pairs: Whether the numbers are means.
        heads: How many heads a layer has.
        within: How many edges the circuit has that exact effects are within; 0 for the whole model.
        is_foreign: Whether it is of a file, and nothing is known but what that says.
    """

    nodes: tuple[BoardNode, ...] = ()
    edges: tuple[BoardEdge, ...] = ()
    unit: str = ""
    labels: tuple[str, ...] = ()
    is_of_pairs: bool = False
    heads: int = 1
    within: int = 0
    is_foreign: bool = False

    def of(self, node: BoardNode) -> str:
        """Return what is said of a node."""
        members = f": {', '.join(map(str, node.members))}" if node.members else ""
        parts = [node.name + members]
        if node.position is not None and self.labels and node.node != LOGITS:
            where = f"position {node.position} “{self.labels[node.position]}”"
            parts.append(
                where if self.is_foreign else f"{node.share:.0%} of what it sends at {where}"
            )
        if node.weaker:
            parts.append(f"and {node.weaker:,} weaker edges")
        return ", ".join(parts)

    def about(self, edge: BoardEdge) -> str:
        """Return what is said of an edge."""
        said = f"{edge.name[0]} → {edge.name[1]}: "
        if self.is_foreign:
            several = f", {edge.count} links summed" * bool(edge.count)
            return f"{said}{signed(edge.score)} as the file has it{several}"
        estimate = f"{signed(edge.score)}{self.unit} by attribution (an estimate)"
        if edge.count:
            edges = f"{edge.count} edge{'s' * (edge.count > 1)} of a group, summed"
            return f"{said}{estimate}; {edges}"
        if edge.change is None:
            return said + estimate
        ends = ""
        if edge.ends is not None and np.isfinite(edge.ends[0]):
            ends = f" (95 %: {signed(edge.ends[0])} to {signed(edge.ends[1])})"
        whole = f"the circuit of {self.within:,} edges" if self.within else "the whole model"
        exact = f"{signed(edge.change)}{self.unit}{ends} without it in {whole}, exactly"
        return f"{said}{exact}; {estimate}"


def pinned_nodes(pins: Iterable[Cursor], shape: Shape) -> tuple[Node, ...]:
    """Return the heads that are pinned, in any of their places, each once."""
    heads = dict.fromkeys((pin.layer, pin.head) for pin in pins)
    return tuple(
        Node("head", layer, head)
        for layer, head in heads
        if layer is not None and head is not None
        if layer < shape.n_layers and head < shape.n_heads
    )


def selected_nodes(cursor: Cursor, shape: Shape) -> tuple[Node, ...]:
    """Return the nodes that are selected: heads, else the MLP of the layer."""
    heads = pinned_nodes((Cursor(*head) for head in cursor.selected), shape)
    is_layer = cursor.layer is not None and cursor.layer < shape.n_layers and not shape.attn_only
    return heads or ((Node("mlp", cursor.layer),) if is_layer else ())


def chosen_edges(
    table: EdgeTable,
    view: BoardView,
    pins: Iterable[Cursor],
    cursor: Cursor,
    circuit: KeptCircuit | None = None,
) -> tuple[EdgeName, ...]:
    """Return the edges that are drawn, the strongest first.

    Raises:
        ValueError: If they are those of a circuit of another model.
    """
    graph = table.graph
    mask = _within(table, view, circuit)
    if view.nodes == "pinned":
        heads = pinned_nodes(pins, graph.shape)
        mask = Graph.among(graph.shape, heads).kept if heads else np.zeros_like(mask)
    elif view.nodes == "selected":
        rows = np.isin(np.arange(len(graph.senders)), _rows(table, cursor))
        columns = np.asarray(rows[graph.owners].any(axis=1))
        mask = graph.exists & (rows[:, None] | columns)
    listed = graph.ranked(view.by)
    inside = listed[mask.ravel()[listed]][: min(view.most, MOST_EDGES)]
    rows, columns = np.divmod(inside, len(graph.receivers))
    return tuple(
        (str(graph.senders[row]), str(graph.receivers[column]))
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
    )


@lru_cache(maxsize=4)
def contents(
    table: EdgeTable,
    view: BoardView,
    pins: tuple[Cursor, ...],
    cursor: Cursor,
    checks: tuple[EdgeChecks, ...] = (),
    circuit: KeptCircuit | None = None,
) -> Contents:
    """Return what is on the board.

    Args:
        table: What every edge is worth.
        view: How the board is set.
        pins: What is pinned.
        cursor: What is selected.
        checks: Exact effects that are known.
        circuit: The circuit that is kept; None for none.

    Raises:
        ValueError: If it is shown, and is another model's.
    """
    graph = table.graph
    edges = chosen_edges(table, view, pins, cursor, circuit)
    if not edges:
        return Contents()
    exact = _exact(checks)
    places = [(graph.rows[node_of(one)], graph.columns[node_of(two)]) for one, two in edges]
    drawn = np.zeros_like(graph.exists)
    drawn[tuple(np.array(places, dtype=np.intp).reshape(-1, 2).T)] = True
    pinned = set(pinned_nodes(pins, graph.shape))
    sending = {graph.senders[row] for row in np.flatnonzero(drawn.any(1)).tolist()}
    owners = _owners(graph, drawn, sending | pinned)
    on_board = {EMBED, *sending, *pinned, *owners.values()} - {LOGITS}
    rest = _within(table, view, circuit) & ~drawn & (np.nan_to_num(table.scores) != 0)
    of_nodes = [node for node in graph.senders if node in on_board]
    nodes = [
        replace(_placed(table, node), weaker=_weaker(graph, rest, node), is_pinned=node in pinned)
        for node in of_nodes
    ]
    last = len(table.labels) - 1 if table.labels else None
    made = [
        BoardEdge(
            name,
            str(owners.get(name[1], LOGITS)),
            _kind(name[1]),
            float(table.scores[place]),
            *exact.get(name, (None, None)),
        )
        for name, place in zip(edges, places, strict=True)
    ]
    made.sort(key=lambda edge: abs(edge.helps))
    return Contents(
        (*nodes, BoardNode(LOGITS, last)),
        tuple(made),
        f" {METRICS[table.metric_name].unit}".rstrip(),
        table.labels,
        table.total > 1,
        table.shape.n_heads,
        max((one.within for one in checks), default=0),
    )


def _within(table: EdgeTable, view: BoardView, circuit: KeptCircuit | None) -> Mask:
    """Return the edges among which those are that are drawn."""
    if view.nodes != "circuit":
        return table.graph.exists
    return circuit.graph(table.shape).kept if circuit else np.zeros_like(table.graph.exists)


def said(table: EdgeTable, found: Contents, circuit: KeptCircuit | None = None) -> str:
    """Return what every number of the board must be shown with.

    Args:
        table: What every edge is worth.
        found: What is on the board.
        circuit: The circuit that it shows; None for none.
    """
    total, exact = len(found.edges), sum(edge.change is not None for edge in found.edges)
    estimates = f"estimates (EAP-IG, {STEPS} steps) dotted"
    how = "all exact" if exact == total else f"{exact} exact, " * bool(exact) + estimates
    of = f"{table.graph.total:,} edges"
    if circuit is not None:
        of = f"the circuit’s {len(circuit.edges):,} edges ({circuit.said})"
    count = f"{total} of {of}, {how}"
    pairs = f"mean of {table.done} pairs{' so far' * (table.done < table.total)}"
    unit = f" {METRICS[table.metric_name].unit}".rstrip()
    ends = (
        f"{table.metric_name} {signed(table.whole)}{unit}, with all edges cut {signed(table.empty)}"
    )
    swap = "a swap, in which what is cut counts twice" if table.is_swap else ""
    parts = (count, pairs * (table.total > 1), ends, table.reference, swap)
    return "; ".join(filter(None, parts))


def _rows(table: EdgeTable, cursor: Cursor) -> list[int]:
    graph = table.graph
    return [graph.rows[node] for node in selected_nodes(cursor, graph.shape)]


def _exact(
    checks: Iterable[EdgeChecks],
) -> dict[EdgeName, tuple[float, tuple[float, float]]]:
    found = {}
    for one in checks:
        rows = zip(one.edges, one.changes.tolist(), one.ends.T.tolist(), strict=True)
        for edge, change, (low, high) in rows:
            if np.isfinite(change):
                found[edge] = (change, (low, high))
    return found


def _owners(graph: Graph, drawn: Mask, there: set[Node]) -> dict[str, Node]:
    """Return the node that each receiver of a drawn edge is drawn at, by the receiver's label.

    Of heads that share keys and values the one that is there already, or sends most.
    """
    found = {}
    sent = np.abs(np.nan_to_num(graph.scores)).sum(1) if graph.scores is not None else None
    for column in np.flatnonzero(drawn.any(0)).tolist():
        receiver = graph.receivers[column]
        if receiver.kind == "logits":
            continue
        rows = list(dict.fromkeys(graph.owners[column].tolist()))
        known = [row for row in rows if graph.senders[row] in there] or rows
        best = max(known, key=lambda row: sent[row] if sent is not None else 0.0)
        found[str(receiver)] = graph.senders[best]
    return found


def _placed(table: EdgeTable, node: Node) -> BoardNode:
    """Return a node with the position that carries most of what it sends."""
    if not table.labels:
        return BoardNode(node)
    row = np.abs(table.places[table.graph.rows[node]])
    total = float(row.sum())
    position = int(row.argmax())
    return BoardNode(node, position, float(row[position]) / total if total else 0.0)


def _weaker(graph: Graph, rest: Mask, node: Node) -> int:
    """Return how many of some edges leave or enter a node."""
    row = graph.rows[node]
    columns = np.asarray((graph.owners == row).any(axis=1))
    columns[-1] = False
    return int(rest[row].sum() + rest[:, columns].sum())


def _kind(receiver: str) -> str:
    return receiver[-1] if receiver[-2:-1] == "." else receiver.partition(" ")[0].lower()


def paths_of(found: Contents, name: str) -> frozenset[str] | None:
    """Return the nodes on a drawn path through a node, itself among them; None for all."""
    if all(node.name != name for node in found.nodes):
        return None
    after: Mapping[str, list[str]] = _neighbours((edge.name[0], edge.into) for edge in found.edges)
    before = _neighbours((edge.into, edge.name[0]) for edge in found.edges)
    return frozenset(_reached(name, after) | _reached(name, before))


def _neighbours(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one, other in pairs:
        found.setdefault(one, []).append(other)
    return found


def _reached(name: str, ways: Mapping[str, list[str]]) -> set[str]:
    reached, left = {name}, [name]
    while left:
        for other in ways.get(left.pop(), ()):
            if other not in reached:
                reached.add(other)
                left.append(other)
    return reached


def data_of(found: Contents) -> Data:
    """Return the numbers of the edges, the strongest first."""
    edges = list(reversed(found.edges))
    names = [" → ".join(edge.name) for edge in edges]
    changes = [np.nan if edge.change is None else edge.change for edge in edges]
    ends = np.array([edge.ends or (np.nan, np.nan) for edge in edges]).reshape(-1, 2)
    return Data(
        (numbered("edge", names),),
        {
            "attribution": np.array([edge.score for edge in edges], np.float64),
            "without − with": np.array(changes, np.float64),
            "low": ends[:, 0],
            "high": ends[:, 1],
        },
        {
            "sender": [edge.name[0] for edge in edges],
            "receiver": [edge.name[1] for edge in edges],
        },
    )
