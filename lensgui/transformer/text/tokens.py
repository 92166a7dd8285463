"""Text to token ids and back, and the strings that stand on axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from lensgui.transformer.layers.embed import check_ids, token_ids
from lensgui.transformer.parts import Transformer
from lensgui.transformer.text.padding import Bos, Side, attention_mask_of, padded
from lensgui.transformer.text.vocabulary import byte_alphabet as byte_alphabet
from lensgui.transformer.text.vocabulary import decode, pieces, scheme_of

# What a text is encoded behind, to see it as it follows other text; nothing is tried first.
_BEFORE = ("", "\n", ".", "a")


def _tokenizer(model: Transformer) -> Any:
    if model.tokenizer is None:
        raise ValueError(
            f"{model.cfg.model_name} has no tokenizer, so it takes token ids only; give the model "
            "a tokenizer to use text."
        )
    return model.tokenizer


def bos_token(model: Transformer, prepend_bos: Bos) -> int | None:
    """Return the id of what goes in front of a text, or None for nothing.

    Args:
        model: A `HookedTransformer`.
        prepend_bos: True for the tokenizer's own, a string for that token, None for
            `cfg.default_prepend_bos`.

    Raises:
        ValueError: If the string is not one token, or the tokenizer has none of its own though one
            was asked for.
    """
    if prepend_bos is None:
        prepend_bos = model.cfg.default_prepend_bos and model.tokenizer.bos_token_id is not None
    if isinstance(prepend_bos, str):
        return to_single_token(model, prepend_bos)
    if not prepend_bos:
        return None
    if model.tokenizer.bos_token_id is None:
        raise ValueError(
            f"The tokenizer of {model.cfg.model_name} has no beginning-of-sequence token; name "
            "the token to put in front."
        )
    return int(model.tokenizer.bos_token_id)


def encode(model: Transformer, text: str, prepend_bos: Bos = None) -> list[int]:
    """Return the token ids of one text; a beginning-of-sequence token is never doubled.

    Raises:
        ValueError: If the tokenizer has no token for some of it, or one that the model lacks.
    """
    tokenizer = _tokenizer(model)
    try:
        ids: list[int] = tokenizer.encode(text, add_special_tokens=False)
    except Exception as error:  # a vocabulary without an unknown token, half a character
        reason = str(error).split("\n", 1)[0].rstrip(".")
        raise ValueError(
            f"The tokenizer of {model.cfg.model_name} can't split this text ({reason:.200}): "
            "change the text."
        ) from error
    bos = bos_token(model, prepend_bos)
    ids = ids if bos is None or ids[:1] == [bos] else [bos, *ids]
    check_ids(ids, model.cfg.d_vocab, model.cfg.model_name)
    return ids


def _encoded(model: Transformer, input: str | list[str], prepend_bos: Bos) -> list[list[int]]:
    texts = [input] if isinstance(input, str) else input
    return [encode(model, text, prepend_bos) for text in texts]


def encode_continuation(model: Transformer, text: str) -> list[int]:
    """Return the token ids of a text as it follows other text, such as an answer after a prompt.

    Many tokenizers put a space in front of whatever comes first, so that a text alone gives other
    tokens. What counts is the first encoding, alone or behind other text, that spells it exactly.
    """
    found: list[list[int]] = []
    for before in _BEFORE:
        front = encode(model, before, prepend_bos=False) if before else []
        whole = encode(model, before + text, prepend_bos=False)
        ids = whole[len(front) :]
        if whole == front + ids:
            if b"".join(token_bytes(model, token) for token in ids) == text.encode():
                return ids
            found.append(ids)
    return next(filter(None, found[1:]), found[0])


def to_tokens(
    model: Transformer,
    input: str | list[str],
    prepend_bos: Bos = None,
    padding_side: Side | None = None,
    move_to_device: bool = True,
    truncate: bool = True,
) -> Tensor:
    """Return the token ids of texts.

    Args:
        model: A `HookedTransformer`.
        input: A text or several.
        prepend_bos: Whether a beginning-of-sequence token goes in front, or which; None for the
            model's default.
        padding_side: Where shorter texts are padded; None for the tokenizer's own.
        move_to_device: Whether the ids go to the model's device.
        truncate: Whether texts longer than the model's context are cut at its end.

    Returns:
        Token ids, [batch, position].
    """
    rows = _encoded(model, input, prepend_bos)
    rows = [row[: model.cfg.n_ctx] for row in rows] if truncate else rows
    ids, _ = padded(model, rows, padding_side)
    return ids.to(model.embed.W_E.device) if move_to_device else ids


def read(
    model: Transformer,
    input: str | list[str] | Tensor,
    prepend_bos: Bos,
    padding_side: Side | None,
    attention_mask: Tensor | None,
    past: int = 0,
) -> tuple[Tensor, Tensor | None]:
    """Return token ids [batch, position] and, where there is padding, the attention mask.

    Of ids that begin a prompt (`past` is 0) it is worked out, as `padding.padding_mask` says.

    Raises:
        ValueError: If there is nothing to run, or an id is no whole number.
    """
    device = model.embed.W_E.device
    if isinstance(input, Tensor):
        tokens = input[None] if input.ndim == 1 else input
        tokens = token_ids(tokens).to(device)
        if attention_mask is None and not past and tokens.shape[-1]:
            attention_mask = attention_mask_of(model, tokens, padding_side, prepend_bos)
    else:
        tokens, mask = padded(model, _encoded(model, input, prepend_bos), padding_side)
        tokens = tokens.to(device)
        attention_mask = mask if attention_mask is None and not mask.all() else attention_mask
    if not tokens.shape[-1]:
        raise ValueError("The prompt is empty; type at least one token.")
    return tokens, attention_mask


def to_string(model: Transformer, tokens: Tensor | Sequence[int] | int) -> str | list[str]:
    """Return the text of token ids: one string for [position], a list for [batch, position]."""
    ids, tokenizer = _natural(tokens), _tokenizer(model)
    if ids.ndim == 2:
        return [decode(tokenizer, row) for row in ids.tolist()]
    return decode(tokenizer, ids.reshape(-1).tolist())


def to_str_tokens(
    model: Transformer,
    input: str | list[str] | Tensor | np.ndarray[Any, Any] | Sequence[int],
    prepend_bos: Bos = None,
    padding_side: Side | None = None,
) -> list[Any]:
    r"""Return each token as text, leading space included.

    A byte that is no character by itself is "\ufffd", or where it is a token by name, its name,
    such as "<0xF0>"; what the tokenizer lacks, such as the entries that fill up an embedding, is
    told apart by its id, "<id 50265>".

    Args:
        model: A `HookedTransformer`.
        input: A text, token ids [position] or [1, position]; or several texts.
        prepend_bos: As in `to_tokens`.
        padding_side: As in `to_tokens`.

    Returns:
        One string a token; for several texts, a list of such lists.
    """
    if isinstance(input, list) and input and isinstance(input[0], str):
        return [to_str_tokens(model, text, prepend_bos, padding_side) for text in input]
    ids = encode(model, input, prepend_bos) if isinstance(input, str) else _flat(input)
    tokenizer = _tokenizer(model)
    names = zip(ids, pieces(tokenizer, ids), strict=True)
    return [scheme_of(tokenizer).text(name) if name else f"<id {token}>" for token, name in names]


def _natural(ids: Any) -> Tensor:
    """Return ids of any shape as a tensor, if they are ids at all; the vocabulary may lack some."""
    tensor = torch.as_tensor(ids)
    tensor = token_ids(tensor) if tensor.numel() else tensor.long()
    if (tensor < 0).any():
        raise ValueError(f"{int(tensor.min())} is no token id: ids count from 0.")
    return tensor


def _flat(ids: Any) -> list[int]:
    """Return ids [position] or [1, position] as a list."""
    tensor = _natural(ids)
    tensor = tensor[0] if tensor.ndim == 2 and len(tensor) == 1 else tensor
    if tensor.ndim > 1:
        raise ValueError(f"Token ids of shape {list(tensor.shape)} are more than one prompt.")
    flat: list[int] = tensor.reshape(-1).tolist()
    return flat


def to_single_token(model: Transformer, string: str) -> int:
    """Return the id of a text that is one token where it follows other text.

    Raises:
        ValueError: If it is not; the sentence says which tokens it is.
    """
    ids = encode_continuation(model, string)
    if len(ids) != 1:
        raise ValueError(f"{string!r} is {len(ids)} tokens, not one: {to_str_tokens(model, ids)}.")
    return ids[0]


def to_single_str_token(model: Transformer, token: int) -> str:
    """Return the text of one token id."""
    text: str = to_str_tokens(model, [token])[0]
    return text


def get_token_position(
    model: Transformer,
    single_token: str | int,
    input: str | Tensor,
    mode: Literal["first", "last"] = "first",
    prepend_bos: Bos = None,
    padding_side: Side | None = None,
) -> int:
    """Return where a token stands in a prompt.

    Args:
        model: A `HookedTransformer`.
        single_token: The token, as text or id.
        input: A text, or token ids [position] or [1, position].
        mode: Whether the first or the last of several.
        prepend_bos: As in `to_tokens`.
        padding_side: As in `to_tokens`.

    Raises:
        ValueError: If it does not stand there.
    """
    needed = to_single_token(model, single_token) if isinstance(single_token, str) else single_token
    ids = encode(model, input, prepend_bos) if isinstance(input, str) else _flat(input)
    places = [position for position, token in enumerate(ids) if token == needed]
    if not places:
        raise ValueError(f"The token {single_token!r} is not in the prompt.")
    return places[0 if mode == "first" else -1]


def tokens_to_residual_directions(
    model: Transformer, tokens: str | int | Tensor | Sequence[int]
) -> Tensor:
    """Return the unembedding vectors of tokens.

    The directions of the residual stream that raise their logits.

    Args:
        model: A `HookedTransformer`.
        tokens: A token as text or id, or ids of any shape.

    Returns:
        [..., d_model], with the shape of `tokens` in front.
    """
    if isinstance(tokens, str):
        tokens = to_single_token(model, tokens)
    ids = token_ids(torch.as_tensor(tokens, device=model.embed.W_E.device))
    check_ids(ids, model.cfg.d_vocab_out, model.cfg.model_name)
    directions = model.unembed.W_U.T.index_select(0, ids.flatten()).view(*ids.shape, -1)
    return directions * model.unembed.scale if model.unembed.scale != 1.0 else directions


def token_bytes(model: Transformer, token: int) -> bytes:
    """Return the bytes that a token stands for, its leading space included."""
    tokenizer = _tokenizer(model)
    return scheme_of(tokenizer).raw(pieces(tokenizer, [token])[0])
