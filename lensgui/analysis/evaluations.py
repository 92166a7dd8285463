"""Quick looks at how good a model is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lensgui.prompts.ioi import NAMES, ioi_prompts
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text.tokens import encode_continuation


@torch.no_grad()
def ioi_eval(
    model: HookedTransformer,
    dataset: Sequence[dict[str, str]] | None = None,
    batch_size: int = 8,
    num_samples: int = 1000,
    tokenizer: Any = None,
    symmetric: bool = False,
    seed: int = 42,
) -> dict[str, float]:
    """Return how often a model names the indirect object, and by how much (Wang et al. 2022).

    Args:
        model: A `HookedTransformer`.
        dataset: Rows with "text", "IO" and "S"; None to draw prompts from templates.
        batch_size: How many prompts run at once.
        num_samples: How many prompts to draw.
        tokenizer: Not needed; the model's own is used.
        symmetric: Whether each prompt also comes with its names swapped.
        seed: Seed of the draw.

    Returns:
        "Logit Difference", the mean of logit(indirect object) − logit(subject); "Accuracy", the
        share of prompts where it is positive.
    """
    if dataset is None:
        dataset = ioi_prompts(num_samples, symmetric, seed, _names(model))
    differences = []
    for start in range(0, len(dataset), batch_size):
        batch = dataset[start : start + batch_size]
        logits = model([row["text"] for row in batch], padding_side="left")[:, -1]
        for row, of_row in zip(batch, logits, strict=True):
            answer, subject = (model.to_single_token(row[key]) for key in ("IO", "S"))
            differences.append(float(of_row[answer] - of_row[subject]))
    count = max(1, len(differences))
    return {
        "Logit Difference": sum(differences) / count,
        "Accuracy": sum(difference > 0 for difference in differences) / count,
    }


def _names(model: HookedTransformer) -> list[str]:
    """Return the names that are one token for a model."""
    return [name for name in NAMES if len(encode_continuation(model, " " + name)) == 1]


@torch.no_grad()
def induction_loss(
    model: HookedTransformer,
    tokenizer: Any = None,
    batch_size: int = 4,
    subseq_len: int = 384,
    prepend_bos: bool | None = None,
    device: torch.device | str | None = None,
) -> Tensor:
    """Return the loss on the second half of random tokens that come twice (Olsson et al. 2022).

    Args:
        model: A `HookedTransformer`.
        tokenizer: Whose beginning-of-sequence token it is; None for the model's.
        batch_size: How many rows to draw.
        subseq_len: How many tokens a half has.
        prepend_bos: Whether the first token is that one; None for the model's default.
        device: Not needed; the model's own is used.

    Returns:
        Nats.
    """
    ids = (min(100, model.cfg.d_vocab // 2), min(20000, model.cfg.d_vocab))
    tokens = torch.randint(*ids, (batch_size, subseq_len)).repeat(1, 2).to(model.W_E.device)
    if model.cfg.default_prepend_bos if prepend_bos is None else prepend_bos:
        tokens[:, 0] = (tokenizer or model.tokenizer).bos_token_id
    losses: Tensor = model(tokens, return_type="loss", loss_per_token=True)
    return losses[:, subseq_len + 1 :].mean()


@torch.no_grad()
def look_at_prompt(
    prompt: str,
    answer: str | Sequence[str],
    model: HookedTransformer,
    prepend_space_to_answer: bool = True,
    print_details: bool = True,
    prepend_bos: bool | None = None,
    top_k: int = 10,
) -> list[tuple[int, str]]:
    """Print what a model makes of a prompt, and where the answer's tokens rank.

    Args:
        prompt: The prompt.
        answer: What should come next, of one or several tokens; or several such answers.
        model: A `HookedTransformer`.
        prepend_space_to_answer: Whether an answer gets a leading space if it has none.
        print_details: Whether to print.
        prepend_bos: Whether the prompt gets a beginning-of-sequence token.
        top_k: How many likeliest tokens to print at each place.

    Returns:
        (rank, token) of each of the first answer's tokens, given those before; 0 is likeliest.
    """
    answers = [answer] if isinstance(answer, str) else list(answer)
    spaced = prepend_space_to_answer
    answers = [" " + a if spaced and not a.startswith(" ") else a for a in answers]
    results = [_ranks(prompt, a, model, prepend_bos, top_k, print_details) for a in answers]
    return results[0]


def _ranks(
    prompt: str, answer: str, model: HookedTransformer, bos: bool | None, top_k: int, details: bool
) -> list[tuple[int, str]]:
    given = model.to_tokens(prompt, prepend_bos=bos)
    needed = given.new_tensor([encode_continuation(model, answer)])
    logits = model(torch.cat([given, needed], 1))[0, given.shape[1] - 1 : -1]
    ranks = []
    for place, (row, token) in enumerate(zip(logits, needed[0].tolist(), strict=True)):
        rank = int((row > row[token]).sum())
        ranks.append((rank, model.to_single_str_token(token)))
        if details:
            probability = float(row.softmax(-1)[token])
            print(f"Token {place} {ranks[-1][1]!r}: rank {rank}, probability {probability:.2%}")
            for other in row.topk(top_k).indices.tolist():
                share = float(row.softmax(-1)[other])
                print(f"    {share:7.2%}  {model.to_single_str_token(other)!r}")
    return ranks
