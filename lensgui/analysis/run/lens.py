"""The logit lens: what the model would say if it stopped after each layer."""

from __future__ import annotations

import torch
from torch import Tensor

from lensgui.analysis.run.run import Run


@torch.no_grad()
def logit_lens(run: Run, position: int) -> Tensor:
    """Decode the residual stream before each layer, and after the last.

    As if it were the last (nostalgebraist 2020).

    Each row is normalised by a scale of its own.

    Args:
        run: A complete run.
        position: Which position.

    Returns:
        Logits, [layer, d_vocab]; layer 0 is the embedding, and there are n_layers + 1.
    """
    rows = torch.stack([residual[position] for residual in run.residuals])
    logits: Tensor = run.model.unembed.columns(run.model.ln_final(rows))
    return logits
