"""LayerNorm and RMSNorm, with their scale and their result in view."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.hooks.hook_point import HookPoint, with_gradients_of
from lensgui.transformer.layers.parameters import parameter, precise


class Norm(nn.Module):
    """Divide the residual stream by its size (Ba et al. 2016; Zhang & Sennrich 2019).

    LayerNorm centres first; RMSNorm does not. As in Hugging Face, half-precision input is
    normalised in float32.

    Attributes:
        w: Scale, [d_model]; None where there is none, or once it is folded into what reads the
            norm.
        b: Bias, [d_model]; None for RMSNorm, and where there is no scale.
        hook_scale: What is divided by, [..., 1].
        hook_normalized: The result before w and b, [..., d_model].
    """

    def __init__(
        self,
        cfg: HookedTransformerConfig,
        shape: tuple[int, ...] | None = None,
        is_foldable: bool = True,
        eps: float | None = None,
    ) -> None:
        """Make a norm that changes nothing but the size.

        Args:
            cfg: The model's numbers.
            shape: The shape of its weights, of which the last dimension is normalised together;
                None for [d_model].
            is_foldable: Whether its weights are among those that folding moves elsewhere.
            eps: What is added to the variance; None for the model's.
        """
        super().__init__()
        self.eps = cfg.eps if eps is None else eps
        self.normalizes = cfg.normalization_type is not None
        self.centres = self.normalizes and not cfg.is_rms
        shape = shape or (cfg.d_model,)
        has_weight = self.normalizes and not (is_foldable and cfg.is_folded)
        self.w = parameter(torch.ones(shape, dtype=cfg.dtype)) if has_weight else None
        has_bias = has_weight and self.centres
        self.b = parameter(torch.zeros(shape, dtype=cfg.dtype)) if has_bias else None
        self.hook_scale = HookPoint()
        self.hook_normalized = HookPoint()

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the last dimension.

        What hooks read is worked out beside the result, so that reading changes no bit of it; what
        they change is put in step by step.

        Args:
            x: [..., d_model].

        Returns:
            [..., d_model].
        """
        if not self.normalizes:
            return x
        if not (self.hook_scale.is_watched or self.hook_normalized.is_watched):
            return self._fused(x)
        wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        if self.centres:
            wide = wide - wide.mean(-1, keepdim=True)
        size = (wide.pow(2).mean(-1, keepdim=True) + self.eps).sqrt()
        scale, has_scale = self.hook_scale.shown(size)
        normalized, has_normalized = self.hook_normalized.shown((wide / scale).to(x.dtype))
        long = self._weighted_and_shifted(normalized)
        return long if has_scale or has_normalized else with_gradients_of(long, self._fused(x))

    def _fused(self, x: Tensor) -> Tensor:
        """Return the result in as few passes over memory as torch knows."""
        wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        if self.centres and (self.w is None or self.w.ndim == 1) and wide is x:
            return F.layer_norm(x, x.shape[-1:], self.w, self.b, self.eps)
        if self.centres:
            normalized = F.layer_norm(wide, x.shape[-1:], eps=self.eps)
        else:
            size = torch.linalg.vector_norm(wide, dim=-1, keepdim=True)
            normalized = wide * (size.square() / x.shape[-1] + self.eps).rsqrt()
        return self._weighted_and_shifted(normalized.to(x.dtype))

    def _weighted_and_shifted(self, normalized: Tensor) -> Tensor:
        weighted = self.weighted(normalized)
        return weighted if self.b is None else weighted + self.b

    def weighted(self, x: Tensor) -> Tensor:
        """Return x [..., d_model] times w, where there is one."""
        return x if self.w is None else x * self.w

    def scale(self, x: Tensor) -> Tensor:
        """Return what x [..., d_model] would be divided by, [..., 1]."""
        wide = precise(x)
        wide = wide - wide.mean(-1, keepdim=True) if self.centres else wide
        return (wide.pow(2).mean(-1, keepdim=True) + self.eps).sqrt().to(x.dtype)

    def fold(self) -> None:
        """Forget w and b, once they are folded into what reads this norm."""
        self.w = None
        self.b = None
