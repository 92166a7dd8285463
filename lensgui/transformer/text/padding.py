"""Prompts of unequal length as one tensor, and which of its positions are padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from lensgui.transformer.layers.parameters import has_values
from lensgui.transformer.parts import Transformer

Side = Literal["left", "right"]
Bos = bool | str | None  # what goes in front of a text: `tokens.bos_token`


def _side(model: Transformer, side: Side | None) -> Side:
    default: Side = getattr(model.tokenizer, "padding_side", "right")
    return side or default


def _filler(model: Transformer) -> int:
    """Return the token that shorter prompts are filled up with: one that the model embeds."""
    ids = (model.tokenizer.pad_token_id, model.tokenizer.eos_token_id, 0)
    return next(token for token in ids if token is not None and token < model.cfg.d_vocab)


def padded(
    model: Transformer, rows: Sequence[list[int]], side: Side | None
) -> tuple[Tensor, Tensor]:
    """Return rows of ids as one tensor [batch, position], and a mask that is 0 at padding."""
    width = max(len(row) for row in rows)
    ids = torch.full((len(rows), width), _filler(model))
    mask = torch.zeros(len(rows), width, dtype=torch.long)
    for index, row in enumerate(rows):
        left = _side(model, side) == "left"
        where = slice(width - len(row), width) if left else slice(len(row))
        ids[index, where] = torch.tensor(row, dtype=torch.long)
        mask[index, where] = 1
    return ids, mask


def padding_mask(
    model: Transformer, tokens: Tensor, side: Side | None = None, prepend_bos: Bos = None
) -> Tensor | None:
    """Work out which positions of token ids are padding.

    Padding is an unbroken run, at the padded end of a row, of the token that `to_tokens` fills up
    with. Often that is also the beginning-of-sequence token, or on the right the end-of-sequence
    token, or the tokenizer has no such token and somebody put the filler there instead. A row then
    keeps one of the run, if every row has one and some row has no more; in a batch that is padded
    in all rows, if the model puts one in front. A row of nothing but filler keeps one anyway, and a
    batch of nothing else has no padding.

    Args:
        model: A `HookedTransformer`; without a tokenizer it pads nothing.
        tokens: Token ids, [batch, position].
        side: Where they are padded; None for the tokenizer's own, and the other side too where
            there is no doubt: a token that does nothing else, or several in one row of many.
        prepend_bos: Whether a beginning-of-sequence token was put in front; None for the model's
            default.

    Returns:
        1 for a token, 0 for padding, [batch, position]; None where nothing is padding.
    """
    mask = _mask(model, tokens, side, prepend_bos)
    return None if mask is None else mask.to(tokens.device)


def _mask(model: Transformer, tokens: Tensor, side: Side | None, prepend_bos: Bos) -> Tensor | None:
    """Return the `padding_mask` in host memory, where what is asked of it costs no waiting."""
    if model.tokenizer is None or not has_values(tokens):
        return None
    tokens, own = tokens.cpu(), _side(model, side)
    mask = _hidden_at(model, tokens, own, prepend_bos)
    if side is None:
        other = _hidden_at(model, tokens, "right" if own == "left" else "left", prepend_bos)
        if other is not None and _is_certain(model.tokenizer, other):
            is_empty = (tokens == _filler(model)).all(-1, keepdim=True)
            other = other.masked_fill(is_empty, 1)
            mask = other if mask is None else mask * other
    return mask


def _is_certain(tokenizer: Any, mask: Tensor) -> bool:
    """Whether what a mask [batch, position] hides can be nothing but padding."""
    pad, others = tokenizer.pad_token_id, (tokenizer.bos_token_id, tokenizer.eos_token_id)
    most = int((mask == 0).sum(-1).max())
    return (pad is not None and pad not in others) or (len(mask) > 1 and most > 1)


def _hidden_at(model: Transformer, tokens: Tensor, side: Side, prepend_bos: Bos) -> Tensor | None:
    left, filler = side == "left", _filler(model)
    outward = tokens if left else tokens.flip(-1)
    if not (outward[:, :1] == filler).any():
        return None
    lengths = (outward == filler).long().cumprod(-1).sum(-1)  # of each row's run
    fewest, width = int(lengths.min()), tokens.shape[-1]
    if fewest == width:
        return None
    own = model.tokenizer.bos_token_id if left else model.tokenizer.eos_token_id
    prepends = model.cfg.default_prepend_bos if prepend_bos is None else bool(prepend_bos)
    keeps = fewest == 1 or (fewest > 1 and left and prepends and own == filler)
    kept = (lengths == width) | (keeps and own in (None, filler))
    hidden = (lengths - kept.long()).clamp(min=0)
    if not hidden.any():
        return None
    mask = (torch.arange(width, device=tokens.device) >= hidden[:, None]).long()
    return mask if left else mask.flip(-1)


def attention_mask_of(
    model: Transformer, tokens: Tensor, side: Side | None = None, prepend_bos: Bos = None
) -> Tensor | None:
    """Return the `padding_mask` on the left; on the right no token attends to what follows it."""
    mask = _mask(model, tokens, side, prepend_bos)
    return None if mask is None or mask[:, 0].all() else mask.to(tokens.device)


def refuse_padding(model: Transformer, tokens: Tensor) -> None:
    """Refuse prompts that are padded, where positions must mean the same in all of them.

    Args:
        model: A `HookedTransformer`.
        tokens: Token ids, [batch, position].

    Raises:
        ValueError: If some are.
    """
    if padding_mask(model, tokens) is not None:
        raise ValueError(
            f"Token {_filler(model)} pads {len(tokens)} prompt(s) of {tokens.shape[1]} "
            "tokens, and this goes position by position: leave padding out, and give prompts of "
            "one length."
        )
