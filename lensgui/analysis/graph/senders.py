"""Path patching of every sender into one head's queries, keys or values, fast.

What `path_patch` works out with whole runs (Wang et al. 2022) is here a sweep:
the edge from a sender to the receiver is the residual stream alone, so what the receiver reads is
the corrupted stream with the sender's change added; its new queries, keys or values enter one batch
at its layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from lensgui.analysis.checks import check_one_length, check_runs
from lensgui.analysis.graph.measured_pair import Measure
from lensgui.analysis.graph.nodes import Node, check_nodes, read_at, senders, written_at
from lensgui.analysis.graph.path_patching import PathScores, Runs, path_patch
from lensgui.analysis.run.predictions import compared
from lensgui.analysis.run.recording import Recording
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.batches import group, measured
from lensgui.analysis.sweep.kinds import needed
from lensgui.analysis.sweep.patches import Patch
from lensgui.analysis.sweep.sweep import read_metric
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metric import Metric, MetricName, read_positions
from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.hooks.names import get_act_name
from lensgui.transformer.model import HookedTransformer

_WRITTEN = frozenset({"z", "mlp_out"})


class FedPatch(Patch):
    """One head's queries, keys or values as they are when it receives one sender of the clean run.

    A cell's index is its sender's place among those that it receives.

    Attributes:
        received: What comes before the receiver, in order.
    """

    def __init__(self, receiver: Node, clean: Run, corrupted: Run) -> None:
        """Patch into the corrupted run; both runs must be complete."""
        kind = SweepKind(receiver.kind, "all")
        names = needed(kind)
        super().__init__(kind, corrupted, Recording(clean, names), Recording(corrupted, names))
        cfg = self.model.cfg
        assert receiver.layer is not None
        self.layer, self.head = receiver.layer, receiver.head
        self.received = [node for node in senders(cfg) if written_at(node) < read_at(receiver, cfg)]
        self.shape = (len(self.received),)
        self._fed: list[Tensor] = []
        self._written = [Recording(run, _WRITTEN) for run in (clean, corrupted)]

    def receive(self) -> Iterator[None]:
        """Work out what the receiver makes of each sender, yielding after each layer."""
        clean, corrupted = self._written
        embedded = clean.residual(0) - corrupted.residual(0)
        self._receive(embedded[None])
        for layer in range(self.layer):
            self._receive(self._changes(layer))
            yield

    def importance(self) -> Tensor:
        """Return how far each sender moves what the receiver makes, [layer, sender]."""
        fed = torch.cat(self._fed)
        was = self.base(self.kind.activation, self.layer)[:, self.head]
        size: Tensor = (fed - was).flatten(1).norm(dim=1)
        rows = size.new_zeros(self.model.cfg.n_layers, len(size))
        rows[self.layer] = size
        return rows.cpu()

    def _changes(self, layer: int) -> Tensor:
        """Return clean − corrupted of what a layer's heads and MLP add, [sender, pos, d_model]."""
        clean, corrupted = self._written
        block, stream = self.model.blocks[layer], corrupted.residual(layer)[None]
        z = corrupted("z", layer)
        each = z.repeat(z.shape[1] + 1, 1, 1, 1)  # the last row stays as it was
        for head in range(z.shape[1]):
            each[head, :, head] = clean("z", layer)[:, head]
        added = block.with_heads(stream, each)
        changes: Tensor = added[:-1] - added[-1:]
        if self.model.cfg.attn_only:
            return changes
        mlp = clean("mlp_out", layer) - corrupted("mlp_out", layer)
        return torch.cat([changes, mlp[None]])

    def _receive(self, changes: Tensor) -> None:
        """Note the receiver's activation for changes of the stream, [sender, position, d_model]."""
        block, stream = self.model.blocks[self.layer], self.run.residuals[self.layer]

        def keep(activation: Tensor, hook: Any) -> None:
            self._fed.append(activation[:, :, self.head])

        with self.model.hooks([(get_act_name(self.kind.activation, self.layer), keep)]):
            block.attention_half(stream + changes, self.run.span)

    def _patched(self, layer: int, indices: list[tuple[int, ...]], end: int) -> Tensor:
        """Return the corrupted run's activation, the receiver's as each cell's sender makes it."""
        patched = self.base(self.kind.activation, layer)[:end].repeat(len(indices), 1, 1, 1)
        fed = torch.cat(self._fed)
        patched[:, :, self.head] = fed[[at for (at,) in indices], :end]
        return patched


@torch.no_grad()
def path_patch_into(
    clean: Run, corrupted: Run, metric: Metric, receiver: Node
) -> Iterator[PathScores | None]:
    """Patch the edge from every sender into one head, and yield what is known after each batch.

    The numbers are those of `path_patch_into_slowly` with frozen MLPs.

    Args:
        clean: The clean run; it is completed.
        corrupted: The corrupted run, of as many tokens; it is completed.
        metric: What is read.
        receiver: A head's "q", "k" or "v".

    Yields:
        The result so far, or None where only time has passed.

    Raises:
        ValueError: If there is no such receiver, or the prompts differ in length.
    """
    model = corrupted.model
    check_nodes([receiver], model.cfg, "receiver")
    if receiver.kind not in ("q", "k", "v"):
        raise ValueError(f"{receiver} is no head's q, k or v.")
    check_one_length(len(clean.tokens), len(corrupted.tokens))
    check_runs(model, clean, corrupted)
    end = read_positions(metric, len(corrupted.tokens)).stop
    metric = compared(model, metric, clean.residuals[-1])
    patch = FedPatch(receiver, clean, corrupted)
    for _ in patch.receive():
        yield None
    ends = read_metric(clean, metric), read_metric(corrupted, metric)
    known: dict[Node, float] = {}
    for found in _measured(patch, metric, end):
        if found is not None:
            known |= {node: value - ends[1] for node, value in found.items()}
        yield _scores(receiver, known, model.cfg, ends, metric.name) if found is not None else None


@torch.no_grad()
def path_patch_into_slowly(
    model: HookedTransformer, clean: Tensor, corrupted: Tensor, metric: Measure, receiver: Node
) -> PathScores:
    """Patch the edge from every sender into one receiver by `path_patch`, one after the other.

    It uses nothing of the sweep engine, so that it can check `path_patch_into`.
    """
    known = {
        node: path_patch(model, clean, corrupted, metric, [node], [receiver])
        for node in senders(model.cfg)
        if written_at(node) < read_at(receiver, model.cfg)
    }
    runs = Runs.of(model, clean, corrupted, metric)
    return _scores(receiver, known, model.cfg, (runs.at_clean, runs.at_corrupted), None)


def _measured(patch: FedPatch, metric: Metric, end: int) -> Iterator[dict[Node, float] | None]:
    """Yield the metric for some senders at a time, the loudest first; None between."""
    importance = patch.importance()
    needed = torch.zeros_like(importance, dtype=torch.bool)
    needed[patch.layer] = True
    for cells in group([patch], [needed], patch.run, end, None, [importance]):
        for found in measured([patch], patch.run, cells, end, metric):
            if found is None:
                yield None
            else:
                nodes = [patch.received[cell.index[0]] for cell in found[0]]
                yield dict(zip(nodes, found[1].tolist(), strict=True))


def _scores(
    receiver: Node,
    known: dict[Node, float],
    cfg: HookedTransformerConfig,
    read: tuple[float, float],
    metric: MetricName | None,
) -> PathScores:
    """Return what is known as maps."""
    heads = torch.full((cfg.n_layers, cfg.n_heads), torch.nan, dtype=torch.float64)
    mlps = torch.full((cfg.n_layers,), torch.nan, dtype=torch.float64)
    for node, value in known.items():
        if node.kind == "mlp":
            mlps[node.layer] = value
        elif node.kind == "head":
            heads[node.layer, node.head] = value
    embed = known.get(Node("embed"), torch.nan)
    return PathScores(receiver, heads, mlps, embed, *read, metric)
