"""A graph of a model: its edges, what each is worth, and which of them make up a circuit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lensgui.terms.circuits.nodes import (
    Architecture,
    Edge,
    Node,
    Shape,
    check_edges,
    check_nodes,
    edge_mask,
    receivers,
    senders,
)

Ranking = Literal["size", "sign"]
Mask = NDArray[np.bool_]
Scores = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Graph:
    """The edges of a model: their scores, and which of them are in a circuit.

    Rows are senders and columns receivers, in the order of `senders` and `receivers`. Nobody writes
    to the arrays.

    Attributes:
        shape: The model's architecture.
        kept: Whether an edge is in the circuit, [sender, receiver]; False where there is none.
        scores: What each edge is worth, in the unit of the metric, [sender, receiver]; NaN where
            that is not known; None where nothing is.
        sizes: What edges are ranked by where it is by size, [sender, receiver]: of several prompts
            the mean size of the scores, as what helps on one prompt and hurts on another matters on
            both; None for the sizes of `scores`.
    """

    shape: Shape
    kept: Mask
    scores: Scores | None = None
    sizes: Scores | None = None

    def __post_init__(self) -> None:
        """Refuse arrays of another architecture.

        Raises:
            ValueError: If one is, or an edge is kept that the model does not have.
        """
        size = self.exists.shape
        for array in (self.kept, self.scores, self.sizes):
            if array is not None and array.shape != size:
                raise ValueError(
                    f"{self.shape.model_name} has {size[0]} senders and {size[1]} receivers, "
                    f"and these are numbers of {' × '.join(map(str, array.shape))}."
                )
        if (self.kept & ~self.exists).any():
            row, column = np.argwhere(self.kept & ~self.exists)[0]
            edge = f"{self.senders[row]} to {self.receivers[column]}"
            raise ValueError(f"{self.shape.model_name} has no edge from {edge}.")

    @classmethod
    def whole(cls, cfg: Architecture) -> Graph:
        """Return the graph of a whole model, all of whose edges are kept."""
        shape = Shape.of(cfg)
        return cls(shape, _frame(shape).exists)

    @classmethod
    def of_edges(cls, cfg: Architecture, edges: Iterable[Edge]) -> Graph:
        """Return the circuit of some edges.

        Raises:
            ValueError: If the model lacks one.
        """
        return cls.whole(cfg).only(check_edges(edges, cfg))

    @classmethod
    def among(cls, cfg: Architecture, nodes: Iterable[Node]) -> Graph:
        """Return all edges between some nodes, the embedding and the logits.

        Args:
            cfg: The model's architecture.
            nodes: Heads and MLPs.

        Raises:
            ValueError: If the model lacks one.
        """
        whole = cls.whole(cfg)
        chosen = check_nodes(nodes, cfg, "sender") | {Node("embed")}
        rows = np.array([node in chosen for node in whole.senders])
        columns = np.asarray(rows[whole.owners].any(axis=1))
        columns[-1] = True
        return replace(whole, kept=whole.kept & rows[:, None] & columns)

    def check(self, cfg: Architecture) -> None:
        """Refuse another model than the one that this is of.

        Raises:
            ValueError: If it is.
        """
        own, other = self.shape, Shape.of(cfg)
        if own != other:
            raise ValueError(
                f"This graph is of a model with {own.n_layers} layers of {own.n_heads} heads, "
                f"{own.kv_heads} of them with keys of their own; {other.model_name} has "
                f"{other.n_layers} of {other.n_heads}, {other.kv_heads} with their own: make it "
                "with that model."
            )

    @property
    def senders(self) -> tuple[Node, ...]:
        """What writes, in the order of the rows."""
        return _frame(self.shape).senders

    @property
    def receivers(self) -> tuple[Node, ...]:
        """What reads, in the order of the columns."""
        return _frame(self.shape).receivers

    @property
    def rows(self) -> Mapping[Node, int]:
        """Where each sender's row is."""
        return _frame(self.shape).rows

    @property
    def columns(self) -> Mapping[Node, int]:
        """Where each receiver's column is."""
        return _frame(self.shape).columns

    @property
    def exists(self) -> Mask:
        """Where the model has an edge, [sender, receiver]."""
        return _frame(self.shape).exists

    @property
    def owners(self) -> NDArray[np.intp]:
        """The rows of what reads through each receiver, [receiver, head of a group].

        A key/value head is read through by all heads of its group; a row that only one head or MLP
        has is repeated. The logits are given row 0, which reads nothing.
        """
        return _frame(self.shape).owners

    @property
    def count(self) -> int:
        """How many edges are in the circuit."""
        return int(self.kept.sum())

    @property
    def total(self) -> int:
        """How many edges the model has."""
        return int(self.exists.sum())

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The edges of the circuit, by sender and then by receiver."""
        return tuple(self._edges(self.kept))

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The senders that an edge of the circuit leaves or enters, in order."""
        touched = np.asarray(self.kept.any(axis=1))
        entered = np.asarray(self.kept.any(axis=0))[:-1]
        touched[self.owners[:-1][entered].ravel()] = True
        return tuple(node for node, is_in in zip(self.senders, touched, strict=True) if is_in)

    @property
    def members(self) -> tuple[Node, ...]:
        """The heads and MLPs that send something along an edge of the circuit, in order.

        Heads that only share keys or values with one of them are not among them.
        """
        sends = np.asarray(self.kept.any(axis=1))
        return tuple(
            node
            for node, is_in in zip(self.senders, sends, strict=True)
            if is_in and node.kind != "embed"
        )

    def has(self, edge: Edge) -> bool:
        """Whether an edge is in the circuit."""
        return bool(self.kept[self.at(edge)])

    def at(self, edge: Edge) -> tuple[int, int]:
        """Return the row and column of an edge.

        Raises:
            ValueError: If the model lacks it.
        """
        check_edges([edge], self.shape)
        return self.rows[edge[0]], self.columns[edge[1]]

    def of(self, sender: Node, receiver: Node) -> float:
        """Return the score of an edge, NaN if it is not known.

        Raises:
            ValueError: If the model has no such edge.
        """
        where = self.at((sender, receiver))
        return float("nan") if self.scores is None else float(self.scores[where])

    def only(self, edges: Iterable[Edge]) -> Graph:
        """Return the circuit of some edges, which must exist."""
        kept = np.zeros_like(self.exists)
        for sender, receiver in edges:
            kept[self.rows[sender], self.columns[receiver]] = True
        return replace(self, kept=kept)

    def without(self, edges: Iterable[Edge]) -> Graph:
        """Return the circuit less some of its edges."""
        return replace(self, kept=self.kept & ~self.only(edges).kept)

    def largest(self, count: int, by: Ranking = "size") -> Graph:
        """Return the circuit of the edges with the best scores, all told.

        Args:
            count: How many edges.
            by: "size" for the largest scores whatever their sign; "sign" for those that raise the
                metric most, which leaves out what works against the answer.

        Raises:
            ValueError: If no scores are known.
        """
        kept = np.zeros(self.exists.size, dtype=bool)
        kept[self.ranked(by)[: max(0, count)]] = True
        return replace(self, kept=kept.reshape(self.exists.shape))

    def ranked(self, by: Ranking = "size") -> NDArray[np.intp]:
        """Return all edges with a score, the best first, as places in the flattened arrays.

        Raises:
            ValueError: If no scores are known.
        """
        worth, scores = self.worth, self.scores
        assert scores is not None
        known = self.exists & np.isfinite(scores)
        flat = np.where(known, worth if by == "size" else scores, -np.inf).ravel()
        return np.argsort(-flat, kind="stable")[: int(known.sum())]

    @property
    def worth(self) -> Scores:
        """How large the scores are, [sender, receiver], as edges are ranked by size.

        Raises:
            ValueError: If no scores are known.
        """
        if self.scores is None:
            raise ValueError("The edges of this graph have no scores: work them out first.")
        return np.abs(self.scores) if self.sizes is None else self.sizes

    def listed(self, count: int, by: Ranking = "size") -> list[tuple[Node, Node, float]]:
        """Return the best edges, each with its score, the best first."""
        assert self.scores is not None or not count
        found = []
        for at in self.ranked(by)[:count].tolist():
            row, column = divmod(at, len(self.receivers))
            score = float(self.scores[row, column]) if self.scores is not None else 0.0
            found.append((self.senders[row], self.receivers[column], score))
        return found

    def pruned(self) -> Graph:
        """Return the circuit less the edges that are on no path from the embedding to the logits.

        Those change nothing: what is read by a node that is not heard is not heard, and a node that
        reads nothing but what stands in writes just that.
        """
        kept = self.kept & self._reached()[:, None]
        return replace(self, kept=kept & replace(self, kept=kept)._heard()[1])

    @property
    def is_connected(self) -> bool:
        """Whether any path of the circuit leads from the embedding to the logits."""
        return bool(self.pruned().kept.any())

    def on_path(self) -> tuple[Mask, Mask]:
        """Return which senders a path comes to, and which receivers one goes on from.

        Returns:
            [sender] and [receiver]; an edge from such a sender to such a receiver is on a path.
        """
        return self._reached(), self._heard()[1]

    def _reached(self) -> Mask:
        """Return which senders the embedding reaches, [sender]."""
        reached = np.zeros(len(self.senders), dtype=bool)
        reached[0] = True
        for columns in _frame(self.shape).by_time:
            is_fed = self.kept[:, columns][reached].any(0)
            fed = self.owners[columns][is_fed]
            reached[fed.ravel()] = True
        return reached

    def _heard(self) -> tuple[Mask, Mask]:
        """Return which senders and which receivers the logits hear, [sender] and [receiver]."""
        heard = np.zeros(len(self.senders), dtype=bool)
        read = np.zeros(len(self.receivers), dtype=bool)
        read[-1] = True
        heard |= self.kept[:, -1]
        for columns in reversed(_frame(self.shape).by_time):
            read[columns] = heard[self.owners[columns]].any(1)
            heard |= self.kept[:, columns[read[columns]]].any(1)
        return heard, read

    def _edges(self, mask: Mask) -> Iterator[Edge]:
        for row, column in np.argwhere(mask).tolist():
            yield self.senders[row], self.receivers[column]


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """What all graphs of one shape share; nobody writes to it."""

    senders: tuple[Node, ...]
    receivers: tuple[Node, ...]
    rows: Mapping[Node, int]
    columns: Mapping[Node, int]
    exists: Mask
    owners: NDArray[np.intp]
    by_time: tuple[NDArray[np.intp], ...]  # columns that read at one time, the logits left out


@lru_cache(maxsize=8)
def _frame(shape: Shape) -> _Frame:
    """Return what all graphs of a shape share."""
    sent, read = senders(shape), receivers(shape)
    rows = {node: row for row, node in enumerate(sent)}
    columns = {node: column for column, node in enumerate(read)}
    exists, owners = edge_mask(shape), _owners(shape, rows, read)
    for array in (exists, owners):
        array.flags.writeable = False
    times: dict[int, list[int]] = {}
    for column, node in enumerate(read[:-1]):
        assert node.layer is not None
        # the MLP of a parallel block comes after the heads beside it, which it does not hear
        times.setdefault(2 * node.layer + (node.kind == "mlp"), []).append(column)
    by_time = tuple(np.array(times[time], dtype=np.intp) for time in sorted(times))
    return _Frame(sent, read, rows, columns, exists, owners, by_time)


def _owners(shape: Shape, rows: Mapping[Node, int], read: tuple[Node, ...]) -> NDArray[np.intp]:
    """Return the rows of what reads through each receiver, [receiver, head of a group]."""
    group = shape.heads_per_group
    found = np.zeros((len(read), group), dtype=np.intp)
    for column, node in enumerate(read[:-1]):
        shared = group if node.kind in ("k", "v") else 1
        first = node if node.kind == "mlp" else Node("head", node.layer, _head(node) * shared)
        found[column] = rows[first] + np.minimum(np.arange(group), shared - 1)
    return found


def _head(node: Node) -> int:
    assert node.head is not None
    return node.head
