"""What something written into the residual stream does to the logits directly.

The final norm's scale is taken as it was, so that the parts of the stream add up (Elhage et al.
2021); a change of all logits alike is invisible, so effects are centred.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lensgui.analysis.run.run import Run
from lensgui.terms.metric import as_tokens
from lensgui.terms.metrics import LogitDifference
from lensgui.transformer.layers.embed import check_ids
from lensgui.transformer.layers.parameters import exact
from lensgui.transformer.layers.span import Span
from lensgui.transformer.model import HookedTransformer


@torch.no_grad()
def direct_effect(run: Run, written: Tensor, position: int) -> Tensor:
    """Return what a part of the stream adds to each logit of a position.

    Args:
        run: A complete run.
        written: What was written there, [..., d_model].
        position: Of the prompt.

    Returns:
        In logits, [..., d_vocab], centred, as `exact`.
    """
    model = run.model
    norm = model.ln_final
    if norm.centres:
        written = written - written.mean(-1, keepdim=True)
    scaled = written / final_scales(run)[position].to(written.dtype)
    effect = exact(norm.weighted(scaled).to(model.unembed.W_U.dtype) @ model.unembed.W_U)
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


@torch.no_grad()
def logit_directions(model: HookedTransformer, tokens: int | Sequence[int]) -> Tensor:
    """Return the directions of the stream that raise some logits by 1 at a final scale of 1.

    The final norm's weights and centring are part of them.

    Returns:
        [token, d_model], as `exact`.
    """
    norm, unembed = model.ln_final, model.unembed
    chosen = as_tokens(tokens)
    check_ids(chosen, model.cfg.d_vocab_out, model.cfg.model_name)
    ids = torch.tensor(chosen, dtype=torch.long, device=unembed.W_U.device)
    rows = exact(unembed.W_U.T.index_select(0, ids)) * unembed.scale
    rows = rows if norm.w is None else rows * exact(norm.w)
    return rows - rows.mean(-1, keepdim=True) if norm.centres else rows


def answer_direction(model: HookedTransformer, metric: LogitDifference) -> Tensor:
    """Return the direction that raises a logit difference by 1 at a final scale of 1, [d_model].

    Sets of tokens count by their mean; as `exact`.
    """
    answer, distractor = (
        logit_directions(model, ids).mean(0) for ids in (metric.answer, metric.distractor)
    )
    return answer - distractor


def final_scales(run: Run) -> Tensor:
    """Return what the final norm of a complete run divides by, [position, 1], as `exact`."""
    residual, norm = run.residuals[-1], run.model.ln_final
    scale = norm.scale(residual) if norm.normalizes else torch.ones_like(residual[:, :1])
    return exact(scale)


@torch.no_grad()
def attention_scales(run: Run, layer: int, where: slice = slice(None)) -> Tensor:
    """Return what the norm after a layer's attention divides by at some positions, [position, 1].

    Args:
        run: A run that knows the layer.
        layer: The layer.
        where: Positions that follow each other.
    """
    start, stop, _ = where.indices(len(run.tokens))
    block, rows = run.model.blocks[layer], run.residuals[layer][None, start:stop]
    span = Span(run.model.cfg, stop - start, start, device=rows.device)
    read = block.ln1(rows)
    output = block.attn(read, read, read, span, run.before(layer, start))[0]
    return block.ln1_post.scale(output)
