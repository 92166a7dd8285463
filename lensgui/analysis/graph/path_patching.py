"""Path patching: what one part of a model tells another, exactly.

The corrupted run, but chosen receivers get, of chosen senders, what those wrote in the clean run
(Wang et al. 2022; Goldowsky-Dill et al. 2023). Everything else is worked out again: a receiver that
changed changes all that comes after it. So every edge from a sender to a receiver is replaced and
no other, and replacing all the edges that leave a sender is activation patching of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from lensgui.analysis.graph.measured_pair import Measure
from lensgui.analysis.graph.nodes import Node, check_nodes
from lensgui.analysis.graph.streams import Paths, Runs
from lensgui.transformer.model import HookedTransformer


@torch.no_grad()
def path_patch(
    model: HookedTransformer,
    clean: Tensor,
    corrupted: Tensor,
    metric: Measure,
    senders: Iterable[Node],
    receivers: Iterable[Node],
    freeze_mlps: bool = True,
    freeze_final_scale: bool = False,
) -> float:
    """Patch all edges from some senders to some receivers at once.

    With one receiver, or several heads of one layer, this is the path patching of Wang et al.
    (2022), who hold all else at the corrupted run while the receivers' inputs are recorded. With
    receivers in several layers, a later one here also hears what the earlier ones changed.

    Args:
        model: The model; hooks attached to it must not be.
        clean: Token ids, [position] or [batch, position].
        corrupted: As many.
        metric: A metric, or any function from logits [batch, position, d_vocab] to one number.
        senders: Nodes "embed", "head" and "mlp".
        receivers: Nodes "q", "k", "v", "mlp" and "logits".
        freeze_mlps: Whether an edge is the residual stream alone. Otherwise it also runs through
            every MLP between sender and receiver.
        freeze_final_scale: Whether the final norm divides by what it divides by in the corrupted
            run. Then a sender's edge to the logits is its direct logit attribution, clean −
            corrupted.

    Returns:
        Patched − corrupted, in the unit of the metric.

    Raises:
        ValueError: If a node is not in the model, no sender reaches any receiver, the prompts are
            not of one length, or hooks are attached.
    """
    cell = check_nodes(senders, model.cfg, "sender")
    runs = Runs.of(model, clean, corrupted, metric)
    paths = Paths(runs, receivers, freeze_mlps, freeze_final_scale)
    if not any(map(paths.is_heard, cell)):
        raise ValueError("None of the senders comes before any of the receivers.")
    return paths.values([cell], min(node.layer or 0 for node in cell))[0]


@dataclass(frozen=True, slots=True, eq=False)
class PathScores:
    """Path patching from every sender into one receiver, as far as it is known.

    Attributes:
        receiver: What listens.
        heads: Patched − corrupted from each head, [layer, head]; NaN where not yet known, and where
            a head does not come before the receiver.
        mlps: Likewise from each MLP, [layer].
        embed: Likewise from the embedding.
        clean: The metric of the clean run.
        corrupted: The metric of the corrupted run.
    """

    receiver: Node
    heads: Tensor
    mlps: Tensor
    embed: float
    clean: float
    corrupted: float


@torch.no_grad()
def path_patch_into_slowly(
    model: HookedTransformer,
    clean: Tensor,
    corrupted: Tensor,
    metric: Measure,
    receiver: Node,
    freeze_mlps: bool = True,
) -> Iterator[PathScores]:
    """Patch the edges into one receiver, one sender at a time, the nearest layers first.

    Args:
        model: As in `path_patch`, like all that follows.
        clean: Clean tokens.
        corrupted: Corrupted tokens.
        metric: What is read.
        receiver: What listens, such as a head's "q".
        freeze_mlps: Whether an edge is the residual stream alone.

    Yields:
        The result so far, after each layer; the arrays are the same each time.

    Raises:
        ValueError: As in `path_patch`.
    """
    runs = Runs.of(model, clean, corrupted, metric)
    paths = Paths(runs, [receiver], freeze_mlps)
    cfg = model.cfg
    heads = torch.full((cfg.n_layers, cfg.n_heads), torch.nan, dtype=torch.float64)
    mlps, embed = torch.full((cfg.n_layers,), torch.nan, dtype=torch.float64), torch.nan
    for layer in reversed(range(cfg.n_layers)):
        nodes = [Node("head", layer, head) for head in range(cfg.n_heads)]
        nodes += [Node("mlp", layer)] * (not cfg.attn_only)
        nodes = [node for node in nodes if paths.is_heard(node)]
        values = paths.values([frozenset([node]) for node in nodes], layer) if nodes else []
        for node, value in zip(nodes, values, strict=True):
            (mlps[layer : layer + 1] if node.head is None else heads[layer, node.head]).fill_(value)
        if nodes:
            yield PathScores(receiver, heads, mlps, embed, runs.at_clean, runs.at_corrupted)
    (embed,) = paths.values([frozenset([Node("embed")])], 0)
    yield PathScores(receiver, heads, mlps, embed, runs.at_clean, runs.at_corrupted)
