"""Writing on from a prompt, token by token; hooks fire at every step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import torch
from torch import Tensor

from lensgui.engine import tokens as text
from lensgui.engine.layers.attention import KeyValues

Returned = Literal["input", "str", "tokens"]


def empty_cache(model: Any, batch: int = 1) -> list[KeyValues]:
    """Return a key/value cache of no positions, which grows with every forward pass it is given to.

    Args:
        model: A `HookedTransformer`.
        batch: How many rows it is for.

    Returns:
        Keys and values for each layer, [batch, 0, key_value_head, d_head].
    """
    cfg = model.cfg
    nothing = model.embed.W_E.new_empty(batch, 0, cfg.kv_heads, cfg.d_head)
    return [KeyValues(nothing, nothing, grows=True) for _ in range(cfg.n_layers)]


def sample_logits(
    logits: Tensor,
    top_k: int | None = None,
    top_p: float | None = None,
    temperature: float = 1.0,
    freq_penalty: float = 0.0,
    tokens: Tensor | None = None,
) -> Tensor:
    """Draw a next token for each row.

    Args:
        logits: [batch, d_vocab].
        top_k: Draw from so many likeliest tokens only.
        top_p: Draw from the fewest likeliest tokens that have this much probability together
            (Holtzman et al. 2020).
        temperature: Logits are divided by it; 0 takes the likeliest.
        freq_penalty: How much a token's logit falls for each time it is there already.
        tokens: What is there already, [batch, position]; needed for `freq_penalty`.

    Returns:
        Token ids, [batch].

    Raises:
        ValueError: If a setting is out of its range.
    """
    _check(top_k, top_p, temperature)
    logits = logits.float()
    if freq_penalty and tokens is not None:
        seen = torch.zeros_like(logits).scatter_add_(-1, tokens, torch.ones_like(tokens).to(logits))
        logits = logits - freq_penalty * seen
    if temperature == 0:
        return logits.argmax(-1)
    logits = logits / temperature
    if top_k is not None:
        least = logits.topk(min(top_k, logits.shape[-1])).values[..., -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    if top_p is not None:
        logits = _nucleus(logits, top_p)
    return torch.multinomial(logits.softmax(-1), 1)[..., 0]


def _check(top_k: int | None, top_p: float | None, temperature: float) -> None:
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k is {top_k}; it must be 1 or more.")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p is {top_p}; it must be above 0 and at most 1.")
    if temperature < 0:
        raise ValueError(f"temperature is {temperature}; it can't be negative.")


def _nucleus(logits: Tensor, share: float) -> Tensor:
    """Return logits [batch, d_vocab] of the fewest likeliest tokens that have a share together."""
    ordered, order = logits.sort(descending=True)
    probabilities = ordered.softmax(-1)
    before = probabilities.cumsum(-1) - probabilities
    dropped = torch.zeros_like(before, dtype=torch.bool).scatter(-1, order, before >= share)
    return logits.masked_fill(dropped, -torch.inf)


@torch.no_grad()
def continuations(
    model: Any,
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
        if stopped.all():
            return


def generate_stream(
    model: Any,
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
    prepend_bos: bool | str | None = None,
    padding_side: text.Side | None = "left",
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
        padding_side: Where shorter texts are padded; on the right their continuation starts from
            padding.
        return_type: "str", "tokens", or "input" for what `input` was.
        verbose: Whether to print what is written.

    Yields:
        New tokens [batch, position], or their text; the first time with the prompt in front.

    Raises:
        ValueError: If the prompt and what is to be written are longer than the model takes.
    """
    rows, mask = text.read(model, input, prepend_bos, padding_side, None)
    _check_length(model, rows.shape[1] + max_new_tokens)
    stops = _stop_tokens(model, eos_token_id) if stop_at_eos else []
    sampling: dict[str, Any] = {
        "top_k": top_k,
        "top_p": top_p,
        "temperature": temperature if do_sample else 0.0,
        "freq_penalty": freq_penalty,
    }
    waiting = [rows]
    steps = continuations(model, rows, mask, max_new_tokens, stops, use_past_kv_cache, **sampling)
    for written, chosen in enumerate(steps, start=1):
        waiting.append(chosen[:, None])
        if verbose:
            print(model.to_string(chosen[:1]), end="", flush=True)
        if written % max_tokens_per_yield == 0:
            yield _returned(model, torch.cat(waiting, dim=1), input, return_type)
            waiting = []
    if waiting:
        yield _returned(model, torch.cat(waiting, dim=1), input, return_type)


def generate(
    model: Any,
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
    with model.hooks(fwd_hooks):
        pieces = list(
            generate_stream(model, input, max_new_tokens, return_type="tokens", **settings)
        )
    return _returned(model, torch.cat(pieces, dim=1), input, return_type)


def _check_length(model: Any, length: int) -> None:
    if length > model.cfg.n_ctx:
        raise ValueError(
            f"Prompt and continuation would have {length} tokens; {model.cfg.model_name} takes "
            f"{model.cfg.n_ctx}: "
            "ask for fewer new tokens."
        )


def _stop_tokens(model: Any, eos_token_id: int | list[int] | None) -> list[int]:
    """Return the tokens that end a row."""
    if eos_token_id is None:
        eos_token_id = getattr(model.tokenizer, "eos_token_id", None)
    if eos_token_id is None:
        raise ValueError(
            "There is no end-of-sequence token: give eos_token_id, or stop_at_eos=False."
        )
    return [eos_token_id] if isinstance(eos_token_id, int) else list(eos_token_id)


def _returned(model: Any, rows: Tensor, input: Any, return_type: Returned) -> Any:
    """Return rows of ids as what was asked for."""
    as_text = return_type == "str" or (return_type == "input" and not isinstance(input, Tensor))
    if not as_text:
        return rows
    texts = [
        model.tokenizer.decode(row, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        for row in rows.tolist()
    ]
    return texts if isinstance(input, list) else texts[0]
