"""Answers of several tokens: which prompt is run for them, and how its map is cut to the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from lensgui.analysis.sweep.sweep import SweepResult


def continued(tokens: Tensor, continuation: Sequence[int]) -> Tensor:
    """Return the prompt that a `ContinuationLogProbability` reads: all but its last token follow.

    Clean and corrupted prompt get the same continuation, so that both stay equally long.

    Args:
        tokens: Token ids of a prompt, [..., position].
        continuation: Token ids.

    Returns:
        [..., position + tokens of the continuation − 1].

    Raises:
        ValueError: If the continuation is empty.
    """
    if not continuation:
        raise ValueError("The continuation has no tokens.")
    more = tokens.new_tensor(list(continuation[:-1])).expand(*tokens.shape[:-1], -1)
    return torch.cat([tokens, more], dim=-1)


def of_prompt(result: SweepResult, length: int) -> SweepResult:
    """Return the part of a sweep that patches the prompt, not the continuation behind it.

    Args:
        result: A sweep of continued prompts.
        length: How many tokens the prompts had before.

    Returns:
        The same maps, their axes of positions ending with the prompt; views of the same arrays, so
        that they fill in as the sweep goes on.
    """
    cut = tuple(
        slice(length) if axis in ("position", "source") else slice(None)
        for axis in result.kind.axes
    )
    return replace(result, values=result.values[cut], unchanged=result.unchanged[cut])
