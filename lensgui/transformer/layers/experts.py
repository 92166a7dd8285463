"""Mixtures of experts: an MLP of which each token uses a part."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.hooks.hook_point import HookPoint
from lensgui.transformer.layers.activations import activation
from lensgui.transformer.layers.parameters import matrices, matrix, zeros


class Experts(nn.Module):
    """A few of many gated MLPs for each token, weighted by a router (Shazeer et al. 2017).

    Attributes:
        W_router: [d_model, expert].
        b_router: [expert].
        W_gate: [expert, d_model, d_expert]; W_in likewise.
        b_gate: [expert, d_expert]; b_in likewise.
        W_out: [expert, d_expert, d_model].
        b_out: [expert, d_model].
        hook_expert_weights: The router's softmax over all experts, [batch, position, expert].
        hook_expert_indices: Which experts each token uses, the strongest first, [batch, position,
            expert used]; a hook that changes it changes the routing.
    """

    def __init__(self, cfg: HookedTransformerConfig) -> None:
        """Make uninitialised experts."""
        super().__init__()
        self.cfg, self.act = cfg, activation(cfg.act_fn)
        count, width, dtype = cfg.num_experts, cfg.d_expert or cfg.d_mlp, cfg.dtype
        assert count is not None
        assert width is not None
        self.W_router = matrix(cfg.d_model, count, dtype)
        self.b_router = zeros(count, dtype=dtype)
        self.W_gate = matrices(count, cfg.d_model, width, dtype)
        self.W_in = matrices(count, cfg.d_model, width, dtype)
        self.W_out = matrices(count, width, cfg.d_model, dtype)
        self.b_gate = zeros(count, width, dtype=dtype)
        self.b_in = zeros(count, width, dtype=dtype)
        self.b_out = zeros(count, cfg.d_model, dtype=dtype)
        self.hook_expert_weights, self.hook_expert_indices = HookPoint(), HookPoint()

    def forward(self, x: Tensor) -> Tensor:
        """Map the normalised residual stream [..., d_model] to what is added to it."""
        scores = F.linear(x, self.W_router.T, self.b_router)
        half = x.dtype in (torch.float16, torch.bfloat16)
        precise = torch.float32 if half else None
        weights = self.hook_expert_weights(scores.softmax(-1, dtype=precise))
        chosen = self.hook_expert_indices(weights.topk(self.cfg.experts_per_token, dim=-1).indices)
        weights = weights.gather(-1, chosen)
        if self.cfg.norm_topk_prob:
            weights = weights / weights.sum(-1, keepdim=True)
        mixed = self._mix(
            x.flatten(0, -2), weights.flatten(0, -2).to(x.dtype), chosen.flatten(0, -2)
        )
        return mixed.view(x.shape)

    def _mix(self, rows: Tensor, weights: Tensor, chosen: Tensor) -> Tensor:
        """Return the weighted sum of the chosen experts.

        Args:
            rows: What they read, [row, d_model].
            weights: [row, expert used].
            chosen: Expert ids, [row, expert used].

        Returns:
            [row, d_model].
        """
        mixed = torch.zeros_like(rows)
        for expert in chosen.unique().tolist():
            users, places = (chosen == expert).nonzero(as_tuple=True)
            output = self._expert(expert, rows[users]) * weights[users, places, None]
            mixed = mixed.index_add(0, users, output)
        return mixed

    def _expert(self, expert: int, x: Tensor) -> Tensor:
        """Return an expert's output for rows [row, d_model]."""
        gate = F.linear(x, self.W_gate[expert].T, self.b_gate[expert])
        linear = F.linear(x, self.W_in[expert].T, self.b_in[expert])
        limit = self.cfg.gate_limit
        if limit is not None:
            gate, linear = gate.clamp(max=limit), linear.clamp(-limit, limit) + 1
        return F.linear(self.act(gate) * linear, self.W_out[expert].T, self.b_out[expert])
