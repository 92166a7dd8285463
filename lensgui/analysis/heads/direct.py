"""What something written into the residual stream does to the logits directly.

The final norm's scale is taken as it was, so that the parts of the stream add up (Elhage et al.
2021); a change of all logits alike is invisible, so effects are centred.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lensgui.analysis.checks import check_direct
from lensgui.analysis.run.layer_row import LayerRow
from lensgui.analysis.run.run import Run
from lensgui.terms.metric import Metric, as_tokens
from lensgui.terms.metrics import LogitDifference, answer_sets
from lensgui.transformer.layers.embed import check_ids
from lensgui.transformer.layers.parameters import exact
from lensgui.transformer.layers.span import Span
from lensgui.transformer.model import HookedTransformer

EXACT_AT_ONCE = 1 << 22  # weights that are copied to the exact format


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
    scaled = model.ln_final.at_scale(written, _final_scale(run, position))
    effect = exact(scaled.to(model.unembed.W_U.dtype) @ model.unembed.W_U)
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
    return model.ln_final.pulled_back(_unembedding(model, tokens)[0])


def _unembedding(model: HookedTransformer, tokens: int | Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return the rows that read some logits off the normalised stream, and their biases.

    Returns:
        [token, d_model] and [token], with the logit multiplier, as `exact`.
    """
    unembed = model.unembed
    chosen = as_tokens(tokens)
    check_ids(chosen, model.cfg.d_vocab_out, model.cfg.model_name)
    ids = torch.tensor(chosen, dtype=torch.long, device=unembed.W_U.device)
    rows, biases = unembed.W_U.T.index_select(0, ids), unembed.b_U.index_select(0, ids)
    return exact(rows) * unembed.scale, exact(biases) * unembed.scale


def set_difference(numbers: Tensor, metric: Metric) -> Tensor:
    """Return answer − distractor of numbers that stand for the tokens of `answer_sets`.

    Args:
        numbers: [token, ...], the answer's tokens first.
        metric: What is read; sets of tokens count by their mean.

    Returns:
        [...].
    """
    count = len(answer_sets(metric)[0])
    answer, distractor = numbers[:count].mean(0), numbers[count:]
    return answer - distractor.mean(0) if len(distractor) else answer


@torch.no_grad()
def answer_direction(model: HookedTransformer, metric: Metric) -> Tensor:
    """Return the direction that raises a logit difference by 1 at a final scale of 1, [d_model].

    Sets of tokens count by their mean; as `exact`. Of a metric without a distractor, the answer's
    logit as it is, not centred.

    Raises:
        ValueError: If the metric is not read off single logits.
    """
    answer, distractor = answer_sets(metric)
    return set_difference(logit_directions(model, answer + distractor), metric)


@torch.no_grad()
def reading_direction(run: Run, metric: Metric, position: int) -> Tensor:
    """Return the same at a run's own final scale of a position, [d_model], as `exact`."""
    return answer_direction(run.model, metric) / _final_scale(run, position)


@torch.no_grad()
def bias_terms(model: HookedTransformer, metric: Metric) -> Tensor:
    """Return what the final norm's bias and b_U add to a logit difference, [2], as `exact`."""
    answer, distractor = answer_sets(metric)
    rows, biases = _unembedding(model, answer + distractor)
    row, bias = set_difference(rows, metric), set_difference(biases, metric)
    norm_bias = torch.zeros_like(row) if model.ln_final.b is None else exact(model.ln_final.b)
    return torch.stack([norm_bias @ row, bias])


@torch.no_grad()
def attention_terms(row: LayerRow, direction: Tensor) -> Tensor:
    """Return what each head of a layer adds along a direction, then b_O, [head + 1], as `exact`.

    Every norm's scale is taken as it was. The bias of a norm behind attention counts with b_O.

    Args:
        row: The layer, at a position of a complete run.
        direction: What is read off, as `reading_direction` gives it.
    """
    along, bias = row.attention_direction(direction)
    heads = exact(row.head_outputs) @ along
    return torch.cat([heads, (exact(row.block.attn.b_O) @ along + bias)[None]])


def product(weights: Tensor, direction: Tensor) -> Tensor:
    """Return weights [row, d_model] times a direction, [row], as `exact`, some rows at a time."""
    some = max(1, EXACT_AT_ONCE // weights.shape[-1])
    return torch.cat([exact(rows) @ direction for rows in weights.split(some)])


def final_scales(run: Run) -> Tensor:
    """Return what the final norm of a complete run divides by, [position, 1], as `exact`."""
    check_direct(run)
    return run.model.ln_final.scale(exact(run.residuals[-1]))


def _final_scale(run: Run, position: int) -> Tensor:
    """Return what it divides by at one position, [1], as `exact`."""
    check_direct(run)
    return run.model.ln_final.scale(exact(run.residuals[-1][position]))


@torch.no_grad()
def attention_scales(run: Run, layer: int, where: slice = slice(None)) -> Tensor:
    """Return what the norm behind a layer's attention divides by, [position, 1], as `exact`.

    Args:
        run: A run that knows the layer.
        layer: The layer.
        where: Positions that follow each other, which are read.
    """
    start, stop, _ = where.indices(len(run.tokens))
    block, rows = run.model.blocks[layer], run.residuals[layer][None, start:stop]
    span = Span(run.model.cfg, stop - start, start, device=rows.device)
    with run.model.standing.at(span.where):
        read = block.ln1(rows)
        output = block.attn(read, read, read, span, run.before(layer, start))[0]
    return block.post_norm("ln1_post").scale(exact(output))
