"""What a run says about the part each head plays in an answer: where it looks, what it writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lensgui.analysis.heads.copying import writing_weights
from lensgui.analysis.heads.direct import attention_scales
from lensgui.analysis.heads.necessity import attribute_heads
from lensgui.analysis.run.predictions import read_metric
from lensgui.analysis.run.recording import Recording
from lensgui.analysis.run.run import Run
from lensgui.analysis.steps import last
from lensgui.terms.metric import read_positions
from lensgui.terms.metrics import LogitDifference
from lensgui.transformer.layers.parameters import exact


@torch.no_grad()
def attention_from(run: Run, position: int) -> Iterator[Tensor]:
    """Return what every head attends to from one position.

    Args:
        run: A run; layers that are not known yet are run.
        position: The destination; negative counts from the end.

    Yields:
        [layer, head, source], NaN where not yet known: a layer more each time. Sources end at the
        position.
    """
    cfg, position = run.model.cfg, range(len(run.tokens))[position]
    found = torch.full((cfg.n_layers, cfg.n_heads, position + 1), torch.nan, dtype=torch.float64)
    for layer in range(cfg.n_layers):
        run.complete(layer + 1)
        found[layer] = run.attention_from(layer, position).cpu()
        yield found


@torch.no_grad()
def output_norms(run: Run) -> Iterator[Tensor]:
    """Return how large what each head writes into the stream is, its Euclidean norm.

    Args:
        run: A run; layers that are not known yet are run.

    Yields:
        [layer, head, position], in float64, NaN where not yet known: a layer more each time. A norm
        behind attention counts, with the scale that it has for all heads together.
    """
    cfg, model = run.model.cfg, run.model
    shape = cfg.n_layers, cfg.n_heads, len(run.tokens)
    found = torch.full(shape, torch.nan, dtype=torch.float64)
    for layer, block in enumerate(model.blocks):
        run.complete(layer + 1)
        W_O = exact(writing_weights(model, layer))
        if cfg.has_post_norms and block.post_norm("ln1_post").centres:
            W_O = W_O - W_O.mean(-1, keepdim=True)
        products = W_O @ W_O.mT  # [head, d_value, d_value]
        scale: Tensor | float = 1 / cfg.residual_multiplier
        if cfg.has_post_norms:
            scale = attention_scales(run, layer)[:, 0] * scale
        size, every = cfg.heads_per_group, _edited_z(run, layer)
        for group in range(cfg.kv_heads):
            heads = slice(group * size, (group + 1) * size)
            if every is None:
                z = exact(run.pattern(layer, group)) @ exact(run.values[layer][0, :, group])
            else:
                z = every[:, heads].transpose(0, 1)
            squares = ((z @ products[heads]) * z).sum(-1).clamp(min=0)
            found[layer, heads] = (squares.sqrt() / scale).cpu().double()
        yield found


def _edited_z(run: Run, layer: int) -> Tensor | None:
    """Return what heads put out, [position, head, d_value], as `exact`, where that is changed."""
    if not run.model.blocks[layer].attn.hook_z.is_watched:
        return None
    return exact(Recording(run, frozenset({"z"}))("z", layer))


def mean_output_norms(run: Run) -> Tensor:
    """Return the mean of `output_norms` over positions after 0, an attention sink, [layer, head].

    NaN where there is only position 0.
    """
    *_, found = output_norms(run)
    return found[..., 1:].mean(-1)


@dataclass(frozen=True, slots=True)
class HeadEvidence:
    """What roles are proposed by, of one clean run; heads are [layer, head], in float64.

    Attributes:
        to_answer: Attention from where the metric is read to all places of the answer's tokens; 0
            where they do not occur.
        to_distractor: Likewise to the distractor's.
        to_repeat: Likewise to the last place of the distractor alone, if it occurs before.
        attribution: Direct logit attribution to answer − distractor, in logits.
        difference: answer − distractor as the run has it, in logits.
    """

    to_answer: Tensor
    to_distractor: Tensor
    to_repeat: Tensor
    attribution: Tensor
    difference: float


def head_evidence(run: Run, metric: LogitDifference) -> Iterator[HeadEvidence | None]:
    """Read off a run what heads do about an answer.

    Args:
        run: A clean run, which is completed.
        metric: The answers that are compared.

    Yields:
        None between pieces, and at last the evidence.
    """
    for _ in run.steps():
        yield None
    position = read_positions(metric, len(run.tokens)).start
    attention = yield from last(attention_from(run, position))
    attribution = yield from last(attribute_heads(run, metric))
    answer, distractor = (
        places_of(run.tokens[: position + 1], ids) for ids in (metric.answer, metric.distractor)
    )
    repeat = distractor[-1:] if len(distractor) > 1 else []
    to_answer, to_distractor, to_repeat = (
        attention[..., at].sum(-1) for at in (answer, distractor, repeat)
    )
    difference = read_metric(run, metric)
    yield HeadEvidence(to_answer, to_distractor, to_repeat, attribution, difference)


def places_of(tokens: Tensor, ids: Sequence[int]) -> list[int]:
    """Return the positions of a prompt [position] at which one of some tokens stands."""
    wanted = torch.tensor(tuple(ids), device=tokens.device)
    return torch.isin(tokens, wanted).nonzero().flatten().tolist()
