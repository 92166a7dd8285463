"""Which experts each token uses, and how much each of them weighs."""

from __future__ import annotations

import torch
from torch import Tensor

from lensgui.transformer.config import HookedTransformerConfig


def weights_of(scores: Tensor, cfg: HookedTransformerConfig) -> Tensor:
    """Return what experts weigh, in float32 at least.

    Args:
        scores: A router's, [..., expert].
        cfg: The model's numbers.

    Returns:
        [..., expert].
    """
    precise = scores.float() if scores.dtype in (torch.float16, torch.bfloat16) else scores
    if cfg.expert_weighting == "sparsemixer":
        return one_after_another(precise, cfg.experts_per_token, cfg.router_tolerance)
    if cfg.expert_weighting == "sigmoid":
        return precise.sigmoid()
    return precise.softmax(-1)


def one_after_another(scores: Tensor, count: int, tolerance: float) -> Tensor:
    """Return what experts weigh that are chosen in turn (SparseMixer, Liu et al. 2023).

    Each is the best of those left, and weighs its softmax among those left that are nearly as good.

    Args:
        scores: [..., expert].
        count: How many are chosen.
        tolerance: How far below the best an expert's score may lie to be nearly as good, as a share
            of its size, or of the best score if that is larger.

    Returns:
        [..., expert], 0 for those that are not chosen.
    """
    weights, left = torch.zeros_like(scores), scores
    for _ in range(count):
        best, chosen = left.max(-1, keepdim=True)
        is_far = (best - scores) / scores.abs().clamp(min=best) > tolerance
        among = left.masked_fill(is_far.detach(), -torch.inf).softmax(-1)
        weights = weights.scatter(-1, chosen, among.gather(-1, chosen))
        left = left.scatter(-1, chosen, -torch.inf)
    return weights


def chosen_by(ranks: Tensor, cfg: HookedTransformerConfig) -> Tensor:
    """Return which experts each token uses, the strongest first, [..., expert used].

    Args:
        ranks: What they are chosen by: what they weigh, and a bias if they have one, [..., expert].
        cfg: The model's numbers.
    """
    if cfg.expert_groups is not None:
        grouped = ranks.unflatten(-1, (cfg.expert_groups, -1))
        strength = grouped.topk(cfg.group_best, dim=-1).values.sum(-1)
        kept = strength.topk(cfg.groups_per_token, dim=-1).indices
        is_out = torch.ones_like(strength, dtype=torch.bool).scatter(-1, kept, False)
        ranks = grouped.masked_fill(is_out[..., None], -torch.inf).flatten(-2)
    return ranks.topk(cfg.experts_per_token, dim=-1).indices


def shares_of(chosen: Tensor, weights: Tensor, cfg: HookedTransformerConfig) -> Tensor:
    """Return what the outputs of chosen experts are multiplied by, [..., expert used].

    Args:
        chosen: Which they are, [..., expert used].
        weights: What all weigh, [..., expert].
        cfg: The model's numbers.
    """
    used = weights.gather(-1, chosen)
    if cfg.norm_topk_prob:
        used = used / used.sum(-1, keepdim=True)
    return used * cfg.expert_scale
