"""Multi-head attention with grouped queries, one function for the model and for sweeps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.hooks.hook_point import HookPoint, with_gradients_of
from lensgui.transformer.layers.embed import PosEmbed
from lensgui.transformer.layers.norms import Norm
from lensgui.transformer.layers.parameters import (
    head_readers,
    head_writers,
    read_heads,
    write_heads,
    zeros,
)
from lensgui.transformer.layers.span import KeyValues, Span
from lensgui.transformer.weights.factored import FactoredMatrix

Reader = tuple[nn.Parameter, nn.Parameter | None]
_ALL_HEADS = slice(None)


def products(q: Tensor, keys: Sequence[Tensor]) -> Tensor:
    """Multiply queries with the keys of their groups.

    Args:
        q: [batch, query, head, d_head].
        keys: Pieces of the sources, each [batch or 1, source, key_value_head, d_head].

    Returns:
        [batch, head, query, source], the pieces side by side.
    """
    batch, queries, heads, _ = q.shape
    parts = []
    for k in keys:
        kv_heads = k.shape[2]
        by_group = q.unflatten(2, (kv_heads, heads // kv_heads))
        if k.shape[0] < batch:  # shared: every row of the batch asks the same keys, in one product
            rows = rearrange(by_group, "b q kv g d -> kv (b g q) d")
            product = rows @ k[0].permute(1, 2, 0)
            product = rearrange(product, "kv (b g q) s -> b (kv g) q s", b=batch, q=queries)
        else:
            rows = by_group.permute(0, 2, 3, 1, 4).flatten(2, 3)
            product = (rows @ k.permute(0, 2, 3, 1)).view(batch, heads, queries, -1)
        parts.append(product)
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)


def mix(pattern: Tensor, values: Sequence[Tensor]) -> Tensor:
    """Average values as a pattern says.

    Args:
        pattern: [batch, head, query, source].
        values: Pieces of the sources, each [batch or 1, source, key_value_head, d_head].

    Returns:
        [batch, query, head, d_head].
    """
    batch, heads, queries, _ = pattern.shape
    mixed = []
    for part, v in zip(pattern.split([v.shape[1] for v in values], dim=-1), values, strict=True):
        kv_heads = v.shape[2]
        by_group = part.unflatten(1, (kv_heads, heads // kv_heads))
        if v.shape[0] < batch:
            rows = rearrange(by_group, "b kv g q s -> kv (b g q) s")
            product = rows @ v[0].transpose(0, 1)
            mixed.append(rearrange(product, "kv (b g q) d -> b q (kv g) d", b=batch, q=queries))
        else:
            product = by_group.flatten(2, 3) @ v.transpose(1, 2)
            mixed.append(product.view(batch, heads, queries, -1).transpose(1, 2))
    whole: Tensor = mixed[0]
    for part in mixed[1:]:
        whole = whole + part
    return whole


class Attention(nn.Module):
    """Every head reads where its query matches a key, and writes what stands there.

    Attributes:
        W_Q: [head, d_model, d_head].
        W_K: [key_value_head, d_model, d_head]; W_V likewise, its last size being d_value.
        W_O: [head, d_value, d_model].
        b_Q: [head, d_head]; b_K and b_V [key_value_head, …] likewise.
        b_O: [d_model].
        pos_embed: What queries and keys read beside the stream, in a tuple as it is the model's; ()
            for nothing. `queries` and `keys` add it, `forward` and `projected` take it as added.
        sinks: The score of attending to nothing, [head]; only with `cfg.use_attn_sinks`.
    """

    def __init__(self, cfg: HookedTransformerConfig, layer: int) -> None:
        """Make uninitialised attention for a layer."""
        super().__init__()
        self.cfg, self.layer = cfg, layer
        heads, kv_heads, dtype = cfg.n_heads, cfg.kv_heads, cfg.dtype
        self._add_readers(cfg)
        self.W_O = head_writers(heads, cfg.d_value, cfg.d_model, dtype)
        self.b_Q = zeros(heads, cfg.d_head, dtype=dtype)
        self.b_K = zeros(kv_heads, cfg.d_head, dtype=dtype)
        self.b_V = zeros(kv_heads, cfg.d_value, dtype=dtype)
        self.b_O = zeros(cfg.d_model, dtype=dtype)
        self.score_scale = cfg.score_scale(layer)
        self.pos_embed: tuple[PosEmbed, ...] = ()
        self.window, self.rotation = cfg.window(layer), cfg.rotation(layer)
        has_alibi = cfg.positional_embedding_type == "alibi"
        is_capped = cfg.attn_scores_soft_cap is not None
        self.is_plain = not (is_capped or cfg.use_attn_sinks or has_alibi)
        self.hook_q, self.hook_k, self.hook_v = HookPoint(), HookPoint(), HookPoint()
        if cfg.use_qk_norm:
            self.q_norm, self.k_norm = self._qk_norm(heads), self._qk_norm(kv_heads)
        if self.rotation is not None:
            self.hook_rot_q, self.hook_rot_k = HookPoint(), HookPoint()
        if cfg.use_attn_sinks:
            self.sinks = zeros(heads, dtype=dtype)
        self.hook_attn_scores, self.hook_pattern = HookPoint(), HookPoint()
        self.hook_z, self.hook_result = HookPoint(), HookPoint()

    def _add_readers(self, cfg: HookedTransformerConfig) -> None:
        """Add the weights that queries, keys and values are read with."""
        self.W_Q = head_readers(cfg.n_heads, cfg.d_model, cfg.d_head, cfg.dtype)
        self.W_K = head_readers(cfg.kv_heads, cfg.d_model, cfg.d_head, cfg.dtype)
        self.W_V = head_readers(cfg.kv_heads, cfg.d_model, cfg.d_value, cfg.dtype)

    def readers(self) -> list[Reader]:
        """Return the weights that read the residual stream, each with its bias."""
        return [(self.W_Q, self.b_Q), (self.W_K, self.b_K), (self.W_V, self.b_V)]

    def _qk_norm(self, heads: int) -> Norm:
        """Return the norm of the queries or keys of so many heads."""
        width = self.cfg.d_head
        shape = {"shared": (width,), "per_head": (heads, width), "across_heads": (heads * width,)}
        return Norm(self.cfg, shape[self.cfg.qk_norm_weights], is_foldable=False)

    def forward(
        self,
        query_input: Tensor,
        key_input: Tensor,
        value_input: Tensor,
        span: Span | None = None,
        past: KeyValues | None = None,
    ) -> Tensor:
        """Return what attention adds to the residual stream.

        Args:
            query_input: [batch, query, d_model], or [batch, query, head, d_model]; the last
                positions of the span.
            key_input: [batch, position, d_model], or with a key/value head's copy each; the whole
                span.
            value_input: Likewise.
            span: Which positions these are; None for the first ones of an unpadded prompt.
            past: Keys and values of the positions before.

        Returns:
            [batch, query, d_model].
        """
        span = span or self.span_of(key_input)
        return self.write(
            self.mixed(*self.projected(query_input, key_input, value_input), span, past)
        )

    def with_positions(self, x: Tensor, span: Span | None) -> Tensor:
        """Return what queries or keys read, [batch, position, ..., d_model], the span's last."""
        if span is None or not self.pos_embed:
            return x
        rows = self.pos_embed[0].at(span.positions) if span.embedded is None else span.embedded
        rows = rows[:, -x.shape[1] :]
        return x + (rows if x.ndim == 3 else rows[:, :, None])

    def span_of(self, stream: Tensor) -> Span:
        """Return the first positions of an unpadded prompt, as many as a stream's, [batch, …]."""
        return Span(self.cfg, stream.shape[1], device=stream.device)

    @property
    def QK(self) -> FactoredMatrix:
        """Each head's W_Q W_Kᵀ, factored, [head, d_model, d_model]."""
        keys = self.W_K.repeat_interleave(self.cfg.heads_per_group, 0)
        return FactoredMatrix(self.W_Q, keys.transpose(-2, -1))

    @property
    def OV(self) -> FactoredMatrix:
        """Each head's W_V W_O, factored, [head, d_model, d_model]."""
        return FactoredMatrix(self.W_V.repeat_interleave(self.cfg.heads_per_group, 0), self.W_O)

    @property
    def mask(self) -> Tensor:
        """Which sources each query may see, [n_ctx, n_ctx]."""
        span = Span(self.cfg, self.cfg.n_ctx, device=self.W_Q.device)
        return span.visible(window=self.window)[0, 0]

    def projected(
        self, query_input: Tensor, key_input: Tensor, value_input: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values before norm and turn; arguments as in `forward`.

        Rows do not meet here, so those of several spans may come as one batch.
        """
        q = self.hook_q(self._read_queries(query_input))
        k, v = self._read_keys_and_values(key_input, value_input)
        return q, self.hook_k(k), self.hook_v(v)

    def _read_queries(self, x: Tensor) -> Tensor:
        """Return queries before norm and turn, [batch, query, head, d_head]."""
        return read_heads(x, self.W_Q, self.b_Q, self.cfg.clip_qkv)

    def _read_keys(self, x: Tensor) -> Tensor:
        """Return keys before norm and turn, [batch, position, key_value_head, d_head]."""
        return read_heads(x, self.W_K, self.b_K, self.cfg.clip_qkv)

    def _read_keys_and_values(
        self, key_input: Tensor, value_input: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return keys, and values [batch, position, key_value_head, d_value]."""
        values = read_heads(value_input, self.W_V, self.b_V, self.cfg.clip_qkv)
        return self._read_keys(key_input), values

    def mixed(
        self, q: Tensor, k: Tensor, v: Tensor, span: Span, past: KeyValues | None = None
    ) -> Tensor:
        """Return what heads put out, [batch, query, head, d_value].

        Args:
            q: What `projected` returned, [batch, query, head, d_head].
            k: Likewise, [batch, position, key_value_head, d_head].
            v: Likewise.
            span: Which positions these are.
            past: Keys and values of the positions before.
        """
        q, k = self.turned_queries(q, span), self.turned_keys(k, span)
        keys, values = [k], [v]
        if past is not None and past.grows:
            past.append(k, v)
            keys, values = [past.k], [past.v]
        elif past is not None and past.k.shape[1]:
            keys, values = [past.k, k], [past.v, v]
        return self.hook_z(self.attend(q, keys, values, span))

    def queries(self, query_input: Tensor, span: Span) -> Tensor:
        """Return the queries of the last positions of a span, normalised and turned.

        Returns:
            [batch, query, head, d_head].
        """
        q = self.hook_q(self._read_queries(self.with_positions(query_input, span)))
        return self.turned_queries(q, span)

    def turned_queries(self, q: Tensor, span: Span) -> Tensor:
        """Return queries [batch, query, head, d_head] as they meet keys: normalised and turned."""
        if self.cfg.use_qk_norm:
            q = self._normalized(q, self.q_norm)
        if self.rotation is None:
            return q
        return self.hook_rot_q(span.rotations[self.rotation].last(q.shape[1]).turn(q))

    def keys(self, key_input: Tensor, span: Span) -> Tensor:
        """Return the keys of a span, normalised and turned.

        Returns:
            [batch, position, key_value_head, d_head].
        """
        k = self.hook_k(self._read_keys(self.with_positions(key_input, span)))
        return self.turned_keys(k, span)

    def turned_keys(self, k: Tensor, span: Span) -> Tensor:
        """Return keys [batch, position, key_value_head, d_head] as they meet queries."""
        if self.cfg.use_qk_norm:
            k = self._normalized(k, self.k_norm)
        if self.rotation is None:
            return k
        return self.hook_rot_k(span.rotations[self.rotation].turn(k))

    def _normalized(self, x: Tensor, norm: Norm) -> Tensor:
        """Normalise queries or keys, [batch, position, head, d_head], each head's or all's."""
        is_flat = self.cfg.qk_norm_weights == "across_heads"
        normalized: Tensor = norm(x.flatten(2) if is_flat else x)
        return normalized.view(x.shape)

    def attend(self, q: Tensor, keys: list[Tensor], values: list[Tensor], span: Span) -> Tensor:
        """Return the values averaged by attention, [batch, query, head, d_value].

        The pattern is worked out where scores are more than products, and where sources come in
        pieces, which need not be the same for keys and values; elsewhere torch's fused attention
        does it all at once. A pattern that hooks read is then worked out beside that, and one that
        they change is put in.
        """
        if max(len(keys), len(values)) > 1 or not self.is_plain:
            return mix(self.pattern(q, keys, span), values)
        fused = self._fused(q, keys[0], values[0], span)
        if not (self.hook_attn_scores.is_watched or self.hook_pattern.is_watched):
            return fused
        pattern, is_changed = self._shown_pattern(q, keys, span, _ALL_HEADS)
        if not (is_changed or torch.is_grad_enabled()):
            return fused
        long = mix(pattern, values)
        return long if is_changed else with_gradients_of(long, fused)

    def _fused(self, q: Tensor, k: Tensor, v: Tensor, span: Span) -> Tensor:
        mixed = F.scaled_dot_product_attention(
            q.transpose(1, 2),
            k.transpose(1, 2),
            v.transpose(1, 2),
            attn_mask=span.visible(q.shape[1], self.window),
            scale=self.score_scale,
            enable_gqa=self.cfg.kv_heads != self.cfg.n_heads,
        )
        return mixed.transpose(1, 2)

    def pattern(
        self, q: Tensor, keys: list[Tensor], span: Span, heads: slice = _ALL_HEADS
    ) -> Tensor:
        """Return how much each query attends to each source.

        A query that sees nothing has a row of zeros.

        Args:
            q: Queries, turned, [batch, query, head, d_head].
            keys: Pieces of the sources, turned, each [batch or 1, source, key_value_head, d_head].
            span: Which positions the queries are the last of.
            heads: Which heads q and keys hold, in whole groups.

        Returns:
            [batch, head, query, source].
        """
        return self._shown_pattern(q, keys, span, heads)[0]

    def _shown_pattern(
        self, q: Tensor, keys: list[Tensor], span: Span, heads: slice
    ) -> tuple[Tensor, bool]:
        """Return the pattern as hooks leave it, and whether they changed it or its scores."""
        scores, has_scores = self.hook_attn_scores.shown(self.scores(q, keys, span, heads))
        pattern = self.softmax(scores, heads)
        if span.has_blind_rows:
            pattern = pattern.nan_to_num(nan=0.0)
        pattern, has_pattern = self.hook_pattern.shown(pattern.to(q.dtype))
        return pattern, has_scores or has_pattern

    def softmax(self, scores: Tensor, heads: slice = _ALL_HEADS) -> Tensor:
        """Return the pattern of scores [..., head, query, source], in float32 at least.

        With sinks its rows do not sum to 1: the rest goes nowhere.
        """
        half = scores.dtype in (torch.float16, torch.bfloat16)
        precise = torch.float32 if half else None
        if not self.cfg.use_attn_sinks:
            return scores.softmax(-1, dtype=precise)
        sinks = self.sinks[heads, None, None].to(scores.dtype).expand(*scores.shape[:-1], 1)
        return torch.cat([scores, sinks], dim=-1).softmax(-1, dtype=precise)[..., :-1]

    def scores(
        self, q: Tensor, keys: list[Tensor], span: Span, heads: slice = _ALL_HEADS
    ) -> Tensor:
        """Return what the pattern is the softmax of; arguments as in `pattern`."""
        scores = products(q, keys) * self.score_scale
        if not self.is_plain:
            scores = self._adjusted(scores, span, heads)
        return scores.masked_fill(span.visible(q.shape[1], self.window).logical_not(), -torch.inf)

    def _adjusted(self, scores: Tensor, span: Span, heads: slice) -> Tensor:
        """Return scores with their soft cap or their bias by distance."""
        cap = self.cfg.attn_scores_soft_cap
        if cap is not None:
            scores = cap * torch.tanh(scores / cap)
        if self.cfg.positional_embedding_type == "alibi":
            scores = scores + span.alibi(scores.shape[-2])[:, heads].to(scores.dtype)
        return scores

    def write(self, z: Tensor) -> Tensor:
        """Return what heads with outputs z [batch, query, head, d_value] write together.

        Returns:
            [batch, query, d_model].
        """
        if not self.cfg.use_attn_result:
            return write_heads(z, self.W_O, self.b_O)
        result = self.hook_result(torch.einsum("bphd,hdm->bphm", z, self.W_O))
        return result.sum(2) + self.b_O
