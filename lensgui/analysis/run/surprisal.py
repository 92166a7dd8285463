"""How much each token of a prompt surprised the model."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

import torch

from lensgui.analysis.run.predictions import read_out
from lensgui.analysis.run.run import Run

_READ_OUT_WORK = {"cpu": 1.5e9, "mps": 1e11, "cuda": 1e12}  # FLOP that take less than 50 ms


@torch.no_grad()
def surprisals(run: Run) -> Iterator[list[float]]:
    """Yield −log2 P(token | those before it), in bits, some tokens at a time (Shannon 1948).

    Args:
        run: A complete run.

    Yields:
        Surprisals, from position 1 on: nothing predicts position 0.
    """
    cfg, device = run.model.cfg, run.tokens.device.type
    work = 2 * cfg.d_model * cfg.d_vocab_out
    some = max(1, int(_READ_OUT_WORK.get(device, _READ_OUT_WORK["cpu"]) / work))
    following = run.tokens[1:]
    for rows, ids in zip(run.residuals[-1][:-1].split(some), following.split(some), strict=True):
        if not len(ids):
            continue
        logits = read_out(run.model, rows)
        if logits.dtype in (torch.float16, torch.bfloat16):
            logits = logits.float()
        chosen = logits.log_softmax(-1).gather(-1, ids[:, None])[:, 0]
        bits: list[float] = (-chosen / log(2)).tolist()
        yield bits
