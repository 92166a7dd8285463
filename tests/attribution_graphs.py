"""A small attribution graph, with every kind of node that the schema of Neuronpedia has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def _node(name: str, layer: str, position: int, kind: str, **more: Any) -> dict[str, Any]:
    return {"node_id": name, "layer": layer, "ctx_idx": position, "feature_type": kind, **more}


FEATURE, ERROR = "cross layer transcoder", "mlp reconstruction error"
GRAPH: dict[str, Any] = {
    "metadata": {
        "slug": "capital",
        "scan": "gemma-2-2b",
        "prompt_tokens": ["<bos>", "The", " capital"],
        "prompt": "<bos>The capital",
    },
    "qParams": {
        "pinnedIds": ["E_651_1", "0_5_1", "20_7_2", "20_8_2", "27_4_2", "gone"],
        "supernodes": [["say a city", "20_7_2", "20_8_2"], ["gone", "gone"]],
    },
    "nodes": [
        _node("E_651_1", "E", 1, "embedding", clerp="Emb: The"),
        _node("E_912_2", "E", 2, "embedding"),
        _node("0_5_1", "0", 1, FEATURE, clerp="the word\nthe", influence=0.5, activation=3.0),
        _node("20_7_2", "20", 2, FEATURE, influence=0.7, activation=2.0),
        _node("20_8_2", "20", 2, FEATURE, influence=0.6, activation=None),
        _node("0_3_2", "3", 2, ERROR),
        _node("27_4_2", "27", 2, "logit", clerp="Output “ Paris”", token_prob=0.4),
    ],
    "links": [
        {"source": "E_651_1", "target": "0_5_1", "weight": 2.0},
        {"source": "0_5_1", "target": "20_7_2", "weight": 1.5},
        {"source": "0_5_1", "target": "20_8_2", "weight": -0.5},
        {"source": "20_7_2", "target": "27_4_2", "weight": 3.0},
        {"source": "0_3_2", "target": "27_4_2", "weight": 0.2},
        {"source": "E_912_2", "target": "20_7_2", "weight": 0.1},
    ],
}


def written(folder: Path, graph: dict[str, Any] = GRAPH) -> Path:
    """A file of it."""
    path = folder / "graph.json"
    path.write_text(json.dumps(graph), encoding="utf-8")
    return path
