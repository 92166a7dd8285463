"""Heads scored on random tokens that are said twice, where nothing but the repetition can help.

On a natural prompt with two repeats such scores measure mostly the attention sink; the field scores
heads on sequences like these (Elhage et al. 2021, Olsson et al. 2022; duplicate-token heads are
Wang et al. 2022).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from lensgui.analysis.run.run import Run
from lensgui.terms.scores import REPEATED_SCORES
from lensgui.transformer.layers.parameters import exact
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text.tokens import bos_token

LENGTH = 50  # tokens, each said twice
PROMPTS = 4


@dataclass(frozen=True, slots=True)
class RepeatedScores:
    """How much each head attends to what such a head would, on random repeated tokens.

    Attributes:
        scores: Of `REPEATED_SCORES` each, [score, layer, head], in float64: mean attention to the
            token before; of the second copy's tokens to themselves in the first copy; and of the
            second copy's tokens to what followed them there. Position 0, an attention sink, is
            never among what is looked at.
        queries: How many queries each is a mean over.
        prompts: How many prompts there were.
    """

    scores: Tensor
    queries: tuple[int, ...]
    prompts: int


def repeated_tokens(
    model: HookedTransformer, length: int = LENGTH, prompts: int = PROMPTS, seed: int = 0
) -> Tensor:
    """Draw prompts of random tokens, all different, that are then said again.

    Control tokens are not drawn; the beginning-of-sequence token stands in front if the model was
    trained with one.

    Args:
        model: The model.
        length: How many tokens are repeated; fewer where the model takes or knows fewer.
        prompts: How many prompts.
        seed: Of the draw; each prompt has its own.

    Returns:
        Token ids, [prompt, position].

    Raises:
        ValueError: If the model takes or knows too few tokens to repeat any.
    """
    drawn = ordinary_tokens(model)
    bos = None if model.tokenizer is None else bos_token(model, None)
    front = [] if bos is None else [bos]
    length = min(length, len(drawn), (model.cfg.n_ctx - len(front)) // 2)
    if length < 2:
        raise ValueError(
            f"{model.cfg.model_name} takes or knows too few tokens to repeat any: heads can't be "
            "scored on repeated tokens."
        )
    rows = []
    for at in range(prompts):
        order = torch.randperm(len(drawn), generator=torch.Generator().manual_seed(seed + at))
        once = drawn[order[:length]]
        rows.append(torch.cat([once.new_tensor(front), once, once]))
    return torch.stack(rows).to(model.embed.W_E.device)


def ordinary_tokens(model: HookedTransformer) -> Tensor:
    """Return the ids of all tokens that are no control tokens, [token], in host memory."""
    tokenizer = model.tokenizer
    special = set() if tokenizer is None else {*tokenizer.all_special_ids}
    if tokenizer is not None:
        special |= {*getattr(tokenizer, "added_tokens_decoder", {})}
    return torch.tensor([at for at in range(model.cfg.d_vocab) if at not in special])


@torch.no_grad()
def score_on_repeats(model: HookedTransformer, tokens: Tensor) -> Iterator[RepeatedScores | None]:
    """Score every head on prompts whose second half repeats the first.

    Args:
        model: The model.
        tokens: As `repeated_tokens` returns them, [prompt, position].

    Yields:
        None between pieces, and at last the scores.
    """
    cfg = model.cfg
    length = tokens.shape[1] // 2  # a token in front is left over
    front = tokens.shape[1] - 2 * length
    # How far back each kind of head looks, and the first source that counts.
    looks = (1, 1), (length, 1), (length - 1, front + 1)
    sums = torch.zeros(len(REPEATED_SCORES), cfg.n_layers, cfg.n_heads, dtype=torch.float64)
    for prompt in tokens:
        run = Run(model, prompt)
        for layer in range(cfg.n_layers):
            for _ in run.steps(layer + 1):
                yield None
            pattern = exact(run.patterns(layer, range(cfg.kv_heads)))
            found = [pattern.diagonal(-back, -2, -1)[:, start:] for back, start in looks]
            sums[:, layer] += torch.stack([part.mean(-1) for part in found]).cpu()
            yield None
    queries = tuple(len(tokens) * (tokens.shape[1] - back - start) for back, start in looks)
    yield RepeatedScores(sums / len(tokens), queries, len(tokens))
