"""First-order estimates of the cells of one layer, from two runs and a gradient."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lensgui.terms.kinds import SweepKind
from lensgui.transformer.model import HookedTransformer


@dataclass(frozen=True, slots=True)
class LayerEstimates:
    """What both runs left at one layer, by short name, and the estimates made from it."""

    model: HookedTransformer
    layer: int
    source: dict[str, Tensor]
    base: dict[str, Tensor]
    qk_fix: bool

    def row(self, kind: SweepKind, gradients: dict[str, Tensor]) -> Tensor:
        """Return the estimates of a kind in the shape of a layer of its map."""
        fixed = self.qk_fix and kind.activation in ("q", "k")
        return self._fixed(kind, gradients) if fixed else self._linear(kind, gradients)

    def _linear(self, kind: SweepKind, gradients: dict[str, Tensor]) -> Tensor:
        name = kind.activation
        change = (self.source[name] - self.base[name]).double() * gradients[name].double()
        if name != "pattern":
            effect = change.sum(-1)
            return effect.sum(0) if kind.extent == "all" else effect
        dims = {"edge": (), "position": (-1,), "all": (-2, -1)}[kind.extent]
        return change.sum(dims) if dims else change

    def _fixed(self, kind: SweepKind, gradients: dict[str, Tensor]) -> Tensor:
        """Return the estimates of q or k with attention worked out again (Kramár et al. 2024)."""
        pattern, gradient = self.base["pattern"].double(), gradients["pattern"].double()
        scores = self._scores(kind.activation).double()
        if kind.activation == "q" or kind.extent == "all":
            softmax = self.model.blocks[self.layer].attn.softmax
            change = ((softmax(scores) - pattern) * gradient).sum(-1)
            by_position = change.T  # of queries
        else:
            before = self.base["attn_scores"].double()
            by_position = _one_key_at_a_time(scores, before, pattern, gradient)
        if kind.activation == "k":
            groups = self.model.cfg.kv_heads
            by_position = by_position.unflatten(-1, (groups, -1)).sum(-1)
        return by_position.sum(0) if kind.extent == "all" else by_position

    def _scores(self, activation: str) -> Tensor:
        """Return the scores that the source's queries, or keys, would have in the base run."""
        attn = self.model.blocks[self.layer].attn
        span = self.model.span(len(self.base[activation]))
        q, k = ((self.source if name == activation else self.base)[name][None] for name in "qk")
        return attn.scores(attn.turned_queries(q, span), [attn.turned_keys(k, span)], span)[0]


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
