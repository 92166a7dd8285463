"""Tokens into the residual stream, and the residual stream into logits."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.hooks.hook_point import HookPoint
from lensgui.transformer.layers.norms import Norm
from lensgui.transformer.layers.parameters import (
    affine_of_few,
    has_values,
    matrix,
    parameter,
    zeros,
)


def token_ids(ids: Tensor) -> Tensor:
    """Return token ids as torch indexes with them.

    Raises:
        ValueError: If they are no whole numbers.
    """
    if ids.is_floating_point() or ids.is_complex() or ids.dtype == torch.bool:
        kind = str(ids.dtype).removeprefix("torch.")
        raise ValueError(
            f"Token ids are whole numbers, and these are {kind}: give integers, or text."
        )
    return ids.long()


def check_ids(ids: Tensor | Sequence[int], count: int, model_name: str) -> None:
    """Refuse token ids that a model does not have; those of a traced tensor nobody can know.

    An accelerator's are waited for, those in host memory are not.

    Raises:
        ValueError: If some are not among 0 … count − 1.
    """
    if isinstance(ids, Tensor):
        is_known = ids.numel() and has_values(ids)
        ends = torch.stack(ids.aminmax()).tolist() if is_known else [0]
        ids = ids.flatten().tolist() if ends[0] < 0 or ends[-1] >= count else []
    unknown = [token for token in ids if not 0 <= token < count]
    if unknown:
        raise ValueError(
            f"{model_name} has no token {unknown[0]}, only 0 to {count - 1}: leave it out (a "
            "tokenizer may have tokens that were added without resizing the embedding)."
        )


class Embed(nn.Module):
    """A row of W_E for each token.

    Attributes:
        W_E: [d_vocab, d_model].
        ln: The norm that the embedding ends in; only with `cfg.post_embedding_ln`.
    """

    def __init__(self, cfg: HookedTransformerConfig) -> None:
        """Make an uninitialised embedding."""
        super().__init__()
        self.model_name = cfg.model_name
        self.multiplier, self.has_norm = cfg.embedding_multiplier, cfg.post_embedding_ln
        self.W_E = parameter(torch.empty(cfg.d_vocab, cfg.d_model, dtype=cfg.dtype))
        if self.has_norm:
            self.ln = Norm(cfg, is_foldable=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the embedding of tokens [batch, position] as [batch, position, d_model].

        Raises:
            ValueError: If some are no tokens of the model.
        """
        tokens = token_ids(tokens)
        check_ids(tokens, len(self.W_E), self.model_name)
        embedded = F.embedding(tokens, self.W_E)
        if self.multiplier != 1.0:  # rounded to the dtype of the weights, as Hugging Face does
            embedded = embedded * torch.tensor(self.multiplier, dtype=embedded.dtype)
        return self.ln(embedded) if self.has_norm else embedded


class PosEmbed(nn.Module):
    """A learned row for each position.

    Attributes:
        W_pos: [n_ctx, d_model].
    """

    def __init__(self, cfg: HookedTransformerConfig) -> None:
        """Make an uninitialised embedding."""
        super().__init__()
        self.W_pos = parameter(torch.empty(cfg.n_ctx, cfg.d_model, dtype=cfg.dtype))

    def forward(self, tokens: Tensor, past_kv_pos_offset: int = 0) -> Tensor:
        """Return the rows of the positions that tokens [batch, position] stand at.

        Args:
            tokens: Token ids, of which only the shape counts.
            past_kv_pos_offset: How many positions stand before.

        Returns:
            [batch, position, d_model].
        """
        positions = torch.arange(tokens.shape[-1], device=self.W_pos.device) + past_kv_pos_offset
        return self.at(positions.expand(tokens.shape))

    def at(self, positions: Tensor) -> Tensor:
        """Return the rows of positions [batch, position] as [batch, position, d_model]."""
        return F.embedding(positions, self.W_pos)


class Unembed(nn.Module):
    """The residual stream read out as a logit for each token.

    Attributes:
        W_U: [d_model, d_vocab_out].
        b_U: [d_vocab_out].
        scale: What logits are multiplied by, before the soft cap.
        soft_cap: c in c·tanh(logits / c); None for none.
        hook_in: The normalised residual stream, [batch, position, d_model].
        hook_out: The logits before any soft cap, [batch, position, d_vocab_out]: what attributions
            add up to.
    """

    def __init__(self, cfg: HookedTransformerConfig) -> None:
        """Make an uninitialised unembedding."""
        super().__init__()
        self.soft_cap, self.scale = cfg.output_logits_soft_cap, cfg.logit_scale
        self.W_U = matrix(cfg.d_model, cfg.d_vocab_out, cfg.dtype)
        self.b_U = zeros(cfg.d_vocab_out, dtype=cfg.dtype)
        self.hook_in = HookPoint()
        self.hook_out = HookPoint()

    def forward(self, normalized: Tensor) -> Tensor:
        """Return logits [..., d_vocab_out] of the normalised residual stream [..., d_model]."""
        return self.capped(self.hook_out(self.uncapped(self.hook_in(normalized))))

    def columns(self, normalized: Tensor, tokens: Tensor | None = None) -> Tensor:
        """Return the logits of some tokens only.

        Args:
            normalized: [..., d_model].
            tokens: Token ids, [token]; None for all.

        Returns:
            [..., token], in the format of the stream.
        """
        return self.capped(self.uncapped(normalized, tokens))

    def uncapped(self, normalized: Tensor, tokens: Tensor | None = None) -> Tensor:
        """Return logits before any soft cap, multiplied already; arguments as in `columns`."""
        read: tuple[Tensor, Tensor] = self.W_U.T, self.b_U
        if tokens is not None:
            read = read[0].index_select(0, tokens), read[1].index_select(0, tokens)
        weights, bias = (of.to(normalized.dtype) for of in read)
        logits = affine_of_few(normalized, weights, bias)
        return logits * self.scale if self.scale != 1.0 else logits

    def capped(self, logits: Tensor) -> Tensor:
        """Return logits under the soft cap, where there is one."""
        cap = self.soft_cap
        return logits if cap is None else cap * torch.tanh(logits / cap)
