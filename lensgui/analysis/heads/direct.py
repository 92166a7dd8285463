"""What something written into the residual stream does to the logits directly.

The final norm's scale is taken as it was, so that the parts of the stream add up (Elhage et al.
2021); a change of all logits alike is invisible, so effects are centred.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lensgui.analysis.run.run import Run
from lensgui.terms.metrics import LogitDifference


@torch.no_grad()
def direct_effect(run: Run, written: Tensor, position: int) -> Tensor:
    """Return what a part of the stream adds to each logit of a position.

    Args:
        run: A complete run.
        written: What was written there, [..., d_model].
        position: Of the prompt.

    Returns:
        In logits, [..., d_vocab], centred, in float64.
    """
    model = run.model
    norm = model.ln_final
    if norm.centres:
        written = written - written.mean(-1, keepdim=True)
    scaled = written / final_scale(run, position)
    scaled = scaled if norm.w is None else scaled * norm.w
    effect = (scaled.to(model.unembed.W_U.dtype) @ model.unembed.W_U).double()
    effect = effect * model.unembed.scale
    return effect - effect.mean(-1, keepdim=True)


def attributed(effect: Tensor, metric: LogitDifference) -> Tensor:
    """Return how much of a logit difference an effect [..., d_vocab] is, [...].

    Sets of tokens count by their mean.
    """
    answer, distractor = (
        effect[..., list(ids)].mean(-1) for ids in (metric.answer, metric.distractor)
    )
    return answer - distractor


def final_scale(run: Run, position: int) -> Tensor:
    """Return what the final norm of a complete run divides by at a position, [1]."""
    residual, norm = run.residuals[-1][position], run.model.ln_final
    return norm.scale(residual) if norm.normalizes else torch.ones_like(residual[:1])
