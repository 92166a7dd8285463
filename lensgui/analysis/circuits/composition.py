"""Composition of heads, as a number of each edge: how well a head reads what another can write.

It is of the weights alone, whatever a prompt makes of them (Elhage et al. 2021).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from lensgui.terms.circuits.graph import Graph
from lensgui.terms.circuits.nodes import Node
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.weights.weights import all_composition_scores

_MODES: dict[str, Literal["Q", "K", "V"]] = {"q": "Q", "k": "K", "v": "V"}


@torch.no_grad()
def edge_composition(model: HookedTransformer) -> Tensor:
    """Return the composition score of each edge from a head to a later head's q, k or v.

    The Frobenius norm of the product of what the one writes and the other reads, divided by the
    product of their norms; for keys and values that heads share, the mean over these heads.

    Args:
        model: The model, of any attention that has W_Q, W_K, W_V and W_O.

    Returns:
        [sender, receiver]; NaN for edges from or to anything else.
    """
    graph = Graph.whole(model.cfg)
    found = torch.full(graph.exists.shape, torch.nan, dtype=torch.float64)
    cfg = model.cfg
    for kind in ("q", "k", "v"):
        mode: Literal["Q", "K", "V"] = _MODES[kind]
        scores = all_composition_scores(model, mode).double().cpu()
        shared = 1 if kind == "q" else cfg.heads_per_group
        grouped = scores.unflatten(3, (-1, shared)).mean(-1)
        for layer in range(1, cfg.n_layers):
            first = graph.columns[Node(kind, layer, 0)]
            for earlier in range(layer):
                row = graph.rows[Node("head", earlier, 0)]
                rows = slice(row, row + cfg.n_heads)
                columns = slice(first, first + grouped.shape[3])
                found[rows, columns] = grouped[earlier, :, layer]
    return found
