"""Edge attribution: how much each edge of a model matters, to first order.

The score of an edge estimates how the metric changes when the receiver gets, of this one sender,
what it wrote in the clean run instead of what stands in for it: (clean − reference) of what the
sender wrote times the gradient of the metric with respect to what the receiver reads. Positive
means that the edge moves the metric up.

The gradient is taken at the clean run (EAP as published, Syed et al. 2023: what is lost without the
edge), at the reference (what the edge restores), or as the mean along a way from the reference to
the clean run (EAP-IG, Hanna et al. 2024): of the embedding, or of what each layer's attention and
MLP write, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from lensgui.analysis.circuits.groups import Group
from lensgui.analysis.circuits.rows import Rows
from lensgui.analysis.circuits.runs import CircuitRuns
from lensgui.analysis.steps import finished, last
from lensgui.terms.circuits.graph import Graph
from lensgui.terms.circuits.nodes import Node
from lensgui.transformer.layers.parameters import precise

At = Literal["clean", "corrupted", "path"]
Points = Literal["midpoint", "left", "right"]
Along = Literal["inputs", "activations"]
Replaced = dict[tuple[str, int], tuple[slice, Tensor]]
_ROOM = 4e8  # bytes, of what a backward pass keeps
_OFFSET: dict[Points, float] = {"left": 0.0, "midpoint": 0.5, "right": 1.0}


@dataclass(frozen=True, slots=True, eq=False)
class EdgeScores:
    """Scores of all edges of a model, on one prompt or on several.

    Attributes:
        graph: The model's graph; its scores are the means over prompts, its sizes the means of
            their sizes, and no edge is left out.
        by_pair: In the unit of the metric, [pair, sender, receiver]; 0 where there is no edge.
        by_position: How much of what leaves a sender does so at each position, the mean over
            prompts, [sender, position]; None where prompts differ in length. Rows add up to the
            sender's scores.
        wholes: The metric of each plain run, [pair].
        references: The metric of each where all edges are cut, [pair].
        points: At how many places the gradient has been taken.
        places: Which of the prompts are done, in the order of `by_pair`.
    """

    graph: Graph
    by_pair: Tensor
    by_position: Tensor | None
    wholes: Tensor
    references: Tensor
    points: int
    places: tuple[int, ...] = ()

    @property
    def values(self) -> Tensor:
        """The mean over prompts, [sender, receiver]."""
        return self.by_pair.mean(0)

    @property
    def senders(self) -> tuple[Node, ...]:
        """What writes, in the order of the rows."""
        return self.graph.senders

    @property
    def receivers(self) -> tuple[Node, ...]:
        """What reads, in the order of the columns."""
        return self.graph.receivers

    @property
    def clean(self) -> float:
        """The mean metric of the plain runs."""
        return float(self.wholes.mean())

    @property
    def corrupted(self) -> float:
        """The mean metric where all edges are cut: the reference's."""
        return float(self.references.mean())

    def of(self, sender: Node, receiver: Node) -> float:
        """Return the score of one edge."""
        return self.graph.of(sender, receiver)

    def of_sender(self, sender: Node) -> Tensor:
        """Return the scores of the edges that leave a node, [receiver].

        Along inputs those that leave the embedding add up to clean − corrupted as steps grow.
        """
        return self.values[self.graph.rows[sender]]

    def largest(self, count: int) -> list[tuple[Node, Node, float]]:
        """Return the edges with the largest scores by size, each with its score, in order."""
        return self.graph.listed(count)


def edge_attribution(
    runs: CircuitRuns,
    steps: int = 5,
    at: At = "path",
    points: Points = "midpoint",
    along: Along = "inputs",
) -> EdgeScores:
    """Score all edges; see `edge_attribution_steps`, whose last result this is."""
    return finished(last(edge_attribution_steps(runs, steps, at, points, along)))


def edge_attribution_steps(
    runs: CircuitRuns,
    steps: int = 5,
    at: At = "path",
    points: Points = "midpoint",
    along: Along = "inputs",
) -> Iterator[EdgeScores | None]:
    """Score all edges, some prompts at a time.

    What a head wrote is its share of what reaches the residual stream, at the scale that a norm in
    between has in its own run.

    Args:
        runs: The prompts, and what stands in.
        steps: At how many places along the way the gradient is taken.
        at: Where it is taken: at the "clean" run, at the "corrupted" one, the reference, or along
            the "path" from the reference to the clean run.
        points: Where in each of the equal steps of the path: in the middle, or at its left or right
            end.
        along: What moves on the path: "inputs", the embedding; or "activations": what the embedding
            and each layer's attention and MLP write, one at a time, in the clean run.

    Yields:
        The scores over the prompts done so far; None where only time has passed.

    Raises:
        ValueError: If there are no steps, or the metric has no gradient.
    """
    if steps < 1:
        raise ValueError(f"Edge attribution takes 1 step or more, not {steps}.")
    shares = [(step + _OFFSET[points]) / steps for step in range(steps)]
    if at != "path":
        shares = [float(at == "clean")]
    done: list[tuple[list[int], Tensor, Tensor]] = []
    for group in runs.groups():
        group.check_smooth()
        for _ in group.prepare():
            yield None
        scorer = _Scorer(group, shares, _inputs if at != "path" or along == "inputs" else _written)
        for _ in scorer.steps():
            yield None
        done.append((group.places, *scorer.scores()))
        yield _so_far(runs, done, scorer.points)


def _so_far(
    runs: CircuitRuns, done: list[tuple[list[int], Tensor, Tensor]], points: int
) -> EdgeScores:
    """Return what is known, pairs in their order."""
    places = [place for each, _, _ in done for place in each]
    order = torch.tensor(places).argsort()
    by_pair = torch.cat([values for _, values, _ in done])[order]
    wholes, references = (ends[sorted(places)] for ends in runs.ends())
    by_position = None
    if runs.length is not None:
        sums = [positions for _, _, positions in done]
        by_position = torch.stack(sums).sum(0) / len(places)
    whole = Graph.whole(runs.model.cfg)
    scores, sizes = (x.mean(0).double().cpu().numpy() for x in (by_pair, by_pair.abs()))
    graph = Graph(whole.shape, whole.kept, scores, sizes)
    ordered = tuple(sorted(places))
    return EdgeScores(graph, by_pair, by_position, wholes, references, points, ordered)


class _Scorer:
    """Scores of the edges on the prompts of a group.

    Attributes:
        points: At how many places gradients are taken.
    """

    def __init__(
        self,
        group: Group,
        shares: list[float],
        points_of: Callable[[Group, list[float]], Iterator[tuple[str, int, float]]],
    ) -> None:
        self._group, self._rows = group, group.rows
        self._points = list(points_of(group, shares))
        self.points = len(self._points)
        self._sums: list[Tensor] = []

    def steps(self) -> Iterator[None]:
        """Take gradients at some places at a time; yield between."""
        rows, cfg = self._rows, self._rows.model.cfg
        copies = cfg.n_heads + 2 * cfg.kv_heads + 1
        each = rows.size * cfg.n_layers * copies * cfg.d_model * 16
        some = max(1, int(_ROOM / each))
        for first in range(0, self.points, some):
            gradients = self._gradients(self._points[first : first + some])
            totals = [gradient.sum(1) for gradient in gradients]  # [receiver, batch, ...]
            if self._sums:
                totals = [a + b for a, b in zip(self._sums, totals, strict=True)]
            self._sums = totals
            yield

    def _gradients(self, points: list[tuple[str, int, float]]) -> list[Tensor]:
        """Return the metric's gradient for what each receiver of each layer reads, and the logits.

        Each [receiver, point, batch, position, d_model].
        """
        rows, plain, stand_ins = self._rows, self._group.plain, self._rows.stand_ins
        count, batch = len(points), len(rows.embedding)
        embedding = rows.embedding.repeat(count, 1, 1)
        replaced: dict[tuple[str, int], list[tuple[slice, Tensor]]] = {}
        for number, (kind, layer, share) in enumerate(points):
            here = slice(number * batch, (number + 1) * batch)
            if kind == "embed":
                embedding[here] = torch.lerp(
                    stand_ins.embedding.to(embedding.dtype).expand_as(rows.embedding),
                    rows.embedding,
                    share,
                )
                continue
            ends = (stand_ins.z, plain.z) if kind == "head" else (stand_ins.mlp_out, plain.mlp_out)
            before, after = (each[layer] for each in ends)
            value = torch.lerp(before.to(after.dtype).expand_as(after), after, share)
            replaced.setdefault((kind, layer), []).append((here, value))
        found = _receiver_gradients(rows, embedding, replaced, self._group.loss)
        return [gradient.unflatten(1, (count, batch)) for gradient in found]

    @torch.no_grad()
    def scores(self) -> tuple[Tensor, Tensor]:
        """Return scores [pair, sender, receiver], and [sender, position] summed over pairs."""
        beyond = self._rows.beyond(self._group.plain)  # [sender, batch, position, d_model]
        sums = [each / self.points for each in self._sums]
        pairs = self._group.count
        sent = beyond.transpose(0, 1).flatten(2)
        sent = sent if pairs == len(sent) else sent.transpose(0, 1).flatten(1)[None]
        columns = []
        per_layer = self._rows.model.cfg.n_heads + (not self._rows.model.cfg.attn_only)
        for layer, gradient in enumerate(sums):
            read = precise(gradient).transpose(0, 1).flatten(2)
            read = read if pairs == len(read) else read.transpose(0, 1).flatten(1)[None]
            count = min(1 + per_layer * (layer + 1), len(beyond))
            scores = sent.new_zeros(pairs, len(beyond), len(gradient))
            scores[:, :count] = torch.bmm(sent[:, :count], read.transpose(1, 2))
            columns.append(scores)
        exists = torch.tensor(self._rows.graph.exists).to(sent.device)
        return torch.cat(columns, dim=2) * exists, self._by_position(beyond, sums)

    def _by_position(self, beyond: Tensor, sums: list[Tensor]) -> Tensor:
        """Return what leaves each sender at each position, summed over the batch."""
        cfg, prefix = self._rows.model.cfg, self._rows.stand_ins.prefix
        behind = precise(sums[-1][0])  # what is read after a layer, [batch, position, d_model]
        rows = beyond.new_zeros(len(beyond), prefix + beyond.shape[2])
        at = len(beyond)
        for layer in reversed(range(cfg.n_layers)):
            read = precise(sums[layer])
            if not cfg.attn_only:
                at -= 1
                rows[at, prefix:] = (beyond[at] * behind).sum((0, -1))
            heard = behind if cfg.attn_only or cfg.parallel_attn_mlp else behind + read[-1]
            heads = slice(at - cfg.n_heads, at)
            rows[heads, prefix:] = (beyond[heads] * heard).sum((1, -1))
            at -= cfg.n_heads
            behind = behind + read.sum(0)
        rows[0, prefix:] = (beyond[0] * behind).sum((0, -1))
        return rows


def _inputs(group: Group, shares: list[float]) -> Iterator[tuple[str, int, float]]:
    """Yield the places of a path of the embedding."""
    for share in shares:
        yield "embed", 0, share


def _written(group: Group, shares: list[float]) -> Iterator[tuple[str, int, float]]:
    """Yield the places of the paths of what is written, one part at a time."""
    yield from _inputs(group, shares)
    for layer in range(len(group.plain.z)):
        for kind in ("head", "mlp") if group.plain.mlp_out else ("head",):
            for share in shares:
                yield kind, layer, share


@torch.enable_grad()
def _receiver_gradients(
    rows: Rows,
    embedding: Tensor,
    replaced: dict[tuple[str, int], list[tuple[slice, Tensor]]],
    loss: Callable[[Tensor], Tensor],
) -> list[Tensor]:
    """Return the gradient of a loss for what every receiver reads.

    Args:
        rows: How the prompts run.
        embedding: The stream that enters layer 0, [row, position, d_model].
        replaced: What some rows of a layer's heads, or of its MLP, write instead.
        loss: Of the stream after the last layer.

    Returns:
        For each layer, and at last for the logits, [receiver, row, position, d_model].
    """
    model, cfg = rows.model, rows.model.cfg
    stream, read = embedding.detach().requires_grad_(), list[Tensor]()
    for layer, block in enumerate(model.blocks):
        counts = (cfg.n_heads, cfg.kv_heads, cfg.kv_heads)
        copies = [stream[:, :, None].expand(-1, -1, count, -1) for count in counts]
        read += copies
        with model.standing.at(rows.span.where):
            z = _put(rows.attended(layer, *copies), replaced.get(("head", layer), []))
            middle = block.with_heads(stream, z)
            if not cfg.attn_only:
                entering = stream if cfg.parallel_attn_mlp else middle
                entering = entering.view_as(entering)
                read.append(entering)
                written = block.mlp_output(entering, entering)
                middle = middle + _put(written, replaced.get(("mlp", layer), []))
        stream = middle
    final = stream.view_as(stream)
    value = loss(final)
    if not value.requires_grad:
        raise ValueError("The metric has no gradient, so edges have no score.")
    found = torch.autograd.grad(value, [*read, final], allow_unused=True)
    each = [
        torch.zeros_like(x) if gradient is None else gradient
        for x, gradient in zip([*read, final], found, strict=True)
    ]
    by_node = [x.permute(2, 0, 1, 3) if x.ndim == 4 else x[None] for x in each]
    per_layer = 3 + (not cfg.attn_only)
    layers = [by_node[at : at + per_layer] for at in range(0, len(read), per_layer)]
    return [torch.cat(some) for some in layers] + [by_node[-1]]


def _put(written: Tensor, values: list[tuple[slice, Tensor]]) -> Tensor:
    """Return what parts write, other values in some rows."""
    if not values:
        return written
    written = written.clone()
    for here, value in values:
        written[here] = value
    return written
