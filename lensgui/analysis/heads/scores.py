"""What kind of head a pattern belongs to, scored on the prompt at hand.

Previous-token and induction heads are Elhage et al. 2021 and Olsson et al. 2022; duplicate-token
heads Wang et al. 2022. Those papers score repeated random tokens; these are the same shares of
attention on any prompt, taken over the queries at which such a target exists.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Targets:
    """Where heads of some kinds would look.

    Attributes:
        duplicate: For each query, the earlier places of the same token, [position, source].
        induction: What followed those places, [position, source].
    """

    duplicate: Tensor
    induction: Tensor


def targets(tokens: Tensor) -> Targets:
    """Return where duplicate-token and induction heads would look in a prompt.

    Args:
        tokens: Token ids, [position].
    """
    same = (tokens[:, None] == tokens).tril(-1)
    followed = torch.cat([torch.zeros_like(same[:, :1]), same[:, :-1]], dim=1)
    return Targets(same, followed)


@torch.no_grad()
def head_scores(pattern: Tensor, wanted: Targets) -> Tensor:
    """Score heads by their patterns; each score is a mean over queries after position 0.

    Args:
        pattern: [head, position, source].
        wanted: The prompt's targets.

    Returns:
        [score, head] in the order of `HEAD_SCORES`, but for the last: attention to position 0;
        entropy of a row, in bits; attention to the token before; to earlier places of the same
        token; and to what followed those. NaN where the prompt has no query with such a target.
    """
    pattern = pattern if pattern.dtype == torch.float64 else pattern.float()
    rows = pattern[:, 1:]
    return torch.stack(
        [
            rows[..., 0].mean(-1),
            _entropy(rows).mean(-1),
            pattern.diagonal(-1, -2, -1).mean(-1),
            _share(pattern, wanted.duplicate),
            _share(pattern, wanted.induction),
        ]
    )


@torch.no_grad()
def strongest_edges(pattern: Tensor) -> tuple[Tensor, Tensor]:
    """Return the largest attention to any source but position 0, and where it is.

    Args:
        pattern: [head, position, source]; of a difference, the largest in size counts.

    Returns:
        Values [head], NaN where there is only position 0 or a number that is not finite; and
        position and source, [head, 2], −1 likewise.
    """
    rest = pattern[:, 1:, 1:]
    if not rest.shape[-1]:
        nothing = pattern.new_full(pattern.shape[:1], torch.nan)
        return nothing, torch.full((len(pattern), 2), -1, device=pattern.device)
    highest, lowest = rest.amax(-1), rest.amin(-1)
    rows = torch.maximum(highest, -lowest).argmax(-1)
    row = rest[torch.arange(len(rest), device=rest.device), rows]
    columns = row.abs().argmax(-1)
    values = row.gather(1, columns[:, None])[:, 0]
    places = torch.stack([rows, columns], dim=-1) + 1
    return values, places.masked_fill(values.isnan()[:, None], -1)


def _entropy(rows: Tensor) -> Tensor:
    """Return the entropy of each row [..., source], in bits; 0 · log 0 is 0."""
    logs = rows.clamp(min=torch.finfo(rows.dtype).tiny).log2_()
    return -logs.mul_(rows).sum(-1)


def _share(pattern: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean attention inside a mask over the queries that have a target, [head]."""
    inside = pattern.flatten(1) @ wanted.flatten().to(pattern.dtype)
    return inside / wanted.any(-1).sum()
