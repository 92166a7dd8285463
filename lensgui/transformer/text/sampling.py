"""Drawing a next token from logits."""

from __future__ import annotations

import torch
from torch import Tensor


def sample_logits(
    logits: Tensor,
    top_k: int | None = None,
    top_p: float | None = None,
    temperature: float = 1.0,
    freq_penalty: float = 0.0,
    tokens: Tensor | None = None,
    generator: torch.Generator | None = None,
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
        generator: What is drawn with; None for torch's own, which all draw with.

    Returns:
        Token ids, [batch].

    Raises:
        ValueError: If a setting is out of its range.
    """
    check_sampling(top_k, top_p, temperature)
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
    return torch.multinomial(logits.softmax(-1), 1, generator=generator)[..., 0]


def check_sampling(top_k: int | None, top_p: float | None, temperature: float) -> None:
    """Refuse settings that are out of their range.

    Raises:
        ValueError: If one is; the sentence says which, and what it may be.
    """
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
