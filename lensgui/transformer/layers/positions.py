"""Positions: rotary embedding (Su et al. 2021), ALiBi (Press et al. 2022), and sinusoids."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lensgui.transformer.config import AttentionKind, HookedTransformerConfig


def frequencies(cfg: HookedTransformerConfig, kind: AttentionKind = "global") -> Tensor:
    """Return how far each pair of dimensions turns per position, in radians.

    Args:
        cfg: The model's numbers.
        kind: Whose rotation it is: "local" for layers with a base of their own.

    Returns:
        [rotary_dim / 2], in float32.
    """
    assert cfg.rotary_dim is not None
    base = cfg.rotary_base
    if kind == "local":
        assert cfg.rotary_base_local is not None
        base = cfg.rotary_base_local
    elif cfg.rotary_frequencies is not None:
        return torch.tensor(cfg.rotary_frequencies, dtype=torch.float32)
    exponents = torch.arange(0, cfg.rotary_dim, 2).to(torch.float32) / cfg.rotary_dim
    return 1.0 / (base**exponents)


def rotations(cfg: HookedTransformerConfig, positions: Tensor) -> dict[AttentionKind, Rotation]:
    """Return how the queries and keys of global layers turn, and of local ones if otherwise.

    Args:
        cfg: The model's numbers.
        positions: Which positions, [batch or 1, position].
    """
    if cfg.positional_embedding_type != "rotary":
        return {}
    turning: dict[AttentionKind, Rotation] = {
        "global": Rotation(cfg, positions, frequencies(cfg), cfg.rotary_scale)
    }
    if cfg.rotary_base_local is not None:
        turning["local"] = Rotation(cfg, positions, frequencies(cfg, "local"))
    return turning


class Rotation:
    """Cosines and sines for some positions, and how to turn queries and keys by them."""

    def __init__(
        self,
        cfg: HookedTransformerConfig,
        positions: Tensor,
        per_position: Tensor,
        scale: float = 1.0,
    ) -> None:
        """Work out the angles.

        Args:
            cfg: The model's numbers.
            positions: Which positions, [batch or 1, position].
            per_position: Radians per position, from `frequencies`.
            scale: What cosines and sines are multiplied by.
        """
        self._adjacent, self._at_end = cfg.rotary_adjacent_pairs, cfg.kv_rank is not None
        dtype = cfg.dtype
        precise = torch.float64 if dtype == torch.float64 else torch.float32
        angles = positions.to(precise)[..., None] * per_position.to(positions.device, precise)
        if self._adjacent:
            angles = angles.repeat_interleave(2, dim=-1)
        else:
            angles = torch.cat([angles, angles], dim=-1)
        self._cos = (angles.cos() * scale).to(dtype)[:, :, None]
        sin = (angles.sin() * scale).to(dtype)[:, :, None]
        self._sin = sin * self._signs(sin.shape[-1]).to(sin)

    def _signs(self, width: int) -> Tensor:
        """Return the sign with which each dimension's partner is added, [width]."""
        signs = torch.ones(width)
        signs[slice(0, None, 2) if self._adjacent else slice(width // 2)] = -1.0
        return signs

    def last(self, count: int) -> Rotation:
        """Return the rotation of the last positions only."""
        if count == self._cos.shape[1]:
            return self
        rotation = object.__new__(Rotation)
        rotation._adjacent, rotation._at_end = self._adjacent, self._at_end
        rotation._cos, rotation._sin = self._cos[:, -count:], self._sin[:, -count:]
        return rotation

    def turn(self, x: Tensor) -> Tensor:
        """Turn queries or keys by their positions.

        Args:
            x: [batch, position, head, d_head]; only the first rotary_dim of d_head turn, or in
                latent attention the last.

        Returns:
            The same shape.
        """
        width = self._cos.shape[-1]
        if x.shape[-1] == width:
            return self._turned(x)
        if self._at_end:
            return torch.cat([x[..., :-width], self._turned(x[..., -width:])], dim=-1)
        return torch.cat([self._turned(x[..., :width]), x[..., width:]], dim=-1)

    def _turned(self, x: Tensor) -> Tensor:
        """Turn what turns of queries or keys, [batch, position, head, rotary_dim]."""
        return torch.addcmul(x * self._cos, self._partners(x), self._sin)

    def _partners(self, x: Tensor) -> Tensor:
        """Return the other of the pair that each dimension turns with."""
        if self._adjacent:
            pairs: Tensor = x.unflatten(-1, (-1, 2))
            return pairs.flip(-1).flatten(-2)
        return x.roll(x.shape[-1] // 2, -1)


def slopes(cfg: HookedTransformerConfig) -> Tensor:
    """Return how much each head's scores fall per position of distance.

    Of n heads, a power of 2, they are 2^(−8/n), 2^(−16/n) … 2^−8. Another number of heads takes
    those of the next lower power first, then every other one of the next higher power's.

    Args:
        cfg: The model's numbers.

    Returns:
        [head], in float64 if the model is, else float32.
    """
    below = 1 << (cfg.n_heads.bit_length() - 1)
    exponents = [8.0 * head / below for head in range(1, below + 1)]
    exponents += [8.0 * head / (2 * below) for head in range(1, 2 * below, 2)]
    precise = torch.float64 if cfg.dtype == torch.float64 else torch.float32
    return 2.0 ** -torch.tensor(exponents[: cfg.n_heads], dtype=precise)


def sinusoids(count: int, width: int, first: int) -> Tensor:
    """Return sines and cosines of positions, as tensor2tensor lays them out (Vaswani et al. 2017).

    Args:
        count: How many positions.
        width: How many numbers each has: half are sines, the next half cosines, an odd one is 0.
        first: What the first position counts as.

    Returns:
        [position, width], in float32.
    """
    pairs = width // 2
    exponents = torch.arange(pairs).float() * -(math.log(10000.0) / (pairs - 1))
    angles = torch.arange(first + count).float()[:, None] * exponents.exp()
    odd = angles.new_zeros(len(angles), width - 2 * pairs)
    return torch.cat([angles.sin(), angles.cos(), odd], dim=1)[first:]
