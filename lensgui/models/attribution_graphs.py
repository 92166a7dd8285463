"""Attribution graphs as circuit-tracer and Neuronpedia write them: read from JSON, never written.

Their nodes are features of transcoders, embeddings, errors and logits, each at a position (Ameisen
et al. 2025):

    {"metadata": {"scan": "gemma-2-2b", "prompt_tokens": ["<bos>", "The"], "prompt": "The"},
     "qParams": {"pinnedIds": ["20_1454_1"], "supernodes": [["say a name", "20_1454_1"]]},
     "nodes": [{"node_id": "20_1454_1", "layer": "20", "ctx_idx": 1, "feature": 1454,
                "feature_type": "cross layer transcoder", "clerp": "names", "influence": 0.3,
                "activation": 4.2}],
     "links": [{"source": "E_651_0", "target": "20_1454_1", "weight": 0.7}]}

The form of the package itself is a pickle, which is not read: it can run anything.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lensgui.models.circuit_files import quoted, read_json

MOST_NODES, MOST_LINKS = 200_000, 1_000_000
MOST_LAYERS, MOST_TOKENS = 512, 100_000
_LONGEST = 60  # letters of a name
Kind = Literal["embedding", "feature", "error", "logit"]


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A node of an attribution graph.

    Attributes:
        name: Its id in the file.
        kind: What it is.
        layer: Its layer; None of an embedding or a logit.
        position: Its position in the prompt.
        label: What somebody called it; "" for nothing.
        influence: How much of what the graph explains passes through it and all nodes that matter
            more, as circuit-tracer counts: the least is of the node that matters most; NaN where
            unknown.
        activation: How active it is; NaN where unknown.
    """

    name: str
    kind: Kind
    layer: int | None
    position: int
    label: str = ""
    influence: float = math.nan
    activation: float = math.nan


@dataclass(frozen=True, slots=True, eq=False)
class AttributionGraph:
    """An attribution graph of a file; nobody writes to it.

    Attributes:
        file: The file's name.
        model: The model that it is of, as the file names it; "" where it does not.
        tokens: The prompt's tokens.
        nodes: Its nodes.
        links: Which node each link leaves and which it enters, by their numbers, [link, 2].
        weights: How much each adds, [link].
        pinned: The nodes that were pinned, by their numbers.
        supernodes: Groups of nodes: what each is called, and its nodes.
        layers: How many layers the model has, as far as the nodes tell.
    """

    file: str
    model: str
    tokens: tuple[str, ...]
    nodes: tuple[GraphNode, ...]
    links: NDArray[np.int64]
    weights: NDArray[np.float64]
    pinned: tuple[int, ...]
    supernodes: tuple[tuple[str, tuple[int, ...]], ...]
    layers: int


def is_attribution_graph(found: Any) -> bool:
    """Return whether what JSON holds looks like an attribution graph, rather than another file."""
    return isinstance(found, dict) and {"nodes", "links"} <= found.keys()


def read_attribution_graph(path: str | Path) -> AttributionGraph:
    """Return the attribution graph of a JSON file of circuit-tracer or Neuronpedia.

    Args:
        path: The file.

    Raises:
        ValueError: If it can't be read; the sentence says what is wrong and where.
    """
    return graph_of(read_json(path), Path(path).name)


def graph_of(found: Any, file: str) -> AttributionGraph:
    """Return the attribution graph that JSON holds; arguments and errors as when it is read."""
    if not is_attribution_graph(found):
        raise ValueError(f"{file} is no attribution graph: it needs “nodes” and “links”.")
    metadata, asked = (_mapping(found.get(key, {}), key, file) for key in ("metadata", "qParams"))
    tokens = _list(metadata.get("prompt_tokens", []), "prompt_tokens", MOST_TOKENS, file)
    entries = _list(found["nodes"], "nodes", MOST_NODES, file)
    nodes = [_node(_mapping(entry, "a node", file), len(tokens), file) for entry in entries]
    numbers = {node.name: at for at, node in enumerate(nodes)}
    if len(numbers) < len(nodes):
        raise ValueError(f"{file}: two nodes have the same “node_id”.")
    if not nodes:
        raise ValueError(f"{file} has no nodes.")
    links, weights = _links(_list(found["links"], "links", MOST_LINKS, file), numbers, file)
    pinned = _list(asked.get("pinnedIds") or [], "pinnedIds", MOST_NODES, file)
    return AttributionGraph(
        file,
        str(metadata.get("scan", ""))[:200],
        tuple(str(token) for token in tokens),
        tuple(nodes),
        links,
        weights,
        tuple(dict.fromkeys(numbers[name] for name in map(str, pinned) if name in numbers)),
        _supernodes(asked.get("supernodes") or [], numbers, file),
        max((node.layer + 1 for node in nodes if node.layer is not None), default=1),
    )


def _node(entry: Mapping[str, Any], tokens: int, file: str) -> GraphNode:
    name, layer = entry.get("node_id"), str(entry.get("layer", ""))
    if not isinstance(name, str) or not name:
        raise ValueError(f"{file}: a node has no “node_id”.")
    kind = _kind(str(entry.get("feature_type", "")), layer)
    number: int | None = None
    if kind in ("feature", "error"):
        is_number = layer.isascii() and layer.isdigit() and len(layer) <= 6
        if not is_number or int(layer) >= MOST_LAYERS:
            raise ValueError(f"{file}: {quoted(name)} is in no layer, but {quoted(layer)}.")
        number = int(layer)
    position = entry.get("ctx_idx")
    is_number = isinstance(position, int) and not isinstance(position, bool)
    if not isinstance(position, int) or not (is_number and 0 <= position < max(tokens, 1)):
        raise ValueError(
            f"{file}: {quoted(name)} stands at position {position!r:.20} of {tokens} tokens."
        )
    label = entry.get("clerp") or entry.get("remoteClerp") or ""
    numbers = [_number(entry.get(key)) for key in ("influence", "activation")]
    return GraphNode(name, kind, number, position, " ".join(str(label).split())[:200], *numbers)


def _kind(said: str, layer: str) -> Kind:
    """Return what a node is, from what the file calls it."""
    if "logit" in said:
        return "logit"
    if "embedding" in said or layer == "E":
        return "embedding"
    return "error" if "error" in said else "feature"


def _links(
    listed: list[Any], numbers: Mapping[str, int], file: str
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    ends, weights = np.zeros((len(listed), 2), np.int64), np.zeros(len(listed))
    for at, entry in enumerate(listed):
        link = _mapping(entry, "a link", file)
        for side, key in enumerate(("source", "target")):
            name = link.get(key)
            if not isinstance(name, str) or name not in numbers:
                raise ValueError(f"{file}: a link's “{key}” is no node, {quoted(str(name))}.")
            ends[at, side] = numbers[name]
        weights[at] = _number(link.get("weight"))
        if not math.isfinite(weights[at]):
            raise ValueError(f"{file}: the weight of link {at + 1} is no finite number.")
    return ends, weights


def _supernodes(
    listed: Any, numbers: Mapping[str, int], file: str
) -> tuple[tuple[str, tuple[int, ...]], ...]:
    found, seen = [], set[int]()
    for entry in _list(listed, "supernodes", MOST_NODES, file):
        named = _list(entry, "a supernode", MOST_NODES, file)
        members = [numbers[name] for name in map(str, named[1:]) if name in numbers]
        members = [member for member in dict.fromkeys(members) if member not in seen]
        if members:
            seen.update(members)
            found.append((" ".join(str(named[0]).split())[:_LONGEST], tuple(members)))
    return tuple(found)


def _number(value: Any) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    try:
        return float(value) if is_number else math.nan
    except OverflowError:
        return math.nan


def _mapping(value: Any, what: str, file: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{file}: {what} must be an object with names.")
    return value


def _list(value: Any, what: str, most: int, file: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{file}: {what} must be a list.")
    if len(value) > most:
        raise ValueError(
            f"{file} has {len(value):,} {what}; up to {most:,} are read: prune it before it is "
            "exported."
        )
    return value
