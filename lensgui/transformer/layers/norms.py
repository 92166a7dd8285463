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
        is_last: bool = False,
        eps: float | None = None,
    ) -> None:
        """Make a norm that changes nothing but the size.

        Args:
            cfg: The model's numbers.
            shape: The shape of its weights, of which the last dimension is normalised together;
                None for [d_model].
            is_foldable: Whether its weights are among those that folding moves elsewhere.
            is_last: Whether it is the one before the unembedding.
            eps: What is added to the variance; None for the model's.
        """
        super().__init__()
        self.eps = cfg.eps if eps is None else eps
        self.normalizes = cfg.normalization_type is not None
        self.centres = self.normalizes and not (cfg.is_rms or (is_last and cfg.final_rms))
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
        wide = precise(x)
        centred = self._centred(wide)
        squared = self._squared_size(centred)
        scale, has_scale = self.hook_scale.shown(squared.sqrt())
        if has_scale:
            normalized = centred / scale
        else:
            normalized = self._normalized(wide) if self.centres else wide * squared.rsqrt()
            if scale.requires_grad:
                normalized = with_gradients_of(centred / scale, normalized)
        normalized, has_normalized = self.hook_normalized.shown(normalized.to(x.dtype))
        result = self._weighted_and_shifted(normalized)
        if has_scale or has_normalized or self.w is None or not self._is_one_step(x):
            return result
        return with_gradients_of(result, self._fused(x))

    def _fused(self, x: Tensor) -> Tensor:
        """Return the result in as few passes over memory as torch knows."""
        if self._is_one_step(x):
            return F.layer_norm(x, x.shape[-1:], self.w, self.b, self.eps)
        return self._weighted_and_shifted(self._normalized(precise(x)).to(x.dtype))

    def _is_one_step(self, x: Tensor) -> bool:
        """Whether torch normalises x and multiplies with the weight at once."""
        return self.centres and (self.w is None or self.w.ndim == 1) and precise(x) is x

    def _normalized(self, wide: Tensor) -> Tensor:
        """Return the result before w and b; takes float32 at least."""
        if self.centres:
            return F.layer_norm(wide, wide.shape[-1:], eps=self.eps)
        return wide * self._squared_size(wide).rsqrt()

    def _centred(self, wide: Tensor) -> Tensor:
        return wide - wide.mean(-1, keepdim=True) if self.centres else wide

    def _squared_size(self, centred: Tensor) -> Tensor:
        """Return the square of what is divided by, [..., 1]."""
        length = torch.linalg.vector_norm(centred, dim=-1, keepdim=True)
        squared: Tensor = length.square() / centred.shape[-1] + self.eps
        return squared

    def _weighted_and_shifted(self, normalized: Tensor) -> Tensor:
        weighted = self.weighted(normalized)
        return weighted if self.b is None else weighted + self.b

    def weighted(self, x: Tensor) -> Tensor:
        """Return x [..., d_model] times w, where there is one."""
        return x if self.w is None else x * self.w

    def at_scale(self, x: Tensor, scale: Tensor) -> Tensor:
        """Return a part of what is normalised as it comes out, the bias left aside.

        Args:
            x: A part, [..., d_model].
            scale: What the whole is divided by, [..., 1].

        Returns:
            [..., d_model]; all parts and the bias add up to the whole's result.
        """
        return self.weighted(self._centred(x) / scale.to(x.dtype))

    def pulled_back(self, directions: Tensor) -> Tensor:
        """Return what a part is multiplied by for its product with directions behind the norm.

        Args:
            directions: [..., d_model].

        Returns:
            [..., d_model], at a scale of 1: `at_scale(x, s) @ d` is `x @ pulled_back(d) / s`.
        """
        weighted = directions if self.w is None else directions * self.w.to(directions.dtype)
        return self._centred(weighted)

    def unweighted(self, x: Tensor) -> Tensor:
        """Return x [..., d_model] normalised, before w and b; in float32 at least."""
        wide = precise(x)
        return self._normalized(wide) if self.normalizes else wide

    def precisely(self, x: Tensor) -> Tensor:
        """Return x [..., d_model] normalised, in float32 at least."""
        if precise(x) is x:
            found: Tensor = self(x)
            return found
        weighted = self.weighted(self.unweighted(x))
        return weighted if self.b is None else weighted + self.b

    def scale(self, x: Tensor) -> Tensor:
        """Return what x [..., d_model] would be divided by, [..., 1]."""
        if not self.normalizes:
            return torch.ones_like(x[..., :1])
        return self._squared_size(self._centred(precise(x))).sqrt().to(x.dtype)

    def fold(self) -> None:
        """Forget w and b, once they are folded into what reads this norm."""
        self.w = None
        self.b = None
