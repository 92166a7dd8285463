"""Products of queries with keys and of patterns with values, where heads share them in groups."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from einops import rearrange
from torch import Tensor


def products(q: Tensor, keys: Sequence[Tensor]) -> Tensor:
    """Multiply queries with the keys of their groups.

    Args:
        q: [batch, query, head, d_head].
        keys: Pieces of the sources, each [batch or 1, source, key_value_head, d_head].

    Returns:
        [batch, head, query, source], the pieces side by side.
    """
    batch, queries, heads, _ = q.shape
    parts = []
    for k in keys:
        kv_heads = k.shape[2]
        by_group = q.unflatten(2, (kv_heads, heads // kv_heads))
        if k.shape[0] < batch:  # shared: every row of the batch asks the same keys, in one product
            rows = rearrange(by_group, "b q kv g d -> kv (b g q) d")
            product = rows @ k[0].permute(1, 2, 0)
            product = rearrange(product, "kv (b g q) s -> b (kv g) q s", b=batch, q=queries)
        else:
            rows = by_group.permute(0, 2, 3, 1, 4).flatten(2, 3)
            product = (rows @ k.permute(0, 2, 3, 1)).view(batch, heads, queries, -1)
        parts.append(product)
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)


def mix(pattern: Tensor, values: Sequence[Tensor]) -> Tensor:
    """Average values as a pattern says.

    Args:
        pattern: [batch, head, query, source].
        values: Pieces of the sources, each [batch or 1, source, key_value_head, d_head].

    Returns:
        [batch, query, head, d_head].
    """
    batch, heads, queries, _ = pattern.shape
    mixed = []
    for part, v in zip(pattern.split([v.shape[1] for v in values], dim=-1), values, strict=True):
        kv_heads = v.shape[2]
        by_group = part.unflatten(1, (kv_heads, heads // kv_heads))
        if v.shape[0] < batch:
            rows = rearrange(by_group, "b kv g q s -> kv (b g q) s")
            product = rows @ v[0].transpose(0, 1)
            mixed.append(rearrange(product, "kv (b g q) d -> b q (kv g) d", b=batch, q=queries))
        else:
            product = by_group.flatten(2, 3) @ v.transpose(1, 2)
            mixed.append(product.view(batch, heads, queries, -1).transpose(1, 2))
    whole: Tensor = mixed[0] if len(mixed) == 1 else mixed[0] + mixed[1]
    return whole
