"""Writing on from a prompt, token by token; hooks fire at every step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import torch
from torch import Tensor

from lensgui.terms.transformer_lens.arguments import GENERATE, kept
from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.layers.span import KeyValues
from lensgui.transformer.parts import Transformer
from lensgui.transformer.text import tokens as text
from lensgui.transformer.text.padding import Bos, Side, padding_mask
from lensgui.transformer.text.sampling import sample_logits
from lensgui.transformer.text.vocabulary import GrowingText, decode

Returned = Literal["input", "str", "tokens"]


class KeyValueCache(list[KeyValues]):
    """Keys and values of the positions run so far, a layer each."""

    @classmethod
    def init_cache(
        cls,
        cfg: HookedTransformerConfig,
        device: torch.device | str = "cpu",
        batch_size: int = 1,
        dtype: torch.dtype | None = None,
    ) -> KeyValueCache:
        """Return a cache of no positions: [batch, 0, key_value_head, d_head or d_value] each."""
        k, v = (
            torch.empty(
                (batch_size, 0, cfg.kv_heads, width), dtype=dtype or cfg.dtype, device=device
            )
            for width in (cfg.d_head, cfg.d_value)
        )
        return cls(KeyValues(k, v, grows=True) for _ in range(cfg.n_layers))


def empty_cache(model: Transformer, batch: int = 1) -> KeyValueCache:
    """Return a key/value cache of no positions, which grows with every forward pass it is given to.

    Args:
        model: A `HookedTransformer`.
        batch: How many rows it is for.

    Returns:
        Keys and values for each layer, [batch, 0, key_value_head, d_head or d_value].
    """
    W_E = model.embed.W_E
    return KeyValueCache.init_cache(model.cfg, W_E.device, batch, W_E.dtype)


def seen(cache: list[KeyValues] | None, mask: Tensor | None, tokens: Tensor) -> Tensor | None:
    """Return the attention mask of a cache's positions and of tokens behind; the cache keeps it.

    Args:
        cache: What `empty_cache` returned; None for no positions before.
        mask: That of the tokens, or of all positions; None for no padding among the tokens.
        tokens: [batch, position].
    """
    before = cache[0].mask if cache else None
    if not cache or (mask is None and before is None):
        return mask
    mask = torch.ones_like(tokens) if mask is None else mask.to(tokens)
    if mask.shape[1] == tokens.shape[1]:
        before = tokens.new_ones(len(tokens), cache[0].k.shape[1]) if before is None else before
        mask = torch.cat([before, mask], dim=1)
    cache[0].mask = mask
    return mask


@torch.no_grad()
def continuations(
    model: Transformer,
    tokens: Tensor,
    attention_mask: Tensor | None,
    max_new_tokens: int,
    stop_tokens: list[int],
    use_past_kv_cache: bool,
    **sampling: Any,
) -> Iterator[Tensor]:
    """Yield the next token of every row, [batch], until all rows have stopped.

    A row that has stopped repeats its stop token.
    """
    batch = len(tokens)
    cache = empty_cache(model, batch) if use_past_kv_cache else None
    mask = torch.ones_like(tokens) if attention_mask is None else attention_mask.to(tokens)
    padded = attention_mask is not None
    stops = torch.tensor(stop_tokens, device=tokens.device)
    stopped = torch.zeros(batch, dtype=torch.bool, device=tokens.device)
    fresh = tokens
    for _ in range(max_new_tokens):
        given = {"attention_mask": mask} if padded else {}
        if cache is not None:
            logits = model(fresh, past_kv_cache=cache, **given)
        else:
            logits = model(tokens, **given)
        chosen = sample_logits(logits[:, -1], tokens=tokens, **sampling)
        if stop_tokens:
            chosen = torch.where(stopped, stops[0], chosen)
            stopped = stopped | torch.isin(chosen, stops)
        fresh = chosen[:, None]
        tokens = torch.cat([tokens, fresh], dim=1)
        mask = torch.cat([mask, torch.ones_like(fresh)], dim=1)
        yield chosen
        if stop_tokens and stopped.all():
            return


def generate_stream(
    model: Transformer,
    input: str | list[str] | Tensor = "",
    max_new_tokens: int = 10,
    max_tokens_per_yield: int = 25,
    stop_at_eos: bool = True,
    eos_token_id: int | list[int] | None = None,
    do_sample: bool = True,
    top_k: int | None = None,
    top_p: float | None = None,
    temperature: float = 1.0,
    freq_penalty: float = 0.0,
    use_past_kv_cache: bool = True,
    prepend_bos: Bos = None,
    padding_side: Side | None = "left",
    return_type: Returned = "input",
    verbose: bool = False,
) -> Iterator[Any]:
    """Write on, and yield what is new every so many tokens.

    Args:
        model: A `HookedTransformer`.
        input: A text, texts, or token ids [batch, position].
        max_new_tokens: How many tokens to write at most.
        max_tokens_per_yield: How many to wait for before yielding them.
        stop_at_eos: Whether a row ends at its end-of-sequence token.
        eos_token_id: Which tokens end a row; None for the tokenizer's.
        do_sample: Whether to draw; otherwise the likeliest token is taken.
        top_k: As in `sample_logits`, as are the next three.
        top_p: See `sample_logits`.
        temperature: See `sample_logits`.
        freq_penalty: See `sample_logits`.
        use_past_kv_cache: Whether to keep keys and values rather than run the prompt again.
        prepend_bos: Whether text gets a beginning-of-sequence token, or which.
        padding_side: Where shorter texts are padded, or token ids are (`padding.padding_mask`).
        return_type: "str", "tokens", or "input" for what `input` was.
        verbose: Whether to print what is written.

    Yields:
        New tokens [batch, position], or their text; the first time with the prompt in front.

    Raises:
        ValueError: If the prompt and what is to be written are longer than the model takes, or
            some prompt ends in padding.
    """
    rows, mask = text.read(model, input, prepend_bos, padding_side, None)
    _check_ends(padding_mask(model, rows) if isinstance(input, Tensor) else mask)
    _check_length(model, rows.shape[1] + max_new_tokens)
    stops = _stop_tokens(model, eos_token_id) if stop_at_eos else []
    sampling: dict[str, Any] = {
        "top_k": top_k,
        "top_p": top_p,
        "temperature": temperature if do_sample else 0.0,
        "freq_penalty": freq_penalty,
    }
    steps = continuations(model, rows, mask, max_new_tokens, stops, use_past_kv_cache, **sampling)
    if verbose:
        steps = _printed(model, rows, steps)
    chunks = _chunks(rows, steps, max_tokens_per_yield)
    if not _is_text(input, return_type):
        yield from chunks
        return
    for texts in _texts(model, chunks):
        yield texts if isinstance(input, list) else texts[0]


def _chunks(rows: Tensor, steps: Iterable[Tensor], size: int) -> Iterator[Tensor]:
    """Yield tokens [batch, position] in chunks of so many steps, the first behind the prompts."""
    waiting = [rows]
    for written, chosen in enumerate(steps, start=1):
        waiting.append(chosen[:, None])
        if written % size == 0:
            yield torch.cat(waiting, dim=1)
            waiting = []
    if waiting:
        yield torch.cat(waiting, dim=1)


def _texts(model: Transformer, chunks: Iterable[Tensor]) -> Iterator[list[str]]:
    """Yield what each row's text grows by; half a character waits for the rest of it."""
    growing: list[GrowingText] = []
    for chunk in chunks:
        growing = growing or [GrowingText(model.tokenizer) for _ in chunk]
        yield [text.add(ids) for text, ids in zip(growing, chunk.tolist(), strict=True)]
    rest = [text.rest() for text in growing]
    if any(rest):
        yield rest


def _printed(model: Transformer, rows: Tensor, steps: Iterable[Tensor]) -> Iterator[Tensor]:
    """Yield the steps, and print what they add to the first row's text."""
    growing = GrowingText(model.tokenizer)
    growing.add(rows[0].tolist())
    for chosen in steps:
        print(growing.add(chosen[:1].tolist()), end="", flush=True)
        yield chosen
    print(growing.rest(), end="", flush=True)


def generate(
    model: Transformer,
    input: str | list[str] | Tensor = "",
    max_new_tokens: int = 10,
    return_type: Returned = "input",
    fwd_hooks: Any = (),
    **settings: Any,
) -> Any:
    """Write on from a prompt.

    Args:
        model: A `HookedTransformer`.
        input: A text, texts, or token ids [batch, position].
        max_new_tokens: How many tokens to write at most.
        return_type: "str", "tokens", or "input" for what `input` was.
        fwd_hooks: (name or predicate, hook) pairs that are attached throughout and see every step:
            the whole prompt first, then one position at a time, or with `use_past_kv_cache=False`
            all of them again.
        **settings: As in `generate_stream`.

    Returns:
        Prompt and continuation: a text or texts, or token ids [batch, position].
    """
    settings = kept(settings, GENERATE)
    with model.hooks(fwd_hooks):
        pieces = list(
            generate_stream(model, input, max_new_tokens, return_type="tokens", **settings)
        )
    return _returned(model, torch.cat(pieces, dim=1), input, return_type)


def _check_length(model: Transformer, length: int) -> None:
    if length > model.cfg.n_ctx:
        raise ValueError(
            f"Prompt and continuation would have {length} tokens; {model.cfg.model_name} takes "
            f"{model.cfg.n_ctx}: "
            "ask for fewer new tokens."
        )


def _check_ends(mask: Tensor | None) -> None:
    if mask is not None and not mask[:, -1].all():
        row = int(mask[:, -1].argmin())
        raise ValueError(
            f"Prompt {row} is padded on the right, so its continuation would follow padding: use "
            'padding_side="left".'
        )


def _stop_tokens(model: Transformer, eos_token_id: int | list[int] | None) -> list[int]:
    """Return the tokens that end a row."""
    if eos_token_id is None:
        eos_token_id = getattr(model.tokenizer, "eos_token_id", None)
    if eos_token_id is None:
        raise ValueError(
            "There is no end-of-sequence token: give eos_token_id, or stop_at_eos=False."
        )
    return [eos_token_id] if isinstance(eos_token_id, int) else list(eos_token_id)


def _is_text(input: Any, return_type: Returned) -> bool:
    return return_type == "str" or (return_type == "input" and not isinstance(input, Tensor))


def _returned(model: Transformer, rows: Tensor, input: Any, return_type: Returned) -> Any:
    """Return rows of ids as what was asked for."""
    if not _is_text(input, return_type):
        return rows
    texts = [decode(model.tokenizer, row, skip_special_tokens=True) for row in rows.tolist()]
    return texts if isinstance(input, list) else texts[0]
