"""Directions of the stream, by the layer behind which they are added; how they are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lensgui.analysis.heads.direct import logit_directions
from lensgui.analysis.run.run import Run
from lensgui.transformer.layers.parameters import exact
from lensgui.transformer.model import HookedTransformer

_COLUMNS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """Directions of the stream, such as a control vector has one for each layer.

    Attributes:
        by_layer: Each [d_model], by the layer behind which it is added: at "resid_post".
        name: What they are called.
        model: The model that they are of, as far as is known.
    """

    by_layer: Mapping[int, Tensor]
    name: str = "direction"
    model: str = ""

    def __post_init__(self) -> None:
        """Refuse directions that are none.

        Raises:
            ValueError: If there is none, or one is not [d_model], not finite, 0, or of a negative
                layer.
        """
        if not self.by_layer:
            raise ValueError("There is no direction in it.")
        widths = {len(one) if one.ndim == 1 else 0 for one in self.by_layer.values()}
        if len(widths) != 1 or 0 in widths:
            raise ValueError("Directions have to be rows of one length, [d_model].")
        for layer, one in self.by_layer.items():
            if layer < 0:
                raise ValueError(f"There is no layer {layer}.")
            if not one.isfinite().all():
                raise ValueError(f"The direction of layer {layer} is not finite.")
            if not one.any():
                raise ValueError(f"The direction of layer {layer} is 0, so it has no direction.")


@torch.no_grad()
def mean_difference(pairs: Sequence[tuple[Run, Run]], layer: int, position: int = -1) -> Tensor:
    """Return the mean of clean − corrupted in the stream behind a layer.

    What is made of contrasting prompts by hand: with one pair its difference, with many the
    difference of means (Marks and Tegmark 2023; Rimsky et al. 2024).

    Args:
        pairs: Clean and corrupted runs, which are run as far as has to be.
        layer: The layer.
        position: Where it is read; negative counts from each prompt's end.

    Returns:
        [d_model], in float32 at least.

    Raises:
        ValueError: If there are no pairs, or a prompt has no such position.
    """
    if not pairs:
        raise ValueError("There are no pairs to take a mean over.")
    found = []
    for pair in pairs:
        rows = []
        for run in pair:
            length = len(run.ids)
            if not -length <= position < length:
                raise ValueError(f"A prompt of {length} tokens has no position {position}.")
            rows.append(exact(run.complete(layer + 1).residuals.row(layer + 1, position % length)))
        found.append(rows[0] - rows[1])
    return _wide(torch.stack(found).mean(0), pairs[0][0].model)


@torch.no_grad()
def token_direction(model: HookedTransformer, token: int) -> Tensor:
    """Return the direction of the stream that raises a token's logit over those of all others.

    W_U of the token with the final norm's weights, minus its mean over the vocabulary: the same
    direction in raw and in folded weights.

    Returns:
        [d_model], in float32 at least.

    Raises:
        ValueError: If there is no such token.
    """
    *_, found = token_direction_steps(model, token)
    assert found is not None
    return found


@torch.no_grad()
def token_direction_steps(model: HookedTransformer, token: int) -> Iterator[Tensor | None]:
    """Yield the same at last; None between pieces of a large vocabulary.

    Raises:
        ValueError: If there is no such token.
    """
    own = logit_directions(model, token)[0]
    total = torch.zeros_like(own)
    for some in _columns(model.cfg.d_vocab_out):
        total += logit_directions(model, some).sum(0)
        yield None
    yield _wide(own - total / model.cfg.d_vocab_out, model)


def _wide(vector: Tensor, model: HookedTransformer) -> Tensor:
    return vector.to(torch.promote_types(model.cfg.dtype, torch.float32))


def _columns(count: int) -> Iterator[list[int]]:
    for first in range(0, count, _COLUMNS_AT_ONCE):
        yield list(range(first, min(count, first + _COLUMNS_AT_ONCE)))
