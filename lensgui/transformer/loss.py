"""How surprised the model is by the next token."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from lensgui.transformer.parts import Transformer
from lensgui.transformer.text.padding import padding_mask


class Output(NamedTuple):
    """What a forward pass returns for `return_type="both"`.

    Attributes:
        logits: [batch, position, d_vocab_out].
        loss: In nats.
    """

    logits: Tensor
    loss: Tensor


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


def loss_of_model(
    model: Transformer,
    logits: Tensor,
    tokens: Tensor,
    attention_mask: Tensor | None = None,
    per_token: bool = False,
) -> Tensor:
    """Return `loss_fn`, with the mask of a model's padded tokens where none is given."""
    mask = padding_mask(model, tokens) if attention_mask is None else attention_mask
    return loss_fn(logits, tokens, mask, per_token)


def lm_cross_entropy_loss(
    logits: Tensor,
    tokens: Tensor,
    attention_mask: Tensor | None = None,
    per_token: bool = False,
) -> Tensor:
    """Return the cross-entropy of each next token; `loss_fn` under its other name."""
    return loss_fn(logits, tokens, attention_mask, per_token)


def lm_accuracy(
    logits: Tensor,
    tokens: Tensor,
    per_token: bool = False,
    attention_mask: Tensor | None = None,
) -> Tensor:
    """Return whether the likeliest token is the next one: the share, or each [batch, position − 1].

    Args:
        logits: [batch, position, d_vocab].
        tokens: Token ids, [batch, position].
        per_token: Whether to return each rather than the share.
        attention_mask: As in `loss_fn`; padding is in no share, and no prediction of it is right.
    """
    correct = logits[:, :-1].argmax(-1) == tokens[:, 1:]
    if attention_mask is None:
        return correct if per_token else correct.float().mean()
    counts = (attention_mask[:, 1:] * attention_mask[:, :-1]).bool()
    correct = correct & counts
    return correct if per_token else correct.sum() / counts.sum()
