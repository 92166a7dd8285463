"""Path patching: what one part of a model tells another, exactly.

The corrupted run, but chosen receivers get, of chosen senders, what those wrote in the clean run
(Wang et al. 2022; Goldowsky-Dill et al. 2023). Everything else is worked out again: a receiver that
changed changes all that comes after it. So every edge from a sender to a receiver is replaced and
no other, and replacing all the edges that leave a sender is activation patching of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lensgui.analysis.graph.measured_pair import (
    Measure,
    Written,
    against,
    check_pair,
    measure,
    through_layers,
    written,
)
from lensgui.analysis.graph.nodes import Node, check_nodes, read_at, written_at
from lensgui.terms.metrics import MetricName
from lensgui.terms.shares import Shares
from lensgui.transformer.hooks.hook_point import NamedHook
from lensgui.transformer.model import HookedTransformer

Cells = Sequence[frozenset[Node]]


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """A clean and a corrupted run, and what the metric says of them.

    Attributes:
        model: What ran.
        clean: What its parts wrote in the clean run.
        corrupted: What they wrote in the corrupted run.
        residuals: The corrupted run's residual stream before each layer, and at last after them
            all, each [batch, position, d_model].
        metric: What is read.
        at_clean: The metric of the clean run.
        at_corrupted: The metric of the corrupted run.
    """

    model: HookedTransformer
    clean: Written
    corrupted: Written
    residuals: list[Tensor]
    metric: Measure
    at_clean: float
    at_corrupted: float

    @classmethod
    def of(
        cls, model: HookedTransformer, clean: Tensor, corrupted: Tensor, metric: Measure
    ) -> Runs:
        """Run two prompts, or as many of each."""
        runs = [written(model, tokens) for tokens in check_pair(clean, corrupted)]
        metric = against(model, metric, runs[0].final)
        values = [float(measure(model, run.final, metric)) for run in runs]
        tokens = torch.atleast_2d(corrupted).to(model.embed.W_E.device)
        residuals = list(model.residual_stream(tokens))
        return cls(model, runs[0], runs[1], residuals, metric, values[0], values[1])


class Paths:
    """Cells that share their receivers and have senders of their own, run as rows of one batch."""

    def __init__(
        self,
        runs: Runs,
        receivers: Iterable[Node],
        freeze_mlps: bool,
        freeze_final_scale: bool = False,
    ) -> None:
        """Choose receivers; arguments as in `path_patch`."""
        self.runs, self.model = runs, runs.model
        self.receivers = check_nodes(receivers, self.model.cfg, "receiver")
        self.freeze_mlps, self.freeze_final_scale = freeze_mlps, freeze_final_scale
        layers = [self._layer(node) for node in self.receivers]
        self._first_read, self._last_read = min(layers, default=0), max(layers, default=0)

    def _layer(self, receiver: Node) -> int:
        return self.model.cfg.n_layers if receiver.layer is None else receiver.layer

    def is_heard(self, sender: Node) -> bool:
        """Return whether a sender comes before any receiver."""
        cfg = self.model.cfg
        return any(written_at(sender) < read_at(node, cfg) for node in self.receivers)

    @torch.no_grad()
    def values(self, cells: Cells, first: int) -> list[float]:
        """Return patched − corrupted for the senders of each cell.

        Args:
            cells: The senders of each cell.
            first: The layer of the first of them, or an earlier one.
        """
        first = min(first, self._first_read)
        heard = self._heard(cells, first)
        both = torch.stack([self.runs.residuals[self._first_read].expand_as(heard), heard])
        past_last = min(self._last_read + 1, self.model.cfg.n_layers)
        with self.model.hooks(list(self._hooks(cells, past_last))):
            rows = through_layers(self.model, both.flatten(0, 2), self._first_read, past_last)
        run, heard = self._by_cell(rows, cells)
        if Node("logits") in self.receivers:
            run = heard
        final = through_layers(self.model, run.flatten(0, 1), past_last).view_as(run)
        return [self._value(rows) - self.runs.at_corrupted for rows in final]

    def _heard(self, cells: Cells, first: int) -> Tensor:
        """Return what is heard before the first receiver, [cell, batch, position, d_model]."""
        residuals, last = self.runs.residuals, self._first_read
        heard = residuals[first].repeat(len(cells), 1, 1, 1)
        for rows, cell in zip(heard, cells, strict=True):
            if Node("embed") in cell:
                rows.copy_(self.runs.clean.embedding)
        sending = [node.layer for cell in cells for node in cell if node.layer is not None]
        for layer in range(first, last):
            if self.freeze_mlps and layer > max(sending, default=-1):
                return heard + (residuals[last] - residuals[layer])
            heard = self._through(layer, heard, cells)
        return heard

    def _through(self, layer: int, heard: Tensor, cells: Cells) -> Tensor:
        """Carry what is heard, [cell, batch, position, d_model], through a layer.

        Its heads write what they wrote in the corrupted run, and senders what they wrote in the
        clean run.
        """
        block, corrupted = self.model.blocks[layer], self.runs.corrupted
        z = corrupted.z[layer].repeat(len(cells), 1, 1, 1, 1)
        self._send_heads(z, cells, layer)
        flat = heard.flatten(0, 1)
        mid = block.with_heads(flat, z.flatten(0, 1))
        if self.model.cfg.attn_only:
            return mid.view_as(heard)
        if self.freeze_mlps:
            mlp_out = corrupted.mlp_out[layer].repeat(len(cells), 1, 1, 1)
        else:
            mlp_out = (block.mlp_half(mid, flat) - mid).view_as(heard)
        self._send_mlp(mlp_out, cells, layer)
        return mid.view_as(heard) + mlp_out

    def _send_heads(self, z: Tensor, cells: Cells, layer: int) -> None:
        """Put senders' clean outputs into [cell, batch, position, head, d_head]."""
        for rows, cell in zip(z, cells, strict=True):
            for node in cell:
                if node.kind == "head" and node.layer == layer:
                    rows[:, :, node.head] = self.runs.clean.z[layer][:, :, node.head]

    def _send_mlp(self, mlp_out: Tensor, cells: Cells, layer: int) -> None:
        """Put senders' clean outputs into [cell, batch, position, d_model]."""
        for rows, cell in zip(mlp_out, cells, strict=True):
            if Node("mlp", layer) in cell:
                rows.copy_(self.runs.clean.mlp_out[layer])

    def _value(self, final: Tensor) -> float:
        """Return the metric of one cell's last residual stream, [batch, position, d_model]."""
        if not self.freeze_final_scale:
            return float(measure(self.model, final, self.runs.metric))
        name, kept = "ln_final.hook_scale", list[Tensor]()
        with self.model.hooks([(name, lambda scale, hook: kept.append(scale))]):
            measure(self.model, self.runs.corrupted.final, self.runs.metric)
        with self.model.hooks([(name, lambda scale, hook: kept[0])]):
            return float(measure(self.model, final, self.runs.metric))

    def _by_cell(self, rows: Tensor, cells: Cells) -> tuple[Tensor, Tensor]:
        """Return the run and what is heard, each [cell, batch, …]; memory is shared."""
        run, heard = rows.unflatten(0, (2, len(cells), -1))
        return run, heard

    def _hooks(self, cells: Cells, past_last: int) -> Iterator[NamedHook]:
        """Yield the hooks that keep both streams, of the layers in which receivers are."""
        for layer in range(self._first_read, past_last):
            for kind in ("q", "k", "v"):
                here = [node for node in self.receivers if (node.kind, node.layer) == (kind, layer)]
                if here:
                    heads = [node.head for node in here]
                    yield f"blocks.{layer}.attn.hook_{kind}", self._listen(cells, heads)
            yield f"blocks.{layer}.attn.hook_z", self._heads(cells, layer)
            if not self.model.cfg.attn_only:
                yield f"blocks.{layer}.hook_mlp_out", self._mlp(cells, layer)

    def _listen(self, cells: Cells, heads: list[int | None]) -> Any:
        """Return a hook that makes some heads read what is heard."""

        def listen(activation: Tensor, hook: Any) -> Tensor:
            activation = activation.clone()
            run, heard = self._by_cell(activation, cells)
            run[..., heads, :] = heard[..., heads, :]
            return activation

        return listen

    def _heads(self, cells: Cells, layer: int) -> Any:
        """Return a hook that makes the run's heads heard, the senders among them clean."""

        def hear(activation: Tensor, hook: Any) -> Tensor:
            activation = activation.clone()
            run, heard = self._by_cell(activation, cells)
            heard.copy_(run)
            self._send_heads(heard, cells, layer)
            return activation

        return hear

    def _mlp(self, cells: Cells, layer: int) -> Any:
        """Return a hook that does likewise for an MLP, which may itself be a receiver."""
        is_receiver = Node("mlp", layer) in self.receivers

        def hear(activation: Tensor, hook: Any) -> Tensor:
            activation = activation.clone()
            run, heard = self._by_cell(activation, cells)
            if is_receiver:
                run.copy_(heard)
            elif self.freeze_mlps:
                heard.copy_(run)
            self._send_mlp(heard, cells, layer)
            return activation

        return hear


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
class PathScores(Shares):
    """Path patching from every sender into one receiver, as far as it is known.

    Attributes:
        receiver: What listens.
        heads: Patched − corrupted from each head, [layer, head]; NaN where not yet known, and where
            a head does not come before the receiver.
        mlps: Likewise from each MLP, [layer].
        embed: Likewise from the embedding.
        clean: The metric of the clean run.
        corrupted: The metric of the corrupted run.
        metric: What is read; None for a metric that is not lensgui's.
    """

    receiver: Node
    heads: Tensor
    mlps: Tensor
    embed: float
    clean: float
    corrupted: float
    metric: MetricName | None = None

    @property
    def shown(self) -> Tensor:
        """The changes, MLPs in the last column, [layer, head + 1]: shares, or raw where refused."""
        return torch.cat([self.heads, self.mlps[:, None]], 1) / self.scale


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
    ends = runs.at_clean, runs.at_corrupted
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
            yield PathScores(receiver, heads, mlps, embed, *ends)
    (embed,) = paths.values([frozenset([Node("embed")])], 0)
    yield PathScores(receiver, heads, mlps, embed, *ends)
