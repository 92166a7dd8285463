"""How surprised the model is by the next token."""

from __future__ import annotations

import torch
from torch import Tensor


def loss_fn(
    logits: Tensor,
    tokens: Tensor | None,
    attention_mask: Tensor | None = None,
    per_token: bool = False,
) -> Tensor:
    """Return the cross-entropy of each next token.

    Args:
        logits: [batch, position, d_vocab].
        tokens: Token ids, [batch, position].
        attention_mask: 1 for a token, 0 for padding, [batch, position]; predictions of or from
            padding do not count.
        per_token: Whether to return every token's loss rather than the mean.

    Returns:
        Nats; [batch, position − 1] with `per_token`.

    Raises:
        ValueError: If there are no tokens to compare with.
    """
    if tokens is None:
        raise ValueError("A loss needs the token ids; give `tokens` along with `start_at_layer`.")
    log_probabilities = logits[:, :-1].log_softmax(-1)
    losses = -log_probabilities.gather(-1, tokens[:, 1:, None])[..., 0]
    counts = torch.ones_like(losses)
    if attention_mask is not None:
        mask = attention_mask.to(losses)
        counts = mask[:, 1:] * mask[:, :-1]
        losses = losses * counts
    return losses if per_token else losses.sum() / counts.sum()


def lm_cross_entropy_loss(
    logits: Tensor,
    tokens: Tensor,
    attention_mask: Tensor | None = None,
    per_token: bool = False,
) -> Tensor:
    """Return the cross-entropy of each next token; `loss_fn` under its other name."""
    return loss_fn(logits, tokens, attention_mask, per_token)


def lm_accuracy(logits: Tensor, tokens: Tensor, per_token: bool = False) -> Tensor:
    """Return whether the likeliest token is the next one: the share, or each [batch, position − 1].

    Args:
        logits: [batch, position, d_vocab].
        tokens: Token ids, [batch, position].
        per_token: Whether to return each rather than the share.
    """
    correct = logits[:, :-1].argmax(-1) == tokens[:, 1:]
    return correct if per_token else correct.float().mean()
