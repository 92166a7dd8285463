"""One layer: attention and an MLP, each added to the residual stream."""

from __future__ import annotations

from typing import Literal

from einops import repeat
from torch import Tensor, nn

from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.hooks.hook_point import HookPoint
from lensgui.transformer.layers.latent import make_attention
from lensgui.transformer.layers.mlp import make_mlp
from lensgui.transformer.layers.norms import Norm
from lensgui.transformer.layers.span import KeyValues, Span

PostNorm = Literal["ln1_post", "ln2_post"]


class Block(nn.Module):
    """A transformer block.

    The two halves are methods of their own, so that a sweep can enter between them.
    """

    def __init__(self, cfg: HookedTransformerConfig, layer: int) -> None:
        """Make an uninitialised block."""
        super().__init__()
        self.cfg = cfg
        self.ln1: Norm | nn.Identity = Norm(cfg) if cfg.has_pre_norms else nn.Identity()
        self.attn = make_attention(cfg, layer)
        self.hook_attn_in = HookPoint()
        self.hook_q_input, self.hook_k_input = HookPoint(), HookPoint()
        self.hook_v_input = HookPoint()
        self.hook_resid_pre, self.hook_resid_post = HookPoint(), HookPoint()
        self.hook_attn_out = HookPoint()
        self.adjusts_outputs = cfg.has_post_norms or cfg.residual_multiplier != 1.0
        if cfg.has_post_norms:
            self.ln1_post = Norm(cfg, is_foldable=False)
        if not cfg.attn_only:
            self._add_mlp(layer)

    def _add_mlp(self, layer: int) -> None:
        self.ln2: Norm | nn.Identity = Norm(self.cfg) if self.cfg.has_pre_norms else nn.Identity()
        self.mlp = make_mlp(self.cfg, layer)
        if self.cfg.has_post_norms:
            self.ln2_post = Norm(self.cfg, is_foldable=False)
        if not self.cfg.parallel_attn_mlp:
            self.hook_resid_mid = HookPoint()
        self.hook_mlp_in, self.hook_mlp_out = HookPoint(), HookPoint()

    def forward(
        self,
        resid_pre: Tensor,
        span: Span | None = None,
        past: KeyValues | None = None,
        queries: int | None = None,
    ) -> Tensor:
        """Run the block.

        Args:
            resid_pre: The residual stream before it, [batch, position, d_model].
            span: Which positions these are; None for the first ones of an unpadded prompt.
            past: Keys and values of the positions before.
            queries: How many of the last positions are needed afterwards; None for all.

        Returns:
            The residual stream after it, [batch, query, d_model].
        """
        resid_pre = self.hook_resid_pre(resid_pre)
        span = span or self.attn.span_of(resid_pre)
        return self.mlp_half(self.attention_half(resid_pre, span, past, queries), resid_pre)

    def attention_half(
        self,
        resid_pre: Tensor,
        span: Span,
        past: KeyValues | None = None,
        queries: int | None = None,
    ) -> Tensor:
        """Return resid_pre + attn_out, [batch, query, d_model]; arguments as in `forward`."""
        asking = resid_pre if queries is None else resid_pre[:, -queries:]
        attn_out: Tensor = self.attn(*self._attention_inputs(resid_pre, asking, span), span, past)
        return self._with_attention(asking, attn_out)

    def projected(
        self, resid_pre: Tensor, span: Span | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the queries, keys and values of rows, as `Attention.projected` does.

        Args:
            resid_pre: Rows of any spans, [batch, position, d_model].
            span: Where they stand, if the layer reads that.
        """
        return self.attn.projected(*self._attention_inputs(resid_pre, resid_pre, span))

    def with_heads(self, resid_pre: Tensor, z: Tensor) -> Tensor:
        """Return resid_pre + attn_out, [batch, query, d_model], where heads put out z.

        Args:
            resid_pre: [batch or 1, query, d_model].
            z: [batch, query, head, d_head].
        """
        return self._with_attention(resid_pre, self.attn.write(z))

    def _with_attention(self, resid_pre: Tensor, attn_out: Tensor) -> Tensor:
        if self.adjusts_outputs:
            attn_out = self.added(attn_out, "ln1_post")
        return self.as_middle(resid_pre + self.hook_attn_out(attn_out))

    def as_middle(self, resid_mid: Tensor) -> Tensor:
        """Return the stream behind attention as hooks leave it, where an MLP reads that."""
        is_read = not (self.cfg.attn_only or self.cfg.parallel_attn_mlp)
        return self.hook_resid_mid(resid_mid) if is_read else resid_mid

    def mlp_half(self, resid_mid: Tensor, resid_pre: Tensor) -> Tensor:
        """Return resid_post.

        Args:
            resid_mid: What `attention_half` returned, [batch, position, d_model].
            resid_pre: What it was given: what the MLP of a parallel block reads. Its last positions
                are those of `resid_mid`.

        Returns:
            [batch, position, d_model].
        """
        if self.cfg.attn_only:
            return self.hook_resid_post(resid_mid)
        return self.hook_resid_post(resid_mid + self.mlp_output(resid_mid, resid_pre))

    def mlp_output(self, resid_mid: Tensor, resid_pre: Tensor) -> Tensor:
        """Return what the MLP adds to the stream, [batch, position, d_model].

        Arguments as in `mlp_half`.
        """
        mlp_in = resid_mid
        if self.cfg.parallel_attn_mlp:
            mlp_in = resid_pre[:, -resid_mid.shape[1] :]
        if self.cfg.use_hook_mlp_in:
            mlp_in = self.hook_mlp_in(mlp_in.clone())
        mlp_out = self.mlp(self.ln2(mlp_in))
        if self.adjusts_outputs:
            mlp_out = self.added(mlp_out, "ln2_post")
        written: Tensor = self.hook_mlp_out(mlp_out)
        return written

    def added(self, output: Tensor, post_norm: PostNorm) -> Tensor:
        """Return what is added to the residual stream for an output [batch, query, d_model]."""
        if self.cfg.has_post_norms:
            output = self.post_norm(post_norm)(output)
        return output * self.cfg.residual_multiplier

    def post_norm(self, name: PostNorm) -> Norm:
        """Return the norm behind attention, or behind the MLP, of a model that has them."""
        norm: Norm = getattr(self, name)
        return norm

    def pulled_back(self, direction: Tensor, post_norm: PostNorm) -> tuple[Tensor, Tensor]:
        """Return a direction of the residual stream as a part of an output meets it.

        Args:
            direction: [d_model].
            post_norm: Whose output.

        Returns:
            What the part, before any norm behind it, is multiplied by, [d_model], at a scale of 1
            of that norm; and what that norm's bias comes to, [].
        """
        direction = direction * self.cfg.residual_multiplier
        if not self.cfg.has_post_norms:
            return direction, direction.new_zeros(())
        norm = self.post_norm(post_norm)
        bias = direction.new_zeros(()) if norm.b is None else norm.b.to(direction.dtype) @ direction
        return norm.pulled_back(direction), bias

    def _attention_inputs(
        self, resid_pre: Tensor, asking: Tensor, span: Span | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return what queries, keys and values read: one tensor, or a copy for each head."""
        if not (self.cfg.use_split_qkv_input or self.cfg.use_attn_in):
            normalized = self.ln1(resid_pre)
            read = self.attn.with_positions(normalized, span)
            return read[:, -asking.shape[1] :], read, normalized
        heads, shared = self.cfg.n_heads, self.cfg.heads_per_group
        copies = self._per_head(resid_pre, heads)
        if self.cfg.use_attn_in:
            copies = self.hook_attn_in(copies)
        group = copies[:, :, ::shared]
        if not self.cfg.use_split_qkv_input:
            normalized = self.ln1(copies)
            read = self.attn.with_positions(normalized, span)
            groups = read[:, :, ::shared], normalized[:, :, ::shared]
            return read[:, -asking.shape[1] :], *groups
        queries = self.hook_q_input(copies[:, -asking.shape[1] :].clone())
        keys = self.hook_k_input(group.clone())
        values = self.hook_v_input(group.clone())
        added = self.attn.with_positions
        return added(self.ln1(queries), span), added(self.ln1(keys), span), self.ln1(values)

    @staticmethod
    def _per_head(resid: Tensor, heads: int) -> Tensor:
        return repeat(resid, "batch position d_model -> batch position head d_model", head=heads)
