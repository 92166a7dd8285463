"""Multi-head latent attention: keys and values are read through few numbers (DeepSeek-AI 2024)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.hooks.hook_point import HookPoint
from lensgui.transformer.layers.attention import Attention, Reader
from lensgui.transformer.layers.norms import Norm
from lensgui.transformer.layers.parameters import affine, head_readers, matrix, read_heads, zeros


class LatentAttention(Attention):
    """Attention whose keys and values, and maybe queries, are read through a normalised latent.

    Queries, keys and values themselves are a head's own, as everywhere: a key is what its head
    makes of the latent, then the numbers that turn, which all heads share.

    Attributes:
        W_Q_down: [d_model, q_rank]; only with `cfg.q_rank`, W_Q else.
        b_Q_down: [q_rank].
        q_latent_norm: The norm of what they give.
        W_Q_up: [head, q_rank, d_head].
        W_KV_down: [d_model, kv_rank].
        b_KV_down: [kv_rank].
        kv_latent_norm: The norm of what they give.
        W_K_up: [head, kv_rank, d_head - rotary_dim].
        W_V_up: [head, kv_rank, d_value].
        W_K_rot: What reads the numbers of a key that turn, [d_model, rotary_dim].
        b_K_rot: [rotary_dim].
        hook_q_latent: What queries are made of, normalised, [batch, position, q_rank].
        hook_kv_latent: What keys and values are made of, normalised, [batch, position, kv_rank].
            Where they read residual copies of their own, it sees first the keys', then the values'.
    """

    def _add_readers(self, cfg: HookedTransformerConfig) -> None:
        heads, dtype = cfg.n_heads, cfg.dtype
        assert cfg.kv_rank is not None
        assert cfg.rotary_dim is not None
        if cfg.q_rank is None:
            self.W_Q = head_readers(heads, cfg.d_model, cfg.d_head, dtype)
        else:
            self.W_Q_down = matrix(cfg.d_model, cfg.q_rank, dtype)
            self.b_Q_down = zeros(cfg.q_rank, dtype=dtype)
            self.q_latent_norm = Norm(cfg, (cfg.q_rank,), is_foldable=False, eps=cfg.latent_eps)
            self.W_Q_up = head_readers(heads, cfg.q_rank, cfg.d_head, dtype)
            self.hook_q_latent = HookPoint()
        self.W_KV_down = matrix(cfg.d_model, cfg.kv_rank, dtype)
        self.b_KV_down = zeros(cfg.kv_rank, dtype=dtype)
        self.kv_latent_norm = Norm(cfg, (cfg.kv_rank,), is_foldable=False, eps=cfg.latent_eps)
        self.W_K_up = head_readers(heads, cfg.kv_rank, cfg.d_head - cfg.rotary_dim, dtype)
        self.W_V_up = head_readers(heads, cfg.kv_rank, cfg.d_value, dtype)
        self.W_K_rot = matrix(cfg.d_model, cfg.rotary_dim, dtype)
        self.b_K_rot = zeros(cfg.rotary_dim, dtype=dtype)
        self.hook_kv_latent = HookPoint()

    def __getattr__(self, name: str) -> Tensor | nn.Module:
        """Say why there is no such weight, where it is one that other attention has.

        Raises:
            AttributeError: If there is none.
        """
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name not in ("W_Q", "W_K", "W_V"):
                raise
            down = "W_Q_down and W_Q_up" if name == "W_Q" else f"W_KV_down and {name}_up"
            raise AttributeError(
                f"{self.cfg.model_name} has no {name}, as a norm stands between {down}, which "
                "therefore multiply to no one matrix."
            ) from None

    def readers(self) -> list[Reader]:
        """Return the weights that read the residual stream, each with its bias."""
        queries = (
            (self.W_Q, self.b_Q) if self.cfg.q_rank is None else (self.W_Q_down, self.b_Q_down)
        )
        return [queries, (self.W_KV_down, self.b_KV_down), (self.W_K_rot, self.b_K_rot)]

    def _read_queries(self, x: Tensor) -> Tensor:
        if self.cfg.q_rank is None:
            return super()._read_queries(x)
        latent = self.q_latent_norm(affine(x, self.W_Q_down.T, self.b_Q_down))
        return read_heads(self.hook_q_latent(latent), self.W_Q_up, self.b_Q)

    def _read_keys(self, x: Tensor) -> Tensor:
        return self._keys_of(self._latent(x), x)

    def _read_keys_and_values(
        self, key_input: Tensor, value_input: Tensor
    ) -> tuple[Tensor, Tensor]:
        latent = self._latent(key_input)
        k = self._keys_of(latent, key_input)
        if value_input is not key_input:
            latent = self._latent(value_input)
        return k, read_heads(latent, self.W_V_up, self.b_V)

    def _latent(self, x: Tensor) -> Tensor:
        """Return what keys and values are made of, normalised, [batch, position, …, kv_rank]."""
        latent: Tensor = self.kv_latent_norm(affine(x, self.W_KV_down.T, self.b_KV_down))
        return self.hook_kv_latent(latent)

    def _keys_of(self, latent: Tensor, x: Tensor) -> Tensor:
        """Return keys [batch, position, head, d_head] of a latent and what it was read from."""
        still, turning = self.b_K.split(self.W_K_up.shape[-1:] + self.b_K_rot.shape, dim=-1)
        made = read_heads(latent, self.W_K_up, still)
        shared = affine(x, self.W_K_rot.T, self.b_K_rot)
        shared = shared if x.ndim == 4 else shared[:, :, None]
        return torch.cat([made, shared + turning], dim=-1)


def make_attention(cfg: HookedTransformerConfig, layer: int) -> Attention:
    """Return the attention that a config asks for in a layer."""
    return Attention(cfg, layer) if cfg.kv_rank is None else LatentAttention(cfg, layer)
