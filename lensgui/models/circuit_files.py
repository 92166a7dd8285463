"""Circuits as the EAP-IG package writes them (Hanna et al. 2024): read and written as JSON.

    {"cfg": {"n_layers": 12, "n_heads": 12, "parallel_attn_mlp": false, "d_model": 768},
     "nodes": {"input": {"in_graph": true}, "a0.h0": …, "m0": …, "logits": …},
     "edges": {"input->a0.h0<q>": {"score": 0.1, "in_graph": true}, "a0.h0->m0": …, …}}

There every query head has keys and values of its own. Where heads share theirs, an edge to a
key/value head is written as an equal share for each head of the group, and read as their sum.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lensgui.models.store import write_whole
from lensgui.terms.circuits.graph import Graph, Mask
from lensgui.terms.circuits.nodes import Architecture, Edge, Node, Shape, read_at, written_at

MOST_BYTES = 300_000_000
MOST_LAYERS, MOST_HEADS = 512, 512
MOST_PAIRS = 40_000_000  # of a sender and a receiver
_NUMBER = "(0|[1-9][0-9]{0,5})"
_NAME = re.compile(rf"a{_NUMBER}\.h{_NUMBER}(?:<([qkv])>)?|m{_NUMBER}|(input|logits)")
_PICKLES = (".pt", ".pth", ".pkl", ".bin")
_SHOWN = 60  # letters of a name that is quoted


@dataclass(frozen=True, slots=True, eq=False)
class CircuitFile:
    """A circuit that was read from a file.

    Attributes:
        graph: The circuit, with its scores.
        d_model: The width of the model that it is of.
        warnings: What is surprising about it, a sentence each.
    """

    graph: Graph
    d_model: int
    warnings: tuple[str, ...] = ()

    @property
    def from_input(self) -> float:
        """The sum of the scores of the edges that leave the embedding.

        A file holds no metric: where scores are (clean − corrupted) times the gradient of a metric
        that the clean run raises this is positive, and where they are of a loss, negative.
        """
        scores = self.graph.scores
        return 0.0 if scores is None else float(np.nansum(scores[0]))

    def turned(self) -> Graph:
        """Return the circuit with the scores' signs the other way round."""
        graph = self.graph
        return Graph(graph.shape, graph.kept, None if graph.scores is None else -graph.scores)


def read_circuit(path: str | Path, cfg: Architecture | None = None) -> CircuitFile:
    """Return the circuit of a file of the EAP-IG package.

    Args:
        path: The file.
        cfg: The architecture of the model that it is to be of, which says what heads share; None
            to take every head's keys and values as its own.

    Raises:
        ValueError: If it can't be read or is of another architecture; the sentence says what is
            wrong and where.
    """
    return circuit_of(read_json(path), Path(path).name, cfg)


def circuit_of(found: Any, name: str, cfg: Architecture | None = None) -> CircuitFile:
    """Return the circuit that JSON holds, which a file with a name did; else as `read_circuit`."""
    return _Reader(name, cfg).read(found)


def read_json(path: str | Path) -> Any:
    """Return what a file of JSON holds.

    Raises:
        ValueError: If it can't be read; the sentence says why.
    """
    where = Path(path)
    name = where.name
    if where.suffix.lower() in _PICKLES:
        raise ValueError(
            f"{name} is a pickle, which can run anything and is not read: have the graph written "
            "as JSON."
        )
    try:
        size = where.stat().st_size
        if size > MOST_BYTES:
            raise ValueError(
                f"{name} has {size / 1e6:.0f} MB; circuits of up to {MOST_BYTES / 1e6:.0f} MB are "
                "read: leave out edges that are not in the graph."
            )
        raw = where.read_bytes()
    except OSError as error:
        raise ValueError(f"{name} can't be read: {error.strerror}.") from error
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{name} is not JSON: open a circuit that EAP-IG wrote, or an attribution graph."
        ) from error


def write_circuit(graph: Graph, path: str | Path, d_model: int = 0) -> None:
    """Write a circuit as the EAP-IG package reads it, whole or not at all.

    Args:
        graph: The circuit; scores that are not known are written as 0.
        path: The file.
        d_model: The model's width, which the package wants to know.
    """
    write_whole(Path(path), json.dumps(to_json(graph, d_model), ensure_ascii=True).encode())


def to_json(graph: Graph, d_model: int = 0) -> dict[str, Any]:
    """Return a circuit as the EAP-IG package has it in JSON."""
    shape, chosen = graph.shape, set(graph.nodes)
    nodes = {_named(node): {"in_graph": node in chosen} for node in graph.senders}
    nodes["logits"] = {"in_graph": bool(graph.kept[:, -1].any())}
    edges: dict[str, dict[str, Any]] = {}
    for row, column in np.argwhere(graph.exists).tolist():
        edge = graph.senders[row], graph.receivers[column]
        score = 0.0 if graph.scores is None else float(graph.scores[row, column])
        names = list(_edge_names(edge, shape))
        value = {
            "score": score / len(names) if math.isfinite(score) else 0.0,
            "in_graph": bool(graph.kept[row, column]),
        }
        edges |= dict.fromkeys(names, value)
    sizes = {"n_layers": shape.n_layers, "n_heads": shape.n_heads}
    others = {"parallel_attn_mlp": shape.parallel_attn_mlp, "d_model": d_model}
    return {"cfg": sizes | others, "nodes": nodes, "edges": edges}


def _named(node: Node) -> str:
    """Return what the package calls a sender, the logits, or an MLP."""
    if node.kind == "mlp":
        return f"m{node.layer}"
    if node.layer is None:
        return "input" if node.kind == "embed" else "logits"
    return f"a{node.layer}.h{node.head}"


def _edge_names(edge: Edge, shape: Shape) -> Iterator[str]:
    """Yield what the package calls an edge: once for each head that shares its receiver."""
    sender, receiver = edge
    if receiver.kind not in ("q", "k", "v") or receiver.head is None:
        yield f"{_named(sender)}->{_named(receiver)}"
        return
    shared = 1 if receiver.kind == "q" else shape.heads_per_group
    for head in range(receiver.head * shared, (receiver.head + 1) * shared):
        yield f"{_named(sender)}->a{receiver.layer}.h{head}<{receiver.kind}>"


class _Reader:
    """Reads a file, and says what is wrong with it."""

    def __init__(self, name: str, cfg: Architecture | None) -> None:
        self._name, self._cfg = name, cfg

    def read(self, found: Any) -> CircuitFile:
        """Return the circuit of what JSON holds."""
        if not isinstance(found, dict) or not {"cfg", "nodes", "edges"} <= found.keys():
            raise ValueError(
                f"{self._name} is no circuit of EAP-IG: it needs “cfg”, “nodes” and “edges”."
            )
        shape = self._shape(self._mapping(found["cfg"], "cfg"))
        nodes = self._mapping(found["nodes"], "nodes")
        edges = self._mapping(found["edges"], "edges")
        named = [(self._node(name), self._is_in(value)) for name, value in nodes.items()]
        left_out = {node for node, is_in in named if not is_in}
        has_mlps = any(name.startswith("m") or "->m" in name for name in (*nodes, *edges))
        if self._cfg is None and not has_mlps:
            shape = Shape(
                shape.n_layers, shape.n_heads, shape.kv_heads, True, shape.parallel_attn_mlp
            )
        whole = Graph.whole(shape)
        scores = np.where(whole.exists, 0.0, np.nan)
        votes = np.zeros(whole.exists.shape, dtype=np.int64)
        seen = np.zeros_like(votes)
        for name, value in edges.items():
            sender, receiver = self._edge(name, whole)
            where = whole.rows[sender], whole.columns[receiver]
            scores[where] += self._score(name, value)
            votes[where] += self._is_in(value)
            seen[where] += 1
        if not np.isfinite(scores[whole.exists]).all():
            raise ValueError(f"{self._name}: scores of heads that share keys add up to no number.")
        kept = (votes > 0) & ~self._out(whole, left_out)
        warnings: tuple[str, ...] = ()
        if differing := int(((votes > 0) & (votes < seen)).sum()):
            warnings = (
                f"{differing} edges to keys or values that heads share are in the circuit of some "
                "of these heads only: they are taken as in it.",
            )
        width = found["cfg"].get("d_model", 0)
        graph = Graph(whole.shape, kept, scores)
        return CircuitFile(graph, width if isinstance(width, int) else 0, warnings)

    def _out(self, whole: Graph, left_out: set[Node | None]) -> Mask:
        """Return the edges that leave or enter nodes that are not in the graph."""
        lacking = {node for node in left_out if node is not None} - whole.rows.keys()
        if lacking:
            raise ValueError(f"{self._name}: the model has no {min(map(str, lacking))}.")
        rows = np.array([node in left_out for node in whole.senders])
        columns = np.asarray(rows[whole.owners].all(axis=1))
        columns[-1] = None in left_out
        return np.asarray(rows[:, None] | columns)

    def _mapping(self, value: Any, what: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise ValueError(f"{self._name}: “{what}” must be an object with names.")
        return value

    def _shape(self, cfg: Mapping[str, Any]) -> Shape:
        """Return the architecture that a file says, which is that of the model if there is one."""
        sizes = []
        for key, most in (("n_layers", MOST_LAYERS), ("n_heads", MOST_HEADS)):
            size = cfg.get(key)
            if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= most:
                raise ValueError(
                    f"{self._name}: “{key}” must be a whole number from 1 to {most}, not {size!r}."
                )
            sizes.append(size)
        layers, heads = sizes
        parallel = cfg.get("parallel_attn_mlp", False) is True
        if layers * layers * (heads + 1) * (3 * heads + 1) > MOST_PAIRS:
            raise ValueError(f"{self._name} is of a model too large to be read as a circuit.")
        own = self._cfg
        if own is None:
            return Shape(layers, heads, heads, False, parallel, "The file's model")
        if (layers, heads, parallel) != (own.n_layers, own.n_heads, own.parallel_attn_mlp):
            raise ValueError(
                f"{self._name} is of a model with {layers} layers of {heads} heads"
                f"{', its MLPs beside the heads' * parallel}; {own.model_name} has {own.n_layers} "
                f"of {own.n_heads}: open the model that it was made with."
            )
        return Shape.of(own)

    def _node(self, name: str) -> Node | None:
        """Return the sender with a name; None for the logits."""
        match = _NAME.fullmatch(name)
        if match is None or match[3]:
            raise ValueError(f"{self._name}: {quoted(name)} names no node.")
        if match[5]:
            return Node("embed") if name == "input" else None
        if match[4]:
            return Node("mlp", int(match[4]))
        return Node("head", int(match[1]), int(match[2]))

    def _edge(self, name: str, whole: Graph) -> Edge:
        """Return the edge with a name, which the model must have."""
        sender_name, arrow, receiver_name = name.partition("->")
        match = _NAME.fullmatch(receiver_name)
        if not arrow or match is None:
            raise ValueError(f"{self._name}: {quoted(name)} names no edge.")
        sender = self._node(sender_name)
        group = whole.shape.heads_per_group
        if match[3]:
            head = int(match[2]) // (1 if match[3] == "q" else group)
            receiver = Node(match[3], int(match[1]), head)  # type: ignore[arg-type]
        elif match[4]:
            receiver = Node("mlp", int(match[4]))
        else:
            receiver = Node("logits")
        is_there = sender in whole.rows and receiver in whole.columns
        if not is_there or match[5] == "input" or (match[1] and not match[3]):
            raise ValueError(f"{self._name}: {quoted(name)} names a node that the model lacks.")
        assert sender is not None
        if written_at(sender) >= read_at(receiver, whole.shape):
            raise ValueError(
                f"{self._name}: {quoted(name)} goes backwards: a node is read by later ones only."
            )
        return sender, receiver

    def _is_in(self, value: Any) -> bool:
        if not isinstance(value, dict) or not isinstance(value.get("in_graph", False), bool):
            raise ValueError(f"{self._name}: each node and edge needs “in_graph”, true or false.")
        return bool(value.get("in_graph", False))

    def _score(self, name: str, value: Any) -> float:
        score = value.get("score", 0.0) if isinstance(value, dict) else None
        if isinstance(score, (int, float)) and not isinstance(score, bool):
            try:
                number = float(score)
            except OverflowError:
                number = math.inf
            if math.isfinite(number):
                return number
        raise ValueError(f"{self._name}: the score of {quoted(name)} is no finite number.")


def quoted(name: str) -> str:
    """Return a name in quotation marks, a long one cut off."""
    shown = name if len(name) <= _SHOWN else name[: _SHOWN - 1] + "…"
    return f"“{shown}”"
