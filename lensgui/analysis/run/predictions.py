"""What is read of the stream: a metric after the last layer, surprisals, and the logit lens."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

import torch
from torch import Tensor

from lensgui.analysis.run.run import Run
from lensgui.terms.metric import Metric, check_tokens, read_positions
from lensgui.transformer.edits.intervened import itself
from lensgui.transformer.layers.embed import check_ids
from lensgui.transformer.layers.parameters import exact, precise
from lensgui.transformer.model import HookedTransformer

_READ_OUT_WORK = {"cpu": 1.5e9, "mps": 1e11, "cuda": 1e12}  # FLOP that take less than 50 ms


def metric_logits(model: HookedTransformer, rows: Tensor, metric: Metric) -> Tensor:
    """Return the logits that a metric reads, as its `of_columns` wants them.

    Args:
        model: The model.
        rows: The stream after the last layer at the positions that are read, [..., read, d_model].
        metric: What is read.

    Returns:
        [..., token]; of a metric that reads several positions [..., read, token].

    Raises:
        ValueError: If there is no such token.
    """
    check_tokens(metric, model.cfg.d_vocab_out)
    logits = read_out(model, rows, metric.columns)
    return logits[..., 0, :] if metric.reads == 1 else logits


def read_metric(run: Run, metric: Metric) -> float:
    """Return the metric of a complete run."""
    read = read_positions(metric, len(run.tokens))
    with run.model.standing.at(range(read.start, read.stop)):
        logits = metric_logits(run.model, run.residuals[-1][read], metric)
    return float(metric.of_columns(exact(logits)))


def compared(model: HookedTransformer, metric: Metric, final: Tensor) -> Metric:
    """Return a metric that compares, if it does at all, with the clean run.

    Args:
        model: The model.
        metric: What is read.
        final: The clean run's stream after the last layer, [position, d_model].
    """
    if not metric.compares:
        return metric
    at = read_positions(metric, len(final)).stop - 1
    with model.standing.at(range(at, at + 1)):
        return metric.against(exact(read_out(model, final[at : at + 1]))[0])


def read_out(
    model: HookedTransformer, residual: Tensor, columns: tuple[int, ...] | None = None
) -> Tensor:
    """Return the logits of a few tokens from the residual stream after the last layer.

    Args:
        model: The model.
        residual: [..., d_model].
        columns: Token ids; None for all.

    Returns:
        [..., token]; of a few tokens in float32 at least, for in half precision logits are rounded
        to steps as large as the changes that a sweep is after.

    Raises:
        ValueError: If there is no such token.
    """
    if columns is None:
        return model.unembed.columns(model.ln_final(residual))
    check_ids(columns, model.cfg.d_vocab_out, model.cfg.model_name)
    ids = torch.tensor(columns, dtype=torch.long, device=residual.device)
    return model.unembed.columns(model.ln_final.precisely(residual), ids)


@torch.no_grad()
def surprisals(run: Run) -> Iterator[list[float]]:
    """Yield −log2 P(token | those before it), in bits, some tokens at a time (Shannon 1948).

    Args:
        run: A run, which is completed; it keeps them, and those that it took over are not worked
            out again.

    Yields:
        Surprisals, from position 1 on: nothing predicts position 0.
    """
    cfg, device = run.complete().model.cfg, run.tokens.device.type
    work = 2 * cfg.d_model * cfg.d_vocab_out
    some = max(1, int(_READ_OUT_WORK.get(device, _READ_OUT_WORK["cpu"]) / work))
    if run.surprisals:
        yield list(run.surprisals)
    known = len(run.surprisals)
    last, following = run.residuals[-1][known:-1], run.tokens[known + 1 :]
    for rows, ids in zip(last.split(some), following.split(some), strict=True):
        if not len(ids):
            continue
        with run.model.standing.at(range(known, known + len(rows))):
            logits = precise(read_out(run.model, rows))
        chosen = logits.log_softmax(-1).gather(-1, ids[:, None])[:, 0]
        bits: list[float] = (-chosen / log(2)).tolist()
        run.surprisals[known : known + len(bits)] = bits
        known += len(bits)
        yield bits


@torch.no_grad()
def logit_lens(run: Run, position: int) -> Tensor:
    """Decode the residual stream before each layer, and after the last.

    As if it were the last (nostalgebraist 2020).

    Each row is normalised by a scale of its own.

    Args:
        run: A run, which is completed.
        position: Which position.

    Returns:
        Logits, [layer, d_vocab]; layer 0 is the embedding, and there are n_layers + 1.
    """
    residuals = run.complete().residuals
    rows = torch.stack([residuals.row(layer, position) for layer in range(len(residuals))])
    return read_out(itself(run.model), rows)
