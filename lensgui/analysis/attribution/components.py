"""The logits that a metric reads, by embedding, head, MLP and bias, and by layer.

The residual stream is a sum, and with the final norm's scale taken as it was in the run, so are the
logits: each part of the stream adds its own product with the answer's direction (Elhage et al.
2021). Effects by way of later layers are not in it; those are a matter of patching.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from lensgui.analysis.checks import check_runs
from lensgui.analysis.heads.direct import (
    attention_terms,
    bias_terms,
    reading_direction,
    set_difference,
)
from lensgui.analysis.run.layer_row import LayerRow
from lensgui.analysis.run.predictions import read_metric
from lensgui.analysis.run.run import Run
from lensgui.terms.metric import Metric, read_positions
from lensgui.terms.metrics import answer_sets
from lensgui.transformer.layers.parameters import exact
from lensgui.transformer.model import HookedTransformer

ComponentKind = Literal["embed", "pos_embed", "attn_out", "mlp_out", "ln_final.b", "b_U"]
Between = Literal["soft cap", "log-sum-exp", "probability", "log-probability"]


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the logits.

    Attributes:
        kind: What adds it: "embed", the token's embedding with its multiplier and norm;
            "pos_embed", the position's, where the stream has it; "attn_out", a layer's heads and
            b_O; "mlp_out"; the final norm's bias; or b_U.
        layer: Of attention and MLPs; None for the others.
        value: In logits; NaN where not yet known.
    """

    kind: ComponentKind
    layer: int | None
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """The logits that a metric reads, taken apart, as far as they are known.

    They are logit(answer) − logit(distractor), or the answer's logit alone where there is no
    distractor: before any soft cap, after the logit multiplier, sets of tokens by their mean.
    Numbers are in logits, in host memory; NaN where not yet known.

    Attributes:
        embed: What the token's embedding adds, with its multiplier and norm.
        pos_embed: What the position's embedding adds; None where the stream has none.
        heads: What each head adds, [layer, head].
        attention_bias: What b_O adds, and the bias of a norm behind attention, [layer].
        mlp: What each MLP adds, [layer]; None without MLPs.
        norm_bias: What the final norm's bias adds; 0 without one.
        unembed_bias: What b_U adds.
        logits: What the parts are parts of, as the run has it: not added up, but read through the
            final norm and the unembedding.
        capped: The same under the model's soft cap; `logits` where there is none.
        metric: The metric itself, in its own unit.
        between: What lies between `logits` and `metric`, in order; () where they are one number.
    """

    embed: float
    pos_embed: float | None
    heads: Tensor
    attention_bias: Tensor
    mlp: Tensor | None
    norm_bias: float
    unembed_bias: float
    logits: float
    capped: float
    metric: float
    between: tuple[Between, ...] = ()

    @property
    def attention(self) -> Tensor:
        """What each layer's attention adds, heads and biases, [layer]."""
        return self.heads.sum(1) + self.attention_bias

    @property
    def by_head(self) -> Tensor:
        """What is in each layer: heads, then b_O, then the MLP if there are any, [layer, part]."""
        parts = [self.heads, self.attention_bias[:, None]]
        return torch.cat(parts if self.mlp is None else [*parts, self.mlp[:, None]], 1)

    @property
    def by_component(self) -> Tensor:
        """What each layer's attention adds, and its MLP if there are any, [layer, component]."""
        return torch.stack([self.attention, *([] if self.mlp is None else [self.mlp])], 1)

    @property
    def constant(self) -> float:
        """What the biases behind the stream add: the final norm's and b_U."""
        return self.norm_bias + self.unembed_bias

    @property
    def total(self) -> float:
        """The sum of all parts."""
        return float(self.cumulative()[-1]) + self.constant

    @property
    def rest(self) -> float:
        """`logits` − `total`: what rounding leaves, which is little but in half precision.

        Under interventions it is also what these add to the stream directly.
        """
        return self.logits - self.total

    @property
    def components(self) -> tuple[Component, ...]:
        """All parts in the order in which the stream meets them, a layer's heads as one."""
        found = [Component("embed", None, self.embed)]
        if self.pos_embed is not None:
            found.append(Component("pos_embed", None, self.pos_embed))
        mlps = None if self.mlp is None else self.mlp.tolist()
        for layer, value in enumerate(self.attention.tolist()):
            found.append(Component("attn_out", layer, value))
            if mlps is not None:
                found.append(Component("mlp_out", layer, mlps[layer]))
        found.append(Component("ln_final.b", None, self.norm_bias))
        return (*found, Component("b_U", None, self.unembed_bias))

    def cumulative(self, includes_mid: bool = False) -> Tensor:
        """Return what the stream that enters each layer comes to, and the one after the last.

        All rows are divided by the final scale, so that each differs from the one before by what
        was added between. A lens divides each row by a scale of its own, and reads another number.
        `constant` is not in it: the last row and that make `total`.

        Args:
            includes_mid: Whether the stream between a layer's attention and its MLP is a row too;
                of a parallel block as if attention came first.

        Returns:
            [row]: n_layers + 1 of them, or 2 · n_layers + 1.
        """
        start = self.heads.new_tensor([self.embed + (self.pos_embed or 0.0)])
        attention = self.attention
        mlp = torch.zeros_like(attention) if self.mlp is None else self.mlp
        added = torch.stack([attention, mlp], 1)
        rows = torch.cat([start, added.flatten()]).cumsum(0)
        return rows if includes_mid else rows[::2]


@torch.no_grad()
def attribute(run: Run, metric: Metric) -> Iterator[Attribution]:
    """Take the logits that a metric reads apart: direct logit attribution (Elhage et al. 2021).

    The scales of the final norm, and of norms behind attention and MLPs, are taken as they were in
    the run. Without a distractor it is the answer's logit as it is, which a change of all logits
    alike changes too; a folded model has them centred.

    Args:
        run: A run, which is completed.
        metric: What is read: an answer at one position, perhaps against a distractor.

    Yields:
        The attribution so far: a layer more each time.

    Raises:
        ValueError: If the metric is not read off single logits of one position, there is no such
            position or token, or hooks are attached to the model.
    """
    position, direction = answers_at(run, metric)
    cfg = run.model.cfg
    found = torch.full((cfg.n_layers, cfg.n_heads + 2), torch.nan, dtype=torch.float64)
    start = _outside_layers(run, metric, position, direction, found)
    for layer in range(cfg.n_layers):
        row = LayerRow(run, layer, position)
        terms = [attention_terms(row, direction)]
        if not cfg.attn_only:
            terms.append(_of_mlp(row, direction)[None])
        joined = torch.cat(terms)
        found[layer, : len(joined)] = joined.cpu()
        known = found.clone()  # what was yielded stays as it was
        yield replace(
            start,
            heads=known[:, : cfg.n_heads],
            attention_bias=known[:, -2],
            mlp=None if cfg.attn_only else known[:, -1],
        )


def _of_mlp(row: LayerRow, direction: Tensor) -> Tensor:
    """Return what an MLP adds along a direction, [], as `exact`."""
    if row.block.hook_mlp_out.is_watched:
        return exact(row.mlp_added) @ direction
    along, bias = row.mlp_direction(direction)
    return exact(row.mlp_output) @ along + bias


def answers_at(run: Run, metric: Metric) -> tuple[int, Tensor]:
    """Return where a metric reads, and the direction of its answer there, as `reading_direction`.

    Args:
        run: A run, which is completed.
        metric: What is read.

    Raises:
        ValueError: As `attribute`.
    """
    answer_sets(metric)
    position = read_positions(metric, len(run.tokens)).start
    check_runs(run.model, run)
    return position, reading_direction(run, metric, position)


def _outside_layers(
    run: Run, metric: Metric, position: int, direction: Tensor, unknown: Tensor
) -> Attribution:
    """Return an attribution that lacks the layers.

    Args:
        run: A complete run.
        metric: What is read.
        position: Where.
        direction: As `reading_direction` gives it.
        unknown: NaN, [layer, head + 2].
    """
    model, cfg = run.model, run.model.cfg
    embedded = [model.embed(run.tokens[None, position : position + 1])[0, 0]]
    if cfg.positional_embedding_type == "standard":
        embedded.append(model.pos_embed.at(run.span.positions[:, position])[0])
    numbers = [
        exact(torch.stack(embedded)) @ direction,
        bias_terms(model, metric),
        _logits(model, run.residuals.row(-1, position), metric),
    ]
    embed, *others, norm_bias, unembed_bias, logits, capped = torch.cat(numbers).tolist()
    return Attribution(
        embed,
        others[0] if others else None,
        unknown[:, : cfg.n_heads],
        unknown[:, -2],
        None if cfg.attn_only else unknown[:, -1],
        norm_bias,
        unembed_bias,
        logits,
        capped,
        read_metric(run, metric),
        _between(model, metric),
    )


def _logits(model: HookedTransformer, final: Tensor, metric: Metric) -> Tensor:
    """Return the difference of logits before and under the soft cap, [2], as `exact`.

    Args:
        model: The model.
        final: The stream after the last layer, [d_model].
        metric: What is read.
    """
    answer, distractor = answer_sets(metric)
    ids = torch.tensor(answer + distractor, dtype=torch.long, device=final.device)
    logits = exact(model.unembed.uncapped(model.ln_final.precisely(final), ids))
    read = logits, model.unembed.capped(logits)
    return torch.stack([set_difference(of, metric) for of in read])


def _between(model: HookedTransformer, metric: Metric) -> tuple[Between, ...]:
    """Return what lies between the logits that are taken apart and a metric."""
    found: list[Between] = [] if model.unembed.soft_cap is None else ["soft cap"]
    if metric.name == "logit difference" and max(map(len, answer_sets(metric))) > 1:
        found.append("log-sum-exp")
    if metric.name in ("probability", "probability difference"):
        found.append("probability")
    if metric.name == "log-probability":
        found.append("log-probability")
    return tuple(found)
