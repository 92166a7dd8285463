"""The graph of a model: its parts as nodes, and an edge wherever one's output reaches another.

Every node reads the residual stream, which is the sum of what the nodes before it wrote (Elhage et
al. 2021); so each pair of a sender and a later receiver is an edge of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from lensgui.terms.kinds import Head, HeadInput

Reference = Literal["corrupted", "names", "mean", "zero"]
"""What stands in for what is cut: the corrupted prompt, the clean one with other names, the mean
over prompts, or nothing."""
NodeKind = Literal["embed", "head", "q", "k", "v", "mlp", "logits"]


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a model.

    Attributes:
        kind: What sends: "embed" (tokens and positions), "head" (a head's output), "mlp"; what
            receives: a head's "q", "k" or "v" input, "mlp" (its input), "logits".
        layer: Its layer; None for "embed" and "logits".
        head: Its head; for "k" and "v" its key/value head; None for what is not of a head.

    Raises:
        ValueError: If a layer or head is missing, or there is one too many.
    """

    kind: NodeKind
    layer: int | None = None
    head: int | None = None

    def __post_init__(self) -> None:
        """Refuse what does not exist in any model."""
        has_layer, has_head = self.layer is not None, self.head is not None
        wants_layer = self.kind not in ("embed", "logits")
        wants_head = self.kind in ("head", "q", "k", "v")
        if (has_layer, has_head) != (wants_layer, wants_head):
            needed = " and ".join(["a layer"] * wants_layer + ["a head"] * wants_head)
            raise ValueError(f"A node {self.kind!r} has {needed or 'no layer and no head'}.")

    @property
    def place(self) -> Head | None:
        """Layer and head of a head; None of anything else."""
        if self.kind != "head" or self.layer is None or self.head is None:
            return None
        return self.layer, self.head

    def __str__(self) -> str:
        """Its label, such as "L3H1", "L3H1.q", "MLP 3", "embed" or "logits"."""
        if self.kind == "mlp":
            return f"MLP {self.layer}"
        if self.layer is None:
            return self.kind
        name = f"L{self.layer}H{self.head}"
        return name if self.kind == "head" else f"{name}.{self.kind}"


Edge = tuple[Node, Node]
_NAMED = re.compile(r"L(\d+)H(\d+)(?:\.([qkv]))?|MLP (\d+)|(embed|logits)")


class Architecture(Protocol):
    """What the graph of a model depends on; a model's config has it."""

    @property
    def model_name(self) -> str:
        """What the model is called, in sentences."""
        ...

    @property
    def n_layers(self) -> int:
        """How many layers there are."""
        ...

    @property
    def n_heads(self) -> int:
        """How many heads a layer has."""
        ...

    @property
    def kv_heads(self) -> int:
        """How many key/value heads a layer has."""
        ...

    @property
    def heads_per_group(self) -> int:
        """How many heads share a key/value head."""
        ...

    @property
    def attn_only(self) -> bool:
        """Whether there are no MLPs."""
        ...

    @property
    def parallel_attn_mlp(self) -> bool:
        """Whether an MLP reads what the heads beside it read."""
        ...


@dataclass(frozen=True, slots=True)
class Shape:
    """The architecture of a model that need not be open.

    Attributes:
        n_layers: How many layers there are.
        n_heads: How many heads a layer has.
        kv_heads: How many key/value heads a layer has.
        attn_only: Whether there are no MLPs.
        parallel_attn_mlp: Whether an MLP reads what the heads beside it read.
        model_name: What the model is called, in sentences; two models of one shape are equal.
    """

    n_layers: int
    n_heads: int
    kv_heads: int
    attn_only: bool = False
    parallel_attn_mlp: bool = False
    model_name: str = field(default="The model", compare=False)

    @property
    def heads_per_group(self) -> int:
        """How many heads share a key/value head."""
        return self.n_heads // self.kv_heads

    @classmethod
    def of(cls, cfg: Architecture) -> Shape:
        """Return what the graph depends on, and nothing else."""
        sizes = cfg.n_layers, cfg.n_heads, cfg.kv_heads
        return cls(*sizes, cfg.attn_only, cfg.parallel_attn_mlp, cfg.model_name)


def node_of(name: str) -> Node:
    """Return the node with a label, as `str` gives it: "L3H1.q", "MLP 3", "embed".

    Raises:
        ValueError: If no node has that label.
    """
    found = _NAMED.fullmatch(name)
    if found is None:
        raise ValueError(f"{name!r} names no node: write L3H1, L3H1.q, MLP 3, embed or logits.")
    layer, head, input_, mlp, other = found.groups()
    if other:
        return Node(other)  # type: ignore[arg-type]
    if mlp:
        return Node("mlp", int(mlp))
    return Node(input_ or "head", int(layer), int(head))  # type: ignore[arg-type]


def senders(cfg: Architecture) -> tuple[Node, ...]:
    """Return what writes into the residual stream: embed, then each layer's heads and MLP."""
    nodes = [Node("embed")]
    for layer in range(cfg.n_layers):
        nodes += [Node("head", layer, head) for head in range(cfg.n_heads)]
        nodes += [Node("mlp", layer)] * (not cfg.attn_only)
    return tuple(nodes)


def receivers(cfg: Architecture) -> tuple[Node, ...]:
    """Return what reads it, in order: each layer's queries, keys, values and MLP; then logits."""
    nodes: list[Node] = []
    for layer in range(cfg.n_layers):
        nodes += [Node("q", layer, head) for head in range(cfg.n_heads)]
        nodes += [Node("k", layer, head) for head in range(cfg.kv_heads)]
        nodes += [Node("v", layer, head) for head in range(cfg.kv_heads)]
        nodes += [Node("mlp", layer)] * (not cfg.attn_only)
    return (*nodes, Node("logits"))


def inputs_of(
    cfg: Architecture, heads: Iterable[tuple[int, int]], input_: HeadInput
) -> tuple[Node, ...]:
    """Return what reads for some heads, in order: one input of each.

    Heads that share a key/value head share its keys and values, which are named once.

    Args:
        cfg: The model's.
        heads: Layer and head of each.
        input_: "q", "k" or "v"; "pattern" for queries and keys at once.

    Raises:
        ValueError: If there are no heads, or one is not in the model.
    """
    kinds: tuple[NodeKind, ...] = ("q", "k") if input_ == "pattern" else (input_,)
    shared = {"q": 1, "k": cfg.heads_per_group, "v": cfg.heads_per_group}
    places = sorted(set(heads))
    if not places:
        raise ValueError("Name at least one head that is to receive.")
    for layer, head in places:
        if not (0 <= layer < cfg.n_layers and 0 <= head < cfg.n_heads):
            raise ValueError(f"{cfg.model_name} has no head L{layer}H{head}.")
    nodes = [Node(kind, layer, head // shared[kind]) for layer, head in places for kind in kinds]
    return tuple(dict.fromkeys(nodes))


def written_at(node: Node) -> int:
    """Return when a sender writes: embed first, then two steps for each layer."""
    if node.layer is None:
        return -1
    return 2 * node.layer + (node.kind == "mlp")


def read_at(node: Node, cfg: Architecture) -> int:
    """Return when a receiver reads: it gets what was written before.

    The MLP of a parallel block reads what the heads beside it read.
    """
    if node.layer is None:
        return 2 * cfg.n_layers
    return 2 * node.layer + (node.kind == "mlp" and not cfg.parallel_attn_mlp)


def edge_mask(cfg: Architecture) -> NDArray[np.bool_]:
    """Return which senders reach which receivers, [sender, receiver]."""
    written = np.array([written_at(node) for node in senders(cfg)])
    read = np.array([read_at(node, cfg) for node in receivers(cfg)])
    return np.asarray(written[:, None] < read)


def check_nodes(
    nodes: Iterable[Node], cfg: Architecture, role: Literal["sender", "receiver"]
) -> frozenset[Node]:
    """Return nodes as a set.

    Raises:
        ValueError: If one is not in the model, or not in that role.
    """
    known = frozenset(senders(cfg) if role == "sender" else receivers(cfg))
    needed = frozenset(nodes)
    for node in needed - known:
        raise ValueError(f"{cfg.model_name} has no {role} {node}.")
    return needed


def check_edges(edges: Iterable[Edge], cfg: Architecture) -> frozenset[Edge]:
    """Return edges as a set.

    Raises:
        ValueError: If one is not in the model.
    """
    needed = frozenset(edges)
    check_nodes((sender for sender, _ in needed), cfg, "sender")
    check_nodes((receiver for _, receiver in needed), cfg, "receiver")
    for sender, receiver in needed:
        if written_at(sender) >= read_at(receiver, cfg):
            raise ValueError(f"{cfg.model_name} has no edge from {sender} to {receiver}.")
    return needed
