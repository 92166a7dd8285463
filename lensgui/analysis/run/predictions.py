"""What a metric reads of the stream after the last layer."""

from __future__ import annotations

import torch
from torch import Tensor

from lensgui.terms.metrics import Metric, read_positions
from lensgui.transformer.model import HookedTransformer


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
    rows = rows[..., 0, :] if metric.reads == 1 else rows
    return read_out(model, rows, metric.columns)


def check_columns(model: HookedTransformer, columns: tuple[int, ...] | None) -> None:
    """Refuse tokens that a model does not have.

    Raises:
        ValueError: If there is no such token.
    """
    size = model.cfg.d_vocab_out
    if not all(0 <= token < size for token in columns or ()):
        raise ValueError(f"The metric reads tokens {columns}; the vocabulary has {size}.")


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
    return metric.against(read_out(model, final[at]).double())


def read_out(
    model: HookedTransformer, residual: Tensor, columns: tuple[int, ...] | None = None
) -> Tensor:
    """Return the logits of a few tokens from the residual stream after the last layer.

    Args:
        model: The model.
        residual: [..., d_model].
        columns: Token ids; None for all.

    Returns:
        [..., token].

    Raises:
        ValueError: If there is no such token.
    """
    if columns is None:
        return model.unembed.columns(model.ln_final(residual))
    check_columns(model, columns)
    ids = torch.tensor(columns, device=residual.device)
    return model.unembed.columns(model.ln_final(residual), ids)
