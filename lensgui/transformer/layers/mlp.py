"""The feed-forward half of a block."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.hooks.hook_point import HookPoint
from lensgui.transformer.layers.activations import activation
from lensgui.transformer.layers.experts import Experts
from lensgui.transformer.layers.parameters import matrix, zeros


class MLP(nn.Module):
    """act(x W_in + b_in) W_out + b_out.

    Attributes:
        W_in: [d_model, d_mlp].
        b_in: [d_mlp].
        W_out: [d_mlp, d_model].
        b_out: [d_model].
        hook_pre: Before the nonlinearity, [batch, position, d_mlp].
        hook_post: After it, [batch, position, d_mlp].
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

    def forward(self, x: Tensor) -> Tensor:
        """Map the normalised residual stream [..., d_model] to what is added to it."""
        pre = self.hook_pre(F.linear(x, self.W_in.T, self.b_in))
        post = self.hook_post(self.act(pre))
        return F.linear(post, self.W_out.T, self.b_out)


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

    def forward(self, x: Tensor) -> Tensor:
        """Map the normalised residual stream [..., d_model] to what is added to it."""
        gate = self.hook_pre(F.linear(x, self.W_gate.T, self.b_gate))
        linear = self.hook_pre_linear(F.linear(x, self.W_in.T, self.b_in))
        post = self.hook_post(self.act(gate) * linear)
        return F.linear(post, self.W_out.T, self.b_out)


class ExpertsAndShared(Experts):
    """A few of many experts, and one that every token uses, as much as a gate of its own says.

    Attributes:
        shared: The expert that every token uses.
        W_shared_gate: [d_model, 1].
    """

    def __init__(self, cfg: HookedTransformerConfig) -> None:
        """Make uninitialised experts."""
        super().__init__(cfg)
        self.shared = GatedMLP(cfg, cfg.d_shared_expert)
        self.W_shared_gate = matrix(cfg.d_model, 1, cfg.dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Map the normalised residual stream [..., d_model] to what is added to it."""
        share = F.linear(x, self.W_shared_gate.T).sigmoid()
        shared: Tensor = self.shared(x)
        return super().forward(x) + share * shared


def make_mlp(cfg: HookedTransformerConfig, layer: int) -> nn.Module:
    """Return the MLP that a config asks for in a layer."""
    if cfg.has_experts(layer):
        return Experts(cfg) if cfg.d_shared_expert is None else ExpertsAndShared(cfg)
    return GatedMLP(cfg) if cfg.gated_mlp else MLP(cfg)
