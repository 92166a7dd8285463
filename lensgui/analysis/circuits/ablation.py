"""Ablation: the model with some of its parts taken out, and something else in their place.

What stands in decides what the result means: zero takes the model off its distribution; a mean
over prompts, at each position, keeps what those prompts share; resampling puts in what a part
writes on other prompts, whole.

Any set of parts may go, in all layers and at all positions. Taking out one head at a time is a
sweep, the same numbers faster: `ablate_heads`.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from lensgui.analysis.circuits.groups import Cut
from lensgui.analysis.circuits.runs import CircuitRuns
from lensgui.analysis.circuits.stand_ins import Ablation
from lensgui.terms.circuits.graph import Graph
from lensgui.terms.circuits.nodes import Architecture, Edge, Node, check_edges, check_nodes
from lensgui.transformer.model import HookedTransformer

Part = Node | Edge


@torch.no_grad()
def run_ablated(
    model: HookedTransformer, tokens: Tensor, parts: Iterable[Part], ablation: Ablation
) -> Tensor:
    """Run prompts with some parts taken out.

    Args:
        model: The model; hooks attached to it must not be.
        tokens: Token ids, [position] or [batch, position].
        parts: Senders ("embed", "head", "mlp"), or edges as (sender, receiver), or both. Taking a
            node out is taking out all the edges that leave it; where a norm mixes what the heads of
            a layer write (Gemma 2, OLMo 2), that norm is then worked out again, while an edge is
            the head's share at the scale that the norm has.
        ablation: What stands in for them.

    Returns:
        Logits, [batch, position, d_vocab_out].

    Raises:
        ValueError: If a part is not in the model, prompts differ in length, or hooks are attached.
    """
    cut = cut_of(model.cfg, parts)
    runs = CircuitRuns(model, tokens, lambda logits: 0.0, ablation)
    for _ in runs.prepare():
        pass
    (group,) = runs.groups()
    final = group.final(cut)
    with model.standing.at(range(final.shape[1])):
        logits: Tensor = model.to_logits(final)
    return logits


def cut_of(cfg: Architecture, parts: Iterable[Part]) -> Cut:
    """Return what is cut where parts are taken out.

    Raises:
        ValueError: If one is not in the model.
    """
    every = frozenset(parts)
    nodes = check_nodes((part for part in every if isinstance(part, Node)), cfg, "sender")
    edges = check_edges((part for part in every if not isinstance(part, Node)), cfg)
    whole = Graph.whole(cfg)
    out = np.array([node in nodes for node in whole.senders])
    return Cut(whole.without(edges).kept if edges else None, out)
