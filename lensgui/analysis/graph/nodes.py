"""The graph of a model: its parts as nodes, and an edge wherever one's output reaches another.

Every node reads the residual stream, which is the sum of what the nodes before it wrote (Elhage et
al. 2021); so each pair of a sender and a later receiver is an edge of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from lensgui.terms.kinds import HeadInput
from lensgui.transformer.config import HookedTransformerConfig

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

    def __str__(self) -> str:
        """Its label, such as "L3H1", "L3H1.q", "MLP 3", "embed" or "logits"."""
        if self.kind == "mlp":
            return f"MLP {self.layer}"
        if self.layer is None:
            return self.kind
        name = f"L{self.layer}H{self.head}"
        return name if self.kind == "head" else f"{name}.{self.kind}"


Edge = tuple[Node, Node]


def senders(cfg: HookedTransformerConfig) -> tuple[Node, ...]:
    """Return what writes into the residual stream: embed, then each layer's heads and MLP."""
    nodes = [Node("embed")]
    for layer in range(cfg.n_layers):
        nodes += [Node("head", layer, head) for head in range(cfg.n_heads)]
        nodes += [Node("mlp", layer)] * (not cfg.attn_only)
    return tuple(nodes)


def receivers(cfg: HookedTransformerConfig) -> tuple[Node, ...]:
    """Return what reads it, in order: each layer's queries, keys, values and MLP; then logits."""
    nodes: list[Node] = []
    for layer in range(cfg.n_layers):
        nodes += [Node("q", layer, head) for head in range(cfg.n_heads)]
        nodes += [Node("k", layer, head) for head in range(cfg.kv_heads)]
        nodes += [Node("v", layer, head) for head in range(cfg.kv_heads)]
        nodes += [Node("mlp", layer)] * (not cfg.attn_only)
    return (*nodes, Node("logits"))


def inputs_of(
    cfg: HookedTransformerConfig, heads: Iterable[tuple[int, int]], input_: HeadInput
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


def read_at(node: Node, cfg: HookedTransformerConfig) -> int:
    """Return when a receiver reads: it gets what was written before.

    The MLP of a parallel block reads what the heads beside it read.
    """
    if node.layer is None:
        return 2 * cfg.n_layers
    return 2 * node.layer + (node.kind == "mlp" and not cfg.parallel_attn_mlp)


def edge_mask(cfg: HookedTransformerConfig) -> Tensor:
    """Return which senders reach which receivers, [sender, receiver]."""
    written = torch.tensor([written_at(node) for node in senders(cfg)])
    read = torch.tensor([read_at(node, cfg) for node in receivers(cfg)])
    return written[:, None] < read


def check_nodes(
    nodes: Iterable[Node], cfg: HookedTransformerConfig, role: Literal["sender", "receiver"]
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


def check_edges(edges: Iterable[Edge], cfg: HookedTransformerConfig) -> frozenset[Edge]:
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
