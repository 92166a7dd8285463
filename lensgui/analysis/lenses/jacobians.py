"""What a change of the stream at each layer does to its end, on one prompt."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from lensgui.transformer.layers.parameters import precise
from lensgui.transformer.model import HookedTransformer

SKIPPED = 16  # positions at the start, where streams are unlike those of text (attention sinks)
AT_ONCE = 8  # dimensions of the end that are followed back together


def valid_positions(length: int, skipped: int = SKIPPED) -> range:
    """Return the positions that count: neither the first ones nor the last, which predicts nothing.

    Args:
        length: Of the prompt.
        skipped: How many at the start are left out.
    """
    return range(skipped, length - 1)


def prompt_jacobians(
    model: HookedTransformer, tokens: Tensor, skipped: int = SKIPPED, at_once: int = AT_ONCE
) -> Iterator[dict[int, Tensor] | None]:
    """Work out a prompt's part of a Jacobian lens (Gurnee et al. 2026).

    For each layer l: the mean over source positions t of the sum over target positions u ≥ t of
    ∂ end[u] / ∂ stream[l, t], where `stream[l]` leaves layer l and the end leaves the last one,
    before the final norm. Positions are `valid_positions`.

    Args:
        model: The model, whose weights are raw.
        tokens: Token ids, [position].
        skipped: How many positions at the start are left out.
        at_once: How many dimensions of the end are followed back together.

    Yields:
        None after each backward pass, at last by layer, all but the last, [d_model of the end,
        d_model], in float32 at least.

    Raises:
        ValueError: If the prompt has no position that counts.
    """
    valid = valid_positions(len(tokens), skipped)
    if not valid:
        raise ValueError(
            f"A prompt of {len(tokens)} tokens says nothing of Jacobians: it takes at least "
            f"{skipped + 2}."
        )
    cfg, at = model.cfg, torch.tensor(valid, device=tokens.device)
    with torch.enable_grad(), _without_gradients_of_weights(model):
        streams = _streams(model, tokens.expand(at_once, -1))
        end, sources = streams[-1], streams[:-1]
        found = [end.new_empty(cfg.d_model, cfg.d_model) for _ in sources]
        for first in range(0, cfg.d_model, at_once):
            some = min(at_once, cfg.d_model - first)
            each = torch.arange(some, device=tokens.device)
            direction = torch.zeros_like(end)
            direction[each[:, None], at[None], first + each[:, None]] = 1
            is_last = first + some == cfg.d_model
            gradients = torch.autograd.grad(end, sources, direction, retain_graph=not is_last)
            for jacobian, gradient in zip(found, gradients, strict=True):
                jacobian[first : first + some] = gradient[:some, at].mean(1)
            yield None
    yield {layer: precise(jacobian) for layer, jacobian in enumerate(found)}


def _streams(model: HookedTransformer, tokens: Tensor) -> list[Tensor]:
    """Return the stream that leaves each layer with its gradients, [batch, position, d_model]."""
    with torch.no_grad():
        entered = model.to_embedding(tokens)
    span = model.span(tokens.shape[1])
    entered.requires_grad_()
    return list(model.run_blocks(entered, range(model.cfg.n_layers), span))[1:]


@contextmanager
def _without_gradients_of_weights(model: HookedTransformer) -> Iterator[None]:
    """Let weights ask for no gradients meanwhile."""
    asking = [weight for weight in model.parameters() if weight.requires_grad]
    for weight in asking:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in asking:
            weight.requires_grad_(True)
