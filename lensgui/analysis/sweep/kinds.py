"""What is known of each activation that sweeps patch: how it is read, put in and estimated.

`WAYS` is the table. What has no tensors, such as axes and words, is in `terms.kinds`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from lensgui.analysis.run.recording import Recorded, Recording
from lensgui.analysis.run.run import Run
from lensgui.terms.kinds import SweepKind
from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.layers.attention import Attention, mix
from lensgui.transformer.layers.block import Block
from lensgui.transformer.layers.parameters import exact
from lensgui.transformer.layers.span import Span
from lensgui.transformer.model import HookedTransformer

Stage = Literal["pre", "mid", "post"]


@dataclass(frozen=True, slots=True)
class Entry:
    """Where cells enter the base run.

    Attributes:
        run: The complete run that is patched into.
        base: Its recording.
        layer: The layer.
        span: The positions that run.
    """

    run: Run
    base: Recorded
    layer: int
    span: Span

    @property
    def end(self) -> int:
        """The position after the last one that runs."""
        return self.span.past + self.span.length

    @property
    def attn(self) -> Attention:
        """The layer's attention."""
        return self.block.attn

    @property
    def block(self) -> Block:
        """The layer."""
        return self.run.model.blocks[self.layer]

    def added_to(self, stream: Tensor, patched: Tensor) -> Tensor:
        """Return a stream of all positions with what is patched added, where cells run."""
        return stream[self.span.past : self.end] + patched[:, self.span.past :]

    def attended(self, pattern: Tensor, values: Tensor | None = None) -> Tensor:
        """Return resid_mid where heads attend by a pattern; None for the base run's values."""
        base = self.run.values[self.layer][:, : self.end]
        mixed = mix(pattern, [base if values is None else values])
        return self.with_heads(self.attn.hook_z(mixed))

    def with_heads(self, z: Tensor) -> Tensor:
        """Return resid_mid where heads put out z, [cell, position, head, d_head]."""
        stream = self.run.residuals[self.layer][None, self.span.past : self.end]
        return self.block.with_heads(stream, z)


def _stream(at: Entry, stream: Tensor) -> Tensor:
    """Return the patched stream itself."""
    return stream[:, at.span.past :]


def _attn_out(at: Entry, attn_out: Tensor) -> Tensor:
    """Add what attention put out to what the layer has read."""
    return at.block.as_middle(at.added_to(at.base.residual(at.layer), attn_out))


def _mlp_out(at: Entry, mlp_out: Tensor) -> Tensor:
    """Add what the MLP put out to what attention has left."""
    middle = at.added_to(_resid_mid(at.base, at.layer), mlp_out)
    return at.block.hook_resid_post(middle)


def _z(at: Entry, z: Tensor) -> Tensor:
    """Write what heads put out."""
    return at.with_heads(z[:, at.span.past :])


def _q(at: Entry, q: Tensor) -> Tensor:
    """Let queries meet the keys of the base run."""
    queries = at.attn.turned_queries(q[:, at.span.past :], at.span)
    keys = at.run.keys[at.layer][:, : at.end]
    return at.attended(at.attn.pattern(queries, [keys], at.span))


def _k(at: Entry, k: Tensor) -> Tensor:
    """Let the queries of the base run meet keys."""
    whole = Span(at.run.model.cfg, at.end, device=at.span.positions.device)
    keys = at.attn.turned_keys(k, whole)
    q = at.base("q", at.layer)[None, at.span.past : at.end]
    queries = at.attn.turned_queries(q, at.span).expand(len(k), -1, -1, -1)
    return at.attended(at.attn.pattern(queries, [keys], at.span))


def _v(at: Entry, v: Tensor) -> Tensor:
    """Move values as the base run attends."""
    pattern = at.base("pattern", at.layer)[None, :, at.span.past : at.end, : at.end]
    return at.attended(pattern.expand(len(v), -1, -1, -1), v)


def _pattern(at: Entry, pattern: Tensor) -> Tensor:
    """Move the values of the base run."""
    return at.attended(pattern[:, :, at.span.past :])


def _resid_mid(recording: Recorded, layer: int) -> Tensor:
    middle = recording.residual(layer) + recording("attn_out", layer)
    return recording.as_middle(middle, layer) if isinstance(recording, Recording) else middle


@dataclass(frozen=True, slots=True)
class Both:
    """What two runs left at one layer, by short name: what estimates are made from."""

    model: HookedTransformer
    layer: int
    source: dict[str, Tensor]
    base: dict[str, Tensor]

    @property
    def is_edited(self) -> bool:
        """Whether scores or patterns of the base run are changed on their way."""
        attn = self.model.blocks[self.layer].attn
        return attn.hook_attn_scores.is_watched or attn.hook_pattern.is_watched

    def scores(self, patched: Literal["q", "k"]) -> Tensor:
        """Return the scores that the source's queries, or keys, would have in the base run."""
        attn, queries, keys, span = self._turned(patched)
        with self.model.standing.at(span.where):
            return exact(attn.hook_attn_scores(attn.scores(queries, [keys], span))[0])

    def pattern(self, patched: Literal["q", "k"]) -> Tensor:
        """Return the pattern of those scores, in float32 at least."""
        attn, queries, keys, span = self._turned(patched)
        if not self.is_edited:
            return attn.softmax(exact(attn.scores(queries, [keys], span)[0]))
        with self.model.standing.at(span.where):
            return attn.pattern(queries, [keys], span)[0]

    def _turned(self, patched: Literal["q", "k"]) -> tuple[Attention, Tensor, Tensor, Span]:
        attn = self.model.blocks[self.layer].attn
        span = self.model.span(len(self.base[patched]))
        q, k = ((self.source if name == patched else self.base)[name][None] for name in "qk")
        return attn, attn.turned_queries(q, span), attn.turned_keys(k, span), span


Gradients = dict[str, Tensor]
FIX_READS = frozenset({"q", "k"})
FIX_READS_OF_BASE = frozenset({"attn_scores", "pattern"})  # beside these


def _fixed_q(both: Both, gradients: Gradients, at_once: bool = True) -> Tensor:
    return _reweighed(both, both.pattern("q"), gradients)


def _fixed_k(both: Both, gradients: Gradients, at_once: bool) -> Tensor:
    if at_once:
        by_head = _reweighed(both, both.pattern("k"), gradients)
    else:
        scores = both.scores("k")
        before, pattern = exact(both.base["attn_scores"]), exact(both.base["pattern"])
        by_head = one_key_at_a_time(scores, before, pattern, exact(gradients["pattern"]))
    by_group: Tensor = by_head.unflatten(-1, (both.model.cfg.kv_heads, -1)).sum(-1)
    return by_group


def _reweighed(both: Both, pattern: Tensor, gradients: Gradients) -> Tensor:
    """Return the effect of another pattern [head, query, source] on each query, [query, head]."""
    change: Tensor = (exact(pattern) - exact(both.base["pattern"])) * exact(gradients["pattern"])
    return change.sum(-1).T


def one_key_at_a_time(patched: Tensor, scores: Tensor, pattern: Tensor, gradient: Tensor) -> Tensor:
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
class Way:
    """How an activation is read of a run, put into one, and estimated.

    Attributes:
        reads: The recorded activations that its value is made of.
        put: From where cells enter and their patched activations, [cell, …] up to the span's end,
            to their stream over the span, [cell, position, d_model].
        stage: Where that enters a layer: before it, between attention and MLP, or after it.
        value: Returns it, without a batch dimension, of a recording and a layer; None if it is
            itself recorded.
        beside: The recorded activations of the base run that `put` reads beside it.
        is_pointwise: Whether it is made, a position at a time, of what a layer reads.
        is_serial: Whether only a layer has it whose MLP reads what attention has written.
        fixed: The QK fix of its estimate (Kramár et al. 2024), [position, head]: of replacing all
            positions at once, or one at a time.
    """

    reads: frozenset[str]
    put: Callable[[Entry, Tensor], Tensor]
    stage: Stage = "mid"
    value: Callable[[Recorded, int], Tensor] | None = None
    beside: frozenset[str] = frozenset()
    is_pointwise: Callable[[HookedTransformerConfig], bool] = lambda cfg: False
    is_serial: bool = False
    fixed: Callable[[Both, Gradients, bool], Tensor] | None = None


def _is_always(cfg: HookedTransformerConfig) -> bool:
    return True


def _names(*names: str) -> frozenset[str]:
    return frozenset(names)


WAYS = {
    "resid_pre": Way(_names(), _stream, "pre", lambda of, layer: of.residual(layer)),
    "resid_mid": Way(_names("attn_out"), _stream, "mid", _resid_mid, is_serial=True),
    "resid_post": Way(_names(), _stream, "post", lambda of, layer: of.residual(layer + 1)),
    "attn_out": Way(_names("attn_out"), _attn_out),
    "mlp_out": Way(
        _names("mlp_out"),
        _mlp_out,
        "post",
        beside=_names("attn_out"),
        is_pointwise=lambda cfg: cfg.parallel_attn_mlp,
    ),
    "z": Way(_names("z"), _z),
    "q": Way(_names("q"), _q, is_pointwise=_is_always, fixed=_fixed_q),
    "k": Way(_names("k"), _k, beside=_names("q"), is_pointwise=_is_always, fixed=_fixed_k),
    "v": Way(_names("v"), _v, beside=_names("pattern"), is_pointwise=_is_always),
    "pattern": Way(_names("pattern"), _pattern),
}


def needed(kind: SweepKind) -> frozenset[str]:
    """Return the activations that a kind of sweep reads of both runs."""
    way = WAYS[kind.activation]
    return way.reads | way.beside


def value_of(kind: SweepKind, recording: Recorded, layer: int) -> Tensor:
    """Return what a kind of sweep patches, of one run, without its batch dimension."""
    value = WAYS[kind.activation].value
    return value(recording, layer) if value else recording(kind.activation, layer)


def estimated(kind: SweepKind, both: Both, gradients: Gradients, qk_fix: bool) -> Tensor:
    """Return the first-order estimates of a kind in the shape of a layer of its map.

    Args:
        kind: What cells replace.
        both: What both runs left at the layer.
        gradients: Of the metric with respect to the base run's activations, by short name.
        qk_fix: Whether the estimates of q and k go through the softmax exactly.
    """
    name, fixed = kind.activation, WAYS[kind.activation].fixed
    if kind == SweepKind("k") and both.is_edited:
        fixed = None  # whose formula knows no pattern that is changed afterwards
    if qk_fix and fixed:
        effect = fixed(both, gradients, kind.extent == "all")
    else:
        effect = exact(both.source[name] - both.base[name]) * exact(gradients[name])
        effect = effect.sum(-1) if kind.has_vectors else effect
    return effect.sum(kind.within) if kind.within else effect


def check_kind(kind: SweepKind, cfg: HookedTransformerConfig) -> None:
    """Refuse to sweep what a model does not have.

    Raises:
        ValueError: If the model has no such activation.
    """
    if WAYS[kind.activation].is_serial and cfg.parallel_attn_mlp:
        raise ValueError(f"{cfg.model_name} has parallel blocks, which have no {kind.activation}.")
