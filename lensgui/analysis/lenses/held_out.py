"""A short text that no lens was fitted on, on which every lens is measured."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from lensgui.analysis.lenses.cells import lens_rows
from lensgui.analysis.lenses.lens import Lens
from lensgui.analysis.lenses.reading import mean_worth, read_lens
from lensgui.analysis.run.run import Run
from lensgui.terms.resources import resource
from lensgui.transformer.model import HookedTransformer

LENGTH = 48  # tokens of a passage


def held_out_prompts(model: HookedTransformer) -> list[Tensor]:
    """Return the passages of a text of this project's own, in tokens of a model.

    It is short and varied: a story, a fact, speech, code, history, a recipe.

    Args:
        model: The model.

    Returns:
        Token ids, each [position], the beginning-of-sequence token in front where the model was
        trained with one; of at most 48 tokens.
    """
    text = resource("text", "held_out.txt").read_text(encoding="utf-8")
    longest = min(LENGTH, model.cfg.n_ctx)
    tokens = [model.to_tokens(passage)[0] for passage in text.strip().split("\n\n")]
    return [passage[:longest] for passage in tokens]


def held_out_worth(model: HookedTransformer, lens: Lens) -> Iterator[Tensor | None]:
    """Measure how far a lens is from the model on a text that it was not fitted on.

    Args:
        model: The model.
        lens: The lens.

    Yields:
        KL(model ‖ lens) in nats by row, the mean over the positions of the passages so far,
        [n_layers + 1], NaN where the lens can't read; None where only time has passed.
    """
    sums, count = torch.zeros(len(lens_rows(model)), dtype=torch.float64), 0
    for tokens in held_out_prompts(model):
        run = Run(model, tokens)
        for _ in run.steps():
            yield None
        for cells in read_lens(run, lens, k=1):
            sums.index_add_(0, cells.rows, cells.divergence.double())
            yield None
        count += len(tokens)
        yield mean_worth(model, lens, sums, count)
