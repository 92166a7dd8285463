"""Attribution patching: a first-order estimate of every cell of every sweep.

From two runs and a gradient.

A cell's estimate is (source activation − base activation) · ∂metric/∂activation on the base run
(Nanda 2023; Syed et al. 2023). It can be far off where the metric saturates, and for queries and
keys, whose softmax it takes for linear; the QK fix (Kramár et al. 2024) works attention out again
there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lensgui.circuits.metrics import Metric
from lensgui.circuits.questions import Direction, SweepKind
from lensgui.circuits.runs import read_out
from lensgui.engine.model import HookedTransformer
from lensgui.engine.names import get_act_name


@torch.enable_grad()
def attribute(
    model: HookedTransformer,
    clean: Tensor,
    corrupted: Tensor,
    metric: Metric,
    kinds: Sequence[SweepKind],
    direction: Direction = "denoising",
    qk_fix: bool = False,
) -> tuple[Tensor, ...]:
    """Estimate every cell of some kinds of sweep at once.

    Args:
        model: The model.
        clean: Token ids of the clean prompt, [position] or [1, position].
        corrupted: The corrupted prompt, with as many tokens.
        metric: What is read; it must have a gradient.
        kinds: What cells replace.
        direction: "denoising" or "noising", as in `sweep`.
        qk_fix: Whether the estimates of q and k go through the softmax exactly.

    Returns:
        For each kind the estimated change of the metric, in the shape of its map, in float64.

    Raises:
        ValueError: If the metric has no gradient, or the prompts have different lengths.
    """
    if not metric.is_smooth:
        raise ValueError(f"{type(metric).__name__} has no gradient, so it has no estimate.")
    prompts = [prompt.flatten()[None] for prompt in (clean, corrupted)]
    if prompts[0].shape != prompts[1].shape:
        raise ValueError(
            f"The clean prompt has {prompts[0].shape[1]} tokens and the corrupted one "
            f"{prompts[1].shape[1]}; patching needs as many in both."
        )
    needed = {kind.activation for kind in kinds}
    names = needed | (
        {"q", "k", "attn_scores", "pattern"} if qk_fix and needed & {"q", "k"} else set()
    )
    if metric.compares:
        metric = metric.against(_clean_logits(model, prompts[0], metric))
    source_tokens, base_tokens = prompts if direction == "denoising" else reversed(prompts)
    with torch.no_grad():
        source, _ = _watched(model, source_tokens, names)
    base, residual = _watched(model, base_tokens, names)
    logits = read_out(model, residual[0, metric.position], metric.columns)
    gradients = _gradients(metric.of_columns(logits.double()), base)
    given = _Given(model, source, base, gradients)
    return tuple(given.map(kind, qk_fix) for kind in kinds)


@torch.no_grad()
def _clean_logits(model: HookedTransformer, tokens: Tensor, metric: Metric) -> Tensor:
    """Return the clean run's logits where the metric reads, [d_vocab]."""
    residual = model(tokens, stop_at_layer=model.cfg.n_layers)
    return read_out(model, residual[0, metric.position]).double()


def _watched(
    model: HookedTransformer, tokens: Tensor, names: set[str]
) -> tuple[dict[str, Tensor], Tensor]:
    """Return some activations of every layer, by full name, and the last residual stream.

    Activations hang together with it, so that gradients reach them, if gradients are on.
    """
    kept: dict[str, Tensor] = {}

    def keep(activation: Tensor, hook: Any) -> None:
        kept[hook.name] = activation

    def begin(activation: Tensor, hook: Any) -> Tensor:
        return activation.detach().requires_grad_(torch.is_grad_enabled())

    hooks: list[Any] = [("hook_embed", begin)]
    for layer in range(model.cfg.n_layers):
        hooks += [(get_act_name(name, layer), keep) for name in sorted(names)]
    with model.hooks(hooks):
        residual = model(tokens, stop_at_layer=model.cfg.n_layers)
    return kept, residual


def _gradients(value: Tensor, base: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the gradient with respect to each activation; 0 where it has no effect."""
    found = torch.autograd.grad(value, list(base.values()), allow_unused=True)
    return {
        name: torch.zeros_like(activation) if gradient is None else gradient
        for (name, activation), gradient in zip(base.items(), found, strict=True)
    }


class _Given:
    """What both runs and the gradient left, and the maps made from them."""

    def __init__(
        self,
        model: HookedTransformer,
        source: dict[str, Tensor],
        base: dict[str, Tensor],
        gradients: dict[str, Tensor],
    ) -> None:
        self.model, self.source, self.base, self.gradients = model, source, base, gradients

    @torch.no_grad()
    def map(self, kind: SweepKind, qk_fix: bool) -> Tensor:
        """Return the estimates of a kind in the shape of its map."""
        layers = range(self.model.cfg.n_layers)
        fixed = qk_fix and kind.activation in ("q", "k")
        rows = [self._fixed(kind, at) if fixed else self._linear(kind, at) for at in layers]
        return torch.stack(rows).cpu()

    def _linear(self, kind: SweepKind, layer: int) -> Tensor:
        name = get_act_name(kind.activation, layer)
        change = (self.source[name] - self.base[name]).double() * self.gradients[name].double()
        if kind.activation != "pattern":
            effect = change[0].sum(-1)
            return effect.sum(0) if kind.extent == "all" else effect
        dims = {"edge": (), "position": (-1,), "all": (-2, -1)}[kind.extent]
        return change[0].sum(dims) if dims else change[0]

    def _fixed(self, kind: SweepKind, layer: int) -> Tensor:
        """Return the estimates of q or k with attention worked out again (Kramár et al. 2024)."""
        of = {
            name: self.base[get_act_name(name, layer)][0].double()
            for name in ("attn_scores", "pattern")
        }
        gradient = self.gradients[get_act_name("pattern", layer)][0].double()
        scores = self._scores(kind.activation, layer)[0].double()
        softmax = self.model.blocks[layer].attn.softmax
        if kind.activation == "q" or kind.extent == "all":
            change = ((softmax(scores) - of["pattern"]) * gradient).sum(-1)
            by_position = change.T  # of queries
        else:
            by_position = _one_key_at_a_time(scores, of["attn_scores"], of["pattern"], gradient)
        if kind.activation == "k":
            groups = self.model.cfg.kv_heads
            by_position = by_position.unflatten(-1, (groups, -1)).sum(-1)
        return by_position.sum(0) if kind.extent == "all" else by_position

    def _scores(self, activation: str, layer: int) -> Tensor:
        """Return the scores that the source's queries, or keys, would have in the base run."""
        attn = self.model.blocks[layer].attn
        length = self.base[get_act_name(activation, layer)].shape[1]
        span = self.model.span(length)
        pick = dict.fromkeys(("q", "k"), self.base) | {activation: self.source}
        q = attn.turned_queries(self._raw(pick, "q", layer), span)
        k = attn.turned_keys(self._raw(pick, "k", layer), span)
        return attn.scores(q, [k], span)

    @staticmethod
    def _raw(pick: dict[str, dict[str, Tensor]], name: str, layer: int) -> Tensor:
        return pick[name][get_act_name(name, layer)]


def _one_key_at_a_time(
    patched: Tensor, scores: Tensor, pattern: Tensor, gradient: Tensor
) -> Tensor:
    """Return the effect of replacing one key's scores at a time, softmax worked out exactly.

    With share a and gradient g of the key's source, and r the share it would have had before
    renormalising, a row's Σ pattern · gradient changes to (Σ − a g + r g) / (1 − a + r).

    Args:
        patched: Scores with the source's keys, [head, query, source].
        scores: The base run's.
        pattern: The base run's.
        gradient: Of the metric with respect to the pattern.

    Returns:
        [source, head].
    """
    visible = scores.isfinite()
    growth = torch.where(visible, patched - scores, torch.zeros_like(scores))
    would_be = pattern * growth.exp()
    whole = (pattern * gradient).sum(-1, keepdim=True)
    changed = (whole - pattern * gradient + would_be * gradient) / (1 - pattern + would_be)
    return (changed - whole).sum(-2).T


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well an estimate agrees with exact values, over the cells that change anything.

    Attributes:
        pearson: Their correlation; NaN where one of them is constant.
        rank: Spearman's correlation of their sizes.
        cells: How many cells that is.
    """

    pearson: float
    rank: float
    cells: int


def agreement(estimate: Tensor, exact: Tensor, unchanged: Tensor) -> Agreement:
    """Compare an estimate with exact values of the same pair.

    Args:
        estimate: Any shape.
        exact: The same shape; NaN where not yet known, which does not count.
        unchanged: Cells that are 0 by causality, which do not count.
    """
    live = ~unchanged & exact.isfinite()
    a, b = estimate[live].double(), exact[live].double()
    return Agreement(_pearson(a, b), _pearson(_ranks(a.abs()), _ranks(b.abs())), int(live.sum()))


def _pearson(a: Tensor, b: Tensor) -> float:
    if len(a) < 2:
        return float("nan")
    a, b = a - a.mean(), b - b.mean()
    size = a.norm() * b.norm()
    return float((a @ b) / size) if size > 0 else float("nan")


def _ranks(values: Tensor) -> Tensor:
    return values.argsort().argsort().double()
