"""The feed-forward half of a block."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.hooks.hook_point import HookPoint
from lensgui.transformer.layers import routing
from lensgui.transformer.layers.activations import SOLU_LN, activation
from lensgui.transformer.layers.norms import Norm
from lensgui.transformer.layers.parameters import affine, matrices, matrix, zeros

FEW_ROWS = 256  # of which an accelerator's experts all read all


class Experts(nn.Module):
    """A few of many gated MLPs for each token, weighted by a router (Shazeer et al. 2017).

    Attributes:
        W_router: [d_model, expert].
        b_router: [expert].
        b_choice: What is added to the weights that experts are chosen by, and to no others,
            [expert]; None without `cfg.use_expert_bias`.
        W_gate: [expert, d_model, d_expert]; W_in likewise.
        b_gate: [expert, d_expert]; b_in likewise.
        W_out: [expert, d_expert, d_model].
        b_out: [expert, d_model].
        hook_expert_weights: What each expert would weigh, such as the router's softmax over all,
            [batch, position, expert].
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
        self.b_choice = zeros(count, dtype=dtype) if cfg.use_expert_bias else None
        self.W_gate = matrices(count, cfg.d_model, width, dtype)
        self.W_in = matrices(count, cfg.d_model, width, dtype)
        self.W_out = matrices(count, width, cfg.d_model, dtype)
        self.b_gate = zeros(count, width, dtype=dtype)
        self.b_in = zeros(count, width, dtype=dtype)
        self.b_out = zeros(count, cfg.d_model, dtype=dtype)
        self.hook_expert_weights, self.hook_expert_indices = HookPoint(), HookPoint()

    def forward(self, x: Tensor) -> Tensor:
        """Map the normalised residual stream [..., d_model] to what is added to it."""
        chosen, shares = self.routed(x)
        mixed = self._mix(x.flatten(0, -2), shares.flatten(0, -2), chosen.flatten(0, -2))
        return mixed.view(x.shape)

    def routed(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return which experts rows [..., d_model] use, and what their outputs are multiplied by.

        Returns:
            Expert ids, the strongest first, and their shares, both [..., expert used].
        """
        scores = affine(x, self.W_router.T, self.b_router)
        weights = self.hook_expert_weights(routing.weights_of(scores, self.cfg))
        ranks = weights if self.b_choice is None else weights + self.b_choice
        chosen = self.hook_expert_indices(routing.chosen_by(ranks, self.cfg))
        return chosen, routing.shares_of(chosen, weights, self.cfg).to(x.dtype)

    def _mix(self, rows: Tensor, weights: Tensor, chosen: Tensor) -> Tensor:
        """Return the weighted sum of the chosen experts.

        Args:
            rows: What they read, [row, d_model].
            weights: [row, expert used].
            chosen: Expert ids, [row, expert used].

        Returns:
            [row, d_model].
        """
        if rows.device.type != "cpu" and len(rows) <= FEW_ROWS:
            return self._mix_all(rows, weights, chosen)
        mixed = torch.zeros_like(rows)
        for expert in chosen.unique().tolist():
            users, places = (chosen == expert).nonzero(as_tuple=True)
            output = self._expert(expert, rows[users]) * weights[users, places, None]
            mixed = mixed.index_add(0, users, output)
        return mixed

    def _mix_all(self, rows: Tensor, weights: Tensor, chosen: Tensor) -> Tensor:
        """Do the same without asking which experts are chosen: all read all rows.

        To ask, one would wait for an accelerator in each layer; with few rows, the time goes into
        reading the weights anyway, of which tokens that differ use most.
        """
        of_all = weights.new_zeros(len(rows), len(self.b_out)).scatter_add(1, chosen, weights)
        read = rows.expand(len(self.b_out), -1, -1)
        gate = torch.baddbmm(self.b_gate[:, None], read, self.W_gate)
        linear = torch.baddbmm(self.b_in[:, None], read, self.W_in)
        outputs = torch.baddbmm(self.b_out[:, None], self._gated(gate, linear), self.W_out)
        return torch.einsum("erd,re->rd", outputs, of_all)

    def _gated(self, gate: Tensor, linear: Tensor) -> Tensor:
        limit = self.cfg.gate_limit
        if limit is not None:
            gate, linear = gate.clamp(max=limit), linear.clamp(-limit, limit) + 1
        return self.act(gate) * linear

    def neurons(self, expert: int, x: Tensor) -> Tensor:
        """Return what an expert's neurons put out for rows [row, d_model], [row, d_expert]."""
        gate = affine(x, self.W_gate[expert].T, self.b_gate[expert])
        linear = affine(x, self.W_in[expert].T, self.b_in[expert])
        return self._gated(gate, linear)

    def _expert(self, expert: int, x: Tensor) -> Tensor:
        """Return an expert's output for rows [row, d_model]."""
        return affine(self.neurons(expert, x), self.W_out[expert].T, self.b_out[expert])


class MLP(nn.Module):
    """act(x W_in + b_in) W_out + b_out.

    Attributes:
        W_in: [d_model, d_mlp].
        b_in: [d_mlp].
        W_out: [d_mlp, d_model].
        b_out: [d_model].
        hook_pre: Before the nonlinearity, [batch, position, d_mlp].
        hook_post: After it, and after any norm, [batch, position, d_mlp].
        ln: The LayerNorm after the nonlinearity; only with act_fn "solu_ln" (Elhage et al. 2022).
        hook_mid: Before that norm, [batch, position, d_mlp]; likewise.
    """

    def __init__(self, cfg: HookedTransformerConfig, width: int | None = None) -> None:
        """Make an uninitialised MLP.

        Args:
            cfg: The model's numbers.
            width: Its hidden width; None for d_mlp.

        Raises:
            ValueError: If the nonlinearity is not known.
        """
        super().__init__()
        width = width or cfg.d_mlp
        assert width is not None
        self.act = activation(cfg.act_fn)
        self.W_in = matrix(cfg.d_model, width, cfg.dtype)
        self.b_in = zeros(width, dtype=cfg.dtype)
        self.W_out = matrix(width, cfg.d_model, cfg.dtype)
        self.b_out = zeros(cfg.d_model, dtype=cfg.dtype)
        self.hook_pre = HookPoint()
        self.hook_post = HookPoint()
        self.has_norm = cfg.act_fn == SOLU_LN
        if self.has_norm:
            self.hook_mid, self.ln = HookPoint(), Norm(cfg, (width,))

    def forward(self, x: Tensor) -> Tensor:
        """Map the normalised residual stream [..., d_model] to what is added to it."""
        return self.write(self.neurons(x))

    def neurons(self, x: Tensor) -> Tensor:
        """Return what the neurons put out for rows [..., d_model], [..., d_mlp]."""
        acts = self.act(self.hook_pre(affine(x, self.W_in.T, self.b_in)))
        return self.hook_post(self.ln(self.hook_mid(acts)) if self.has_norm else acts)

    def write(self, post: Tensor) -> Tensor:
        """Return what neurons that put out `post` [..., d_mlp] write together, [..., d_model]."""
        return affine(post, self.W_out.T, self.b_out)


class GatedMLP(MLP):
    """(act(x W_gate + b_gate) · (x W_in + b_in)) W_out + b_out (Shazeer 2020).

    Attributes:
        W_gate: [d_model, d_mlp].
        b_gate: [d_mlp].
        hook_pre: The gate before the nonlinearity, [batch, position, d_mlp].
        hook_pre_linear: The other branch, [batch, position, d_mlp].
        hook_post: Their product, [batch, position, d_mlp].
    """

    def __init__(self, cfg: HookedTransformerConfig, width: int | None = None) -> None:
        """Make an uninitialised gated MLP; arguments as in `MLP`."""
        super().__init__(cfg, width)
        width = self.W_in.shape[1]
        self.W_gate = matrix(cfg.d_model, width, cfg.dtype)
        self.b_gate = zeros(width, dtype=cfg.dtype)
        self.hook_pre_linear = HookPoint()

    def neurons(self, x: Tensor) -> Tensor:
        """Return what the neurons put out for rows [..., d_model], [..., d_mlp]."""
        gate = self.hook_pre(affine(x, self.W_gate.T, self.b_gate))
        linear = self.hook_pre_linear(affine(x, self.W_in.T, self.b_in))
        return self.hook_post(self.act(gate) * linear)


class ExpertsAndShared(Experts):
    """A few of many experts, and one that every token uses, as much as a gate of its own says.

    Attributes:
        shared: The expert that every token uses.
        W_shared_gate: [d_model, 1]; None without `cfg.shared_expert_gate`: all use it wholly.
    """

    def __init__(self, cfg: HookedTransformerConfig) -> None:
        """Make uninitialised experts."""
        super().__init__(cfg)
        self.shared = GatedMLP(cfg, cfg.d_shared_expert)
        has_gate = cfg.shared_expert_gate
        self.W_shared_gate = matrix(cfg.d_model, 1, cfg.dtype) if has_gate else None

    def forward(self, x: Tensor) -> Tensor:
        """Map the normalised residual stream [..., d_model] to what is added to it."""
        shared: Tensor = self.shared(x)
        if self.W_shared_gate is not None:
            shared = affine(x, self.W_shared_gate.T).sigmoid() * shared
        return super().forward(x) + shared

    def shared_weight(self, x: Tensor) -> Tensor:
        """Return what the shared output is multiplied by for rows [..., d_model], [...]."""
        if self.W_shared_gate is None:
            return torch.ones_like(x[..., 0])
        return affine(x, self.W_shared_gate.T).sigmoid()[..., 0]


def make_mlp(cfg: HookedTransformerConfig, layer: int) -> MLP | Experts:
    """Return the MLP that a config asks for in a layer."""
    if cfg.has_experts(layer):
        return Experts(cfg) if cfg.d_shared_expert is None else ExpertsAndShared(cfg)
    return GatedMLP(cfg) if cfg.gated_mlp else MLP(cfg)
